/* Recording a command and keeping what was seen. */
#ifndef ASSAY_JOBS_RECORD_H
#define ASSAY_JOBS_RECORD_H

#include "collectors/record/record.h"
#include "core/recording.h"
#include "db/db.h"

struct record_job {
    char *const *command;      /* NULL-terminated */
    const char *const *probes; /* LIBRARY:SYMBOL patterns, besides the libraries that are known */
    uint32_t probe_count;
    const char *route; /* NULL: the best that works here */
    const char *const *events;
    uint32_t event_count;
    double rate_hz;
    bool onednn;            /* what oneDNN prints is taken out of the command's standard output */
    const char *trace_path; /* a timeline is written there too; NULL: not */
    /* Runs the command so many times without recording and as many times with it, in turn; the
     * first recorded one is kept. 0: once, recorded. */
    uint32_t baseline;
};

struct recorded {
    struct recording recording;
    struct record_outcome outcome;
    uint64_t told;           /* events that its programs told by hooks, ITT or NVTX */
    const char *told_reason; /* why that is not all; NULL: it is */
    int64_t id;              /* in the database; 0: not stored */
    /* Medians of the baseline's runs; NaN: there was none. */
    double bare_wall_ns, bare_cpu_ns, recorded_wall_ns, recorded_cpu_ns;
};

/* `db` NULL: nothing is stored. Not 0: the command was not executed, or what was seen could not be
 * kept. Lives in the arena. */
int job_record(struct arena *arena, struct db *db, const struct record_job *job,
               struct recorded *out, struct err *err);

#endif
