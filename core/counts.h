/* What was counted of a run and of each of its operators: events of the hardware or the kernel, and
 * metrics made of them. Plain data: jobs fill it, reports print it. */
#ifndef ASSAY_CORE_COUNTS_H
#define ASSAY_CORE_COUNTS_H

#include "base/units.h"

#include <stdint.h>

struct count_column {
    const char *name;  /* "instructions", or a metric's: "ipc" */
    const char *group; /* that the metric belongs to; NULL: the column is an event */
    enum unit unit;
    double running; /* part of the time the event was counted, 0 to 1; NaN: not known, a metric */
    double run;     /* of a whole run; NaN: not known */
    double cost; /* event: what measuring counts per operator, which was subtracted; NaN: unknown */
};

struct counts {
    struct count_column *columns;
    uint32_t column_count;      /* 0: nothing was asked for, or nothing could be counted */
    uint32_t set_count;         /* that the events were counted in, one after the other */
    double *operators;          /* [operator * column_count + column]; NaN: not known */
    const char *const *missing; /* "cycles: not supported here" */
    uint32_t missing_count;
};

#endif
