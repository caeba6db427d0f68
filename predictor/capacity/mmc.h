/* M/M/c: Poisson arrivals, one queue, c servers, exponential service times of mean 1 (Erlang 1917).
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_MMC_H
#define ASSAY_PREDICTOR_CAPACITY_MMC_H

#include <stdint.h>

struct mmc {
    double servers, offered;
    double waits; /* P(W > 0): Erlang's C */
};

/* 0 <= offered < servers. */
struct mmc mmc_of(uint32_t servers, double offered);
double mmc_wait_exceeds(const struct mmc *mmc, double wait);
/* The smallest x with P(W <= x) >= p. */
double mmc_wait_quantile(const struct mmc *mmc, double p);

double mmc_mean_wait(const struct mmc *mmc);

#endif
