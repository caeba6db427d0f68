/* What an autoscaler asks, whatever protocol it speaks: HTTP and gRPC answer from the same row of
 * functions, so both give the same numbers. */
#ifndef ASSAY_SERVER_SCALER_H
#define ASSAY_SERVER_SCALER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct scaler_question {
    const char *model;      /* its name */
    double rate_per_second; /* NaN: what was observed last */
    double slo_p99_ms;      /* NaN: the model's own, set when serving began */
    const char *routing;    /* NULL: the server's default */
};

struct scaler_answer {
    double replicas;                   /* to run; whole */
    double replicas_min, replicas_max; /* for the ends of the prediction's interval */
    bool active;                       /* false only when the measured load is known to be zero */
    bool stale;                        /* the last good answer, given while something is broken */
    double age_seconds;                /* of what the answer rests on */
    const char *reason;                /* NULL, or why it is stale or bounded; lives in the arena */
};

/* Thread-safe; answers from memory. ERR_INPUT: no such model, or two of that name. */
struct scaler {
    void *service;
    int (*desired)(void *service, struct arena *arena, const struct scaler_question *question,
                   struct scaler_answer *answer, struct err *err);
    /* The models that can be asked for. */
    int (*models)(void *service, struct arena *arena, const char *const **names, uint32_t *count,
                  struct err *err);
};

#endif
