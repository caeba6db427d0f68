/* A rate from a Prometheus server: one instant query (HTTP API v1, /api/v1/query), whose answer is
 * a scalar or a vector of one sample. */
#ifndef ASSAY_SERVER_SERVICE_SCRAPE_H
#define ASSAY_SERVER_SERVICE_SCRAPE_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>

struct scrape_request {
    const char *url;   /* "http://127.0.0.1:9090" */
    const char *query; /* PromQL; "{model}" stands for the model's name */
    const char *model;
    double timeout_s;
};

/* ERR_ENVIRONMENT when the server cannot be asked in time, ERR_INPUT when its answer is not one
 * finite number >= 0: no series is "not known", never 0. */
int scrape_rate(struct arena *arena, const struct scrape_request *request, double *rate,
                struct err *err);

/* The rate in the body of an answer. */
int scrape_parse(const char *body, size_t length, double *rate, struct err *err);

/* The query with the model's name in it, quotes and backslashes escaped as PromQL wants. */
const char *scrape_query(struct arena *arena, const char *query, const char *model);

#endif
