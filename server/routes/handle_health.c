/* GET /healthz: the process answers. GET /readyz: it has something to answer from. */
#include "server/routes/handlers.h"

HANDLER(handle_health) {
    (void)service, (void)arena, (void)request, (void)err;
    cJSON *root = json_object();
    json_add_text(root, "status", "ok");
    json_add_text(root, "version", ASSAY_VERSION);
    return answer_json(answer, root);
}

HANDLER(handle_ready) {
    (void)arena, (void)request, (void)err;
    struct answers *answers = service_answers(service);
    cJSON *root = json_object();
    json_add_bool(root, "ready", answers->count > 0);
    json_add_uint(root, "models", answers->count);
    json_add_bool(root, "stale", answers->trouble != NULL);
    json_add_text(root, "reason",
                  answers->trouble ? answers->trouble
                  : answers->count ? NULL
                                   : "the database holds no prediction yet");
    if (answers->count == 0)
        answer->status = 503;
    answers_release(answers);
    return answer_json(answer, root);
}
