/* GET /v1/models/{model}/replicas: KEDA's metrics-api scaler reads "replicas" from it. */
#include "server/routes/handlers.h"

#include <math.h>

static void add_plan(cJSON *root, const struct service_answer *given) {
    const struct service_level *level = &given->found.level;
    bool planned = level->replicas > 0;
    json_add_number(root, "utilisation", planned ? level->utilisation : NAN);
    cJSON *response = json_add_object(root, "response_ns");
    json_add_number(response, "p50", planned ? level->response_p50_ns : NAN);
    json_add_number(response, "p99", planned ? level->response_p99_ns : NAN);
}

/* Null: the replicas are for the rate itself. */
static void add_forecast(cJSON *root, const struct service_answer *given) {
    if (!given->foreseen) {
        json_add_null(root, "forecast");
        return;
    }
    cJSON *forecast = json_add_object(root, "forecast");
    json_add_number(forecast, "rate_per_second", given->rate_ahead_per_second);
    json_add_number(forecast, "rate_high_per_second", given->rate_ahead_high_per_second);
}

static cJSON *tree_of(const char *model, const struct service_answer *given) {
    const struct scaler_answer *scaler = &given->scaler;
    const struct standing standing = {scaler->age_seconds, scaler->stale, scaler->reason};
    cJSON *root = json_object();
    json_add_int(root, "schema", 1);
    json_add_text(root, "model", model);
    json_add_number(root, "replicas", scaler->replicas);
    json_add_number(root, "replicas_min", scaler->replicas_min);
    json_add_number(root, "replicas_max", scaler->replicas_max);
    json_add_bool(root, "active", scaler->active);
    json_add_number(root, "rate_per_second", given->rate_per_second);
    json_add_text(root, "rate_from", given->rate_from);
    json_add_number(root, "rate_age_seconds", round(given->rate_age_s * 1e3) / 1e3);
    json_add_number(root, "slo_p99_ms", given->slo_p99_ms);
    json_add_text(root, "routing", routing_info(given->routing)->name);
    add_plan(root, given);
    add_forecast(root, given);
    json_add_text(root, "predicted_at", given->predicted_at);
    add_standing(root, &standing);
    return root;
}

HANDLER(handle_replicas) {
    const struct scaler_question question = {
        .model = request_captured(request, "model"),
        .rate_per_second = request_number(request, "rate", NAN),
        .slo_p99_ms = request_number(request, "slo_p99_ms", NAN),
        .routing = request_query(request, "routing"),
    };
    struct service_answer given;
    int status;
    if (service_answer(service, arena, &question, &given, &status, err)) {
        answer->status = status ? status : answer->status;
        return -(int)err->code;
    }
    return answer_json(answer, tree_of(question.model, &given));
}
