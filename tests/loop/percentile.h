/* Percentiles of response times, with intervals that know that neighbours wait for one another.
 *
 * Responses of one busy period are late together, so that the binomial interval of order statistics
 * is too narrow. Here the share of responses above the percentile is taken per batch of neighbours;
 * the spread of these shares gives the standard error of the rank, and the interval lies between
 * the order statistics of the ranks 95 % apart (batch means of indicators; Law, Simulation Modeling
 * and Analysis, 5th ed., 9.5.3). It is never narrower than the binomial one.
 */
#ifndef ASSAY_TESTS_LOOP_PERCENTILE_H
#define ASSAY_TESTS_LOOP_PERCENTILE_H

#include <stddef.h>

struct percentile {
    double value, low, high; /* NaN without values */
};

/* `values` in the order of arrival; 0 < q < 1. They are copied; running out of memory aborts. */
struct percentile percentile_of(const double *values, size_t count, double q);

#endif
