/* Machines by fingerprint (core/machine.h), and the peaks that probes measured on them. */
#ifndef ASSAY_DB_MACHINE_H
#define ASSAY_DB_MACHINE_H

#include "core/machine.h"
#include "db/db.h"

#include <stddef.h>
#include <stdint.h>

/* One measured ceiling: what a probe reached. */
struct machine_peak {
    const char *quantity; /* "flops_per_s", "bytes_per_s", or a probe's own with the unit in it */
    const char *subject;  /* dtype "float32", memory level "L1", "L2", "memory" */
    uint32_t threads;
    double value, low, high;
    const char *measured_at; /* UTC; NULL on writing: now */
};

/* Adds the machine, or updates what is told of the one with that fingerprint. */
int db_put_machine(struct db *db, const struct machine *machine, int64_t *id, struct err *err);
/* By fingerprint, at least 6 leading digits of it, or exact label. ERR_INPUT when there is none or
 * more than one. */
int db_find_machine(struct db *db, const char *text, struct machine *machine, struct err *err);
int db_list_machines(struct db *db, struct arena *arena, struct machine **machines, size_t *count,
                     struct err *err);

/* Each peak replaces the older one of the same machine, quantity, subject and threads. */
int db_put_peaks(struct db *db, const struct machine *machine, const struct machine_peak *peaks,
                 size_t count, struct err *err);
/* Empty when the machine is not stored or was never probed. */
int db_list_peaks(struct db *db, struct arena *arena, const char *fingerprint,
                  struct machine_peak **peaks, size_t *count, struct err *err);

#endif
