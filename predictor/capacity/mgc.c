#include "predictor/capacity/mgc.h"

#include "base/stats.h"
#include "predictor/capacity/mdc.h"
#include "predictor/capacity/mmc.h"

#include <math.h>

enum { DRAWS = 1 << 16 };
#define SHARE_LAST 1e-6 /* of the requests that wait longer than the last wait held */

/* 1 - share falls evenly in its logarithm. */
static int fill_waits(struct mgc *mgc, struct arena *arena, uint32_t servers, double offered,
                      double scv, struct err *err) {
    struct mdc fixed;
    struct mmc random = mmc_of(servers, offered);
    if (mdc_init(&fixed, arena, servers, offered, err))
        return -(int)err->code;
    mgc->mean_wait = (1 - scv) * mdc_mean_wait(&fixed) + scv * mmc_mean_wait(&random);
    for (uint32_t i = 0; i < MGC_WAITS; i++) {
        double p = 1 - pow(SHARE_LAST, (double)i / (MGC_WAITS - 1));
        mgc->share[i] = p;
        mgc->wait[i] =
            (1 - scv) * mdc_wait_quantile(&fixed, p) + scv * mmc_wait_quantile(&random, p);
    }
    return 0;
}

/* From draws of its own: a distribution need only know how to draw. */
static void fill_services(struct mgc *mgc, struct arena *arena,
                          const struct service_time *service) {
    double *draws = ARENA_ARRAY(arena, DRAWS, double);
    struct rng rng;
    rng_init(&rng, 1);
    for (uint32_t i = 0; i < DRAWS; i++)
        draws[i] = service_time_draw(service, &rng, 1) / service->batch_ns[0];
    stats_sort(draws, DRAWS);
    for (uint32_t i = 0; i < MGC_SERVICES; i++)
        mgc->services[i] = stats_quantile_sorted(draws, DRAWS, (i + 0.5) / MGC_SERVICES);
}

int mgc_init(struct mgc *mgc, struct arena *arena, uint32_t servers, double offered,
             const struct service_time *service, struct err *err) {
    if (fill_waits(mgc, arena, servers, offered, service->scv, err))
        return -(int)err->code;
    fill_services(mgc, arena, service);
    return 0;
}

/* P(W <= wait) between the waits held; beyond the last one the tail is exponential. */
static double wait_within(const struct mgc *mgc, double wait) {
    uint32_t low = 0, high = MGC_WAITS - 1;
    if (wait < 0)
        return 0;
    if (wait >= mgc->wait[high]) {
        double decay = log((1 - mgc->share[high / 2]) / (1 - mgc->share[high])) /
                       fmax(1e-12, mgc->wait[high] - mgc->wait[high / 2]);
        return 1 - (1 - mgc->share[high]) * exp(-decay * (wait - mgc->wait[high]));
    }
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (mgc->wait[middle] <= wait)
            low = middle;
        else
            high = middle;
    }
    double span = mgc->wait[high] - mgc->wait[low];
    double part = span > 0 ? (wait - mgc->wait[low]) / span : 0;
    return mgc->share[low] + part * (mgc->share[high] - mgc->share[low]);
}

double mgc_response_exceeds(const struct mgc *mgc, double response) {
    double within = 0;
    for (uint32_t i = 0; i < MGC_SERVICES; i++)
        within += wait_within(mgc, response - mgc->services[i]) / MGC_SERVICES;
    return 1 - within;
}

double mgc_response_quantile(const struct mgc *mgc, double p) {
    double low = 0, high = 1;
    while (mgc_response_exceeds(mgc, high) > 1 - p)
        high *= 2;
    while (high - low > 1e-9 * high) {
        double middle = (low + high) / 2;
        if (mgc_response_exceeds(mgc, middle) > 1 - p)
            low = middle;
        else
            high = middle;
    }
    return high;
}
