/* A small seeded generator (xoshiro256++, Blackman and Vigna 2019; seeded by splitmix64): the same
 * seed gives the same numbers on every machine. Not for secrets. */
#ifndef ASSAY_BASE_RNG_H
#define ASSAY_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
double rng_uniform(struct rng *rng);                             /* [0, 1) */
uint64_t rng_below(struct rng *rng, uint64_t bound);             /* [0, bound), bound > 0 */
int64_t rng_between(struct rng *rng, int64_t low, int64_t high); /* both included */
double rng_normal(struct rng *rng);
double rng_exponential(struct rng *rng); /* mean 1 */

#endif
