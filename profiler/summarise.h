/* From many readings of one thing to five numbers. NaN among the readings is left out. */
#ifndef ASSAY_PROFILER_SUMMARISE_H
#define ASSAY_PROFILER_SUMMARISE_H

#include "core/run.h"

#include <stdbool.h>
#include <stdint.h>

/* Median, its distribution-free interval, robust spread. count 0 gives NaN. `scratch` holds count
 * values and is overwritten. */
struct summary summarise(const double *values, uint32_t count, double confidence, double *scratch);

/* As summarise, but the interval also covers how processes differ: Student's t over the medians
 * of the processes, whichever is wider. Runs of one process agree better with one another than
 * with those of the next (memory placement differs), so the pooled interval alone is too narrow. */
struct summary summarise_processes(const double *values, const uint32_t *process, uint32_t count,
                                   double confidence, double *scratch);

/* The tenth percentile, with half of the way from the fastest to the twentieth: what a thing takes
 * when nothing disturbs it. Other programs can only add to a time, so under load this stays where
 * the median moves. */
struct fastest {
    double value, half_width;
};

struct fastest find_fastest(const double *values, uint32_t count, double *scratch);

/* Half of the interval over the median; infinite when that is not defined. */
double summary_half_width(const struct summary *summary);

/* Medians of each process, processes without a reading left out; returns how many. `medians` has
 * PROTOCOL_PROCESSES_MAX places. */
uint32_t process_medians(const double *values, const uint32_t *process, uint32_t count,
                         double *medians, double *scratch);

/* Readings further from the median than 14.826 median absolute deviations: ten robust standard
 * deviations. */
uint32_t count_outliers(const double *values, uint32_t count, double *scratch);

/* Whether the readings stand in two groups: the best split in two explains at least 85 % of the
 * variance (a uniform distribution gives 75 %, a normal one 64 %), both groups hold at least 15 %
 * and their means lie at least 5 % apart. The means are stored then. `scratch` as above. */
struct two_groups {
    bool found;
    double low, high; /* means */
};

struct two_groups find_two_groups(const double *values, uint32_t count, double *scratch);

#endif
