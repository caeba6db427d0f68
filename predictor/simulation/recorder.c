#include "predictor/simulation/recorder.h"

#include "base/stats.h"
#include "predictor/simulation/sample_rule.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 30, PIECE_LEAST = 1000, BUCKETS = 1 << 11, KEEPS_UP_ERRORS = 6 };

void recorder_init(struct recorder *recorder) {
    *recorder = (struct recorder){0};
}

void recorder_done(struct recorder *recorder) {
    free(recorder->responses_ns);
    free(recorder->marks_ns);
}

void recorder_grow(struct recorder *recorder) {
    uint64_t capacity = recorder->capacity ? 2 * recorder->capacity : 1 << 16;
    recorder->responses_ns =
        realloc(recorder->responses_ns, capacity * sizeof *recorder->responses_ns);
    recorder->marks_ns =
        realloc(recorder->marks_ns, capacity / RECORDER_MARK * sizeof *recorder->marks_ns);
    if (!recorder->responses_ns || !recorder->marks_ns)
        abort();
    recorder->capacity = capacity;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The bucket that holds the rank-th value, and the rank within it. */
static uint32_t find_bucket(const uint64_t *counts, uint64_t *rank) {
    uint32_t bucket = 0;
    while (*rank >= counts[bucket])
        *rank -= counts[bucket++];
    return bucket;
}

/* Positive floats are ordered as their bits are: counts of eleven bits at a time, from the top,
 * find a value by its rank without sorting. */
double recorder_quantile(const struct recorder *recorder, uint64_t from, uint64_t to, double q) {
    static const uint32_t shifts[] = {21, 10, 0};
    const float *values = recorder->responses_ns;
    if (to <= from)
        return NAN;
    double position = ceil(q * (double)(to - from) * (1 - 1e-12)) - 1;
    uint64_t rank = (uint64_t)fmax(0, position);
    uint32_t found = 0, known = 0; /* bits, and which of them */
    for (int pass = 0; pass < 3; pass++) {
        uint64_t counts[BUCKETS] = {0};
        for (uint64_t i = from; i < to; i++) {
            uint32_t bits = bits_of(values[i]);
            if ((bits & known) == found)
                counts[bits >> shifts[pass] & (BUCKETS - 1)]++;
        }
        found |= find_bucket(counts, &rank) << shifts[pass];
        known |= (uint32_t)(BUCKETS - 1) << shifts[pass];
    }
    float value;
    memcpy(&value, &found, sizeof value);
    return (double)value;
}

static double mean_of(const struct recorder *recorder, uint64_t from, uint64_t to) {
    double sum = 0;
    for (uint64_t i = from; i < to; i++)
        sum += (double)recorder->responses_ns[i];
    return to > from ? sum / (double)(to - from) : NAN;
}

struct piece {
    double value, rate; /* of the statistic; responses per second */
};

/* q NaN: the mean. */
static double statistic(const struct recorder *recorder, uint64_t from, uint64_t to, double q) {
    return isnan(q) ? mean_of(recorder, from, to) : recorder_quantile(recorder, from, to, q);
}

/* Pieces begin and end at marks, where the time is known. */
static void cut(const struct recorder *recorder, uint64_t skip, double q,
                struct piece pieces[static PIECES]) {
    uint64_t first = (skip + RECORDER_MARK - 1) / RECORDER_MARK;
    uint64_t marks = (recorder->count - 1) / RECORDER_MARK - first;
    for (uint32_t i = 0; i < PIECES; i++) {
        uint64_t from = first + marks * i / PIECES, to = first + marks * (i + 1) / PIECES;
        double seconds = (recorder->marks_ns[to] - recorder->marks_ns[from]) * 1e-9;
        pieces[i].value = statistic(recorder, from * RECORDER_MARK, to * RECORDER_MARK, q);
        pieces[i].rate = (double)((to - from) * RECORDER_MARK) / seconds;
    }
}

/* A fleet that does not keep up answers at its own pace whatever the arrivals: then all pieces miss
 * their rate by far, nothing is steady, and what depends on the rate cannot be told from them. */
static bool keeps_up(double rate, double mean_rate, double square) {
    double error = sqrt(square / (PIECES - 1) / PIECES);
    return fabs(mean_rate - rate) <= KEEPS_UP_ERRORS * error;
}

static struct simulated_time with_interval(double value, const struct piece *pieces, double rate) {
    double mean = 0, mean_rate = 0, square = 0, product = 0, residue = 0;
    for (uint32_t i = 0; i < PIECES; i++) {
        mean += pieces[i].value / PIECES;
        mean_rate += pieces[i].rate / PIECES;
    }
    for (uint32_t i = 0; i < PIECES; i++) {
        square += (pieces[i].rate - mean_rate) * (pieces[i].rate - mean_rate);
        product += (pieces[i].rate - mean_rate) * (pieces[i].value - mean);
    }
    if (!keeps_up(rate, mean_rate, square))
        return (struct simulated_time){value, NAN, NAN};
    double slope = square > 0 ? product / square : 0;
    for (uint32_t i = 0; i < PIECES; i++) {
        double error = pieces[i].value - mean - slope * (pieces[i].rate - mean_rate);
        residue += error * error;
    }
    double adjusted = value - slope * (mean_rate - rate);
    double variance =
        residue / (PIECES - 2) *
        (1.0 / PIECES + (mean_rate - rate) * (mean_rate - rate) / fmax(square, 1e-300));
    double half = stats_student_quantile(0.975, PIECES - 2) * sqrt(variance);
    return (struct simulated_time){adjusted, adjusted - half, adjusted + half};
}

static struct simulated_time tell(const struct recorder *recorder, uint64_t skip, double q,
                                  double rate) {
    if (recorder->count <= skip)
        return (struct simulated_time){NAN, NAN, NAN};
    double value = statistic(recorder, skip, recorder->count, q);
    if (isnan(rate) || recorder->count - skip < PIECES * PIECE_LEAST)
        return (struct simulated_time){value, NAN, NAN};
    struct piece pieces[PIECES];
    cut(recorder, skip, q, pieces);
    return with_interval(value, pieces, rate);
}

struct simulated_time recorder_mean(const struct recorder *recorder, uint64_t skip,
                                    double rate_per_second) {
    return tell(recorder, skip, NAN, rate_per_second);
}

struct simulated_time recorder_percentile(const struct recorder *recorder, uint64_t skip, double q,
                                          double rate_per_second) {
    if (recorder->count < skip + sample_rule_least(q))
        return (struct simulated_time){NAN, NAN, NAN};
    return tell(recorder, skip, q, rate_per_second);
}
