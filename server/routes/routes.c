#include "server/routes/routes.h"

#include "server/routes/handlers.h"

#define UPLOAD_BYTES_MAX      ((size_t)64 << 20)
#define OBSERVATION_BYTES_MAX 4096

#define EXTERNAL_METRICS "/apis/external.metrics.k8s.io/v1beta1"

static const struct route_parameter replicas_parameters[] = {
    {"rate", PARAMETER_NUMBER, false, 0, 1e9,
     "requests per second; without it what was observed last"},
    {"slo_p99_ms", PARAMETER_NUMBER, false, 1e-6, 1e9,
     "99 % of the responses within so many ms; without it the server's target"},
    {"routing",   PARAMETER_TEXT, false, 0, 0,
     "how requests find a replica: random (as kube-proxy does), round-robin, least-loaded, "
     "power-of-two, central"},
    {0     },
};

static const struct route_parameter predict_parameters[] = {
    {"name",             PARAMETER_TEXT, false, 0, 0, "what the model is called; default model"},
    {"batch",             PARAMETER_INTEGER, false, 1, 1 << 20, "leading dimension of the inputs"},
    {"threads",                 PARAMETER_INTEGER, false, 1, 1024, "intra-op threads; default 1"},
    {"lowering",                  PARAMETER_TEXT, false, 0, 0, "rules: our own fusion rules, the one choice"},
    {0},
};

static const struct route_parameter metric_parameters[] = {
    {"labelSelector", PARAMETER_TEXT, false, 0, 0, "model=NAME; without it every model"},
    {0         },
};

const struct route routes[] = {
    {.method = "GET",
     .pattern = "/v1/models",
     .name = "models",
     .summary = "the models that can be asked for",
     .handle = handle_models},
    {.method = "GET",
     .pattern = "/v1/models/{model}/replicas",
     .name = "replicas",
     .summary = "how many replicas meet a response target at a request rate",
     .parameters = replicas_parameters,
     .handle = handle_replicas},
    {.method = "GET",
     .pattern = "/v1/models/{model}/prediction",
     .name = "prediction",
     .summary = "the stored prediction, as `assay predict --json` printed it",
     .handle = handle_prediction},
    {.method = "GET",
     .pattern = "/v1/models/{model}/recommendation",
     .name = "recommendation",
     .summary = "CPU and memory of one replica, in the shape of a VerticalPodAutoscaler",
     .handle = handle_recommendation},
    {.method = "POST",
     .pattern = "/v1/models/{model}/observations",
     .name = "observations",
     .summary = "push a request rate: {\"rate\":12.5} or {\"requests\":188,\"seconds\":15}",
     .body_max = OBSERVATION_BYTES_MAX,
     .body_type = "application/json",
     .writes = true,
     .handle = handle_observations},
    {.method = "POST",
     .pattern = "/v1/predict",
     .name = "predict",
     .summary = "predict an ONNX file or a described graph",
     .parameters = predict_parameters,
     .body_max = UPLOAD_BYTES_MAX,
     .body_type = "application/octet-stream",
     .slow = true,
     .handle = handle_predict},
    {.method = "GET",
     .pattern = EXTERNAL_METRICS,
     .name = "external_metrics",
     .summary = "discovery of the External Metrics API",
     .handle = handle_metric_discovery},
    {.method = "GET",
     .pattern = EXTERNAL_METRICS "/namespaces/{namespace}/assay_desired_replicas",
     .name = "external_metric",
     .summary = "replicas for the observed load, as an ExternalMetricValueList",
     .parameters = metric_parameters,
     .handle = handle_metric},
    {.method = "GET",
     .pattern = "/metrics",
     .name = "metrics",
     .summary = "Prometheus or OpenMetrics text",
     .handle = handle_metrics},
    {.method = "GET",
     .pattern = "/healthz",
     .name = "healthz",
     .summary = "the process answers",
     .open = true,
     .handle = handle_health},
    {.method = "GET",
     .pattern = "/readyz",
     .name = "readyz",
     .summary = "there is something to answer from",
     .open = true,
     .handle = handle_ready},
    {.method = "GET",
     .pattern = "/openapi.json",
     .name = "openapi",
     .summary = "this description",
     .handle = handle_openapi},
    {0                                                                                  },
};
