/* The operators that will really run: from the database when they are known, from the runtime's own
 * optimiser where it is installed, else by our fusion rules. */
#ifndef ASSAY_JOBS_LOWERING_H
#define ASSAY_JOBS_LOWERING_H

#include "core/flat.h"
#include "jobs/subject.h"

#include <stddef.h>
#include <stdint.h>

struct db;

enum lowering_source {
    LOWERING_ANY,     /* the first of: cache, runtime, rules */
    LOWERING_RUNTIME, /* exact, also when cached */
    LOWERING_RULES,   /* our rules, for comparison */
};

struct lowering {
    struct graph *graph;
    struct flat_graph flat;
    const char *origin; /* "cache", "runtime", "rules" */
    bool exact;         /* by the runtime, now or when it was cached */
    const void *bytes;  /* an ONNX file without weights: what is stored */
    size_t byte_count;
    int64_t duration_ns; /* what making it took; 0 from the cache */
};

/* db may be NULL: nothing is cached. The result lives in the arena. */
int lowering_make(struct arena *arena, struct db *db, const struct subject *subject,
                  enum lowering_source source, struct lowering *out, struct err *err);

#endif
