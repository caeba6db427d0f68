/* How far below zero the masks of windows go that a model stores: read out of its file, since
 * graphs keep no weights, and noted in the lowered graph, since whether a barred pair's weight is a
 * denormal number or 0 decides how long its product takes (core/mask.h).
 */
#ifndef ASSAY_MODELS_MASK_LEAST_H
#define ASSAY_MODELS_MASK_LEAST_H

#include "core/graph.h"

/* Sets MASK_LEAST of the additions in `lowered` whose mask is an initializer or constant of
 * `written` by the same name, as that was read from the file `path`. What is not 32-bit raw data
 * inside that file, or not there any more, is passed over: it is a refinement, nothing fails. */
void mask_least_note(struct graph *lowered, const struct graph *written, const char *path);

#endif
