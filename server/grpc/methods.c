#include "server/grpc/health.pb-c.h"
#include "server/grpc/method.h"
#include "server/grpc/scaled_object.h"

#include <math.h>
#include <string.h>

/* ---- messages -------------------------------------------------------------------------------- */

static void *allocate(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void keep(void *arena, void *pointer) {
    (void)arena, (void)pointer; /* the arena frees all at once */
}

/* NULL with INTERNAL, which is gRPC's code for bytes that are no such message. */
static void *decode(const struct grpc_request *request, const ProtobufCMessageDescriptor *type,
                    struct grpc_status *status) {
    ProtobufCAllocator allocator = {allocate, keep, request->arena};
    void *message = protobuf_c_message_unpack(type, &allocator, request->length, request->bytes);
    if (!message)
        grpc_fail(status, GRPC_INTERNAL, "the request is not a %s", type->name);
    return message;
}

static int encode(const struct grpc_request *request, const ProtobufCMessage *message,
                  struct strbuf *answer) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(request->arena, size);
    strbuf_add(answer, (const char *)bytes, protobuf_c_message_pack(message, bytes));
    return 0;
}

/* ---- externalscaler.ExternalScaler ----------------------------------------------------------- */

static int decode_asked(const struct grpc_request *request, struct grpc_asked *asked,
                        struct grpc_status *status) {
    const Externalscaler__ScaledObjectRef *reference =
        decode(request, &externalscaler__scaled_object_ref__descriptor, status);
    return reference ? grpc_asked_read(reference, asked, status) : -1;
}

static int ask(const struct grpc_request *request, const struct grpc_asked *asked,
               struct scaler_answer *answer, struct err *err) {
    const struct scaler *scaler = request->scaler;
    return scaler->desired(scaler->service, request->arena, &asked->question, answer, err);
}

/* A workload must not be scaled to zero because something is broken: only a model that is not
 * there is an error, everything else that goes wrong leaves it active. */
static int is_active(const struct grpc_request *request, struct strbuf *answer,
                     struct grpc_status *status) {
    Externalscaler__IsActiveResponse response = EXTERNALSCALER__IS_ACTIVE_RESPONSE__INIT;
    struct scaler_answer desired = {.active = true};
    struct grpc_asked asked;
    struct err err = {0};
    if (decode_asked(request, &asked, status))
        return -1;
    int code = ask(request, &asked, &desired, &err);
    if (code == -ERR_INPUT || code == -ERR_USAGE)
        return grpc_fail_err(status, &err);
    response.result = code ? true : desired.active;
    return encode(request, &response.base, answer);
}

/* Rests on the question alone: while GetMetricSpec fails, KEDA makes no autoscaler and its fallback
 * never comes into force, so a model that is missing is said by GetMetrics. */
static int get_metric_spec(const struct grpc_request *request, struct strbuf *answer,
                           struct grpc_status *status) {
    Externalscaler__GetMetricSpecResponse response = EXTERNALSCALER__GET_METRIC_SPEC_RESPONSE__INIT;
    Externalscaler__MetricSpec spec, *specs[] = {&spec};
    struct grpc_asked asked;
    if (decode_asked(request, &asked, status))
        return -1;
    externalscaler__metric_spec__init(&spec);
    spec.metricname = arena_strdup(request->arena, asked.metric_name);
    spec.targetsize = 1;
    spec.targetsizefloat = 1;
    response.metricspecs = specs;
    response.n_metricspecs = 1;
    return encode(request, &response.base, answer);
}

static int64_t whole(double replicas) {
    return replicas < (double)INT32_MAX ? (int64_t)ceil(replicas) : INT32_MAX;
}

static int get_metrics(const struct grpc_request *request, struct strbuf *answer,
                       struct grpc_status *status) {
    Externalscaler__GetMetricsResponse response = EXTERNALSCALER__GET_METRICS_RESPONSE__INIT;
    Externalscaler__MetricValue value, *values[] = {&value};
    const Externalscaler__GetMetricsRequest *asks =
        decode(request, &externalscaler__get_metrics_request__descriptor, status);
    struct scaler_answer desired = {0};
    struct grpc_asked asked;
    struct err err = {0};
    if (!asks || grpc_asked_read(asks->scaledobjectref, &asked, status))
        return -1;
    if (ask(request, &asked, &desired, &err))
        return grpc_fail_err(status, &err);
    if (!isfinite(desired.replicas) || desired.replicas < 0)
        return grpc_fail(status, GRPC_INTERNAL, "%g is no number of replicas", desired.replicas);
    externalscaler__metric_value__init(&value);
    value.metricname =
        asks->metricname[0] ? asks->metricname : arena_strdup(request->arena, asked.metric_name);
    value.metricvalue = whole(desired.replicas);
    value.metricvaluefloat = desired.replicas;
    response.metricvalues = values;
    response.n_metricvalues = 1;
    return encode(request, &response.base, answer);
}

/* ---- grpc.health.v1.Health ------------------------------------------------------------------- */

static int check_health(const struct grpc_request *request, struct strbuf *answer,
                        struct grpc_status *status) {
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    const Grpc__Health__V1__HealthCheckRequest *asks =
        decode(request, &grpc__health__v1__health_check_request__descriptor, status);
    if (!asks)
        return -1;
    if (asks->service[0] && strcmp(asks->service, "externalscaler.ExternalScaler") != 0)
        return grpc_fail(status, GRPC_NOT_FOUND, "there is no service %s", asks->service);
    response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    return encode(request, &response.base, answer);
}

/* ---- rows ------------------------------------------------------------------------------------ */

const struct grpc_method grpc_methods[] = {
    {.path = "/externalscaler.ExternalScaler/IsActive",         .answer = is_active},
    {.path = "/externalscaler.ExternalScaler/StreamIsActive",                                                         .answer = is_active, .streams = true},
    {.path = "/externalscaler.ExternalScaler/GetMetricSpec",.answer = get_metric_spec},
    {.path = "/externalscaler.ExternalScaler/StreamMetricSpec",
     .answer = get_metric_spec,
     .streams = true},
    {.path = "/externalscaler.ExternalScaler/GetMetrics",                                                   .answer = get_metrics},
    {.path = "/grpc.health.v1.Health/Check", .answer = check_health, .open = true},
    {.path = NULL                                          },
};

const struct grpc_method *grpc_method_find(const char *path) {
    const struct grpc_method *row = grpc_methods;
    while (row->path && strcmp(row->path, path) != 0)
        row++;
    return row->path ? row : NULL;
}
