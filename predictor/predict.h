/* The answer for a model: from its lowered graph and a fit, nothing is run. */
#ifndef ASSAY_PREDICTOR_PREDICT_H
#define ASSAY_PREDICTOR_PREDICT_H

#include "core/flat.h"
#include "core/footprint.h"
#include "core/prediction.h"
#include "predictor/cold_start.h"
#include "predictor/fit.h"

struct predict_options {
    struct feature_target target;
    double memory_confidence; /* of the upper bound: 0.99 */
    double slowness;          /* of the machine; 1 is usual, 0 too */
    bool speed_seen;     /* by a network, just now: intervals hold what it changes within seconds */
    bool allow_roofline; /* else what no observation supports is refused */
    struct cold_start_options cold_start;
    struct folding folded; /* of the graph as written */
    bool memory_timeline;  /* fill it */
};

/* At the machine's usual speed, or at that of options->slowness, which every kernel class follows
 * with a power of its own. Fills operators, refused and the totals of `out`; identity (how many
 * operators the file has is a term of the load time) and conditions are the caller's. An If counts
 * its costlier branch, a Loop its body as often as its trip count says (once, and a warning, when
 * that is not known). A refusal is an answer, not an error: out->refused lists it and the totals
 * are refused. */
void predict_model(struct arena *arena, const struct fit *fit, const struct graph *lowered,
                   const struct flat_graph *flat, uint64_t file_bytes,
                   const struct predict_options *options, struct prediction *out);

/* What the operators were predicted from, by flat index, their data as old as it gets in this
 * graph; nothing but zeros where the kernel class cannot be told. */
const struct features *predict_features(struct arena *arena, const struct fit *fit,
                                        const struct graph *lowered, const struct flat_graph *flat,
                                        const struct predict_options *options);

/* With its domain, as reports name it: "com.microsoft.nchwc.Conv". */
const char *op_full_type(struct arena *arena, const struct op *op);

#endif
