/* Spans and readings into a file of Chrome's trace format, for a timeline viewer: complete events
 * in microseconds ("ph":"X"), counters ("C") and names of threads ("M"). A sink that passes all on
 * to another one. */
#ifndef ASSAY_COLLECTORS_RECORD_TRACE_WRITER_H
#define ASSAY_COLLECTORS_RECORD_TRACE_WRITER_H

#include "base/file.h"
#include "base/strbuf.h"
#include "core/span.h"

struct trace_writer {
    struct file_writer file;
    struct span_sink next;
    struct strbuf text; /* of one event, or several that wait */
    uint64_t events;
};

int trace_writer_open(struct trace_writer *writer, const char *path, const struct span_sink *next,
                      struct err *err);
struct span_sink trace_writer_sink(struct trace_writer *writer);
int trace_writer_commit(struct trace_writer *writer, struct err *err);
void trace_writer_abandon(struct trace_writer *writer);

#endif
