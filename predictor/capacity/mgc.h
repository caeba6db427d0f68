/* M/G/c by interpolation: q_p(M/G/c) = (1 - scv) q_p(M/D/c) + scv q_p(M/M/c) for the percentiles of
 * the wait (Tijms 2003, ch. 9), and the response as wait + service, both drawn apart. Time is in
 * units of the mean service. */
#ifndef ASSAY_PREDICTOR_CAPACITY_MGC_H
#define ASSAY_PREDICTOR_CAPACITY_MGC_H

#include "base/arena.h"
#include "base/err.h"
#include "predictor/simulation/service_time.h"

#include <stdint.h>

enum { MGC_WAITS = 512, MGC_SERVICES = 1024 };

struct mgc {
    /* The wait at rising shares of the requests, closer and closer towards 1. */
    double share[MGC_WAITS], wait[MGC_WAITS];
    double services[MGC_SERVICES]; /* at the middle of equal shares */
    double mean_wait;              /* interpolated too */
};

/* As mdc_init. */
int mgc_init(struct mgc *mgc, struct arena *arena, uint32_t servers, double offered,
             const struct service_time *service, struct err *err);
double mgc_response_exceeds(const struct mgc *mgc, double response);
double mgc_response_quantile(const struct mgc *mgc, double p);

#endif
