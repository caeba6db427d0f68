/* How many requests will come per interval, some intervals ahead, and how far that may be off.
 *
 * A panel of simple forecasters (exponential smoothing of several memories, with and without a
 * damped trend: Gardner and McKenzie 1985) runs beside one another. Each is judged at every horizon
 * by the requests that came, and the panel's answer weighs them by that (exponential weights:
 * Cesa-Bianchi and Lugosi, Prediction, Learning, and Games, ch. 2). The spread is the error that
 * the panel itself has made lately at that horizon; what Poisson arrivals do by themselves is taken
 * off, for a queue knows about that already.
 *
 * A schedule, when there is one, is a forecaster among the others: it is believed as far as it has
 * been right lately.
 *
 * Errors are counted on the scale 2 sqrt(n + 3/8), where a Poisson count has variance 1 at any rate
 * (Anscombe 1948).
 */
#ifndef ASSAY_PREDICTOR_SIMULATION_FORECAST_H
#define ASSAY_PREDICTOR_SIMULATION_FORECAST_H

#include <stdint.h>

enum { FORECAST_STEPS = 40, FORECASTERS = 10 };

/* Requests that are expected in interval 0, 1 ...; NaN: not known. The caller's. */
struct forecast_schedule {
    const double *counts;
    uint64_t count; /* 0: there is no schedule */
    double trust;   /* its weight against one forecaster that is as good */
};

struct forecaster {
    double level, trend;
    double loss[FORECAST_STEPS + 1];   /* [h]: recent mean square error h intervals ahead */
    double issued[FORECAST_STEPS + 1]; /* ring by interval: level then */
    double issued_trend[FORECAST_STEPS + 1];
};

struct forecast {
    struct forecaster panel[FORECASTERS];
    struct forecast_schedule schedule;
    double schedule_loss[FORECAST_STEPS + 1];
    double square[FORECAST_STEPS + 1]; /* [h]: recent mean square error of the panel */
    double given[FORECAST_STEPS + 1][FORECAST_STEPS + 1]; /* [interval][h]: what the panel said */
    uint64_t seen;                                        /* intervals */
};

/* `schedule` may be NULL. */
void forecast_init(struct forecast *forecast, const struct forecast_schedule *schedule);
/* The count of the interval that just ended. */
void forecast_observe(struct forecast *forecast, double count);

/* Requests in the interval `steps` ahead (1: the next one). Without any observation NaN. */
struct forecast_rate {
    double count;  /* expected */
    double spread; /* standard deviation of the underlying rate, on the scale 2 sqrt(count) */
};
struct forecast_rate forecast_ahead(const struct forecast *forecast, uint32_t steps);

/* The rate that lies z standard deviations from the expected one; never below 0. */
double forecast_at(const struct forecast_rate *rate, double z);

#endif
