#include "server/http/refusal.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>

/* False when it is refused already. */
static bool begin(struct http_refusal *refusal, int status, enum http_rejection rejection,
                  bool close) {
    if (refusal->status)
        return false;
    bool ours = status >= 500 && status != 501 && status != 505;
    *refusal = (struct http_refusal){.status = status, .rejection = rejection, .close = close};
    refusal->err.code = ours ? ERR_ENVIRONMENT : ERR_USAGE;
    return true;
}

int http_refuse(struct http_refusal *refusal, int status, enum http_rejection rejection,
                const char *format, ...) {
    if (!begin(refusal, status, rejection, true))
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(refusal->err.message, sizeof refusal->err.message, format, args);
    va_end(args);
    return -1;
}

int http_decline(struct http_refusal *refusal, int status, enum http_rejection rejection,
                 const char *format, ...) {
    if (!begin(refusal, status, rejection, false))
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(refusal->err.message, sizeof refusal->err.message, format, args);
    va_end(args);
    return -1;
}

int http_status_of(enum err_code code) {
    static const int statuses[] = {
        [ERR_OK] = 200,    [ERR_FINDING] = 422,     [ERR_USAGE] = 400,
        [ERR_INPUT] = 400, [ERR_ENVIRONMENT] = 503, [ERR_BUG] = 500,
    };
    return statuses[code];
}

void http_print_error(const struct err *err, struct strbuf *out) {
    cJSON *tree = json_object();
    cJSON *error = json_add_object(tree, "error");
    json_add_text(error, "code", err_code_name(err->code));
    json_add_text(error, "message", err->message);
    json_add_text(error, "hint", err->hint);
    json_print(tree, true, out);
    strbuf_puts(out, "\n");
    cJSON_Delete(tree);
}
