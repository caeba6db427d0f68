/* M/D/c: Poisson arrivals, one queue, c servers, every service takes exactly D.
 *
 * Exact, by positive sums only, so small probabilities keep their digits:
 * - the queue seen at instants D apart is a random walk with steps Poisson(rate D) - c, reflected
 *   at 0; Spitzer's identity gives its generating function from the tails of the free walk
 *   (Asmussen, Applied Probability and Queues, VIII.4);
 * - beyond a place that depends on c alone that distribution is geometric to 16 digits, with the
 *   ratio 1/tau, tau > 1 the root of tau^c = exp(rate D (tau - 1)) (Tijms, A First Course in
 *   Stochastic Models, ch. 9), so a load near 1 costs no more than a small one;
 * - the waiting time follows from it by Franx, OR Letters 29 (2001) 221-229.
 * docs/queueing.md has the derivation.
 *
 * Time is in units of D throughout; callers multiply.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_MDC_H
#define ASSAY_PREDICTOR_CAPACITY_MDC_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { MDC_SERVERS_MAX = 1000000 };

struct mdc {
    uint32_t servers;
    double load;             /* rate * D / servers, below 1 */
    double offered;          /* rate * D: erlang */
    double log_tau;          /* the queue's tail falls by exp(-log_tau) per waiting customer */
    double mean_queue;       /* customers waiting */
    uint32_t known;          /* survivors[0 .. known - 1] */
    const double *survivors; /* [n]: P(queue > n); geometric from known - 1 on */
};

/* ln tau for a load between 0 and 1: the root y > 0 of load (e^y - 1) = y. */
double mdc_log_tau(double load);

/* offered in erlang, 0 <= offered < servers. Fails with ERR_FINDING when the queue has no steady
 * state, with ERR_USAGE when the numbers make no sense. Its arrays live in the arena. */
int mdc_init(struct mdc *mdc, struct arena *arena, uint32_t servers, double offered,
             struct err *err);

double mdc_wait_probability(const struct mdc *mdc); /* P(W > 0) */
double mdc_mean_wait(const struct mdc *mdc);
double mdc_wait_exceeds(const struct mdc *mdc, double wait); /* P(W > wait) */
/* The smallest x with P(W <= x) >= p, 0 <= p < 1. */
double mdc_wait_quantile(const struct mdc *mdc, double p);
/* Response = wait + 1. */
double mdc_response_quantile(const struct mdc *mdc, double p);

#endif
