/* The program's side of a worker: a request goes out, its samples, texts and graph come back. */
#ifndef ASSAY_COLLECTORS_EXCHANGE_H
#define ASSAY_COLLECTORS_EXCHANGE_H

#include "collectors/request.h"
#include "core/graph.h"
#include "core/run.h"

enum {
    EXCHANGE_TEXTS_MAX = METRIC_COUNTER_MAX + 3
}; /* events; the kernel's side, threads, operators */

struct exchange {
    struct arena *arena; /* what came back lives there */
    struct worker worker;
    struct sink *sink;   /* for samples; NULL: they are dropped */
    const char *text;    /* the last that came */
    struct graph *graph; /* NULL: none came */
    const char *texts[EXCHANGE_TEXTS_MAX];
    uint32_t text_count;
    /* Takes what only this runtime's worker sends; NULL: there is nothing such. */
    int (*other)(struct exchange *exchange, uint32_t kind, struct frame_cursor *in,
                 struct err *err);
    void *context; /* of `other` */
};

/* Starts the worker; it may be silent as long as ASSAY_WORKER_TIMEOUT says. */
int exchange_open(struct exchange *exchange, const char *name, const char *program,
                  const char *const *environment, struct err *err);
/* Sends a request and takes everything up to the end of the answer. */
int exchange_ask(struct exchange *exchange, uint32_t kind, const struct request *request,
                 struct err *err);
int exchange_ask_number(struct exchange *exchange, uint32_t kind, uint32_t number, struct err *err);
/* At once after errors, else when the worker is done. */
void exchange_end(struct exchange *exchange, bool at_once);

#endif
