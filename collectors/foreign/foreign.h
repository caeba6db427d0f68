/* Traces and tables of other tools: one row per format, found by what a file holds, never by its
 * name. Every reader treats the file as hostile: bounded, in one pass, its errors naming the file
 * and the offset or line. A file that ends early is read up to its last whole event.
 *
 * A file that is gzip inside is unpacked on the way (base/inflated.h); readers see plain bytes.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_FOREIGN_H
#define ASSAY_COLLECTORS_FOREIGN_FOREIGN_H

#include "base/arena.h"
#include "base/inflated.h"
#include "base/progress.h"
#include "core/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much of a file's (unpacked) beginning a row may count on to know its own. */
enum { FOREIGN_HEAD_BYTES = 64 << 10 };

struct foreign_request {
    const char *path;
    const char *companion; /* a second file that the format needs: the .pte of an ETDump; NULL */
    const char *mapping;   /* of a table: the mapping file, NULL: one of those that ship */
    struct arena *arena;   /* of the command */
    struct progress *progress; /* counts bytes of the file; NULL: nobody looks on */
};

struct foreign_outcome {
    uint64_t events; /* whole ones, spans or not */
    bool complete;
    uint64_t whole_bytes; /* unpacked, up to the last whole event; when not complete */
    const char *cut;      /* why it is not complete: "the gzip stream ends early"; in the arena */
    uint64_t skipped;     /* events that could not be used, of those that came whole or not */
    const char *why;      /* the first one's reason, with its offset or line; in the arena */
};

struct foreign_format {
    const char *name; /* "kineto" */
    const char *help;
    bool experimental; /* never tried on a real file of the tool */
    bool companion;    /* reads a second file when one is named */
    /* Whether these first bytes are one. NUL-terminated behind `length`. */
    bool (*sniff)(const char *head, size_t length);
    /* Streams `in` into the sink. Formats that need the whole file in place (`whole` set) get it by
     * request->path instead, and `in` is NULL. */
    bool whole;
    int (*read)(const struct foreign_request *request, struct inflated *in, struct span_sink *sink,
                struct foreign_outcome *out, struct err *err);
};

/* NULL-terminated; the first row whose sniff agrees wins. Each reader ends in one row,
 * `const struct foreign_format foreign_NAME`, and has one line in foreign.c. */
extern const struct foreign_format *const foreign_formats[];
const struct foreign_format *foreign_format_by_name(const char *name); /* NULL: there is none */

/* Finds the format of a file and reads it. ERR_INPUT when no row knows it (the message tells what
 * it looks like: an execution graph, a pickle); ERR_USAGE when `name` (NULL: sniff) is not a row,
 * or the row reads no second file and one is given. */
int foreign_read(const struct foreign_request *request, const char *name, struct span_sink *sink,
                 const struct foreign_format **format, struct foreign_outcome *out,
                 struct err *err);

#endif
