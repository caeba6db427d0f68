/* A prediction or a measurement as tables: totals, operators by time, what was refused. */
#ifndef ASSAY_REPORTS_PREDICTION_TEXT_H
#define ASSAY_REPORTS_PREDICTION_TEXT_H

#include "base/arena.h"
#include "base/table.h"
#include "core/prediction.h"

/* One row per total that has an answer: latency, CPU time, memory, load, first run. */
void prediction_totals_table(struct arena *arena, const struct prediction *prediction,
                             struct table *table);
/* All operators, costliest first, refused ones last; in the arena. */
const struct operator_row **prediction_by_time(struct arena *arena,
                                               const struct prediction *prediction);
/* The `limit` costliest operators (0: all), refused ones last. */
void prediction_operators_table(struct arena *arena, const struct prediction *prediction,
                                uint32_t limit, struct table *table);
void prediction_refused_table(struct arena *arena, const struct prediction *prediction,
                              struct table *table);

/* Operators of one kernel class together. */
struct kernel_sum {
    const char *kernel;
    uint32_t operators;
    double latency_ns, share, flops, bytes;
    enum bound bound; /* of its costliest operator */
};

/* Sums by kernel class, costliest first; refused operators are not in it. In the arena. */
struct kernel_sum *prediction_kernels(struct arena *arena, const struct prediction *prediction,
                                      uint32_t *count);
void prediction_kernels_table(struct arena *arena, const struct prediction *prediction,
                              struct table *table);

#endif
