/* A small stream of hooks, laid out by hand: two kinds, a thread with an operator inside another
 * a range that
 * starts on it and stops on a second thread, and an operator there whose tensors were told before.
 * Tests damage it at known places. */
#ifndef ASSAY_TESTS_UNIT_STREAM_SAMPLE_H
#define ASSAY_TESTS_UNIT_STREAM_SAMPLE_H

#include "collectors/hooks/format.h"

#include <string.h>

enum {
    SAMPLE_HEADER_WORDS = 80,
    SAMPLE_SEGMENT_WORDS = 256,
    SAMPLE_SEGMENTS = 3,
    SAMPLE_WORDS = SAMPLE_HEADER_WORDS + SAMPLE_SEGMENTS * SAMPLE_SEGMENT_WORDS,
};

/* Where things are, in words. */
enum {
    SAMPLE_KINDS = SAMPLE_HEADER_WORDS,
    SAMPLE_FIRST = SAMPLE_KINDS + SAMPLE_SEGMENT_WORDS,  /* thread 1 */
    SAMPLE_SECOND = SAMPLE_FIRST + SAMPLE_SEGMENT_WORDS, /* thread 2 */
    SAMPLE_KIND_CONV = SAMPLE_KINDS + 1,                 /* its first word */
    SAMPLE_KIND_LAYER = SAMPLE_KIND_CONV + 3,
    SAMPLE_THREAD = SAMPLE_FIRST + 1,
    SAMPLE_BEGIN_LAYER = SAMPLE_THREAD + 3,
    SAMPLE_BEGIN_CONV = SAMPLE_BEGIN_LAYER + 2,
    SAMPLE_TENSOR = SAMPLE_BEGIN_CONV + 2,
    SAMPLE_END_CONV = SAMPLE_BEGIN_CONV + 2 + 3 + 1,
    SAMPLE_END_LAYER = SAMPLE_END_CONV + 2,
    SAMPLE_START = SAMPLE_END_LAYER + 2,
    SAMPLE_TELL = SAMPLE_SECOND + 1 + 3 + 2 + 3,
    SAMPLE_BEGIN_TOLD = SAMPLE_TELL + 4,
};

static inline void sample_segment(uint64_t *words, uint32_t lane, uint32_t number) {
    struct hooks_segment head = {number, lane + 1};
    memcpy(words, &head, sizeof head);
}

static inline void sample_stream(uint64_t words[static SAMPLE_WORDS]) {
    struct hooks_header header = {
        .version = HOOKS_VERSION,
        .header_bytes = SAMPLE_HEADER_WORDS * 8,
        .segment_bytes = SAMPLE_SEGMENT_WORDS * 8,
        .pid = 42,
        .clock = HOOKS_CLOCK_TSC,
        .closed = 1,
        .first = {1000,         5000  },
        .last = {{3000, 6000}, {0, 0}},
        .program = "engine"
    };
    memset(words, 0, SAMPLE_WORDS * 8);
    memcpy(header.magic, HOOKS_MAGIC, 8);
    memcpy(words, &header, sizeof header);
    sample_segment(words + SAMPLE_KINDS, 0, 0);
    words[SAMPLE_KIND_CONV] = hooks_kind_word(1, 3, 0);
    memcpy(words + SAMPLE_KIND_CONV + 1, "Conv\0mine", 10);
    words[SAMPLE_KIND_LAYER] = hooks_kind_word(2, 3, 5);
    memcpy(words + SAMPLE_KIND_LAYER + 1, "layer1\0mine", 12);

    sample_segment(words + SAMPLE_FIRST, 1, 0);
    const uint64_t first[] = {
        hooks_record_word(HOOKS_THREAD, 0, 3, 1),
        1100,
        77,
        hooks_record_word(HOOKS_BEGIN, 0, 2, 2),
        1200,
        hooks_record_word(HOOKS_BEGIN, 2, 6, 1),
        1300,
        (uint64_t)2 << 32 | 1,
        8,
        (uint64_t)-1,          /* float32, 8 x ? */
        (uint64_t)0 << 32 | 7, /* an int64 scalar */
        hooks_record_word(HOOKS_END, 0, 2, 0),
        1500,
        hooks_record_word(HOOKS_END, 0, 2, 0),
        1600,
        hooks_record_word(HOOKS_START, 0, 3, 2),
        1700,
        9,
    };
    memcpy(words + SAMPLE_THREAD, first, sizeof first);
    sample_segment(words + SAMPLE_SECOND, 2, 0);
    const uint64_t second[] = {
        hooks_record_word(HOOKS_THREAD, 0, 3, 2),
        1750,
        78,
        hooks_record_word(HOOKS_NAME, 0, 2, 2),
        1760,
        hooks_record_word(HOOKS_STOP, 0, 3, 0),
        1800,
        9,
        hooks_record_word(HOOKS_SHAPES, 1, 4, 0) | hooks_shapes_word(3),
        1840,
        (uint64_t)1 << 32 | 1,
        5,
        hooks_record_word(HOOKS_BEGIN, 0, 2, 1) | hooks_shapes_word(3),
        1850,
        hooks_record_word(HOOKS_END, 0, 2, 0),
        1870,
        hooks_record_word(HOOKS_LEAVE, 0, 2, 0),
        1900,
    };
    memcpy(words + SAMPLE_SECOND + 1, second, sizeof second);
}

#endif
