/* What was answered to whoever scales by the observed load, so that the next answer is no more than
 * a factor away: once per decision interval the answer may go from N up to factor N and down to
 * N / factor. One row per question (model, target, routing); the longest unasked gives way.
 * Thread-safe. */
#ifndef ASSAY_SERVER_SERVICE_DESIRED_H
#define ASSAY_SERVER_SERVICE_DESIRED_H

#include "base/err.h"
#include "base/json.h"
#include "core/plan.h"

#include <stdbool.h>

enum { DESIRED_ROWS_MAX = 1024, DESIRED_NAME_MAX = 512 };

struct desired_limits {
    double factor;     /* 2; 0: no limit */
    double interval_s; /* 15 */
};

struct desired_question {
    const char *model;
    double slo_p99_ms;
    enum routing routing;
};

struct desired;

struct desired *desired_new(struct desired_limits limits); /* never NULL */
void desired_delete(struct desired *desired);

/* The replicas to answer with when `wanted` would be right. The first answer to a question is not
 * limited. From 0 and 1 the next step is `factor`; 0 is reached from 1. */
double desired_step(struct desired *desired, const struct desired_question *question, double wanted,
                    double now_s);
/* What was answered last, NaN when nothing was. */
double desired_last(struct desired *desired, const struct desired_question *question);

/* As the state file holds them. */
void desired_save(struct desired *desired, double now_s, cJSON *array);
int desired_restore(struct desired *desired, double now_s, const cJSON *array, struct err *err);

#endif
