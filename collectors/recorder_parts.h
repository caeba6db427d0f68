/* What a recorder holds, between its two halves: recorder.c takes spans, recorder_finish.c makes
 * the recording of them. */
#ifndef ASSAY_COLLECTORS_RECORDER_PARTS_H
#define ASSAY_COLLECTORS_RECORDER_PARTS_H

#include "base/intern.h"
#include "base/spill.h"
#include "collectors/recorder.h"

#include <stdbool.h>
#include <stdint.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* What is the same for all calls of a node. Texts are numbers of `names` and `shapes`. */
struct signature {
    uint32_t kind, name, category, shapes, dtypes;
};

struct span_record {
    int64_t start_ns, duration_ns;
    uint64_t sequence;
    uint32_t track, signature;
};

struct interval {
    int64_t start_ns, end_ns;
};

/* A call or a kernel; calls come first. */
struct join {
    uint64_t correlation;
    uint32_t is_kernel, unused;
};

struct series {
    uint64_t track;
    uint32_t metric, unit; /* of `names` */
};

struct sample_record {
    int64_t at_ns;
    double value;
    uint32_t series, unused;
};

struct track_info {
    enum track_kind kind;
    char *name; /* in the recorder's arena; NULL: not said */
    bool told;  /* stands in the recording */
};

struct row_record {
    uint32_t name, device, shapes, dtypes, attributes; /* of `row_texts` */
    uint64_t count;
    double time_ns, low_ns, high_ns;
};

struct recorder {
    struct arena arena, *out; /* out: of the recording, while finishing */
    struct intern *names, *shapes, *signatures, *track_keys, *series, *categories, *row_texts;
    struct spill *spans, *device, *joins, *samples;
    uint32_t other; /* of names */
    uint64_t sequence;
    struct track_info *tracks;
    uint32_t track_count, track_capacity;
    uint64_t *category_counts, *series_counts;
    uint32_t category_capacity, series_capacity;
    struct row_record *rows;
    uint32_t row_count, row_capacity;
    struct recording_fact *facts;
    uint32_t fact_count, fact_capacity;
    bool fine; /* some time is no whole microsecond */
    uint64_t without_shapes, without_name, without_place, without_track,
        without_series; /* folded */
    uint64_t kernels, with_shapes;
    double kernel_total_ns;
};

/* The first value of a key stays. */
void recorder_add_fact(struct recorder *r, const char *key, const char *value);

#endif
