/* The stream that libassay-hooks.so writes: one file per process, mapped by the program, so that
 * what was written is there whatever becomes of the program. Described in docs/hooks.md. Shared by
 * the library (collectors/emit/) and the reader; needs nothing else of the house.
 *
 *     header, header_bytes | segment | segment | ...     (segment_bytes each)
 *
 * All numbers are little endian. A segment belongs to a lane and is a log of 8-byte words behind
 * its head; lane 0 holds kinds, every other lane the records of one thread at a time. Segments of a
 * lane are in the order of their numbers. Unwritten words are 0, and an entry's first word, which
 * is never 0, is stored last: an entry is there whole or not at all, and a log ends at the first 0.
 */
#ifndef ASSAY_COLLECTORS_HOOKS_FORMAT_H
#define ASSAY_COLLECTORS_HOOKS_FORMAT_H

#include <stdint.h>

enum {
    HOOKS_VERSION = 1,
    HOOKS_HEADER_BYTES = 64 << 10, /* the largest page of arm64 */
    HOOKS_SEGMENT_BYTES = 256 << 10,
    HOOKS_COUNTERS_MAX = 6,
    HOOKS_COUNTER_NAME_SIZE = 32,
    HOOKS_TENSORS_MAX = 16,
    HOOKS_RANK_MAX = 8,
    HOOKS_TEXT_MAX = 500, /* bytes of a kind's name or category */
};

#define HOOKS_MAGIC "AssayHk\n"

enum hooks_clock { HOOKS_CLOCK_MONOTONIC = 1, HOOKS_CLOCK_TSC, HOOKS_CLOCK_CNTVCT };

/* One moment on both clocks. */
struct hooks_sync {
    uint64_t ticks;        /* of the stream's clock */
    uint64_t monotonic_ns; /* CLOCK_MONOTONIC */
};

struct hooks_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes, segment_bytes;
    uint32_t pid;
    uint32_t clock;
    uint32_t closed;           /* 1: the program ended by returning or exit() */
    uint64_t realtime_ns;      /* CLOCK_REALTIME at `first` */
    struct hooks_sync first;   /* before the first record */
    struct hooks_sync last[2]; /* last[last_at] is the latest */
    uint32_t last_at;
    uint32_t counter_count;
    uint64_t lost;      /* begins that were not recorded for want of room */
    uint64_t unmatched; /* ends without a begin */
    uint64_t late;      /* segments that were not prepared when they were needed */
    char program[32];
    char counters[HOOKS_COUNTERS_MAX][HOOKS_COUNTER_NAME_SIZE];
    char missing[256]; /* counters that could not be opened, and why */
};

enum { HOOKS_LANE_KINDS = 0 };

struct hooks_segment {
    uint32_t number; /* of the segments of its lane: 0, 1, ... */
    uint32_t lane;   /* 1 + lane, stored last; 0: not in use */
};

/* First word of an entry of lane 0: bytes 0 to 3 the kind's number (1, 2, ... in this order), 4 and
 * 5 the words of the entry, 6 the sort (enum assay_hooks_sort), 7 nothing. Behind it the name, NUL,
 * the category, NUL. */
static inline uint64_t hooks_kind_word(uint32_t kind, uint32_t words, uint32_t sort) {
    return (uint64_t)kind | (uint64_t)words << 32 | (uint64_t)sort << 48;
}

enum hooks_record {
    HOOKS_THREAD = 1, /* argument: the thread's number, from 1; then ticks, kernel's thread id */
    HOOKS_NAME = 2,   /* argument: a kind, whose name is the thread's; then ticks */
    HOOKS_LEAVE = 3,  /* the thread has ended; then ticks */
    HOOKS_BEGIN = 4,  /* argument: a kind; then ticks, counters, tensors unless told before */
    HOOKS_END = 5,    /* then ticks, counters */
    HOOKS_START = 6,  /* argument: a kind; then ticks, number of the range, tensors */
    HOOKS_STOP = 7,   /* then ticks, number of the range */
    HOOKS_SHAPES =
        8, /* what a number of tensors means in this lane from now on; then ticks, tensors */
};

/* First word of a record: byte 0 what it is, byte 1 how many tensors are in it with HOOKS_COUNTED
 * where counters are, byte 2 the words of the record, byte 3 the number of tensors told before
 * (0: none), 4 to 7 its argument.
 * Counters are: time enabled and running in nanoseconds, then counter_count values.
 * A tensor is: dtype (4 bytes) and rank (4 bytes), then rank sizes. */
enum { HOOKS_COUNTED = 0x80, HOOKS_SHAPES_MAX = 255 };

static inline uint64_t hooks_record_word(enum hooks_record record, uint32_t extra, uint64_t words,
                                         uint32_t argument) {
    return (uint64_t)record | (uint64_t)extra << 8 | words << 16 | (uint64_t)argument << 32;
}

static inline uint64_t hooks_shapes_word(uint32_t number) {
    return (uint64_t)number << 24;
}

/* The longest record: head, ticks, number of a range, counters, tensors. */
enum {
    HOOKS_COUNTER_WORDS_MAX = 2 + HOOKS_COUNTERS_MAX,
    HOOKS_RECORD_WORDS_MAX = 3 + HOOKS_COUNTER_WORDS_MAX + HOOKS_TENSORS_MAX * (1 + HOOKS_RANK_MAX),
};

_Static_assert(HOOKS_RECORD_WORDS_MAX < 256, "a byte holds the words of a record");

#endif
