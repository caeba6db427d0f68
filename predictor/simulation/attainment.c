#include "predictor/simulation/attainment.h"

#include "predictor/capacity/mdc.h"

#include <math.h>

static double normal_cdf(double x) {
    return erfc(-x / M_SQRT2) / 2;
}

/* P(W > wait), wait in services. For one server the factor of the exponential tail is known too. */
static double waits_longer(double servers, double load, double wait) {
    double log_tau = mdc_log_tau(load), tail = exp(-log_tau * servers * wait);
    if (servers <= 1)
        return fmin(load, (1 - load) / (load * exp(log_tau) - 1) * tail);
    double beta = (1 - load) * sqrt(servers);
    double hazard = sqrt(2 * M_PI) * beta * normal_cdf(beta) * exp(beta * beta / 2);
    return tail / (1 + hazard);
}

static double steady(const struct attainment_case *c, double load) {
    return 1 - waits_longer(c->servers, load, c->slack_ns / c->service_ns);
}

/* P(queue <= most) at time t. Rates are per second. */
static double brownian(double drift, double variance, double most, double t) {
    double deviation = sqrt(variance * t);
    double free = normal_cdf((most - drift * t) / deviation);
    double mirrored = normal_cdf((-most - drift * t) / deviation);
    double reflected = mirrored > 0 ? exp(2 * drift * most / variance + log(mirrored)) : 0;
    return fmax(0, free - reflected);
}

/* The mean over the window by four points of the midpoint rule. */
static double transient(const struct attainment_case *c) {
    enum { POINTS = 4 };
    double capacity = c->servers * 1e9 / c->service_ns, sum = 0;
    double most = capacity * c->slack_ns * 1e-9;
    double drift = c->rate_per_second - capacity;
    for (int i = 0; i < POINTS; i++)
        sum += brownian(drift, c->rate_per_second, most, c->window_ns * 1e-9 * (i + 0.5) / POINTS);
    return sum / POINTS;
}

/* What the Brownian queue comes to in the end, if its load is below 1. */
static double settled(const struct attainment_case *c) {
    double capacity = c->servers * 1e9 / c->service_ns;
    double drift = c->rate_per_second - capacity;
    return -expm1(2 * drift * capacity * c->slack_ns * 1e-9 / c->rate_per_second);
}

double attainment(const struct attainment_case *c) {
    double load = c->rate_per_second * c->service_ns * 1e-9 / c->servers;
    if (c->slack_ns < 0)
        return 0;
    if (load < 1e-9)
        return 1;
    if (load >= 1)
        return transient(c);
    /* Beginning empty is worth to the real queue what it is worth to the Brownian one. */
    return fmin(1, steady(c, load) + fmax(0, transient(c) - settled(c)));
}
