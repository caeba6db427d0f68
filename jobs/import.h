/* Traces and tables of other tools, read into recordings (core/recording.h) and stored. */
#ifndef ASSAY_JOBS_IMPORT_H
#define ASSAY_JOBS_IMPORT_H

#include "collectors/foreign/foreign.h"
#include "core/recording.h"
#include "db/db.h"

struct import_request {
    const char *path;
    const char *format;    /* NULL: by content */
    const char *companion; /* a second file, as struct foreign_request has it; NULL */
    const char *mapping;   /* of a table; NULL */
    struct progress *progress;
};

struct imported {
    struct recording recording;
    const struct foreign_format *format;
    struct foreign_outcome outcome;
    int64_t id; /* in the database; 0: not stored */
    bool fresh; /* false: it was there already, and is not stored again */
};

/* `db` NULL: nothing is stored. ERR_INPUT for a file that no format knows or that is wrong from its
 * beginning; one that ends early is read as far as it goes. Lives in the arena. */
int import_file(struct arena *arena, struct db *db, const struct import_request *request,
                struct imported *out, struct err *err);

#endif
