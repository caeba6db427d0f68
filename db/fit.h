/* Fits: cost models as readable text, with the runs they were made from. */
#ifndef ASSAY_DB_FIT_H
#define ASSAY_DB_FIT_H

#include "db/db.h"

#include <stddef.h>
#include <stdint.h>

struct stored_fit {
    int64_t id;          /* set on reading; 0: there is none */
    const char *machine; /* fingerprint; the machine must be stored */
    const char *runtime, *runtime_version;
    uint32_t threads;
    uint64_t observations;
    const char *data_hash; /* of the observations: the same data, the same hash */
    const char *text;      /* the whole fit as the predictor writes and reads it */
    const char *tool_version;
    const char *created_at; /* set on reading */
    const int64_t *runs;    /* ids of the runs it was made from */
    size_t run_count;
};

int db_put_fit(struct db *db, const struct stored_fit *fit, int64_t *id, struct err *err);
/* ERR_INPUT when there is none with that id. Lives in the arena. */
int db_load_fit(struct db *db, struct arena *arena, int64_t id, struct stored_fit *fit,
                struct err *err);
/* The newest of that machine, runtime and threads; NULL and 0 mean any. fit->id is 0 when there is
 * none. */
int db_latest_fit(struct db *db, struct arena *arena, const char *machine, const char *runtime,
                  const char *runtime_version, uint32_t threads, struct stored_fit *fit,
                  struct err *err);
/* All, oldest first, without text and runs. */
int db_list_fits(struct db *db, struct arena *arena, struct stored_fit **fits, size_t *count,
                 struct err *err);
/* Its predictions stay, without a fit. ERR_INPUT when there is none with that id. */
int db_delete_fit(struct db *db, int64_t id, struct err *err);

#endif
