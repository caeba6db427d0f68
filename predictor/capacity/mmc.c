#include "predictor/capacity/mmc.h"

#include <math.h>

/* Erlang's B by its recursion in the number of servers, then C; all terms positive. */
struct mmc mmc_of(uint32_t servers, double offered) {
    double inverse = 1; /* 1 / B */
    for (uint32_t c = 1; c <= servers && offered > 0 && isfinite(inverse); c++)
        inverse = 1 + inverse * c / offered;
    double blocked = offered > 0 ? 1 / inverse : 0;
    double load = offered / servers;
    return (struct mmc){servers, offered, blocked / (1 - load * (1 - blocked))};
}

double mmc_wait_exceeds(const struct mmc *mmc, double wait) {
    return wait < 0 ? 1 : mmc->waits * exp(-(mmc->servers - mmc->offered) * wait);
}

double mmc_wait_quantile(const struct mmc *mmc, double p) {
    double tail = 1 - p;
    if (mmc->waits <= tail)
        return 0;
    return log(mmc->waits / tail) / (mmc->servers - mmc->offered);
}

double mmc_mean_wait(const struct mmc *mmc) {
    return mmc->waits / (mmc->servers - mmc->offered);
}
