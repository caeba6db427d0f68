#include "server/grpc/scaled_object.h"

#include "base/units.h"
#include "core/plan.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 256 };

static const struct key {
    const char *name;
    size_t offset;
    bool is_number;
    bool may_be_zero;
} keys[] = {
    {.name = "model",                       .offset = offsetof(struct grpc_asked, question.model)},
    {                    .name = "routing", .offset = offsetof(struct grpc_asked,                    question.routing)               },
    { .name = "metricName",                         .offset = offsetof(struct grpc_asked,                                                             metric_name)  },
    {                                                                              .name = "rate",
     .offset = offsetof(struct grpc_asked,                                                         question.rate_per_second),
     .is_number = true,
     .may_be_zero = true},
    {                                                                          .name = "sloP99Ms",
     .offset = offsetof(struct grpc_asked,                                                           question.slo_p99_ms),
     .is_number = true},
};

static const struct key *key_by_name(const char *name) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static int read_number(const struct key *key, const char *text, double *value,
                       struct grpc_status *status) {
    struct err err = {0};
    if (unit_parse_number(text, value, &err))
        return grpc_fail(status, GRPC_INVALID_ARGUMENT, "scalerMetadata %s: %s", key->name,
                         err.message);
    if (*value < 0 || (*value == 0 && !key->may_be_zero))
        return grpc_fail(status, GRPC_INVALID_ARGUMENT, "scalerMetadata %s: '%s' is not %s",
                         key->name, text, key->may_be_zero ? "0 or more" : "above 0");
    return 0;
}

static int read_value(const struct key *key, char *text, struct grpc_asked *asked,
                      struct grpc_status *status) {
    void *field = (char *)asked + key->offset;
    if (strlen(text) > VALUE_BYTES_MAX)
        return grpc_fail(status, GRPC_INVALID_ARGUMENT, "scalerMetadata %s: longer than %d bytes",
                         key->name, VALUE_BYTES_MAX);
    if (key->is_number)
        return read_number(key, text, field, status);
    *(const char **)field = text;
    return 0;
}

static int check(const struct grpc_asked *asked, struct grpc_status *status) {
    const struct scaler_question *question = &asked->question;
    if (!question->model || !question->model[0])
        return grpc_fail(status, GRPC_INVALID_ARGUMENT,
                         "scalerMetadata model is missing: the name of a model that is served");
    if (!asked->metric_name[0])
        return grpc_fail(status, GRPC_INVALID_ARGUMENT, "scalerMetadata metricName is empty");
    if (question->routing && routing_by_name(question->routing) == ROUTING_COUNT)
        return grpc_fail(status, GRPC_INVALID_ARGUMENT,
                         "scalerMetadata routing: '%s' is none that is known, such as %s",
                         question->routing, routing_info(0)->name);
    return 0;
}

int grpc_asked_read(const Externalscaler__ScaledObjectRef *reference, struct grpc_asked *asked,
                    struct grpc_status *status) {
    *asked = (struct grpc_asked){
        .question = {.rate_per_second = NAN, .slo_p99_ms = NAN},
        .metric_name = "assay_desired_replicas",
    };
    for (size_t i = 0; reference && i < reference->n_scalermetadata; i++) {
        const struct key *key = key_by_name(reference->scalermetadata[i]->key);
        if (key && read_value(key, reference->scalermetadata[i]->value, asked, status))
            return -1;
    }
    return check(asked, status);
}
