/* How good the predictions are, judged on models that the fit has not seen. */
#ifndef ASSAY_PREDICTOR_ACCURACY_H
#define ASSAY_PREDICTOR_ACCURACY_H

#include "predictor/fit.h"

/* What the k-th answer of a run was, and what was measured; NaN where nothing was. */
struct judged_run {
    uint32_t run; /* index into training.runs */
    struct estimate latency_ns, quantities[QUANTITY_COUNT];
    double measured_latency_ns, measured[QUANTITY_COUNT];
    double upper_peak_bytes;  /* at 99 % */
    double transferred_share; /* of the latency that came from borrowed classes or the roofline */
};

struct error_summary {
    uint32_t count;
    double mape, median, p90, worst;       /* of |predicted - measured| / measured */
    double bias;                           /* mean of (predicted - measured) / measured */
    double within_5, within_10, within_20; /* shares */
    double coverage;                       /* share of measured values inside the 90 % interval */
    double width;                          /* median of (high - low) / 2 / value */
};

struct judged_class {
    const char *key;
    struct error_summary operators;
    double share; /* of the measured time of all operators */
};

struct accuracy {
    struct judged_run *runs;
    uint32_t run_count;
    struct judged_class *classes; /* by share, largest first */
    uint32_t class_count;
    struct error_summary latency, quantities[QUANTITY_COUNT];
    double upper_peak_exceeded; /* share of runs above the 99 % bound */
};

/* Leaves out every run of the same model (by hash or name), fits on the rest, predicts. `progress`
 * may be NULL; it is told the share done. */
int accuracy_leave_one_model_out(struct arena *arena, const struct training *training,
                                 void (*progress)(void *context, double done), void *context,
                                 struct accuracy *out, struct err *err);

struct error_summary error_summary_of(struct arena *arena, const struct estimate *predicted,
                                      const double *measured, uint32_t count);

#endif
