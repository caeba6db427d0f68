/* How one replica serves: options shared by the commands that plan or simulate. */
#ifndef ASSAY_CLI_SERVICE_OPTIONS_H
#define ASSAY_CLI_SERVICE_OPTIONS_H

#include "cli/model_options.h"
#include "cli/predict_options.h"
#include "jobs/service.h"

struct service_options {
    uint64_t service_ns, per_item_ns, cold_start_ns, delay_ns;
    int shape; /* row of simulate_shape_at() */
    double scv;
};

const char *shape_choice(size_t index, const char **help);

/* clang-format off */
#define SERVICE_OPTIONS(owner, field)                                                              \
    {.name = "service", .type = OPTION_DURATION, .metavar = "TIME",                                \
     .offset = offsetof(owner, field.service_ns),                                                  \
     .help = "a known service time, instead of a model"},                                          \
    {.name = "per-item", .type = OPTION_DURATION, .metavar = "TIME",                               \
     .offset = offsetof(owner, field.per_item_ns),                                                 \
     .help = "what each further request of a batch adds to --service; default as much again"},    \
    {.name = "max-delay", .type = OPTION_DURATION, .metavar = "TIME",                              \
     .offset = offsetof(owner, field.delay_ns),                                                    \
     .help = "how long an idle replica waits for a full batch; default not at all"},              \
    {.name = "distribution", .type = OPTION_CHOICE, .metavar = "NAME",                             \
     .fallback = "deterministic", .choice = shape_choice, .offset = offsetof(owner, field.shape),  \
     .help = "of the service time from one request to the next"},                                  \
    {.name = "scv", .type = OPTION_NUMBER, .metavar = "X", .fallback = "-1", .min = -1,            \
     .max = 100, .offset = offsetof(owner, field.scv),                                             \
     .help = "its variance over its mean squared; default 0 or 1, as the distribution has it"},    \
    {.name = "cold-start", .type = OPTION_DURATION, .metavar = "TIME",                             \
     .offset = offsetof(owner, field.cold_start_ns),                                               \
     .help = "until a new replica takes requests; default as predicted"}
/* clang-format on */

/* ERR_USAGE when neither or both of a model and a service time are given. */
int service_options_request(struct arena *arena, const struct service_options *options,
                            const struct model_options *model,
                            const struct predict_options_given *predict,
                            struct service_request *request, struct err *err);
/* The squared coefficient of variation, NaN: the distribution's own. */
double service_options_scv(const struct service_options *options);

#endif
