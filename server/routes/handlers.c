#include "server/routes/handlers.h"

#include "base/json_strict.h"

#include <math.h>
#include <string.h>

int answer_json(struct http_answer *answer, cJSON *tree) {
    json_print(tree, true, &answer->body);
    strbuf_puts(&answer->body, "\n");
    cJSON_Delete(tree);
    return 0;
}

int find_model(const struct answers *answers, const struct http_request *request,
               const struct answer_row **row, struct http_answer *answer, struct err *err) {
    const char *name = request_captured(request, "model");
    enum found found = answers_find(answers, name ? name : "", row, err);
    if (found == FOUND_ONE)
        return 0;
    answer->status = found == FOUND_NONE ? 404 : 409;
    return -(int)err->code;
}

struct standing standing_of(struct serving *service, const struct answers *answers,
                            const struct answer_row *row) {
    double now_s = service_now(service).steady_s;
    struct standing standing = {.age_seconds = fmax(0, now_s - row->confirmed_s),
                                .stale = service_row_is_stale(service, answers, row, now_s)};
    if (standing.stale && !row->trouble && !answers->trouble)
        standing.reason = "the database has not answered for several rounds";
    else if (standing.stale)
        standing.reason = row->trouble ? row->trouble : answers->trouble;
    return standing;
}

/* Ages are told in milliseconds: more digits would only be noise. */
static double rounded(double seconds) {
    return round(seconds * 1e3) / 1e3;
}

void add_standing(cJSON *tree, const struct standing *standing) {
    json_add_number(tree, "age_seconds", rounded(standing->age_seconds));
    json_add_bool(tree, "stale", standing->stale);
    json_add_text(tree, "reason", standing->reason);
}

cJSON *request_json(struct arena *arena, const struct http_request *request, struct err *err) {
    static const struct json_limits limits = {.depth = 8, .values = 1000, .text_bytes = 4096};
    if (json_check_strict(arena, request->body, request->body_bytes, &limits, "body", err))
        return NULL;
    return json_parse(request->body, request->body_bytes, "body", err);
}
