#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void stats_sort(double *values, size_t count) {
    if (count)
        qsort(values, count, sizeof *values, compare_doubles);
}

static double *sorted_copy(const double *values, size_t count) {
    double *copy = malloc((count ? count : 1) * sizeof *copy);
    if (!copy)
        abort();
    if (count)
        memcpy(copy, values, count * sizeof *copy);
    stats_sort(copy, count);
    return copy;
}

double stats_mean(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / (double)count : NAN;
}

double stats_quantile_sorted(const double *sorted, size_t count, double q) {
    if (count == 0)
        return NAN;
    double position = q * (double)(count - 1);
    size_t below = (size_t)position;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (position - (double)below) * (sorted[below + 1] - sorted[below]);
}

double stats_quantile(const double *values, size_t count, double q) {
    double *sorted = sorted_copy(values, count);
    double result = stats_quantile_sorted(sorted, count, q);
    free(sorted);
    return result;
}

double stats_median(const double *values, size_t count) {
    return stats_quantile(values, count, 0.5);
}

double stats_mad(const double *values, size_t count) {
    double *deviations = sorted_copy(values, count);
    double median = stats_quantile_sorted(deviations, count, 0.5);
    for (size_t i = 0; i < count; i++)
        deviations[i] = fabs(deviations[i] - median);
    double mad = 1.4826 * stats_median(deviations, count);
    free(deviations);
    return mad;
}

/* The largest k with P(Bin(count, 1/2) < k) <= error / 2: how many values may be cut at each end,
 * plus one. 0 when there are too few values. */
static size_t median_rank(size_t count, double error) {
    if (count > 512) { /* 2^-count leaves the range of a double at 1074; normal approximation */
        double n = (double)count;
        return (size_t)((n - stats_normal_quantile(1 - error / 2) * sqrt(n)) / 2);
    }
    double tail = 0, term = pow(0.5, (double)count);
    size_t rank = 0;
    while (rank < (count - 1) / 2) {
        tail += term;
        if (2 * tail > error)
            break;
        term *= (double)(count - rank) / (double)(rank + 1);
        rank++;
    }
    return rank;
}

struct interval stats_median_interval(const double *values, size_t count, double confidence) {
    if (count == 0)
        return (struct interval){NAN, NAN};
    double *sorted = sorted_copy(values, count);
    size_t rank = median_rank(count, 1 - confidence);
    size_t cut = rank ? rank - 1 : 0;
    struct interval result = {sorted[cut], sorted[count - 1 - cut]};
    free(sorted);
    return result;
}

double stats_normal_quantile(double p) {
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    if (p <= 0 || p >= 1)
        return p <= 0 ? -INFINITY : INFINITY;
    if (p > 0.97575)
        return -stats_normal_quantile(1 - p);
    if (p < 0.02425) {
        double q = sqrt(-2 * log(p));
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    }
    double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

double stats_student_quantile(double p, double freedom) {
    double z = stats_normal_quantile(p), z2 = z * z, n = freedom;
    double first = (z2 + 1) / 4;
    double second = ((5 * z2 + 16) * z2 + 3) / 96;
    double third = (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
    return z * (1 + first / n + second / (n * n) + third / (n * n * n));
}
