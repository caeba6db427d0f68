/* Runs: what was measured, with the model, the machine, the conditions and every operator. */
#ifndef ASSAY_DB_RUN_H
#define ASSAY_DB_RUN_H

#include "core/machine.h"
#include "core/run.h"
#include "db/lowered.h"
#include "db/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A measured quantity of a run or of one operator. Numbers that are not known are NaN. */
struct stored_metric {
    const char *name; /* metric_info(...)->name, or the name of a counter */
    const char *unit;
    enum run_phase phase;
    struct summary summary;
};

/* One operator of the lowered graph. */
struct stored_op {
    uint32_t index;   /* in the flat list (core/flat.h), unique in the run */
    const char *path; /* flat_op.path */
    const char *type, *domain;
    const char *kernel; /* class of the cost model, "nchwc_conv_pointwise" */
    const char *shapes; /* for people: "1x64x56x56 64x64x1x1 -> 1x64x56x56" */
    enum dtype dtype;
    double flops, bytes;
    struct summary wall_raw_ns;          /* as measured */
    struct summary wall_ns;              /* measuring cost subtracted */
    struct summary cpu_ns;               /* measuring cost subtracted */
    const struct stored_metric *metrics; /* counters; PHASE_PROFILED */
    uint32_t metric_count;
};

struct stored_run {
    int64_t id; /* set on reading; 0: there is no such run */
    struct stored_model model;
    struct machine machine;
    struct conditions conditions;
    const char *weights;   /* as in struct lowered_key */
    const char *collector; /* "onnxruntime", "replay" */
    const char *purpose;   /* "profile", "calibrate", ... */
    enum dtype dtype;      /* of the weights, mostly */
    /* The lowered graph, with what RUN_GRAPH asked for; on writing it is stored with the run
     * (byte_count 0: the run has none). */
    struct lowered_graph lowered;

    uint32_t repeats, processes;
    double budget_ns; /* given to the protocol; 0: none */
    uint64_t seed;
    const char *started_at; /* UTC; NULL on writing: now */
    double duration_ns;
    const char *tool_version;
    double overhead_ns_per_op; /* subtracted measuring cost */
    struct disturbance disturbance;
    const char *warnings_json; /* array of texts; NULL on writing: "[]" */

    const struct stored_metric *metrics;
    uint32_t metric_count;
    const struct stored_op *ops; /* ascending index; on reading with RUN_OPERATORS */
    uint32_t op_count;           /* always set */
};

/* The summary of a metric of the run; NULL when it was not measured. */
const struct summary *stored_run_metric(const struct stored_run *run, enum metric metric,
                                        enum run_phase phase);

const char *run_phase_name(enum run_phase phase); /* "plain", "profiled", "cold" */

/* One transaction: model, machine, lowered graph, run, metrics, operators, counters. When it
 * returns 0 the run is acknowledged: *run_id is valid and survives any crash. */
int db_put_run(struct db *db, const struct stored_run *run, int64_t *run_id, struct err *err);

enum run_parts {
    RUN_HEAD = 0,           /* everything but the following; metrics of the run are always there */
    RUN_OPERATORS = 1 << 0, /* with their counters */
    RUN_GRAPH = 1 << 1,     /* the bytes of the lowered graph */
};

/* Whether copies of the model ran beside the one that was measured. */
enum run_company { RUNS_ALONE, RUNS_TOGETHER, RUNS_ANY };

/* Which runs; a zeroed filter is all that ran alone. NULL and 0 mean any. */
struct run_filter {
    const char *model_sha256;
    const char *machine; /* fingerprint */
    const char *runtime, *runtime_version;
    const char *weights, *collector, *purpose;
    uint32_t threads;
    const struct conditions *conditions; /* exactly these, batch and dims too */
    int64_t after_id;                    /* only newer ones */
    enum run_company company;
};

/* Calls `each` for every run, oldest first. The run lives until `each` returns; copy what is to
 * stay. `each` may use the database. A value other than 0 from `each` stops and is returned. Every
 * run is checked against its checksum as far as its parts are read: a damaged one is ERR_INPUT. */
int db_each_run(struct db *db, const struct run_filter *filter, int parts,
                int (*each)(void *context, const struct stored_run *run, struct err *err),
                void *context, struct err *err);

/* ERR_INPUT when there is none with that id. Lives in the arena. */
int db_load_run(struct db *db, struct arena *arena, int64_t id, int parts, struct stored_run *run,
                struct err *err);

/* The newest that fits; run->id is 0 when there is none. */
int db_latest_run(struct db *db, struct arena *arena, const struct run_filter *filter, int parts,
                  struct stored_run *run, struct err *err);

int db_count_runs(struct db *db, const struct run_filter *filter, uint64_t *count, struct err *err);

/* The thread counts of the runs, ascending. Lives in the arena. */
int db_list_threads(struct db *db, struct arena *arena, const struct run_filter *filter,
                    int64_t **threads, size_t *count, struct err *err);

/* The operator types that the runs executed, sorted. Lives in the arena. */
int db_list_op_types(struct db *db, struct arena *arena, const struct run_filter *filter,
                     const char ***types, size_t *count, struct err *err);

/* The most FLOP/s that a matrix product of 100 MFLOP or more reached, for each element type. */
struct product_peak {
    const char *dtype;
    double flops_per_s;
};

int db_list_product_peaks(struct db *db, struct arena *arena, const struct run_filter *filter,
                          struct product_peak **peaks, size_t *count, struct err *err);

/* Refused with ERR_INPUT while a fit names the run as evidence (see db_delete_fit). */
int db_delete_run(struct db *db, int64_t id, struct err *err);

#endif
