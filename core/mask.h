/* Masks of attention: what is added to scores, a large negative number where one token must not
 * look at another. How large matters: exp(-100), which the windows of a Swin are barred by, is a
 * denormal number, and processors multiply these many times slower; exp(-10000) is 0.
 */
#ifndef ASSAY_CORE_MASK_H
#define ASSAY_CORE_MASK_H

#include "core/graph.h"

#include <stdbool.h>

/* Float attribute of the addition in a lowered graph: the least element of its mask, where that was
 * looked up (models/mask_least.h). Weights themselves are not kept. */
#define MASK_LEAST "assay.least"

struct mask {
    const struct op *addition;   /* NULL: the Softmax has no mask */
    const struct tensor *tensor; /* a row per query, shared by all heads */
    double windows;              /* it has one of these for each window of a picture, else 1 */
};

/* Of the scores that this Softmax takes. */
struct mask mask_on(const struct graph *graph, const struct op *softmax);

/* Whether it bars pairs between the windows of a picture by so little that their weights are
 * denormal numbers; so it is taken when its least element was not looked up. Other masks bar by
 * more.
 */
bool mask_leaves_denormals(const struct mask *mask);

/* When x is a Softmax over windows of tokens that were shifted, how many windows' worth of pairs of
 * tokens keep such a weight; 0 otherwise. */
double barred_windows(const struct graph *graph, const struct tensor *x);

#endif
