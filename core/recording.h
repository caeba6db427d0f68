/* A recording: what a program was seen doing, gathered into a tree of operators. It is made from
 * spans (core/span.h) by collectors/recorder.h and stored by db/recording.h.
 *
 * The tree merges equal calls: a node is a name with its category, shapes and dtypes below one
 * parent, on whatever track. Nodes are in preorder; node 0 is the first root. Rows of tables are
 * roots without children.
 */
#ifndef ASSAY_CORE_RECORDING_H
#define ASSAY_CORE_RECORDING_H

#include "base/arena.h"
#include "core/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { RECORDING_ROOT = -1 };

struct recording_node {
    int32_t parent; /* index, below this one's; RECORDING_ROOT */
    enum span_kind kind;
    const char *name;
    const char *category; /* "" where the source has none; the same for the following texts */
    const char *shapes;
    const char *dtypes;
    const char *device;     /* of table rows */
    const char *attributes; /* of table rows */
    uint64_t count;
    double total_ns;        /* with the spans inside; of a table row: time_ns * max(count, 1) */
    double self_ns;         /* without the spans inside on the same track */
    double low_ns, high_ns; /* shortest and longest call */
};

struct recording_track {
    uint64_t track;
    enum track_kind kind;
    const char *name; /* "" when not said */
    uint64_t spans;
    double start_ns, end_ns; /* of the first and the last span, from the recording's start */
    double busy_ns;          /* union of its spans */
};

struct recording_fact {
    const char *key, *value;
};

struct recording_category {
    const char *name;
    uint64_t count;
};

struct recording {
    const char *format;     /* "kineto", "etdump", ...; "record" for our own */
    const char *path;       /* of the file, or the command line that ran */
    const char *sha256;     /* of the file; "" for our own */
    const char *started_at; /* UTC in ISO 8601; NULL: not known */
    uint64_t events;        /* all that the source holds, spans or not */
    bool complete;          /* false: the file ends early, and `events` is what came whole */
    uint64_t whole_bytes; /* of the file up to the last whole event; set when it is not complete */
    int64_t
        origin_ns;  /* the first span's start on the source's clock; all times below are from it */
    double wall_ns; /* from the first span's start to the last one's end */
    double overhead_ns; /* what recording cost, all together; NaN: not known */

    struct recording_node *nodes;
    uint32_t node_count;
    struct recording_track *tracks;
    uint32_t track_count;
    struct track_sample *samples; /* by track, metric and time; at_ns from origin_ns */
    uint32_t sample_count;
    struct recording_fact *facts; /* sorted by key */
    uint32_t fact_count;

    /* Over all spans. */
    struct recording_category *categories; /* sorted by name */
    uint32_t category_count;
    uint64_t operators_with_shapes; /* spans that say their shapes */
    uint64_t kernels, kernel_names; /* SPAN_KERNEL, and how many distinct names */
    double kernel_total_ns;
    double device_busy_ns,
        device_span_ns; /* union, and first start to last end, of kernels, copies, sets */
    /* The same two as a reader gets them who holds the source's microseconds as doubles, which
     * round to a quarter of one at today's dates: what other tools say of the file. */
    double device_busy_read_us, device_span_read_us;
    uint64_t kernels_with_call; /* whose correlation a SPAN_CALL has too */
};

/* Calls of one name, wherever they stand in the tree. */
struct recording_call {
    const struct recording_node *node; /* one of them: name, category, kind */
    uint64_t count;
    double total_ns; /* of those not inside another of the same name */
    double self_ns;
    double low_ns, high_ns;
};

/* One row per name, category, kind and device, and with `by_shapes` per shapes, dtypes and
 * attributes; the most self time first. Lives in the arena. */
struct recording_call *recording_calls(struct arena *arena, const struct recording *recording,
                                       bool by_shapes, uint32_t *count);

/* Children in order, the most total time first: first[i + 1] is the first child of node i, first[0]
 * the first root, next[i] the sibling behind i; -1 ends. Lives in the arena. */
struct recording_links {
    int32_t *first, *next;
};
struct recording_links recording_links(struct arena *arena, const struct recording *recording);

/* Readings of one metric on one track, in the order of time. */
struct recording_series {
    const struct track_sample *samples; /* at least one */
    uint32_t count;
    const struct track_sample *high; /* the largest; of equals the first */
    double low;
};

/* As the samples come: by track, then metric. Lives in the arena. */
struct recording_series *recording_series(struct arena *arena, const struct recording *recording,
                                          uint32_t *count);

/* Self time of all nodes: what the tracks were busy, or all the rows of a table. */
double recording_self_ns(const struct recording *recording);

/* Of a fact; NULL: it was not said. */
const char *recording_fact(const struct recording *recording, const char *key);

#endif
