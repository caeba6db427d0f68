/* GET /v1/models, and what is predicted of one. */
#include "server/routes/handlers.h"

#include <math.h>
#include <string.h>

static void add_model(cJSON *list, struct serving *service, const struct answers *answers,
                      const struct answer_row *row) {
    const struct answer *known = row->answer;
    const struct standing standing = standing_of(service, answers, row);
    cJSON *object = json_add_object(list, NULL);
    json_add_text(object, "name", known->name);
    json_add_text(object, "sha256", known->sha256);
    json_add_text(object, "machine", known->machine);
    json_add_uint(object, "threads", known->threads);
    json_add_number(object, "latency_ns", known->latency_ns.value);
    json_add_text(object, "predicted_at", known->predicted_at);
    add_standing(object, &standing);
}

HANDLER(handle_models) {
    (void)arena, (void)request, (void)err;
    struct answers *answers = service_answers(service);
    cJSON *root = json_object();
    json_add_int(root, "schema", 1);
    cJSON *list = json_add_array(root, "models");
    for (uint32_t i = 0; i < answers->count; i++)
        add_model(list, service, answers, &answers->rows[i]);
    answers_release(answers);
    return answer_json(answer, root);
}

/* The document as the command line printed it, with three members more. */
static void print_prediction(const struct answer *known, const struct standing *standing,
                             struct strbuf *out) {
    cJSON *more = json_object();
    struct strbuf text;
    strbuf_init(&text);
    add_standing(more, standing);
    json_print(more, true, &text);
    strbuf_puts(out, known->pretty);
    strbuf_puts(out, ",");
    strbuf_puts(out, text.text + 1); /* behind its "{" */
    strbuf_puts(out, "\n");
    strbuf_done(&text);
    cJSON_Delete(more);
}

HANDLER(handle_prediction) {
    (void)arena;
    struct answers *answers = service_answers(service);
    const struct answer_row *row;
    int code = find_model(answers, request, &row, answer, err);
    if (!code) {
        const struct standing standing = standing_of(service, answers, row);
        print_prediction(row->answer, &standing, &answer->body);
    }
    answers_release(answers);
    return code;
}
