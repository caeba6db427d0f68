/* The worker's side of the pipes: commands come in, each is given to its row, what it sees goes out
 * as samples, and the answer ends with WORKER_DONE or the error (collectors/worker.h). */
#ifndef ASSAY_COLLECTORS_SERVE_H
#define ASSAY_COLLECTORS_SERVE_H

#include "collectors/counters.h"
#include "collectors/request.h"

struct server;

struct server_command {
    uint32_t kind;
    int (*run)(struct server *server, struct frame_cursor *in, struct err *err);
};

struct server {
    void *context; /* the worker's own */
    const struct server_command *commands;
    size_t command_count;
    struct strbuf batch; /* samples not sent yet */
    bool broken;         /* the program is gone */
};

/* Serves until the program is gone. Returns at once, with ERR_USAGE, when nobody has started it
 * as a worker; `name` is that of the program. */
int serve(struct server *server, const char *name);

/* A sink's put: what is seen goes out in large batches, and after the command at the latest. */
void server_put_sample(void *server, const struct sample *sample);
void server_send_text(struct server *server, const char *text);
/* The reasons of events, of the kernel's side and of threads that are not counted. */
void server_send_missing(struct server *server, struct arena *arena,
                         const struct counters *counters);
void server_send(struct server *server, uint32_t kind, const struct strbuf *payload);

#endif
