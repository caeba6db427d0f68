/* POST /v1/models/{model}/observations: {"rate":12.5} or {"requests":188,"seconds":15}, the sum
 * over all replicas; "timestamp" (RFC 3339, or seconds since 1970) says when the window ended. */
#include "server/routes/handlers.h"

#include <math.h>
#include <string.h>

enum { LATE_MAX_S = 24 * 3600, EARLY_MAX_S = 60 };

static int only_known_members(const cJSON *root, struct err *err) {
    static const char *const known[] = {"rate", "requests", "seconds", "timestamp"};
    const cJSON *member;
    cJSON_ArrayForEach(member, root) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || strcmp(member->string, known[i]) == 0;
        if (!found)
            return err_set(err, ERR_INPUT,
                           "member \"%.60s\": expected rate, requests and seconds, timestamp",
                           member->string);
    }
    return 0;
}

static int read_rate(const cJSON *root, struct observation_sample *out, struct err *err) {
    double requests;
    bool counted = cJSON_HasObjectItem(root, "requests") || cJSON_HasObjectItem(root, "seconds");
    if (cJSON_HasObjectItem(root, "rate"))
        return counted ? err_set(err, ERR_INPUT, "either \"rate\", or \"requests\" and \"seconds\"")
                       : json_get_number(root, "rate", &out->rate_per_second, err);
    if (json_get_number(root, "requests", &requests, err) ||
        json_get_number(root, "seconds", &out->window_s, err))
        return err_hint(err, "{\"rate\":12.5} or {\"requests\":188,\"seconds\":15}");
    if (!(out->window_s >= 1 && out->window_s <= OBSERVATION_WINDOW_MAX))
        return err_set(err, ERR_INPUT, "\"seconds\" is %g: expected 1 to %g", out->window_s,
                       OBSERVATION_WINDOW_MAX);
    out->rate_per_second = requests / out->window_s;
    return 0;
}

/* Told on the sender's wall clock, kept on our steady one. */
static int read_time(const cJSON *root, const struct moment *now, struct observation_sample *out,
                     struct err *err) {
    const cJSON *timestamp = cJSON_GetObjectItemCaseSensitive(root, "timestamp");
    double late = 0;
    if (cJSON_IsNumber(timestamp))
        late = now->wall_s - timestamp->valuedouble;
    else if (cJSON_IsString(timestamp))
        late = now->wall_s - moment_parse(timestamp->valuestring);
    else if (timestamp)
        late = NAN;
    if (isnan(late))
        return err_set(err, ERR_INPUT,
                       "\"timestamp\" is neither a number of seconds since 1970 "
                       "nor a text such as 2026-01-31T12:00:00Z");
    if (late > LATE_MAX_S || late < -EARLY_MAX_S)
        return err_set(err, ERR_INPUT, "\"timestamp\" is %.0f s in the %s", fabs(late),
                       late > 0 ? "past" : "future");
    out->ended_s = now->steady_s - fmax(0, late);
    return 0;
}

static int read_sample(struct serving *service, const cJSON *root, struct observation_sample *out,
                       struct err *err) {
    const struct moment now = service_now(service);
    *out = (struct observation_sample){.source = OBSERVED_PUSHED};
    if (!cJSON_IsObject(root))
        return err_set(err, ERR_INPUT, "body: expected an object such as {\"rate\":12.5}");
    if (only_known_members(root, err) || read_rate(root, out, err) ||
        read_time(root, &now, out, err))
        return err_prefix(err, "body");
    return 0;
}

HANDLER(handle_observations) {
    struct answers *answers = service_answers(service);
    const struct answer_row *row;
    int code = find_model(answers, request, &row, answer, err);
    answers_release(answers);
    cJSON *root = code ? NULL : request_json(arena, request, err);
    if (!root)
        return -(int)err->code;
    struct observation_sample sample;
    code = read_sample(service, root, &sample, err);
    cJSON_Delete(root);
    if (code || service_observe(service, request_captured(request, "model"), &sample, err))
        return -(int)err->code;
    root = json_object();
    json_add_bool(root, "accepted", true);
    json_add_number(root, "rate_per_second", sample.rate_per_second);
    return answer_json(answer, root);
}
