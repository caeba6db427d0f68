/* Rates that mean the same in every kernel class: a cycle of the processor, a byte from the shared
 * cache or from memory. Classes with many observations tell them; to a class with few, or whose
 * observations cannot tell its terms apart, they are what it should assume.
 */
#ifndef ASSAY_PREDICTOR_SHARED_RATES_H
#define ASSAY_PREDICTOR_SHARED_RATES_H

#include "core/features.h"

#include <stdint.h>

enum { SHARED_TERMS = 11 };

struct shared_rates {
    double ns[SHARED_TERMS]; /* per unit of the term; 0: not known */
};

/* What classes say of a shared term: rates weighed by the time that they explain. */
struct shared_votes {
    struct shared_vote {
        double rate, time_ns;
    } * votes[SHARED_TERMS];
    uint32_t counts[SHARED_TERMS], capacities[SHARED_TERMS];
};

/* `rates` of a class of that family, `amounts` its terms summed over all observations. */
void shared_votes_add(struct arena *arena, struct shared_votes *votes, enum kernel_family family,
                      const double *rates, const double *amounts);
/* The weighted medians. */
struct shared_rates shared_votes_count(const struct shared_votes *votes);

/* Per term of the family: what to assume; 0: nothing. */
void shared_rates_of(const struct shared_rates *shared, enum kernel_family family,
                     double prior[static FEATURE_TERMS_MAX]);

#endif
