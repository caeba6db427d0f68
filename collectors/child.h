/* A program started to be watched: it waits before exec until everything is attached to it. */
#ifndef ASSAY_COLLECTORS_CHILD_H
#define ASSAY_COLLECTORS_CHILD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int gate;      /* closing it lets the program go */
    int exec_said; /* errno of a failed exec comes out here */
};

struct child_end {
    int exit_code; /* -1: ended by a signal */
    int signal;    /* 0: none */
    int64_t wall_ns;
    int64_t user_ns, system_ns; /* CPU time, of it and of children it waited for */
    /* High-water mark of resident memory. The kernel counts the moments before exec too, so that
     * it is never below what the caller itself holds. */
    int64_t peak_bytes;
    int64_t minor_faults, major_faults, voluntary_switches, involuntary_switches;
};

/* `command` ends with NULL; its first word is looked for on the PATH. */
int child_hold(struct child *child, char *const *command, struct err *err);
/* Lets it go and waits for its end. ERR_USAGE when it cannot be executed. */
int child_run(struct child *child, const char *name, struct child_end *end, struct err *err);
/* Ends a child that was not let go. */
void child_abandon(struct child *child);

#endif
