#include "predictor/capacity/mdc.h"

#include "predictor/capacity/poisson.h"

#include <complex.h>
#include <math.h>
#include <stdbool.h>

enum {
    WALK_TERMS = 512,  /* steps of the walk summed one by one; later ones are integrated */
    GAUSS_POINTS = 16, /* per octave of the integral; the upper half, the rule is symmetric */
    GAUSS_HALF = GAUSS_POINTS / 2,
    STATES_MAX = 1 << 20,
};

/* Abscissae and weights of Gauss-Legendre on [-1, 1] (Abramowitz and Stegun, table 25.4). */
static const struct {
    double x, weight;
} gauss[GAUSS_HALF] = {
    {0.0950125098376374402, 0.1894506104550684963},
    {0.2816035507792589132, 0.1826034150449235889},
    {0.4580167776572273863, 0.1691565193950025382},
    {0.6178762444026437484, 0.1495959888165767321},
    {0.7554044083550030339, 0.1246289712555338720},
    {0.8656312023878317439, 0.0951585116824927848},
    {0.9445750230732325761, 0.0622535239386478929},
    {0.9894009349916499326, 0.0271524594117540949},
};

/* The function is convex and positive at the
 * start, so Newton's steps come down to the root without passing it. */
double mdc_log_tau(double load) {
    double y = -2 * log(load);
    for (int i = 0; i < 2000; i++) {
        double step = (load * expm1(y) - y) / (load * exp(y) - 1);
        if (!(step > 1e-16 * y))
            break;
        y -= step;
    }
    return y;
}

/* ln |z|, z the root after tau: ln z = load (z - 1) - 2 pi i / c. How far below the first term of
 * the tail the second lies decides where the tail may be called geometric. */
static double find_log_second_root(double load, uint32_t servers, double log_tau) {
    double complex turn = -2 * M_PI * I / servers;
    double epsilon = 1 - load;
    /* Near z = 1 the equation is the quadratic w^2 load / 2 - w (1 - load) = turn in w = ln z. */
    double complex w = (epsilon + csqrt(epsilon * epsilon + 2 * load * turn)) / load;
    if (creal(w) > log_tau + 4)
        w = log_tau + 2 * turn;
    for (int i = 0; i < 100; i++) {
        double complex step = (load * (cexp(w) - 1) - w - turn) / (load * cexp(w) - 1);
        w -= step;
        if (cabs(step) < 1e-13 * cabs(w))
            break;
    }
    return creal(w);
}

/* How many states to hold: up to where the tail is geometric, or too small to matter. */
static uint32_t count_states(double load, uint32_t servers, double log_tau) {
    double gap = find_log_second_root(load, servers, log_tau) - log_tau;
    double negligible = 48 / log_tau;
    double geometric = gap > 0 ? 40 / gap : negligible;
    return (uint32_t)fmin(STATES_MAX, 4 + ceil(fmin(negligible, geometric)));
}

/* terms[k] += weight P(Poisson(steps * offered) = steps * servers + k) / steps, k = 1 .. count. */
static void add_walk(double *terms, uint32_t count, const struct mdc *mdc, double steps,
                     double weight) {
    double mean = steps * mdc->offered, level = steps * mdc->servers;
    double slack = steps * (mdc->servers - mdc->offered);
    double density = weight * poisson_density(mean, slack + 1) / steps;
    for (uint32_t k = 1; k <= count && density != 0; k++) {
        terms[k] += density;
        density *= mean / (level + k + 1);
    }
}

/* The sum over all steps >= WALK_TERMS as an integral over octaves, by the midpoint form of Euler
 * and Maclaurin: sum = integral from WALK_TERMS - 1/2 on, + f'/24 there. */
static void add_long_walks(double *terms, uint32_t count, const struct mdc *mdc) {
    add_walk(terms, count, mdc, WALK_TERMS, 1.0 / 24);
    add_walk(terms, count, mdc, WALK_TERMS - 1, -1.0 / 24);
    /* Chernoff: a walk of l steps is positive with at most exp(-rate l). */
    double rate = mdc->servers * (mdc->load - 1 - log(mdc->load));
    double last = 45 / rate;
    for (double from = WALK_TERMS - 0.5; from < last; from *= 2) {
        double middle = 1.5 * from, half = 0.5 * from;
        for (int i = 0; i < GAUSS_HALF; i++) {
            double weight = half * gauss[i].weight;
            add_walk(terms, count, mdc, middle - half * gauss[i].x, weight);
            add_walk(terms, count, mdc, middle + half * gauss[i].x, weight);
        }
    }
}

/* terms[k], k = 1 .. count: sum over l of P(walk of l steps stands at k) / l. */
static void sum_walks(double *terms, uint32_t count, const struct mdc *mdc) {
    double rate = mdc->servers * (mdc->load - 1 - log(mdc->load));
    double last = fmin(WALK_TERMS - 1, ceil(45 / rate) + 1);
    for (double steps = 1; steps <= last; steps++)
        add_walk(terms, count, mdc, steps, 1);
    if (last >= WALK_TERMS - 1)
        add_long_walks(terms, count, mdc);
}

/* The distribution of the queue from ln E z^Q = sum over k of terms[k] (z^k - 1); beyond `count`
 * terms[k] is tau^-k / k. Fills survivors[0 .. count]. */
static void fill_survivors(struct mdc *mdc, double *survivors, const double *terms,
                           uint32_t count) {
    double tau = exp(mdc->log_tau), below = 0, geometric = 0, mean = 0;
    for (uint32_t k = count; k > 0; k--) {
        below += terms[k];
        geometric += exp(-mdc->log_tau * k) / k;
        mean += k * terms[k];
    }
    /* When tau^-count itself is nothing, what is beyond is less than rounding. */
    bool whole = mdc->log_tau * count > 40;
    double beyond = whole ? 0 : fmax(0, -log1p(-1 / tau) - geometric);
    mdc->mean_queue = mean + (whole ? 0 : exp(-mdc->log_tau * count) / (tau - 1));
    survivors[0] = exp(-below - beyond);
    for (uint32_t n = 1; n <= count; n++) {
        double sum = 0;
        for (uint32_t k = 1; k <= n; k++)
            sum += k * terms[k] * survivors[n - k];
        survivors[n] = sum / n;
    }
    /* survivors holds P(Q = n) so far; P(Q > n) is summed from the far end. */
    double above = survivors[count] / (tau - 1);
    for (uint32_t n = count + 1; n-- > 0;) {
        double probability = survivors[n];
        survivors[n] = above;
        above += probability;
    }
}

int mdc_init(struct mdc *mdc, struct arena *arena, uint32_t servers, double offered,
             struct err *err) {
    *mdc = (struct mdc){.servers = servers, .offered = offered};
    if (servers == 0 || servers > MDC_SERVERS_MAX || !(offered >= 0))
        return err_set(err, ERR_USAGE,
                       "a queue of %u servers and %g erlang: expected 1 to %d servers", servers,
                       offered, MDC_SERVERS_MAX);
    if (!(offered < servers))
        return err_set(err, ERR_FINDING, "%u servers cannot keep up with %g erlang", servers,
                       offered);
    mdc->load = offered / servers;
    /* Below any load that double precision tells from an empty system nobody waits. */
    if (mdc->load < 1e-12) {
        mdc->load = 0;
        return 0;
    }
    mdc->log_tau = mdc_log_tau(mdc->load);
    uint32_t count = count_states(mdc->load, servers, mdc->log_tau);
    double *terms = ARENA_ARRAY(arena, count + 1, double);
    double *survivors = ARENA_ARRAY(arena, count + 1, double);
    sum_walks(terms, count, mdc);
    fill_survivors(mdc, survivors, terms, count);
    mdc->survivors = survivors;
    mdc->known = count + 1;
    return 0;
}

/* P(queue > n). */
static double survivor(const struct mdc *mdc, double n) {
    if (n < 0)
        return 1;
    double last = mdc->known - 1;
    if (n <= last)
        return mdc->survivors[(uint32_t)n];
    return mdc->survivors[mdc->known - 1] * exp(-mdc->log_tau * (n - last));
}

/* P(Poisson(mean) + queue >= need): both ways from the mode until the terms no longer count. */
static double poisson_plus_queue(const struct mdc *mdc, double mean, double need) {
    double mode = floor(mean), density = poisson_density(mean, mode - mean);
    double sum = 0, term = density;
    for (double j = mode; j >= 0 && term > 0; j--) {
        double add = term * survivor(mdc, need - 1 - j);
        sum += add;
        if (term < 1e-18 * sum || term < 1e-300)
            break;
        term *= j / mean;
    }
    term = density;
    for (double j = mode + 1;; j++) {
        term *= mean / j;
        double add = term * survivor(mdc, need - 1 - j);
        sum += add;
        /* Past `need` nothing but the Poisson tail is left, before it the product may still grow.
         */
        if (term < 1e-300 || (j >= need && add < 1e-18 * sum))
            break;
    }
    return sum;
}

double mdc_wait_exceeds(const struct mdc *mdc, double wait) {
    if (wait < 0)
        return 1;
    if (mdc->load == 0)
        return 0;
    /* Franx: with k services begun until `wait` is over, the customer still waits when the queue
     * left at that phase plus the arrivals of k - wait before it fill k servers' worth. */
    double rounds = floor(wait) + 1;
    return fmin(1, poisson_plus_queue(mdc, mdc->offered * (rounds - wait), rounds * mdc->servers));
}

double mdc_wait_probability(const struct mdc *mdc) {
    return mdc_wait_exceeds(mdc, 0);
}

double mdc_mean_wait(const struct mdc *mdc) {
    return mdc->load == 0 ? 0 : mdc->mean_queue / mdc->offered;
}

double mdc_wait_quantile(const struct mdc *mdc, double p) {
    double tail = 1 - p;
    if (mdc_wait_probability(mdc) <= tail)
        return 0;
    double low = 0, high = 1;
    while (mdc_wait_exceeds(mdc, high) > tail) {
        low = high;
        high *= 2;
    }
    while (high - low > 1e-13 * high) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (mdc_wait_exceeds(mdc, middle) > tail)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double mdc_response_quantile(const struct mdc *mdc, double p) {
    return mdc_wait_quantile(mdc, p) + 1;
}
