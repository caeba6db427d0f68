/* A worker: a separate process of ours that holds a foreign runtime, so that the program outlives
 * its crashes and what is measured is the runtime's memory, not ours.
 *
 * It is started with a pipe for commands at descriptor WORKER_COMMANDS and one for replies at
 * WORKER_REPLIES; standard input is empty, and what it or the runtime prints is kept (its end) for
 * error messages and never reaches our own output. It dies with the program. Its one argument is
 * the time when it was started: CLOCK_MONOTONIC in nanoseconds, hexadecimal.
 *
 * A command is one frame; it is answered by any number of frames and ends with WORKER_DONE or
 * WORKER_FAILED. Kinds below WORKER_KIND_FIRST are those two; the others belong to the runtime.
 */
#ifndef ASSAY_COLLECTORS_WORKER_H
#define ASSAY_COLLECTORS_WORKER_H

#include "base/err.h"
#include "base/strbuf.h"
#include "collectors/frame.h"

#include <stdint.h>
#include <sys/types.h>

enum { WORKER_COMMANDS = 3, WORKER_REPLIES = 4, WORKER_KIND_FIRST = 16 };
enum worker_kind {
    WORKER_DONE = 1,   /* nothing in it */
    WORKER_FAILED = 2, /* u32 code, text message, text hint */
};

struct worker {
    const char *name; /* of the program, for messages */
    pid_t pid;        /* 0: not running */
    int commands, replies, output;
    uint32_t timeout_ms;  /* longest silence of a worker that has a command */
    struct strbuf frame;  /* the payload of the last frame */
    struct strbuf pieces; /* bytes read that are not a whole frame yet */
    char printed[1024];   /* the end of what it printed, NUL-terminated */
};

/* Starts `program` with the environment entries of `environment` ("NAME=value", NULL-terminated)
 * added to ours. `name` is borrowed. */
int worker_open(struct worker *worker, const char *name, const char *program,
                const char *const *environment, struct err *err);
int worker_send(struct worker *worker, uint32_t kind, const void *payload, size_t length,
                struct err *err);
/* Waits for the next frame and returns its kind in `kind`, its payload in worker->frame until the
 * next call. A WORKER_FAILED frame becomes the error it carries. Also an error: the process ended
 * (the message says by which signal and what it printed last), or was silent for timeout_ms; it
 * is killed then. */
int worker_receive(struct worker *worker, uint32_t *kind, struct err *err);
/* Ends it: closes the command pipe, waits a moment for a normal end, kills it otherwise. */
void worker_close(struct worker *worker);
/* Ends it at once. */
void worker_kill(struct worker *worker);

/* The worker's side of WORKER_FAILED. */
bool worker_reply_failed(int fd, const struct err *err);

#endif
