/* What of the machine a cold page cache costs: how fast its storage is and how large the runtime's
 * library. Found by calibration, remembered in the database. */
#ifndef ASSAY_JOBS_STORAGE_H
#define ASSAY_JOBS_STORAGE_H

#include "core/machine.h"
#include "core/run.h"
#include "predictor/cold_start.h"

struct db;

/* Measured beside the database. Where that is not possible (no room, a folder in memory) nothing
 * is remembered. */
int storage_measure(struct db *db, const struct machine *machine, struct err *err);

int storage_note_library(struct arena *arena, struct db *db, const struct machine *machine,
                         const char *runtime, const char *runtime_version, double bytes,
                         struct err *err);

/* Fills storage_bytes_per_s and library_bytes; both 0 when they were never found. */
int storage_recall(struct arena *arena, struct db *db, const struct machine *machine,
                   const char *runtime, const char *runtime_version, struct cold_start_options *out,
                   struct err *err);

#endif
