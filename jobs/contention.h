/* Runs beside replicas, from the database: what is learnt of contention, and how good it is. */
#ifndef ASSAY_JOBS_CONTENTION_H
#define ASSAY_JOBS_CONTENTION_H

#include "core/scaling.h"
#include "jobs/fit.h"
#include "predictor/contention.h"

struct db;

/* Peaks of so many threads at the same time, all added up. */
#define SHARED_BYTES_QUANTITY    "shared_bytes_per_s"
#define SHARED_PRODUCTS_QUANTITY "shared_products_per_s"

struct contention_evidence {
    struct contention_run *runs;
    uint32_t run_count;
    struct contention_probe *probes;
    uint32_t probe_count;
    uint32_t cpus;
};

/* All runs of the place beside replicas, with the operators of the same model alone where it was
 * measured so too. `cost` says what their operators would take. */
int contention_load_evidence(struct arena *arena, struct db *db, const struct place *place,
                             const struct cost_model *cost, struct contention_evidence *out,
                             struct err *err);

void contention_of_evidence(struct arena *arena, const struct contention_evidence *evidence,
                            const char *except_sha256, struct contention *out);

/* Every run beside replicas against what the others say of it; networks of a calibration only when
 * there is nothing else. */
struct judged_slowdown *contention_judge(struct arena *arena,
                                         const struct contention_evidence *evidence,
                                         uint32_t threads, uint32_t *count);

#endif
