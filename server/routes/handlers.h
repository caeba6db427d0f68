/* The handlers, one file each (handle_*.c), and what they share. `service` is a struct serving.
 * See struct route for what they return. */
#ifndef ASSAY_SERVER_ROUTES_HANDLERS_H
#define ASSAY_SERVER_ROUTES_HANDLERS_H

#include "base/json.h"
#include "server/route.h"
#include "server/service/service.h"

#define HANDLER(name)                                                                              \
    int name(void *service, struct arena *arena, const struct http_request *request,               \
             struct http_answer *answer, struct err *err)

HANDLER(handle_replicas);
HANDLER(handle_models);
HANDLER(handle_prediction);
HANDLER(handle_recommendation);
HANDLER(handle_predict);
HANDLER(handle_observations);
HANDLER(handle_metric_discovery);
HANDLER(handle_metric);
HANDLER(handle_metrics);
HANDLER(handle_health);
HANDLER(handle_ready);
HANDLER(handle_openapi);

/* Prints the tree into the answer, as the command line would, and frees it. Returns 0. */
int answer_json(struct http_answer *answer, cJSON *tree);

/* The row of {model}; sets status 404 or 409. */
int find_model(const struct answers *answers, const struct http_request *request,
               const struct answer_row **row, struct http_answer *answer, struct err *err);

/* Age and staleness of a row, as every answer of ours tells them. */
struct standing {
    double age_seconds;
    bool stale;
    const char *reason; /* NULL: it is not stale */
};
struct standing standing_of(struct serving *service, const struct answers *answers,
                            const struct answer_row *row);
void add_standing(cJSON *tree, const struct standing *standing);

/* A JSON body, bounded in depth and free of what strict readers refuse (base/json_strict.h). NULL
 * on failure; else to be freed with cJSON_Delete. */
cJSON *request_json(struct arena *arena, const struct http_request *request, struct err *err);

#endif
