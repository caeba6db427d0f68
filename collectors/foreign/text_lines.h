/* Lines out of pieces of text, for formats that print a line per event. Memory is one line. */
#ifndef ASSAY_COLLECTORS_FOREIGN_TEXT_LINES_H
#define ASSAY_COLLECTORS_FOREIGN_TEXT_LINES_H

#include "base/strbuf.h"
#include "collectors/foreign/foreign.h"

enum { TEXT_LINE_MAX = 1 << 20 };

/* A line without its end (LF or CR LF), NUL-terminated, writable, and its number from 1 on. Not 0
 * ends the reading. */
typedef int text_line_fn(void *context, uint64_t number, char *line, size_t length,
                         struct err *err);

struct text_lines {
    const char *path; /* for messages */
    text_line_fn *visit;
    void *context;
    uint64_t number;      /* of lines that were handed over */
    uint64_t whole_bytes; /* up to the end of the last of them */
    struct strbuf held;   /* the beginning of a line */
};

void text_lines_init(struct text_lines *lines, const char *path, text_line_fn *visit,
                     void *context);
/* ERR_INPUT for a NUL byte, bytes that are not UTF-8, and a line longer than TEXT_LINE_MAX. */
int text_lines_add(struct text_lines *lines, const char *bytes, size_t length, struct err *err);
void text_lines_done(struct text_lines *lines);

/* All lines of `in`; fills what the outcome says of an early end. A last line without an end is
 * not known to be whole, so it is left out and told. */
int text_lines_read(const char *path, struct inflated *in, text_line_fn *visit, void *context,
                    struct foreign_outcome *out, struct err *err);

/* Splits `text` in place at each `separator`; at most `most` parts, the last with all that is left.
 * Returns how many. */
size_t text_split(char *text, char separator, char **parts, size_t most);

#endif
