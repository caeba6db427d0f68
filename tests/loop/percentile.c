#include "tests/loop/percentile.h"

#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 20 };

static double share_above(const double *values, size_t count, double threshold) {
    size_t above = 0;
    for (size_t i = 0; i < count; i++)
        above += values[i] > threshold;
    return (double)above / (double)count;
}

/* Standard error of the share above the threshold, from batches of neighbours. */
static double batch_error(const double *values, size_t count, double threshold) {
    size_t size = count / BATCHES;
    double shares[BATCHES], squares = 0;
    if (size == 0)
        return 0;
    for (size_t b = 0; b < BATCHES; b++)
        shares[b] = share_above(values + b * size, size, threshold);
    double mean = stats_mean(shares, BATCHES);
    for (size_t b = 0; b < BATCHES; b++)
        squares += (shares[b] - mean) * (shares[b] - mean);
    return sqrt(squares / (BATCHES - 1) / BATCHES);
}

struct percentile percentile_of(const double *values, size_t count, double q) {
    if (count == 0)
        return (struct percentile){NAN, NAN, NAN};
    double *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        abort();
    memcpy(sorted, values, count * sizeof *sorted);
    stats_sort(sorted, count);
    struct percentile p = {.value = stats_quantile_sorted(sorted, count, q)};
    double error = fmax(batch_error(values, count, p.value), sqrt(q * (1 - q) / (double)count));
    double half = error * stats_student_quantile(0.975, BATCHES - 1);
    p.low = stats_quantile_sorted(sorted, count, fmax(q - half, 0));
    p.high = stats_quantile_sorted(sorted, count, fmin(q + half, 1));
    free(sorted);
    return p;
}
