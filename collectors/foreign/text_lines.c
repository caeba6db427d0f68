#include "collectors/foreign/text_lines.h"

#include "base/utf8.h"

#include <string.h>

void text_lines_init(struct text_lines *lines, const char *path, text_line_fn *visit,
                     void *context) {
    *lines = (struct text_lines){.path = path, .visit = visit, .context = context};
    strbuf_init(&lines->held);
}

void text_lines_done(struct text_lines *lines) {
    strbuf_done(&lines->held);
}

static int refuse(const struct text_lines *lines, struct err *err, const char *what) {
    unsigned long long line = lines->number + 1;
    return err_set(err, ERR_INPUT, "%s:%llu: %s", lines->path, line, what);
}

static bool is_text(const char *line, size_t length) {
    for (size_t at = 0; at < length;) {
        size_t step = utf8_length((const unsigned char *)line + at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

static int hand_over(struct text_lines *lines, struct err *err) {
    char *line = lines->held.text;
    size_t length = lines->held.length;
    if (memchr(line, '\0', length))
        return refuse(lines, err, "a NUL byte in a text");
    if (!is_text(line, length))
        return refuse(lines, err, "the line is not UTF-8");
    uint64_t bytes = length + 1;
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    if (lines->visit(lines->context, lines->number + 1, line, length, err))
        return -(int)err->code;
    lines->number++;
    lines->whole_bytes += bytes;
    lines->held.length = 0;
    return 0;
}

int text_lines_add(struct text_lines *lines, const char *bytes, size_t length, struct err *err) {
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) : length;
        if (lines->held.length + part > TEXT_LINE_MAX)
            return refuse(lines, err, "the line is longer than 1 MiB");
        strbuf_add(&lines->held, bytes, part);
        if (!end)
            return 0;
        if (hand_over(lines, err))
            return -(int)err->code;
        bytes += part + 1;
        length -= part + 1;
    }
    return 0;
}

static int add_all(struct text_lines *lines, struct inflated *in, struct err *err) {
    const char *bytes;
    size_t length;
    do {
        if (inflated_next(in, &bytes, &length, err) < 0 ||
            text_lines_add(lines, bytes, length, err) < 0)
            return -(int)err->code;
    } while (length > 0);
    return 0;
}

int text_lines_read(const char *path, struct inflated *in, text_line_fn *visit, void *context,
                    struct foreign_outcome *out, struct err *err) {
    struct text_lines lines;
    text_lines_init(&lines, path, visit, context);
    int rc = add_all(&lines, in, err);
    if (inflated_cut(in, &out->cut))
        out->complete = false;
    else if (lines.held.length > 0) {
        out->complete = false;
        out->cut = "the last line has no end";
    }
    out->whole_bytes = lines.whole_bytes;
    text_lines_done(&lines);
    return rc;
}

size_t text_split(char *text, char separator, char **parts, size_t most) {
    size_t count = 0;
    while (count < most) {
        parts[count++] = text;
        char *end = count < most ? strchr(text, separator) : NULL;
        if (!end)
            break;
        *end = '\0';
        text = end + 1;
    }
    return count;
}
