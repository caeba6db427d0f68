/* A recording of requests: CSV, gzip too, whose first column is the time of arrival, as seconds
 * ("12.5") or as a date ("2023-11-16 18:15:46.6805900", with "T", "Z" or an offset as in ISO 8601).
 * A first line that is no time is a header; empty lines and those that begin with "#" are skipped.
 */
#ifndef ASSAY_JOBS_TRACE_H
#define ASSAY_JOBS_TRACE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace {
    const double *arrivals_ns; /* since the first one; ascending */
    uint64_t count;
    int64_t began_ns;    /* the first one, as the file has it */
    uint64_t disordered; /* lines that were earlier than one above, and were put in their place */
};

/* ERR_INPUT names file and line. At most 50 million requests. */
int trace_read(struct arena *arena, const char *path, struct trace *trace, struct err *err);

/* The time at the start of `line`, up to a comma, a semicolon, a tab or the end. False: it is none.
 * Dates count from 1970; without an offset they are UTC. */
bool trace_parse_time(const char *line, size_t length, int64_t *ns);

#endif
