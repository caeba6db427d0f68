#include "profiler/summarise.h"

#include "base/stats.h"
#include "profiler/protocol.h"

#include <math.h>
#include <string.h>

static uint32_t without_nan(const double *values, uint32_t count, double *scratch) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            scratch[kept++] = values[i];
    return kept;
}

struct summary summarise(const double *values, uint32_t count, double confidence, double *scratch) {
    uint32_t kept = without_nan(values, count, scratch);
    struct interval interval = stats_median_interval(scratch, kept, confidence);
    double median = stats_median(scratch, kept);
    double spread = kept > 1 && median != 0 ? stats_mad(scratch, kept) / fabs(median) : 0;
    return (struct summary){median, interval.low, interval.high, spread, kept};
}

struct fastest find_fastest(const double *values, uint32_t count, double *scratch) {
    uint32_t kept = without_nan(values, count, scratch);
    stats_sort(scratch, kept);
    double tenth = stats_quantile_sorted(scratch, kept, 0.1);
    double twentieth = stats_quantile_sorted(scratch, kept, 0.2);
    return (struct fastest){tenth, kept ? (twentieth - scratch[0]) / 2 : NAN};
}

double summary_half_width(const struct summary *summary) {
    if (summary->count == 0 || !(summary->median > 0))
        return INFINITY;
    return (summary->high - summary->low) / 2 / summary->median;
}

uint32_t process_medians(const double *values, const uint32_t *process, uint32_t count,
                         double *medians, double *scratch) {
    uint32_t found = 0;
    for (uint32_t p = 0; p < PROTOCOL_PROCESSES_MAX; p++) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++)
            if (process[i] == p && !isnan(values[i]))
                scratch[kept++] = values[i];
        if (kept > 0)
            medians[found++] = stats_median(scratch, kept);
    }
    return found;
}

/* Quantile of Student's t from the normal one: Abramowitz and Stegun 26.7.5 is off by up to a
 * third for one and two degrees of freedom, which have closed forms. */
static double student_quantile(double p, uint32_t freedom) {
    double pi = acos(-1), z = stats_normal_quantile(p), n = freedom;
    if (freedom == 1)
        return tan(pi * (p - 0.5));
    if (freedom == 2)
        return (2 * p - 1) * sqrt(2 / (4 * p * (1 - p)));
    double z3 = z * z * z, z5 = z3 * z * z;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n);
}

static double standard_deviation(const double *values, uint32_t count) {
    double mean = stats_mean(values, count), sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sqrt(sum / (count - 1));
}

struct summary summarise_processes(const double *values, const uint32_t *process, uint32_t count,
                                   double confidence, double *scratch) {
    double medians[PROTOCOL_PROCESSES_MAX];
    uint32_t processes = process_medians(values, process, count, medians, scratch);
    struct summary summary = summarise(values, count, confidence, scratch);
    if (processes < 2)
        return summary;
    double half = student_quantile(0.5 + confidence / 2, processes - 1) *
                  standard_deviation(medians, processes) / sqrt(processes);
    summary.low = fmax(0, fmin(summary.low, summary.median - half));
    summary.high = fmax(summary.high, summary.median + half);
    return summary;
}

uint32_t count_outliers(const double *values, uint32_t count, double *scratch) {
    uint32_t kept = without_nan(values, count, scratch), outliers = 0;
    double median = stats_median(scratch, kept), robust_sd = stats_mad(scratch, kept);
    for (uint32_t i = 0; i < kept && robust_sd > 0; i++)
        outliers += fabs(scratch[i] - median) > 10 * robust_sd;
    return outliers;
}

/* Sums over sorted values make each split's variance between the groups cheap (Otsu 1979). */
struct two_groups find_two_groups(const double *values, uint32_t count, double *scratch) {
    enum { LEAST = 20 };
    struct two_groups best = {false, 0, 0};
    uint32_t kept = without_nan(values, count, scratch);
    if (kept < LEAST)
        return best;
    stats_sort(scratch, kept);
    double sum = 0, squares = 0, n = kept, most = 0;
    for (uint32_t i = 0; i < kept; i++) {
        sum += scratch[i];
        squares += scratch[i] * scratch[i];
    }
    double variance = squares - sum * sum / n, below = 0;
    for (uint32_t i = 1; i < kept; i++) {
        below += scratch[i - 1];
        double share = i / n, low = below / i, high = (sum - below) / (n - i);
        double between = n * share * (1 - share) * (high - low) * (high - low);
        if (share < 0.15 || share > 0.85 || between <= most)
            continue;
        most = between;
        best = (struct two_groups){between >= 0.85 * variance && high > 1.05 * low, low, high};
    }
    return best;
}
