/* A fit as JSON that people can read: every class with its terms by name, their rates, and the
 * residuals. Numbers are written as the shortest decimals that read back the same. */
#ifndef ASSAY_PREDICTOR_FIT_TEXT_H
#define ASSAY_PREDICTOR_FIT_TEXT_H

#include "base/strbuf.h"
#include "predictor/fit.h"

void fit_write(const struct fit *fit, struct strbuf *out);
/* Everything lives in the arena. ERR_INPUT when it is none of ours or of another version. */
int fit_read(struct arena *arena, const char *text, struct fit *out, struct err *err);

#endif
