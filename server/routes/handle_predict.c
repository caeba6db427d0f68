/* POST /v1/predict: a model in, the JSON of `assay predict --json` out. The command line itself
 * predicts, in a process with limits (server/service/upload.h); nothing of the upload is stored. */
#include "server/routes/handlers.h"

#include "server/service/upload.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* ---- the request -----------------------------------------------------------------------------
 */

static int check_type(const struct http_request *request, const char **file,
                      struct http_answer *answer, struct err *err) {
    const char *type = request->content_type ? request->content_type : "";
    size_t length = strcspn(type, "; ");
    bool json = length == 16 && strncasecmp(type, "application/json", length) == 0;
    bool bytes = length == 24 && strncasecmp(type, "application/octet-stream", length) == 0;
    *file = json ? "model.json" : "model.onnx";
    if (json || bytes)
        return request->body_bytes ? 0 : err_set(err, ERR_INPUT, "the body is empty");
    answer->status = 415;
    return err_set(err, ERR_INPUT,
                   "content type \"%.60s\": expected application/octet-stream with an ONNX file, "
                   "or application/json with a described graph",
                   type);
}

static int check_name(const char *name, struct err *err) {
    if (!name || (name[0] && strlen(name) <= 200))
        return 0;
    return err_set(err, ERR_USAGE, "name: expected 1 to 200 bytes");
}

/* "--name=resnet50": query parameters of the same names as the options. */
static const char *const *read_arguments(struct arena *arena, const struct http_request *request) {
    static const char *const names[] = {"name", "batch", "threads"};
    const char **arguments = ARENA_ARRAY(arena, sizeof names / sizeof *names + 1, const char *);
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = request_query(request, names[i]);
        if (value)
            arguments[count++] = arena_printf(arena, "--%s=%s", names[i], value);
    }
    return arguments;
}

/* The process works in a folder of its own. */
static const char *absolute(struct arena *arena, const char *path) {
    char folder[PATH_MAX];
    if (path[0] == '/' || !getcwd(folder, sizeof folder))
        return path;
    return arena_printf(arena, "%s/%s", folder, path);
}

/* ---- the answer ------------------------------------------------------------------------------
 */

static const struct {
    int exit_code, status;
} statuses[] = {
    {ERR_OK,          200},
    {ERR_FINDING,     422},
    {ERR_USAGE,       400},
    {ERR_INPUT,       400},
    {ERR_ENVIRONMENT, 503},
};

/* Then a wrong input is not the sender's. */
static bool store_is_lost(struct serving *service) {
    struct answers *answers = service_answers(service);
    bool lost = answers->trouble || access(service_options(service)->db_path, R_OK) != 0;
    answers_release(answers);
    return lost;
}

static int settle(struct serving *service, const struct upload_outcome *outcome,
                  const struct upload_limits *limits, struct http_answer *answer, struct err *err) {
    if (outcome->end) {
        strbuf_done(&answer->body); /* half an answer is none */
        strbuf_init(&answer->body);
        return err_set(err, ERR_FINDING, "the prediction was ended: %s", outcome->end);
    }
    /* Running out of memory is the one error that prints nothing. */
    if (answer->body.length == 0 && outcome->exit_code == ERR_ENVIRONMENT)
        return err_set(err, ERR_FINDING, "the model needs more than %llu MiB to be predicted",
                       (unsigned long long)(limits->memory_bytes >> 20));
    if (answer->body.length == 0)
        return err_set(err, ERR_BUG, "the prediction ended with code %d and without an answer",
                       outcome->exit_code);
    answer->status = 500;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].exit_code == outcome->exit_code)
            answer->status = statuses[i].status;
    if (outcome->exit_code == ERR_INPUT && store_is_lost(service))
        answer->status = 503;
    return 0;
}

static int predict(struct serving *service, struct arena *arena, const struct http_request *request,
                   const char *file, struct http_answer *answer, struct err *err) {
    const struct serving_options *options = service_options(service);
    struct upload upload = {
        .bytes = request->body,
        .count = request->body_bytes,
        .file = file,
        .program = options->program,
        .db_path = absolute(arena, options->db_path),
        .temporary = options->temporary,
        .arguments = read_arguments(arena, request),
        .limits = upload_limits_usual,
    };
    upload.limits.memory_bytes = options->upload_memory_bytes;
    struct upload_outcome outcome;
    if (upload_predict(arena, &upload, &answer->body, &outcome, err))
        return -(int)err->code;
    return settle(service, &outcome, &upload.limits, answer, err);
}

HANDLER(handle_predict) {
    const char *file, *lowering = request_query(request, "lowering");
    if (check_type(request, &file, answer, err) || check_name(request_query(request, "name"), err))
        return -(int)err->code;
    if (lowering && strcmp(lowering, "rules") != 0)
        return err_set(err, ERR_USAGE,
                       "lowering \"%.40s\": an upload is lowered by \"rules\" alone", lowering);
    service_count(service, COUNT_UPLOADS);
    if (!service_enter_upload(service)) {
        service_count(service, COUNT_UPLOAD_FAILURES);
        err_set(err, ERR_ENVIRONMENT, "%u uploads are being predicted already",
                service_options(service)->uploads_at_once);
        return err_hint(err, "try again in a moment");
    }
    int code = predict(service, arena, request, file, answer, err);
    service_leave_upload(service);
    if (code || answer->status != 200)
        service_count(service, COUNT_UPLOAD_FAILURES);
    return code;
}
