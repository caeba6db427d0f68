/* The External Metrics API of Kubernetes (external.metrics.k8s.io/v1beta1, types.go): discovery,
 * and one metric whose value is how many replicas a model should have. */
#include "server/routes/handlers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP_VERSION "external.metrics.k8s.io/v1beta1"
#define METRIC        "assay_desired_replicas"

HANDLER(handle_metric_discovery) {
    (void)service, (void)arena, (void)request, (void)err;
    cJSON *root = json_object();
    json_add_text(root, "kind", "APIResourceList");
    json_add_text(root, "apiVersion", "v1");
    json_add_text(root, "groupVersion", GROUP_VERSION);
    cJSON *resource = json_add_object(json_add_array(root, "resources"), NULL);
    json_add_text(resource, "name", METRIC);
    json_add_text(resource, "singularName", "");
    json_add_bool(resource, "namespaced", true);
    json_add_text(resource, "kind", "ExternalMetricValueList");
    json_add_text(json_add_array(resource, "verbs"), NULL, "get");
    return answer_json(answer, root);
}

/* "model=resnet50" or "model==resnet50", NULL for all: what matchLabels of an autoscaler becomes.
 */
static int read_selector(struct arena *arena, const char *selector, const char **model,
                         struct err *err) {
    static const char key[] = "model=";
    *model = NULL;
    if (!selector || !selector[0])
        return 0;
    if (strncmp(selector, key, strlen(key)) == 0 && !strpbrk(selector, ",()! ")) {
        const char *value = selector + strlen(key);
        *model = arena_strdup(arena, value[0] == '=' ? value + 1 : value);
        return 0;
    }
    err_set(err, ERR_USAGE, "labelSelector \"%.100s\": expected model=NAME", selector);
    return err_hint(err, "matchLabels with the one label \"model\"");
}

static void add_item(cJSON *items, struct serving *service, const char *model,
                     const struct scaler_answer *given) {
    char timestamp[MOMENT_TEXT_SIZE], value[32];
    moment_text(service_now(service).wall_s - given->age_seconds, timestamp);
    snprintf(value, sizeof value, "%.0f", given->replicas);
    cJSON *item = json_add_object(items, NULL);
    json_add_text(item, "metricName", METRIC);
    json_add_text(json_add_object(item, "metricLabels"), "model", model);
    json_add_text(item, "timestamp", timestamp);
    json_add_text(item, "value", value);
}

/* Of all models those that have an answer; of one that was named the error when it has none. */
static int add_items(cJSON *items, struct serving *service, struct arena *arena, const char *model,
                     int *status, struct err *err) {
    struct scaler scaler = service_scaler(service);
    const char *const *names = &model;
    uint32_t count = 1;
    if (!model && scaler.models(service, arena, &names, &count, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < count; i++) {
        const struct scaler_question question = {names[i], NAN, NAN, NULL};
        struct service_answer given;
        struct err why = {0};
        if (service_answer(service, arena, &question, &given, status, &why) == 0) {
            add_item(items, service, names[i], &given.scaler);
        } else if (model) {
            *err = why;
            return -(int)why.code;
        }
    }
    return 0;
}

HANDLER(handle_metric) {
    const char *model;
    int status = 0;
    if (read_selector(arena, request_query(request, "labelSelector"), &model, err))
        return -(int)err->code;
    cJSON *root = json_object();
    json_add_text(root, "kind", "ExternalMetricValueList");
    json_add_text(root, "apiVersion", GROUP_VERSION);
    json_add_object(root, "metadata");
    if (add_items(json_add_array(root, "items"), service, arena, model, &status, err)) {
        cJSON_Delete(root);
        answer->status = status ? status : answer->status;
        return -(int)err->code;
    }
    return answer_json(answer, root);
}
