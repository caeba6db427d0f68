#include "server/http_refusal.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>

static int refuse(struct http_refusal *refusal, int status, enum http_rejection rejection,
                  bool close, const char *format, va_list args) {
    if (refusal->status)
        return -1;
    *refusal = (struct http_refusal){.status = status, .rejection = rejection, .close = close};
    refusal->err.code =
        status >= 500 && status != 501 && status != 505 ? ERR_ENVIRONMENT : ERR_USAGE;
    vsnprintf(refusal->err.message, sizeof refusal->err.message, format, args);
    return -1;
}

int http_refuse(struct http_refusal *refusal, int status, enum http_rejection rejection,
                const char *format, ...) {
    va_list args;
    va_start(args, format);
    refuse(refusal, status, rejection, true, format, args);
    va_end(args);
    return -1;
}

int http_decline(struct http_refusal *refusal, int status, enum http_rejection rejection,
                 const char *format, ...) {
    va_list args;
    va_start(args, format);
    refuse(refusal, status, rejection, false, format, args);
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
