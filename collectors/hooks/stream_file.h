/* A stream's file laid open (format.h): header, segments in their order, kinds, and the words of
 * each lane one after the other. Everything is checked here but what words of a thread's lane say:
 * that is stream_record.h. */
#ifndef ASSAY_COLLECTORS_HOOKS_STREAM_FILE_H
#define ASSAY_COLLECTORS_HOOKS_STREAM_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "collectors/hooks/format.h"
#include "core/span.h"

#include <stdbool.h>
#include <stdint.h>

struct stream_kind {
    enum span_kind sort;
    const char *name, *category;
};

struct stream_segment {
    uint32_t lane, number;
    uint64_t offset; /* of its head in the file */
};

struct stream_file {
    const unsigned char *bytes; /* as long as the file is used */
    uint64_t size;
    const char *path; /* for messages */
    struct arena *arena;
    struct hooks_header header; /* its texts end */
    double ns_per_tick;
    struct stream_segment *segments; /* by lane and number */
    uint64_t segment_count;
    struct stream_kind *kinds;
    uint32_t kind_count, kind_capacity;
};

/* Reads header, segments and kinds; bytes, size, path and arena are set by the caller. ERR_INPUT.
 */
int stream_file_open(struct stream_file *file, struct err *err);

/* "PATH: at byte N: what" */
int stream_file_refuse(const struct stream_file *file, uint64_t offset, const char *what,
                       struct err *err);

/* The caller has checked that it is there. */
uint64_t stream_file_word(const struct stream_file *file, uint64_t offset);

/* "unnamed" for 0; the caller has checked that others are there. */
const struct stream_kind *stream_file_kind(const struct stream_file *file, uint32_t number);

/* The text itself or, where it is not UTF-8 or would move a terminal, a copy with "?" for that. */
const char *stream_file_text(struct arena *arena, const char *text);

/* A moment of the stream's clock on CLOCK_MONOTONIC; `offset` is for the message. */
int stream_file_ns(const struct stream_file *file, uint64_t ticks, uint64_t offset, int64_t *ns,
                   struct err *err);

/* The words of one lane, one segment after the other. */
struct stream_words {
    const struct stream_file *file;
    const struct stream_segment *place; /* the next one */
    uint64_t left;                      /* segments that follow */
    uint64_t at, end;                   /* offsets in the file */
};

/* How many segments a lane has whose first one is segments[first], and their words. */
uint64_t stream_file_segments(const struct stream_file *file, uint64_t first);
struct stream_words stream_file_lane(const struct stream_file *file, uint64_t first);
/* Goes to the next entry, the caller having moved `at` behind the last: false when the lane is at
 * its end. */
bool stream_words_next(struct stream_words *words);

#endif
