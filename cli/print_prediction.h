/* Predictions and measurements on a terminal or as JSON: one way for all commands. */
#ifndef ASSAY_CLI_PRINT_PREDICTION_H
#define ASSAY_CLI_PRINT_PREDICTION_H

#include "cli/context.h"
#include "core/prediction.h"

/* At most `limit` operators in text (0: all); JSON always has them all. */
int print_prediction(struct context *context, const struct prediction *prediction, uint32_t limit,
                     struct err *err);

#endif
