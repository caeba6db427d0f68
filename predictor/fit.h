/* Everything learned from the observations of one machine, runtime and thread count: the cost of
 * operators, of models as a whole, and how far the answers have been off on models left out. */
#ifndef ASSAY_PREDICTOR_FIT_H
#define ASSAY_PREDICTOR_FIT_H

#include "predictor/cost_model.h"
#include "predictor/quantity.h"
#include "predictor/run_spread.h"

#include <stdint.h>

struct fit {
    struct cost_model cost;
    struct quantity_fit quantities[QUANTITY_COUNT];
    double sum_ratio;         /* a run's steady time over the sum of its measured operators */
    struct run_spread spread; /* of a run at the machine's usual speed */
    /* Of runs, for the machine's speed alone: at the usual speed, and when it was looked at just
     * before. */
    double speed_log_spread, speed_change_log_spread;
    struct yardsticks usual; /* speed of the machine that times hold for */
    /* Wall and CPU time of a run over its steady time, which is the one that others disturb least:
     * CPU time at one thread, wall time at more. At one thread wall_ratio is the quiet machine's:
     * the lower quartile. */
    double wall_ratio, cpu_ratio;
    uint32_t runs, observations;
    char data_hash[65];   /* of the observations, so that a fit can be made again bit for bit */
    const char *evidence; /* "fit:3", or "" before it is stored */
};

/* `skip` (may be NULL) marks runs to be left out by index. The same training gives the same bits.
 */
int fit_train(struct arena *arena, const struct training *training, const bool *skip,
              struct fit *out, struct err *err);
/* By another estimator than the default. */
int fit_train_by(struct arena *arena, const struct training *training, const bool *skip,
                 const struct estimator *estimator, struct fit *out, struct err *err);

/* A sum of operator estimates with the spreads kept apart by family: errors inside a family go
 * together, those of different families do not. */
struct latency_sum {
    double value_ns;
    double spread_ns[FAMILY_COUNT];
    double doubtful_ns; /* how far the shared cache may have kept data longer or shorter */
    enum tier tier;
};

void latency_sum_add(struct latency_sum *sum, const struct estimate *estimate,
                     enum kernel_family family, double log_spread, double times);
/* The same with what is doubtful of its data's age. */
void latency_sum_add_aged(struct latency_sum *sum, const struct fit *fit,
                          const struct features *features, const struct estimate *estimate,
                          double times);
/* The run's latency from the sum of its operators; `speed_log_spread` is one of the fit's two. */
struct estimate latency_of_sum(const struct fit *fit, const struct latency_sum *sum,
                               double speed_log_spread);

/* The CPU time, from the latency. */
struct estimate cpu_time_of_latency(const struct fit *fit, const struct estimate *latency_ns);

/* How old the weights of operators are when they are used again depends on how long an inference
 * takes, and that on them. Sets the ages of `features`, each executed `times` per inference, so
 * that both agree. `estimated_ns`: what those take whose data's age does not matter; NULL: asked
 * anew. */
void fit_settle_ages(const struct fit *fit, struct features *features, const double *times,
                     const double *estimated_ns, uint32_t count);

/* The features of an observed run's operators in the order of the training, with ages as this fit
 * would have predicted them. Lives in the arena. */
const struct features *fit_features_of_run(struct arena *arena, const struct fit *fit,
                                           const struct training *training, uint32_t run,
                                           uint32_t *count);

/* The latency of operators that are executed once each. */
struct estimate fit_latency_of_features(const struct fit *fit, const struct features *features,
                                        uint32_t count);

/* Per run, what its operators would have taken at the machine's usual speed over what they took. */
const double *usual_shares(struct arena *arena, const struct training *training,
                           const struct fit *fit);

/* The steady time of an observed run; see struct fit. */
double steady_ns(const struct training *training, uint32_t run);

#endif
