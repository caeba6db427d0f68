/* How a prediction is made: options shared by predict and plan. */
#ifndef ASSAY_CLI_PREDICT_OPTIONS_H
#define ASSAY_CLI_PREDICT_OPTIONS_H

#include "cli/model_options.h"
#include "jobs/predict.h"

struct predict_options_given {
    bool leave_out_self, refuse_roofline;
    int lowering;
    double confidence; /* per cent */
};

/* The words that --lowering may be, in the order of enum lowering_source. */
const char *lowering_choice(size_t index, const char **help);

/* clang-format off */
#define PREDICT_OPTIONS(owner, field)                                                              \
    {.name = "leave-out-self", .type = OPTION_FLAG,                                                \
     .offset = offsetof(owner, field.leave_out_self),                                              \
     .help = "learn from every model but this one"},                                               \
    {.name = "refuse-roofline", .type = OPTION_FLAG,                                               \
     .offset = offsetof(owner, field.refuse_roofline),                                             \
     .help = "refuse operators that no observation supports"},                                     \
    {.name = "lowering", .type = OPTION_CHOICE, .metavar = "HOW", .fallback = "any",               \
     .choice = lowering_choice, .offset = offsetof(owner, field.lowering),                         \
     .help = "where the operators that run come from"},                                            \
    {.name = "confidence", .type = OPTION_NUMBER, .metavar = "PERCENT", .fallback = "99",          \
     .min = 50, .max = 99.9, .offset = offsetof(owner, field.confidence),                          \
     .help = "of the upper bound of peak memory"}
/* clang-format on */

int predict_options_request(struct arena *arena, const struct model_options *model,
                            const struct predict_options_given *given,
                            struct predict_request *request, struct err *err);

#endif
