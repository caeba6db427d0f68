/* Recordings: what programs were seen doing (core/recording.h). */
#ifndef ASSAY_DB_RECORDING_H
#define ASSAY_DB_RECORDING_H

#include "core/recording.h"
#include "db/db.h"

struct stored_recording {
    int64_t id; /* 0: there is no such recording */
    /* Fingerprint of ours when it ran here, stored before (db/machine.h); "" for other machines. */
    const char *machine;
    const char *created_at;
    struct recording recording;
};

enum recording_parts { RECORDING_HEAD = 0, RECORDING_NODES = 1 << 0, RECORDING_SAMPLES = 1 << 1 };

/* One transaction. A file that is stored already (same sha256 and format) is not stored again:
 * *id is the old one's and *fresh false. Table rows and nodes go in as they are. */
int db_put_recording(struct db *db, const struct stored_recording *recording, int64_t *id,
                     bool *fresh, struct err *err);
/* `wanted` is of enum recording_parts. ERR_INPUT when there is none or it is damaged. Lives in the
 * arena. */
int db_load_recording(struct db *db, struct arena *arena, int64_t id, int wanted,
                      struct stored_recording *out, struct err *err);
/* Heads only, oldest first. Lives in the arena. */
int db_list_recordings(struct db *db, struct arena *arena, struct stored_recording **out,
                       size_t *count, struct err *err);
int db_delete_recording(struct db *db, int64_t id, struct err *err);

#endif
