#include "base/lines.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

static int read_all(gzFile file, const char *path, line_fn *visit, void *context, struct err *err) {
    char line[LINE_LENGTH_MAX + 2];
    uint64_t number = 0;
    while (gzgets(file, line, sizeof line)) {
        size_t length = strlen(line);
        number++;
        if (length + 1 == sizeof line && line[length - 1] != '\n')
            return err_set(err, ERR_INPUT, "%s: line %llu is longer than %d bytes", path,
                           (unsigned long long)number, LINE_LENGTH_MAX);
        if (visit(context, number, line, length, err))
            return -(int)err->code;
    }
    int code;
    const char *why = gzerror(file, &code);
    if (code != Z_OK && code != Z_STREAM_END)
        return err_set(err, ERR_INPUT, "%s: after line %llu: %s", path, (unsigned long long)number,
                       why);
    return 0;
}

int lines_read(const char *path, line_fn *visit, void *context, struct err *err) {
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return err_set_errno(err, ERR_INPUT, "%s", path);
    int rc = read_all(file, path, visit, context, err);
    gzclose_r(file);
    return rc;
}
