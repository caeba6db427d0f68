#include "predictor/simulation/forecast.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { RING = FORECAST_STEPS + 1 };

/* Memories in intervals until half of the weight is gone. */
static const struct {
    double level, trend; /* trend 0: none */
} memories[FORECASTERS] = {
    {0.5, 0 },
    {1,   0 },
    {2,   0 },
    {4,   0 },
    {8,   0 },
    {16,  0 },
    {48,  0 },
    {1,   4 },
    {3,   8 },
    {8,   16},
};

#define DAMPING         0.9  /* of a trend, per interval */
#define JUDGED_OVER     40.0 /* intervals until half of an error is forgotten */
#define SHARPNESS       10.0 /* of the weights: a quarter of the intervals that are judged over */
#define PRIOR_SQUARE    2.0  /* error before there is any; Poisson alone makes 1 */
#define PRIOR_INTERVALS 4.0

static double keep_of(double half_life) {
    return exp2(-1 / half_life);
}

static double stabilise(double count) {
    return count > 0 ? 2 * sqrt(count + 0.375) : isnan(count) ? NAN : 2 * sqrt(0.375);
}

void forecast_init(struct forecast *forecast, const struct forecast_schedule *schedule) {
    memset(forecast, 0, sizeof *forecast);
    if (schedule)
        forecast->schedule = *schedule;
    for (uint32_t h = 0; h <= FORECAST_STEPS; h++) {
        forecast->square[h] = forecast->schedule_loss[h] = PRIOR_SQUARE;
        for (uint32_t i = 0; i < FORECASTERS; i++)
            forecast->panel[i].loss[h] = PRIOR_SQUARE;
    }
}

/* The sum of a trend over so many damped steps. */
static double damped(double trend, uint32_t steps) {
    return trend * DAMPING * (1 - pow(DAMPING, steps)) / (1 - DAMPING);
}

static void update(struct forecaster *one, uint32_t i, double count, bool first) {
    double before = one->level, drift = DAMPING * one->trend;
    if (first) {
        one->level = count;
        return;
    }
    one->level = count + keep_of(memories[i].level) * (before + drift - count);
    if (memories[i].trend > 0)
        one->trend =
            one->level - before + keep_of(memories[i].trend) * (drift - (one->level - before));
}

static void blend(double *mean, double value, uint64_t seen) {
    double share = fmax(1 - keep_of(JUDGED_OVER), 1 / ((double)seen + PRIOR_INTERVALS));
    *mean += share * (value - *mean);
}

/* What the schedule says of an interval; NaN: nothing. */
static double scheduled(const struct forecast *forecast, uint64_t interval) {
    const struct forecast_schedule *schedule = &forecast->schedule;
    return interval < schedule->count ? schedule->counts[interval] : NAN;
}

/* It said the same at every horizon. */
static void judge_schedule(struct forecast *forecast, double truth) {
    double error = truth - stabilise(scheduled(forecast, forecast->seen));
    for (uint32_t h = 1; h <= FORECAST_STEPS && !isnan(error); h++)
        blend(&forecast->schedule_loss[h], error * error, forecast->seen);
}

/* Holds what was said h intervals ago for this one against what came. */
static void judge(struct forecast *forecast, double count) {
    double truth = stabilise(count);
    judge_schedule(forecast, truth);
    for (uint32_t h = 1; h <= FORECAST_STEPS && h <= forecast->seen; h++) {
        uint32_t then = (uint32_t)((forecast->seen - h) % RING);
        uint64_t judged = forecast->seen - h;
        double error = truth - stabilise(forecast->given[then][h]);
        blend(&forecast->square[h], error * error, judged);
        for (uint32_t i = 0; i < FORECASTERS; i++) {
            struct forecaster *one = &forecast->panel[i];
            error = truth - stabilise(one->issued[then] + damped(one->issued_trend[then], h));
            blend(&one->loss[h], error * error, judged);
        }
    }
}

/* `interval` is the one that was observed last. */
static double panel_says(const struct forecast *forecast, uint64_t interval, uint32_t steps) {
    double planned = scheduled(forecast, interval + steps), sum = 0, weights = 0;
    double least = isnan(planned) ? (double)INFINITY : forecast->schedule_loss[steps];
    for (uint32_t i = 0; i < FORECASTERS; i++)
        least = fmin(least, forecast->panel[i].loss[steps]);
    for (uint32_t i = 0; i < FORECASTERS; i++) {
        const struct forecaster *one = &forecast->panel[i];
        double weight = exp(-SHARPNESS * (one->loss[steps] / least - 1));
        sum += weight * fmax(0, one->level + damped(one->trend, steps));
        weights += weight;
    }
    if (!isnan(planned)) {
        double weight = forecast->schedule.trust *
                        exp(-SHARPNESS * (forecast->schedule_loss[steps] / least - 1));
        sum += weight * planned;
        weights += weight;
    }
    return sum / weights;
}

void forecast_observe(struct forecast *forecast, double count) {
    judge(forecast, count);
    uint32_t now = (uint32_t)(forecast->seen % RING);
    for (uint32_t i = 0; i < FORECASTERS; i++) {
        update(&forecast->panel[i], i, count, forecast->seen == 0);
        forecast->panel[i].issued[now] = forecast->panel[i].level;
        forecast->panel[i].issued_trend[now] = forecast->panel[i].trend;
    }
    for (uint32_t h = 1; h <= FORECAST_STEPS; h++)
        forecast->given[now][h] = panel_says(forecast, forecast->seen, h);
    forecast->seen++;
}

struct forecast_rate forecast_ahead(const struct forecast *forecast, uint32_t steps) {
    if (forecast->seen == 0)
        return (struct forecast_rate){NAN, NAN};
    uint32_t h = steps < FORECAST_STEPS ? steps : FORECAST_STEPS;
    uint32_t last = (uint32_t)((forecast->seen - 1) % RING);
    return (struct forecast_rate){forecast->given[last][h],
                                  sqrt(fmax(0.01, forecast->square[h] - 1))};
}

double forecast_at(const struct forecast_rate *rate, double z) {
    double root = fmax(0, 2 * sqrt(rate->count) + z * rate->spread);
    return root * root / 4;
}
