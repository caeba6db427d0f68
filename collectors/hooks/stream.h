/* Reads what libassay-hooks.so wrote (format.h, docs/hooks.md): spans of operators, of a program
 * that still runs, has ended or crashed. The file is foreign: nothing in it is believed unchecked,
 * and no size in it decides what is allocated beyond the file's own size.
 *
 * A record is in the file whole or not at all, so every operator that ended is read. Those that had
 * begun and not ended are told in outcome->cut. */
#ifndef ASSAY_COLLECTORS_HOOKS_STREAM_H
#define ASSAY_COLLECTORS_HOOKS_STREAM_H

#include "base/arena.h"
#include "collectors/foreign/foreign.h"
#include "core/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool hooks_stream_sniff(const char *head, size_t length);

/* Spans go to the sink, on one track per thread, numbered as the kernel numbers threads, and, for
 * ranges that end elsewhere, on tracks of their own; counters go there as samples at the ends of
 * outermost operators, in events since the thread began. ERR_INPUT when the file is none or
 * damaged. What is in `out` lives in the arena. */
int hooks_stream_read(const char *path, struct arena *arena, struct span_sink *sink,
                      struct foreign_outcome *out, struct err *err);
/* The same of bytes in memory; `name` is for messages. */
int hooks_stream_read_bytes(const void *bytes, uint64_t size, const char *name, struct arena *arena,
                            struct span_sink *sink, struct foreign_outcome *out, struct err *err);

extern const struct foreign_format foreign_hooks;

#endif
