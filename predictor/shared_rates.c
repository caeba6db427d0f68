#include "predictor/shared_rates.h"

#include <stdlib.h>
#include <string.h>

static const char *const shared_names[] = {"busy_cycles",
                                           "wait_cycles",
                                           "cold_data_bytes",
                                           "stale_data_bytes",
                                           "cold_weight_bytes",
                                           "stale_weight_bytes",
                                           "cold_stream_bytes",
                                           "stale_stream_bytes",
                                           "cold_calls",
                                           "stale_calls",
                                           "forks"};
_Static_assert(sizeof shared_names / sizeof *shared_names == SHARED_TERMS, "a name for each");

static int shared_index(const char *term) {
    for (int s = 0; s < SHARED_TERMS; s++)
        if (strcmp(shared_names[s], term) == 0)
            return s;
    return -1;
}

void shared_votes_add(struct arena *arena, struct shared_votes *votes, enum kernel_family family,
                      const double *rates, const double *amounts) {
    const char *const *terms = family_info(family)->terms;
    for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++) {
        int s = shared_index(terms[i]);
        if (s < 0 || rates[i] <= 0)
            continue;
        struct shared_vote *vote =
            ARENA_PUSH(arena, votes->votes[s], votes->counts[s], votes->capacities[s]);
        *vote = (struct shared_vote){rates[i], rates[i] * amounts[i]};
    }
}

static int by_rate(const void *a, const void *b) {
    double x = ((const struct shared_vote *)a)->rate, y = ((const struct shared_vote *)b)->rate;
    return (x > y) - (x < y);
}

static double weighted_median(struct shared_vote *votes, uint32_t count) {
    double total = 0, below = 0;
    uint32_t v = 0;
    if (count == 0)
        return 0;
    qsort(votes, count, sizeof *votes, by_rate);
    for (uint32_t i = 0; i < count; i++)
        total += votes[i].time_ns;
    while (v + 1 < count && (below += votes[v].time_ns) < total / 2)
        v++;
    return votes[v].rate;
}

struct shared_rates shared_votes_count(const struct shared_votes *votes) {
    struct shared_rates shared;
    for (int s = 0; s < SHARED_TERMS; s++)
        shared.ns[s] = weighted_median(votes->votes[s], votes->counts[s]);
    return shared;
}

void shared_rates_of(const struct shared_rates *shared, enum kernel_family family,
                     double prior[static FEATURE_TERMS_MAX]) {
    const char *const *terms = family_info(family)->terms;
    memset(prior, 0, FEATURE_TERMS_MAX * sizeof *prior);
    for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++) {
        int s = shared_index(terms[i]);
        prior[i] = s < 0 ? 0 : shared->ns[s];
    }
}
