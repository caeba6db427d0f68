/* The share of requests whose wait stays within a bound, for a number of replicas and a rate that
 * may change every few seconds: quick enough to be asked a hundred times per decision.
 *
 * In a steady state the wait of M/D/c is exponential beyond its probability of waiting at all
 * (Tijms 2003, ch. 9; the decay is exact, and so is its factor for one server; for more the
 * probability is Halfin and Whitt's, Operations Research 29 (1981)). A load near or above 1 has no
 * steady state within minutes: there the queue is a reflected Brownian motion that begins empty
 * (Harrison, Brownian Motion and Stochastic Flow Systems, 1.8).
 */
#ifndef ASSAY_PREDICTOR_SIMULATION_ATTAINMENT_H
#define ASSAY_PREDICTOR_SIMULATION_ATTAINMENT_H

struct attainment_case {
    double servers;         /* of one queue */
    double rate_per_second; /* into that queue */
    double service_ns;
    double slack_ns;  /* the longest wait that is still in time; below 0: none is */
    double window_ns; /* over which the share is taken */
};

/* 0 to 1. */
double attainment(const struct attainment_case *c);

#endif
