/* Order statistics of small samples. Functions named *_sorted want ascending input; the others
 * sort a copy of their own and leave the caller's array alone. */
#ifndef ASSAY_BASE_STATS_H
#define ASSAY_BASE_STATS_H

#include <stddef.h>

struct interval {
    double low, high;
};

void stats_sort(double *values, size_t count);
double stats_mean(const double *values, size_t count);
double stats_median(const double *values, size_t count); /* NaN when count is 0 */
/* Linear interpolation between order statistics (Hyndman and Fan, type 7), 0 <= q <= 1. */
double stats_quantile_sorted(const double *sorted, size_t count, double q);
double stats_quantile(const double *values, size_t count, double q);
/* Median absolute deviation times 1.4826: a robust standard deviation. */
double stats_mad(const double *values, size_t count);
/* Distribution-free confidence interval of the median from binomial order statistics
 * (David and Nagaraja, Order Statistics, 3rd ed., 7.1). With too few values for the confidence
 * asked it is the whole range. */
struct interval stats_median_interval(const double *values, size_t count, double confidence);
/* Inverse of the standard normal distribution function (Acklam's rational approximation). */
double stats_normal_quantile(double p);
/* The same of Student's t (the expansion of Fisher and Cornish in 1/freedom; to 1e-3 from 8 degrees
 * of freedom on). */
double stats_student_quantile(double p, double freedom);

#endif
