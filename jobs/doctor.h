/* What works on this machine and what does not, with the one command that would mend it. */
#ifndef ASSAY_JOBS_DOCTOR_H
#define ASSAY_JOBS_DOCTOR_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

const char *health_name(enum health health); /* "ok", "warn", "fail" */

struct diagnosis {
    const char *subject; /* "runtime" */
    enum health health;
    const char *finding; /* what was seen, and what it means */
    const char *mend;    /* a command or a sentence; "" when there is nothing to do */
};

/* One diagnosis per check, always all of them; they live in the arena. `db_path` is the database
 * that would be used, or NULL with the reason in `db_reason`. */
void doctor_examine(struct arena *arena, const char *db_path, const char *db_reason,
                    struct diagnosis **rows, uint32_t *count);

#endif
