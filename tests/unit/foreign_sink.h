/* For tests of foreign formats: a sink that keeps what it receives, files from texts. */
#ifndef ASSAY_TESTS_UNIT_FOREIGN_SINK_H
#define ASSAY_TESTS_UNIT_FOREIGN_SINK_H

#include "collectors/foreign/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEPT_MAX = 20000 };

struct kept {
    struct arena arena;
    struct span *spans;
    struct table_row *rows;
    struct track_sample *samples;
    const char **facts; /* "key=value" */
    const char **tracks;
    uint64_t *track_ids;
    size_t span_count, row_count, sample_count, fact_count, track_count;
    struct foreign_outcome outcome;
    struct err err;
};

static inline const char *keep_text(struct kept *kept, const char *text) {
    return text ? arena_strdup(&kept->arena, text) : NULL;
}

static inline int keep_span(void *context, const struct span *span, struct err *err) {
    struct kept *kept = context;
    (void)err;
    assert_non_null(span->name);
    assert_true(span->duration_ns >= 0);
    if (kept->span_count < KEPT_MAX) {
        struct span *copy = &kept->spans[kept->span_count];
        *copy = *span;
        copy->name = keep_text(kept, span->name);
        copy->category = keep_text(kept, span->category);
        copy->shapes = keep_text(kept, span->shapes);
        copy->dtypes = keep_text(kept, span->dtypes);
    }
    kept->span_count++;
    return 0;
}

static inline int keep_row(void *context, const struct table_row *row, struct err *err) {
    struct kept *kept = context;
    (void)err;
    assert_non_null(row->name);
    if (kept->row_count < KEPT_MAX) {
        struct table_row *copy = &kept->rows[kept->row_count];
        *copy = *row;
        copy->name = keep_text(kept, row->name);
        copy->device = keep_text(kept, row->device);
        copy->shapes = keep_text(kept, row->shapes);
        copy->dtypes = keep_text(kept, row->dtypes);
        copy->attributes = keep_text(kept, row->attributes);
    }
    kept->row_count++;
    return 0;
}

static inline int keep_sample(void *context, const struct track_sample *sample, struct err *err) {
    struct kept *kept = context;
    (void)err;
    if (kept->sample_count < KEPT_MAX) {
        kept->samples[kept->sample_count] = *sample;
        kept->samples[kept->sample_count].metric = keep_text(kept, sample->metric);
        kept->samples[kept->sample_count].unit = keep_text(kept, sample->unit);
    }
    kept->sample_count++;
    return 0;
}

static inline int keep_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                             struct err *err) {
    struct kept *kept = context;
    (void)err, (void)kind;
    assert_true(kept->track_count < KEPT_MAX);
    for (size_t i = 0; i < kept->track_count; i++)
        assert_true(kept->track_ids[i] != track);
    kept->track_ids[kept->track_count] = track;
    kept->tracks[kept->track_count++] = keep_text(kept, name);
    return 0;
}

static inline int keep_fact(void *context, const char *key, const char *value, struct err *err) {
    struct kept *kept = context;
    (void)err;
    assert_true(kept->fact_count < KEPT_MAX);
    kept->facts[kept->fact_count++] = arena_printf(&kept->arena, "%s=%s", key, value);
    return 0;
}

static inline struct span_sink keep_sink(struct kept *kept) {
    return (struct span_sink){kept, keep_span, keep_row, keep_sample, keep_track, keep_fact};
}

static inline void kept_init(struct kept *kept) {
    *kept = (struct kept){.outcome = {.complete = true}};
    arena_init(&kept->arena);
    kept->spans = ARENA_ARRAY(&kept->arena, KEPT_MAX, struct span);
    kept->rows = ARENA_ARRAY(&kept->arena, KEPT_MAX, struct table_row);
    kept->samples = ARENA_ARRAY(&kept->arena, KEPT_MAX, struct track_sample);
    kept->facts = ARENA_ARRAY(&kept->arena, KEPT_MAX, const char *);
    kept->tracks = ARENA_ARRAY(&kept->arena, KEPT_MAX, const char *);
    kept->track_ids = ARENA_ARRAY(&kept->arena, KEPT_MAX, uint64_t);
}

static inline void kept_done(struct kept *kept) {
    arena_done(&kept->arena);
}

/* Reads a file with one format; returns its code. */
static inline int kept_read(struct kept *kept, const struct foreign_format *format,
                            struct foreign_request request) {
    struct span_sink sink = keep_sink(kept);
    struct inflated *in = NULL;
    request.arena = &kept->arena;
    if (!format->whole && inflated_open(&in, request.path, &kept->err) < 0)
        return -(int)kept->err.code;
    int rc = format->read(&request, in, &sink, &kept->outcome, &kept->err);
    inflated_close(in);
    return rc;
}

/* A file in a folder of its own, so that its name is what the test says. */
static inline const char *file_of(struct arena *arena, const char *name, const char *bytes,
                                  size_t length) {
    char folder[] = "/tmp/assay-foreign-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline void remove_file(const char *path) {
    char folder[256];
    unlink(path);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    rmdir(folder);
}

/* Reads a text as a file. */
static inline int kept_read_text(struct kept *kept, const struct foreign_format *format,
                                 const char *bytes, size_t length, struct foreign_request request) {
    request.path = file_of(&kept->arena, "input", bytes, length);
    int rc = kept_read(kept, format, request);
    remove_file(request.path);
    return rc;
}

static inline bool kept_has_fact(const struct kept *kept, const char *part) {
    for (size_t i = 0; i < kept->fact_count; i++)
        if (strstr(kept->facts[i], part))
            return true;
    return false;
}

/* Of hostile files: refused with a message that has `message` in it, or, when `cut` is set, read up
 * to its last whole event with that reason. */
struct hostile {
    const char *bytes;
    size_t length; /* 0: strlen */
    const char *message;
    bool cut;
};

static inline void check_hostile(const struct foreign_format *format, const struct hostile *hostile,
                                 struct foreign_request request) {
    struct kept kept;
    kept_init(&kept);
    size_t length = hostile->length ? hostile->length : strlen(hostile->bytes);
    int rc = kept_read_text(&kept, format, hostile->bytes, length, request);
    const char *said = hostile->cut ? kept.outcome.cut : kept.err.message;
    if (hostile->cut != (rc == 0) || (hostile->cut && kept.outcome.complete))
        fail_msg("'%s': code %d, complete %d (%s)", hostile->message, rc, kept.outcome.complete,
                 kept.err.message);
    if (!said || !strstr(said, hostile->message))
        fail_msg("no '%s' in '%s'", hostile->message, said ? said : "");
    kept_done(&kept);
}

static inline const char *shared_data(struct arena *arena, const char *name) {
    const char *shared = getenv("ASSAY_SHARED_DATA");
    return arena_printf(arena, "%s/%s", shared ? shared : "../shared/data", name);
}

#endif
