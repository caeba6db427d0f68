/* What was seen: the currency between the database and the predictor. */
#ifndef ASSAY_CORE_OBSERVATION_H
#define ASSAY_CORE_OBSERVATION_H

#include "base/arena.h"
#include "core/features.h"
#include "core/footprint.h"

#include <stdint.h>

/* One operator of one run. */
struct observation {
    struct features features;
    double wall_ns;  /* median, measuring cost subtracted */
    double spread;   /* robust standard deviation / median of the repeats */
    double slowness; /* of the machine just then: 1 is usual, 1.2: 20 % slower */
    int32_t op;      /* flat index in the run's lowered graph */
    uint32_t run;    /* index into training.runs */
};

/* Work that is always the same, timed beside what is measured: how fast the machine was. A field
 * that is not known is NaN or 0. */
struct yardsticks {
    double probe_ns;     /* multiply-adds in registers: they feel the clock */
    double reference_ns; /* a run of the reference network: it feels caches and memory too */
};

/* One model run as a whole; what was not measured is NaN. */
struct observed_run {
    int64_t id;             /* database id: the evidence */
    const char *model_name; /* models of one name and hash are one for leave-one-out */
    const char *model_sha256;
    const char *purpose; /* "profile", "calibrate" */
    double latency_ns, cpu_ns;
    double operators_ns; /* sum of its measured operators, the calibrated cost of measuring off */
    double peak_bytes, resident_bytes, baseline_bytes;
    double loaded_bytes; /* the peak up to the end of session creation */
    double load_ns, first_run_ns;
    double process_start_ns, library_load_ns, library_bytes;
    double file_read_ns; /* page cache warm */
    double parse_ns, optimise_ns, reorder_ns,
        prepack_ns;          /* what load_ns has besides file_read_ns */
    struct yardsticks speed; /* while it was measured */
    struct footprint footprint;
};

/* All observations of one machine, runtime and thread count. */
struct training {
    const struct observation *observations; /* in the order of their runs */
    const struct observed_run *runs;
    uint32_t observation_count, run_count;
    uint32_t threads;        /* intra-op, of all runs */
    struct yardsticks usual; /* when the machine was as fast as it mostly is */
};

/* What each took in the middle of the runs that have it; 0: none has. The reference network only
 * where most runs have it: a few that are newer know nothing of the speed of the others. */
struct yardsticks usual_speed(const struct observed_run *runs, uint32_t count);
/* How slow the machine is, within a factor of two: the reference network says, else the probe; 1
 * when neither is known of both. */
double slowness_of(const struct yardsticks *now, const struct yardsticks *usual);
/* Loading is mixed work: it slows down with the yardstick, but less. */
double slowness_of_loading(double slowness);

/* The index of the first observation of that run or a later one; observation_count behind the
 * last. */
uint32_t training_first(const struct training *training, uint32_t run);

/* The runs with keep[run], their observations with them; in the arena. */
struct training training_kept(struct arena *arena, const struct training *training,
                              const bool *keep);

#endif
