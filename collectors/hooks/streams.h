/* The streams of a command: what its programs tell by hooks, ITT or NVTX goes into a temporary
 * folder, a file per process, and is read when the command has ended. */
#ifndef ASSAY_COLLECTORS_HOOKS_STREAMS_H
#define ASSAY_COLLECTORS_HOOKS_STREAMS_H

#include "base/arena.h"
#include "collectors/foreign/foreign.h"
#include "core/span.h"

#include <stdint.h>

enum { HOOKS_ENVIRONMENT_MAX = 4 };

struct hooks_streams {
    const char *folder;
    /* NAME=value for the command, NULL-terminated. A variable that this program's environment has
     * already is not among them, but for the stream's. */
    const char *environment[HOOKS_ENVIRONMENT_MAX];
};

/* Makes the folder, in TMPDIR or /tmp. The libraries that ITT and NVTX load are looked for beside
 * the running program and in ../lib/assay; those that are not there are left out. Texts live in the
 * arena. End with hooks_streams_close(). */
int hooks_streams_open(struct hooks_streams *streams, struct arena *arena, struct err *err);

/* Reads all files that there are. Spans stand on the kernel's threads, on CLOCK_MONOTONIC; names of
 * threads and facts are not handed on, for whoever watches the command has them already. `out` is
 * of all together: events, and whether all were complete with the first reason why not. A file that
 * is damaged ends the reading with ERR_INPUT. */
int hooks_streams_read(const struct hooks_streams *streams, struct arena *arena,
                       const struct span_sink *sink, uint32_t *files, struct foreign_outcome *out,
                       struct err *err);

/* Removes the folder and what is in it. */
void hooks_streams_close(struct hooks_streams *streams);

#endif
