/* Any bytes as a file of one foreign format: an error with a message, or spans and rows that are
 * what core/span.h promises. */
#ifndef ASSAY_TESTS_FUZZ_FOREIGN_FUZZ_H
#define ASSAY_TESTS_FUZZ_FOREIGN_FUZZ_H

#include "base/utf8.h"
#include "collectors/foreign/foreign.h"
#include "tests/fuzz/fuzz_seed.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Files in memory, filled anew for every input. */
struct fuzz_file {
    int fd;
    char path[40];
};

static inline void fuzz_file_fill(struct fuzz_file *file, const void *bytes, size_t size) {
    if (file->path[0] == '\0') {
        file->fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    }
    if (ftruncate(file->fd, 0) || pwrite(file->fd, bytes, size, 0) != (ssize_t)size)
        abort();
}

static inline void check_text(const char *text) {
    if (text && utf8_prefix(text, SIZE_MAX) != strlen(text))
        abort();
}

static inline int check_span(void *context, const struct span *span, struct err *err) {
    (void)context, (void)err;
    if (!span->name || span->duration_ns < 0 || (unsigned)span->kind >= SPAN_KIND_COUNT)
        abort();
    check_text(span->name);
    check_text(span->category);
    check_text(span->shapes);
    check_text(span->dtypes);
    return 0;
}

static inline int check_row(void *context, const struct table_row *row, struct err *err) {
    (void)context, (void)err;
    if (!row->name || row->time_ns < 0 || isinf(row->time_ns) || isinf(row->low_ns))
        abort();
    check_text(row->name);
    check_text(row->device);
    check_text(row->shapes);
    check_text(row->dtypes);
    check_text(row->attributes);
    return 0;
}

static inline int check_sample(void *context, const struct track_sample *sample, struct err *err) {
    (void)context, (void)err;
    if (!sample->metric || !sample->unit || !isfinite(sample->value))
        abort();
    check_text(sample->metric);
    check_text(sample->unit);
    return 0;
}

static inline int check_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                              struct err *err) {
    (void)context, (void)err, (void)track;
    if (!name || (unsigned)kind >= TRACK_KIND_COUNT)
        abort();
    check_text(name);
    return 0;
}

static inline int check_fact(void *context, const char *key, const char *value, struct err *err) {
    (void)context, (void)err;
    if (!key || !value)
        abort();
    check_text(key);
    check_text(value);
    return 0;
}

static inline void fuzz_format(const struct foreign_format *format,
                               struct foreign_request *request) {
    struct span_sink sink = {NULL, check_span, check_row, check_sample, check_track, check_fact};
    struct foreign_outcome outcome = {.complete = true};
    struct inflated *in = NULL;
    struct err err = {0};
    struct arena arena;
    const char *head;
    size_t length;
    arena_init(&arena);
    request->arena = &arena;
    if (inflated_open(&in, request->path, &err) ||
        inflated_peek(in, FOREIGN_HEAD_BYTES, &head, &length, &err))
        abort();
    format->sniff(head, length);
    if (format->read(request, format->whole ? NULL : in, &sink, &outcome, &err)) {
        if (!err.message[0])
            abort();
    } else if (!outcome.complete && !outcome.cut) {
        abort();
    }
    inflated_close(in);
    arena_done(&arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
