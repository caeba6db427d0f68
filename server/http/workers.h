/* Threads for requests that take long, and the bounded queue in front of them. */
#ifndef ASSAY_SERVER_HTTP_WORKERS_H
#define ASSAY_SERVER_HTTP_WORKERS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct http_workers;

/* `cancelled`: there is no time for it any more, it shall only be answered. */
typedef void work_fn(void *job, bool cancelled);

int http_workers_new(uint32_t threads, uint32_t waiting_max, work_fn *work,
                     struct http_workers **workers, struct err *err);

/* False when too many wait already: the job stays the caller's. */
bool http_workers_submit(struct http_workers *workers, void *job);

/* Cancels what waits, and waits for what runs until that time (CLOCK_MONOTONIC). Returns how many
 * jobs still run: 0, and `workers` is gone; else it stays for them. */
uint32_t http_workers_stop(struct http_workers *workers, uint64_t until_ns);

#endif
