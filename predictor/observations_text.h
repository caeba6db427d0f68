/* What a fit learns from, as text that needs no database: a line per run and per operator, numbers
 * that read back the same. docs/observations.md describes it. */
#ifndef ASSAY_PREDICTOR_OBSERVATIONS_TEXT_H
#define ASSAY_PREDICTOR_OBSERVATIONS_TEXT_H

#include "base/err.h"
#include "base/strbuf.h"
#include "core/observation.h"

void observations_write(const struct training *training, struct strbuf *out);

/* `what` names the text in messages. Everything lives in the arena. ERR_INPUT with the line when it
 * is none of ours, is cut off, or has other columns or terms than this program. */
int observations_read(struct arena *arena, const char *text, size_t length, const char *what,
                      struct training *out, struct err *err);

#endif
