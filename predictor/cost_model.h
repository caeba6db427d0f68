/* What an operator costs: per kernel class a sum of non-negative rates times physical terms
 * (core/features.h), learned by non-negative least squares on the relative error.
 *
 * A class with enough observations has rates of its own, and what they leave unexplained is learnt
 * as a smooth function of the same terms (predictor/residual.h). One with few takes the rates of
 * its family, scaled by the median ratio it was seen at. One never seen borrows the family as it is
 * and says "transferred". A family never seen is answered by the roofline and says so.
 */
#ifndef ASSAY_PREDICTOR_COST_MODEL_H
#define ASSAY_PREDICTOR_COST_MODEL_H

#include "base/arena.h"
#include "core/estimate.h"
#include "core/observation.h"
#include "core/prediction.h"
#include "predictor/residual.h"

#include <stdbool.h>
#include <stdint.h>

enum class_basis { BASIS_OWN, BASIS_SCALED_FAMILY, BASIS_COUNT };

struct class_fit {
    const char *key; /* kernel class, or the family's name for a pooled fit */
    enum kernel_family family;
    enum class_basis basis;
    double rates[FEATURE_TERMS_MAX]; /* ns per unit of the term, all >= 0 */
    struct residual
        residual; /* of log(measured / rates x terms), over the terms' logarithms, without calls */
    double residual_share; /* of it that is believed, 0 to 1 */
    double slowdown;       /* its time grows with this power of the machine's slowness */
    uint32_t observations, models;
    double log_spread; /* standard deviation of log(measured / fitted) on models left out */
    double log_bias;   /* its mean: systematic error on models left out, for the record */
    double flops_high, bytes_high; /* largest seen: beyond is extrapolation */
};

/* Best rates seen in any observation: a roofline of what this runtime reaches here. */
struct roofline {
    double flops_per_ns, bytes_per_ns;
    double call_ns; /* what the cheapest operators cost */
};

struct cost_model {
    bool roofline_only; /* classes and families say how much, not how long; see estimator.h */
    struct class_fit *classes; /* sorted by key */
    uint32_t class_count;
    struct class_fit families[FAMILY_COUNT]; /* observations == 0: never seen */
    struct roofline roofline;
    double forget_ns; /* how long the shared cache remembers; see features_forget() */
    /* Per observation of the training, what this model says of it when its own model is left out; 0
     * for those not learnt from. Not stored: NULL in a fit that was read. */
    double *held_out_ns;
    /* The observations with their times at the machine's usual speed; as above. */
    const struct observation *usual;
};

struct estimator;

/* Which observations count: runs whose index has skip[run] true are left out. skip may be NULL, and
 * `estimator` too: the default. */
int cost_model_fit(struct arena *arena, const struct training *training, const bool *skip,
                   const struct estimator *estimator, struct cost_model *out, struct err *err);

/* The time of one operator in ns with its 90 % interval. Never fails: the tier tells. */
struct estimate cost_model_estimate(const struct cost_model *model,
                                    const struct features *features);

/* The same without the residual, which takes most of the time: for operators whose data's age is
 * not known yet. */
struct estimate cost_model_first_estimate(const struct cost_model *model,
                                          const struct features *features);

/* What the rates alone say: no residual. */
double cost_model_rates_ns(const struct cost_model *model, const struct features *features);

/* How much of the time hangs on whether the shared cache has kept the operator's data: nothing when
 * it was used just now, or so long ago that it is gone for sure. */
double cost_model_age_doubt_ns(const struct cost_model *model, const struct features *features);

/* log standard deviation behind the estimate's interval. */
double cost_model_log_spread(const struct cost_model *model, const struct features *features);

/* The power of the machine's slowness that the operator's time grows with. */
double cost_model_slowdown(const struct cost_model *model, const struct features *features);

enum bound cost_model_bound(const struct cost_model *model, const struct features *features);

const struct class_fit *cost_model_class(const struct cost_model *model, const char *key);

#endif
