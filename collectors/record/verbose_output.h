/* Standard output of a command that oneDNN prints into: lines of oneDNN's are taken out and read,
 * everything else passes unchanged, and at once. */
#ifndef ASSAY_COLLECTORS_RECORD_VERBOSE_OUTPUT_H
#define ASSAY_COLLECTORS_RECORD_VERBOSE_OUTPUT_H

#include "base/strbuf.h"
#include "collectors/foreign/onednn.h"

#include <stdbool.h>

struct verbose_output {
    struct onednn onednn;
    struct span_sink sink, shifted; /* times of oneDNN's are put on the clock of spans */
    struct strbuf held;             /* the line's beginning, as long as it may be oneDNN's */
    bool passing;                   /* this line is not */
    int64_t shift_ns;
    uint64_t unread; /* lines of oneDNN's that nobody understood */
    int out;
};

/* NAME=value entries that make oneDNN print; NULL-terminated. */
extern const char *const verbose_environment[];

/* What is not oneDNN's goes to the descriptor `out`. */
void verbose_output_init(struct verbose_output *output, const struct span_sink *sink, int out);
/* ERR_ENVIRONMENT: what passes cannot be written. */
int verbose_output_take(struct verbose_output *output, const char *bytes, size_t length,
                        struct err *err);
int verbose_output_end(struct verbose_output *output, struct err *err);
void verbose_output_done(struct verbose_output *output);

#endif
