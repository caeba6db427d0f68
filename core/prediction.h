/* What a model will need, or what it was measured to need: both have the same shape, so they can
 * stand beside each other. The source of the JSON contract (reports/prediction_json.h). */
#ifndef ASSAY_CORE_PREDICTION_H
#define ASSAY_CORE_PREDICTION_H

#include "core/cold_start.h"
#include "core/counts.h"
#include "core/estimate.h"
#include "core/memory_use.h"
#include "core/run.h"

#include <stdbool.h>
#include <stdint.h>

/* What an operator's time is spent on, by the roofline of its estimate. */
enum bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_OVERHEAD };
const char *bound_name(enum bound bound); /* "compute" */

struct operator_row {
    const char *name;   /* path in the lowered graph */
    const char *op;     /* "Conv", "com.microsoft.nchwc.Conv" */
    const char *kernel; /* kernel class, "conv.nchwc.pointwise" */
    double flops;       /* one multiply-add is two */
    double bytes;       /* read and written once each */
    struct estimate latency_ns;
    double share; /* of the sum of the operators, 0 to 1; NaN when refused */
    enum bound bound;
};

struct refused_row {
    const char *name, *op, *why;
};

/* A one-sided bound: `value` is not passed with `confidence` (0 to 1). */
struct upper_bound {
    double confidence, value;
};

/* What a decoder does per second, and its cache. */
struct decoding {
    uint64_t tokens;                   /* of a run, all sequences together; 0: it is no decoder */
    struct estimate tokens_per_second; /* of all sequences together */
    struct estimate cache_bytes;       /* as measured */
    double cache_expected_bytes;       /* in closed form, from the model's sizes */
};

struct prediction {
    struct {
        const char *name, *path, *sha256;
        uint64_t nodes; /* operators of the file's graph */
        uint64_t parameters;
    } model;
    const char *machine; /* label */
    const char *machine_fingerprint;
    struct conditions conditions;
    const char *lowering; /* "runtime", "cache" or "rules" */
    double slowness;      /* of the machine that times hold for: 1 is usual; 0: was not looked at */
    struct estimate latency_ns, cpu_time_ns;
    struct estimate peak_memory_bytes;
    struct upper_bound peak_memory_upper;
    struct estimate resident_memory_bytes;
    struct estimate load_time_ns, first_run_ns;
    struct cold_start cold_start;
    struct decoding decoding;
    struct memory_timeline timeline; /* step_count 0: not asked for */
    const struct memory_use *memory; /* where the timeline was measured; NULL: it was not */
    /* Of the timeline played through with the measured one; steps 0: not compared. */
    struct memory_agreement played;
    struct operator_row *operators;
    uint32_t operator_count;
    struct counts counts; /* of the operators and the run, where it was measured with counters */
    struct refused_row *refused; /* when there are any, the totals are refused too */
    uint32_t refused_count;
    const char *const *warnings; /* sentences for people */
    uint32_t warning_count;
    bool measured;
};

#endif
