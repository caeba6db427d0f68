#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *format, ...) {
    if (err->code != ERR_OK)
        return -(int)err->code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return -(int)code;
}

int err_set_errno(struct err *err, enum err_code code, const char *format, ...) {
    int number = errno;
    if (err->code != ERR_OK)
        return -(int)err->code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(number));
    return -(int)code;
}

int err_prefix(struct err *err, const char *format, ...) {
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t length = strlen(text);
    size_t room = sizeof text - length;
    snprintf(text + length, room, ": %.*s", (int)(room > 3 ? room - 3 : 0), err->message);
    memcpy(err->message, text, sizeof text);
    return -(int)err->code;
}

int err_hint(struct err *err, const char *format, ...) {
    if (err->hint[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(err->hint, sizeof err->hint, format, args);
        va_end(args);
    }
    return -(int)err->code;
}

const char *err_code_name(enum err_code code) {
    static const char *const names[] = {
        [ERR_OK] = "ok",       [ERR_FINDING] = "finding",         [ERR_USAGE] = "usage",
        [ERR_INPUT] = "input", [ERR_ENVIRONMENT] = "environment", [ERR_BUG] = "bug",
    };
    return names[code];
}
