/* How far predictions were off on models that the fit had not seen. */
#ifndef ASSAY_CORE_ACCURACY_H
#define ASSAY_CORE_ACCURACY_H

#include "core/estimate.h"
#include "core/quantity.h"

#include <stdint.h>

/* The operators of one kernel class of a run and what they add to the run's error. */
struct error_cause {
    const char *kernel;
    uint32_t operators;
    double predicted_ns, measured_ns; /* sums */
    double share;                     /* (predicted - measured) / measured sum of all operators */
    int32_t op;                       /* the one that adds most: its index in the lowered graph */
    const char *path;                 /* its name; "" when it is not known */
    double op_predicted_ns, op_measured_ns;
    const char *reason; /* in words */
};

/* The term of a quantity that makes up most of it. */
struct largest_term {
    const char *name; /* "" when nothing was predicted */
    double share;
};

/* One run: what was predicted without its model, and what was measured; NaN where nothing was. */
struct judged_run {
    int64_t id; /* of the run in the database */
    const char *model_name;
    const char *family;         /* what was left out with it; NULL: the model alone */
    struct error_cause *causes; /* largest first */
    uint32_t cause_count;
    double sum_error;   /* of the sum of its operators */
    const char *remark; /* what the run as a whole has to do with its error; "" */
    struct largest_term parts[QUANTITY_COUNT];
    struct estimate latency_ns, cpu_time_ns, quantities[QUANTITY_COUNT];
    double measured_latency_ns, measured_cpu_time_ns, measured[QUANTITY_COUNT];
    double upper_peak_bytes;  /* not to be passed in 99 of 100 cases */
    double operators_ns;      /* sum of the run's own measured operators: the noise floor */
    double transferred_share; /* of the latency that came from borrowed classes or the roofline */
};

/* Of predicted against measured; errors are |predicted - measured| / measured. */
struct error_summary {
    uint32_t count;
    double mape, median, p90, worst;
    double bias;                           /* mean of (predicted - measured) / measured */
    double within_5, within_10, within_20; /* shares with errors up to 5, 10, 20 % */
    double coverage;                       /* share of measured values inside the 90 % interval */
    double width;                          /* median of (high - low) / 2 / value */
};

struct judged_class {
    const char *key; /* kernel class */
    struct error_summary operators;
    double share; /* of the measured time of all operators */
};

struct judged_family {
    const char *name;
    struct error_summary latency;
};

struct accuracy {
    struct judged_run *runs;
    uint32_t run_count;
    uint32_t group_count, groups_judged; /* models or families there were, and how many of them */
    struct judged_family *families;      /* by name; none when models were left out alone */
    uint32_t family_count;
    struct judged_class *classes; /* by share, largest first */
    uint32_t class_count;
    struct error_summary latency, cpu_time, quantities[QUANTITY_COUNT];
    struct error_summary start;       /* load time and first inference together */
    struct error_summary noise_floor; /* of the run's own operators, summed, against its CPU time
                                         at one thread, its latency at more */
    double upper_peak_exceeded;       /* share of runs above the upper bound */
    double upper_peak_widest;         /* largest of bound / measured - 1 */
    struct error_summary operators;   /* of all operators, each counting the same */
    double operators_error;           /* sum of |predicted - measured| / sum of measured */
    double operators_bias;            /* signed, of all operators by time */
};

#endif
