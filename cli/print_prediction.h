/* Predictions and measurements on a terminal or as JSON: one way for all commands. */
#ifndef ASSAY_CLI_PRINT_PREDICTION_H
#define ASSAY_CLI_PRINT_PREDICTION_H

#include "cli/context.h"
#include "core/prediction.h"

/* At most `limit` operators in text (0: all); JSON always has them all. */
int print_prediction(struct context *context, const struct prediction *prediction, uint32_t limit,
                     struct err *err);

/* Several of one model, each with a name; in JSON an object of them by name. */
struct named_prediction {
    const char *name;
    const struct prediction *prediction;
};
int print_predictions_json(struct context *context, const struct named_prediction *predictions,
                           uint32_t count, struct err *err);

/* Who owns the peak, what held it, how well it was foretold: as far as it is known. */
void print_memory_notes(struct context *context, const struct prediction *prediction);

#endif
