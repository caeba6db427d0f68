#include "collectors/recorder.h"

#include "base/intern.h"
#include "base/spill.h"
#include "collectors/span_tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPAN_BYTES = 8 << 20,
    SMALL_BYTES = 1 << 20, /* of each other sorter */
    NAMES_BYTES = 2 << 20,
    SHAPES_BYTES = 2 << 20,
    ROW_TEXTS_BYTES = 1 << 30,
    SIGNATURES_MAX = 64 << 10,
    SHAPED_MAX = SIGNATURES_MAX / 4 * 3, /* the rest is for names alone */
    TRACKS_MAX = 16 << 10,
    SERIES_MAX = 4 << 10,
    SAMPLES_MAX = 64 << 10, /* of all series together, after thinning */
    SAMPLES_LEAST = 16,     /* of one */
    ROWS_MAX = 4 << 20,
    FACTS_MAX = 256,
    TEXT_MAX = 4 << 10,
};

/* No time is further from 0, so differences and sums of two fit. */
static const int64_t farthest_ns = INT64_C(1) << 62;

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

/* ---- orders ---------------------------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int span_order(const void *a, const void *b) {
    const struct span_record *left = a, *right = b;
    int order = COMPARE(left->track, right->track);
    if (order == 0)
        order = COMPARE(left->start_ns, right->start_ns);
    if (order == 0)
        order = COMPARE(right->duration_ns, left->duration_ns);
    return order ? order : COMPARE(left->sequence, right->sequence);
}

static int interval_order(const void *a, const void *b) {
    const struct interval *left = a, *right = b;
    return COMPARE(left->start_ns, right->start_ns);
}

static int join_order(const void *a, const void *b) {
    const struct join *left = a, *right = b;
    int order = COMPARE(left->correlation, right->correlation);
    return order ? order : COMPARE(left->is_kernel, right->is_kernel);
}

static int sample_order(const void *a, const void *b) {
    const struct sample_record *left = a, *right = b;
    int order = COMPARE(left->series, right->series);
    return order ? order : COMPARE(left->at_ns, right->at_ns);
}

/* ---- opening --------------------------------------------------------------------------------- */

static uint32_t number_of(struct intern *in, const char *text) {
    return intern(in, text ? text : "", text ? strnlen(text, TEXT_MAX) : 0);
}

static int open_sorters(struct recorder *r, uint64_t memory_bytes, struct err *err) {
    size_t span_bytes = memory_bytes ? (size_t)memory_bytes : SPAN_BYTES;
    size_t small = span_bytes < SMALL_BYTES ? span_bytes : SMALL_BYTES;
    int code = spill_open(&r->spans, sizeof(struct span_record), span_bytes, span_order, err);
    if (code == 0)
        code = spill_open(&r->device, sizeof(struct interval), small, interval_order, err);
    if (code == 0)
        code = spill_open(&r->joins, sizeof(struct join), small, join_order, err);
    if (code == 0)
        code = spill_open(&r->samples, sizeof(struct sample_record), small, sample_order, err);
    return code;
}

static bool open_interns(struct recorder *r) {
    enum { KEY_BYTES = 32 }; /* what a small struct takes, or more */
    r->names = intern_open(NAMES_BYTES);
    r->shapes = intern_open(SHAPES_BYTES);
    r->signatures = intern_open((size_t)SIGNATURES_MAX * KEY_BYTES);
    r->track_keys = intern_open((size_t)TRACKS_MAX * KEY_BYTES);
    r->series = intern_open((size_t)SERIES_MAX * KEY_BYTES);
    r->categories = intern_open(SHAPES_BYTES);
    r->row_texts = intern_open(ROW_TEXTS_BYTES);
    return r->names && r->shapes && r->signatures && r->track_keys && r->series && r->categories &&
           r->row_texts;
}

/* Signature k stands for whatever of kind k no longer has a place of its own. */
static void intern_fallbacks(struct recorder *r) {
    number_of(r->names, "");
    r->other = number_of(r->names, "(other)");
    number_of(r->shapes, "");
    number_of(r->categories, "");
    for (uint32_t kind = 0; kind < SPAN_KIND_COUNT; kind++) {
        struct signature signature = {.kind = kind, .name = r->other};
        intern(r->signatures, &signature, sizeof signature);
    }
}

int recorder_open(struct recorder **out, uint64_t memory_bytes, struct err *err) {
    struct recorder *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    arena_init(&r->arena);
    int code = open_interns(r) ? open_sorters(r, memory_bytes, err)
                               : err_set(err, ERR_ENVIRONMENT, "out of memory");
    if (code < 0) {
        recorder_close(r);
        return code;
    }
    intern_fallbacks(r);
    *out = r;
    return 0;
}

void recorder_close(struct recorder *r) {
    if (!r)
        return;
    intern_close(r->names);
    intern_close(r->shapes);
    intern_close(r->signatures);
    intern_close(r->track_keys);
    intern_close(r->series);
    intern_close(r->categories);
    intern_close(r->row_texts);
    spill_close(r->spans);
    spill_close(r->device);
    spill_close(r->joins);
    spill_close(r->samples);
    arena_done(&r->arena);
    free(r);
}

/* ---- spans ----------------------------------------------------------------------------------- */

static uint32_t name_of(struct recorder *r, const char *name) {
    uint32_t number = number_of(r->names, name);
    if (number != INTERN_FULL)
        return number;
    r->without_name++;
    return r->other;
}

static bool add_shapes(struct recorder *r, const struct span *span, struct signature *signature) {
    uint32_t shapes = number_of(r->shapes, span->shapes);
    uint32_t dtypes = number_of(r->shapes, span->dtypes);
    if (shapes == INTERN_FULL || dtypes == INTERN_FULL)
        return false;
    signature->shapes = shapes;
    signature->dtypes = dtypes;
    return true;
}

static uint32_t signature_of(struct recorder *r, const struct span *span) {
    struct signature bare = {
        .kind = span->kind, .name = name_of(r, span->name), .category = name_of(r, span->category)};
    struct signature whole = bare;
    if (span->shapes || span->dtypes) {
        bool fits = add_shapes(r, span, &whole);
        bool room = intern_count(r->signatures) < SHAPED_MAX;
        uint32_t number = !fits  ? INTERN_FULL
                          : room ? intern(r->signatures, &whole, sizeof whole)
                                 : intern_find(r->signatures, &whole, sizeof whole);
        if (number != INTERN_FULL)
            return number;
        r->without_shapes++;
    }
    uint32_t number = intern_count(r->signatures) < SIGNATURES_MAX
                          ? intern(r->signatures, &bare, sizeof bare)
                          : intern_find(r->signatures, &bare, sizeof bare);
    if (number != INTERN_FULL)
        return number;
    r->without_name += bare.name != r->other;
    return span->kind;
}

/* Further tracks than TRACKS_MAX are the last one. */
static int track_index(struct recorder *r, uint64_t track, uint32_t *index, struct err *err) {
    uint32_t count = intern_count(r->track_keys);
    *index = count < TRACKS_MAX ? intern(r->track_keys, &track, sizeof track)
                                : intern_find(r->track_keys, &track, sizeof track);
    if (*index == INTERN_FULL) {
        if (count == 0)
            return err_set(err, ERR_ENVIRONMENT, "out of memory");
        r->without_track++;
        *index = count - 1;
    }
    if (*index == r->track_count)
        ARENA_PUSH(&r->arena, r->tracks, r->track_count, r->track_capacity);
    return 0;
}

static int count_category(struct recorder *r, const char *category, struct err *err) {
    uint32_t number = number_of(r->categories, category);
    if (number == INTERN_FULL)
        return err_set(err, ERR_INPUT, "more than %d bytes of names of categories", SHAPES_BYTES);
    if (number >= r->category_capacity) {
        uint32_t capacity = number < 32 ? 64 : 2 * number;
        r->category_counts = arena_grow(&r->arena, r->category_counts, r->category_capacity,
                                        capacity, sizeof *r->category_counts);
        r->category_capacity = capacity;
    }
    r->category_counts[number]++;
    return 0;
}

static int check_times(const struct span *span, struct err *err) {
    if (span->duration_ns >= 0 && span->duration_ns < farthest_ns &&
        span->start_ns < farthest_ns - span->duration_ns && span->start_ns > -farthest_ns)
        return 0;
    return err_set(err, ERR_INPUT,
                   "a span of \"%.60s\" from %" PRId64 " ns that lasts %" PRId64
                   " ns: not a time that can be held",
                   span->name ? span->name : "", span->start_ns, span->duration_ns);
}

static bool on_device(enum span_kind kind) {
    return kind == SPAN_KERNEL || kind == SPAN_COPY || kind == SPAN_SET;
}

static int add_joins(struct recorder *r, const struct span *span, struct err *err) {
    int64_t end_ns = span->start_ns + span->duration_ns;
    bool kernel = span->kind == SPAN_KERNEL;
    if (on_device(span->kind) &&
        spill_add(r->device, &(struct interval){span->start_ns, end_ns}, err) < 0)
        return -(int)err->code;
    if (span->correlation && (kernel || span->kind == SPAN_CALL) &&
        spill_add(r->joins, &(struct join){span->correlation, kernel, 0}, err) < 0)
        return -(int)err->code;
    r->kernels += kernel;
    r->kernel_total_ns += kernel ? (double)span->duration_ns : 0;
    return 0;
}

static int take_span(void *context, const struct span *span, struct err *err) {
    struct recorder *r = context;
    struct span_record record = {
        .start_ns = span->start_ns, .duration_ns = span->duration_ns, .sequence = r->sequence++};
    if (check_times(span, err) < 0 || count_category(r, span->category, err) < 0)
        return -(int)err->code;
    if (span->kind == SPAN_SESSION)
        return 0;
    if (track_index(r, span->track, &record.track, err) < 0 || add_joins(r, span, err) < 0)
        return -(int)err->code;
    record.signature = signature_of(r, span);
    r->fine |= span->start_ns % 1000 || span->duration_ns % 1000;
    r->with_shapes += span->shapes != NULL;
    return spill_add(r->spans, &record, err);
}

/* ---- the other things ------------------------------------------------------------------------ */

static int take_row(void *context, const struct table_row *row, struct err *err) {
    struct recorder *r = context;
    struct row_record record = {
        .name = number_of(r->row_texts, row->name),
        .device = number_of(r->row_texts, row->device),
        .shapes = number_of(r->row_texts, row->shapes),
        .dtypes = number_of(r->row_texts, row->dtypes),
        .attributes = number_of(r->row_texts, row->attributes),
        .count = row->count,
        .time_ns = row->time_ns,
        .low_ns = row->low_ns,
        .high_ns = row->high_ns,
    };
    if (r->row_count == ROWS_MAX || record.attributes == INTERN_FULL ||
        record.shapes == INTERN_FULL)
        return err_set(err, ERR_INPUT, "more rows than can be held: at most %d", ROWS_MAX);
    *ARENA_PUSH(&r->arena, r->rows, r->row_count, r->row_capacity) = record;
    return 0;
}

static int take_sample(void *context, const struct track_sample *sample, struct err *err) {
    struct recorder *r = context;
    struct series series = {sample->track, name_of(r, sample->metric), name_of(r, sample->unit)};
    if (sample->at_ns <= -farthest_ns || sample->at_ns >= farthest_ns)
        return err_set(err, ERR_INPUT, "a reading of %.60s at %" PRId64 " ns: no such time",
                       sample->metric, sample->at_ns);
    uint32_t number = intern_count(r->series) < SERIES_MAX
                          ? intern(r->series, &series, sizeof series)
                          : intern_find(r->series, &series, sizeof series);
    if (number == INTERN_FULL) {
        r->without_series++;
        return 0;
    }
    if (number == r->series_capacity) {
        uint32_t capacity = number ? 2 * number : 16;
        r->series_counts = arena_grow(&r->arena, r->series_counts, r->series_capacity, capacity,
                                      sizeof *r->series_counts);
        r->series_capacity = capacity;
    }
    r->series_counts[number]++;
    return spill_add(r->samples, &(struct sample_record){sample->at_ns, sample->value, number, 0},
                     err);
}

static int take_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                      struct err *err) {
    struct recorder *r = context;
    uint32_t index;
    if (track_index(r, track, &index, err) < 0)
        return -(int)err->code;
    struct track_info *info = &r->tracks[index];
    info->kind = kind;
    if (name && !info->name)
        info->name = arena_strndup(&r->arena, name, strnlen(name, TEXT_MAX));
    return 0;
}

static int take_fact(void *context, const char *key, const char *value, struct err *err) {
    struct recorder *r = context;
    (void)err;
    for (uint32_t i = 0; i < r->fact_count; i++)
        if (strcmp(r->facts[i].key, key) == 0)
            return 0;
    if (r->fact_count < FACTS_MAX)
        *ARENA_PUSH(&r->arena, r->facts, r->fact_count, r->fact_capacity) = (struct recording_fact){
            arena_strndup(&r->arena, key, strnlen(key, TEXT_MAX)),
            arena_strndup(&r->arena, value ? value : "", value ? strnlen(value, TEXT_MAX) : 0)};
    return 0;
}

struct span_sink recorder_sink(struct recorder *r) {
    return (struct span_sink){r, take_span, take_row, take_sample, take_track, take_fact};
}

/* ---- finishing: tracks and the tree ---------------------------------------------------------- */

/* A text that is in use, copied into the arena once. */
struct copies {
    struct arena *arena;
    const struct intern *in;
    const char **texts;
};

static struct copies copies_of(struct arena *scratch, struct arena *arena,
                               const struct intern *in) {
    return (struct copies){arena, in, ARENA_ARRAY(scratch, intern_count(in) + 1u, const char *)};
}

static const char *copied(struct copies *copies, uint32_t number) {
    if (!copies->texts[number])
        copies->texts[number] = arena_strdup(copies->arena, intern_key(copies->in, number));
    return copies->texts[number];
}

static struct recording_track *add_track(struct recorder *r, struct recording *out,
                                         uint32_t index) {
    struct recording_track *track = &out->tracks[out->track_count++];
    struct track_info *info = &r->tracks[index];
    info->told = true;
    *track = (struct recording_track){
        .track = *(const uint64_t *)intern_key(r->track_keys, index),
        .kind = info->kind,
        .name = info->name ? arena_strdup(r->out, info->name) : "",
    };
    return track;
}

/* Exact on the source's clock, which a double is not. */
static void widen(struct interval *extent, const struct span_record *span) {
    int64_t end_ns = span->start_ns + span->duration_ns;
    if (span->start_ns < extent->start_ns)
        extent->start_ns = span->start_ns;
    if (end_ns > extent->end_ns)
        extent->end_ns = end_ns;
}

static int walk_spans(struct recorder *r, struct span_tree *tree, struct recording *out,
                      struct interval *extents, struct err *err) {
    const void *record;
    int more;
    uint32_t present = UINT32_MAX;
    struct recording_track *track = NULL;
    struct interval *extent = extents;
    while ((more = spill_next(r->spans, &record, err)) > 0) {
        const struct span_record *span = record;
        if (!track || span->track != present) {
            present = span->track;
            span_tree_track(tree);
            extent = &extents[out->track_count];
            *extent = (struct interval){INT64_MAX, INT64_MIN};
            track = add_track(r, out, present);
        }
        if (span_tree_add(tree, span->signature, span->start_ns, span->duration_ns, err) < 0)
            return -(int)err->code;
        widen(extent, span);
        track->spans++;
        track->busy_ns = (double)span_tree_busy_ns(tree);
    }
    return more;
}

/* All times count from the first span's start. */
static void place_tracks(struct recording *out, const struct interval *extents) {
    struct interval all = {INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < out->track_count; i++) {
        all.start_ns = extents[i].start_ns < all.start_ns ? extents[i].start_ns : all.start_ns;
        all.end_ns = extents[i].end_ns > all.end_ns ? extents[i].end_ns : all.end_ns;
    }
    if (out->track_count == 0)
        return;
    out->origin_ns = all.start_ns;
    out->wall_ns = (double)(all.end_ns - all.start_ns);
    for (uint32_t i = 0; i < out->track_count; i++) {
        out->tracks[i].start_ns = (double)(extents[i].start_ns - all.start_ns);
        out->tracks[i].end_ns = (double)(extents[i].end_ns - all.start_ns);
    }
}

static void fill_node(struct recorder *r, struct copies *names, struct copies *shapes,
                      const struct tree_node *from, struct recording_node *to) {
    const struct signature *signature = intern_key(r->signatures, from->signature);
    *to = (struct recording_node){
        .parent = from->parent,
        .kind = (enum span_kind)signature->kind,
        .name = copied(names, signature->name),
        .category = copied(names, signature->category),
        .shapes = copied(shapes, signature->shapes),
        .dtypes = copied(shapes, signature->dtypes),
        .device = "",
        .attributes = "",
        .count = from->count,
        .total_ns = from->total_ns,
        .self_ns = from->self_ns,
        .low_ns = (double)from->low_ns,
        .high_ns = (double)from->high_ns,
    };
}

static void fill_row(struct copies *texts, const struct row_record *from,
                     struct recording_node *to) {
    double total_ns = from->time_ns * (double)(from->count ? from->count : 1);
    *to = (struct recording_node){
        .parent = RECORDING_ROOT,
        .kind = SPAN_OPERATOR,
        .name = copied(texts, from->name),
        .category = "",
        .shapes = copied(texts, from->shapes),
        .dtypes = copied(texts, from->dtypes),
        .device = copied(texts, from->device),
        .attributes = copied(texts, from->attributes),
        .count = from->count,
        .total_ns = total_ns,
        .self_ns = total_ns,
        .low_ns = from->low_ns,
        .high_ns = from->high_ns,
    };
}

static void fill_nodes(struct recorder *r, struct span_tree *tree, struct arena *arena,
                       struct recording *out) {
    struct arena scratch;
    uint32_t count;
    arena_init(&scratch);
    struct tree_node *nodes = span_tree_nodes(tree, &scratch, &count);
    struct copies names = copies_of(&scratch, arena, r->names);
    struct copies shapes = copies_of(&scratch, arena, r->shapes);
    struct copies texts = copies_of(&scratch, arena, r->row_texts);
    out->nodes = ARENA_ARRAY(arena, (size_t)count + r->row_count + 1, struct recording_node);
    for (uint32_t i = 0; i < count; i++)
        fill_node(r, &names, &shapes, &nodes[i], &out->nodes[i]);
    for (uint32_t i = 0; i < r->row_count; i++)
        fill_row(&texts, &r->rows[i], &out->nodes[count + i]);
    out->node_count = count + r->row_count;
    arena_done(&scratch);
}

static int walk_and_fill(struct recorder *r, struct span_tree *tree, struct arena *arena,
                         struct recording *out, struct err *err) {
    struct arena scratch;
    arena_init(&scratch);
    struct interval *extents =
        ARENA_ARRAY(&scratch, intern_count(r->track_keys) + 1u, struct interval);
    int code = walk_spans(r, tree, out, extents, err);
    if (code == 0) {
        place_tracks(out, extents);
        fill_nodes(r, tree, arena, out);
    }
    arena_done(&scratch);
    return code;
}

/* Times in whole microseconds were cut twice, start and duration: a span may seem to end up to one
 * after what holds it. */
static int finish_spans(struct recorder *r, struct arena *arena, struct recording *out,
                        struct err *err) {
    struct span_tree *tree;
    out->tracks = ARENA_ARRAY(arena, intern_count(r->track_keys) + 1u, struct recording_track);
    if (span_tree_open(&tree, r->fine ? 0 : 1000, SPAN_OTHER, err) < 0)
        return -(int)err->code;
    int code = spill_sort(r->spans, err);
    if (code == 0)
        code = walk_and_fill(r, tree, arena, out, err);
    r->without_place = span_tree_folded(tree);
    span_tree_close(tree);
    return code;
}

/* ---- finishing: devices ---------------------------------------------------------------------- */

/* Time in which at least one interval was open, for intervals in order of start. */
struct cover {
    bool any;
    double first, end, busy;
};

static void add_cover(struct cover *cover, double start, double end) {
    if (!cover->any)
        *cover = (struct cover){true, start, start, 0};
    if (end <= cover->end)
        return;
    cover->busy += end - (start > cover->end ? start : cover->end);
    cover->end = end;
}

/* As a double holds what the source wrote. */
static double read_us(int64_t ns) {
    return (double)((long double)ns / 1000.0L);
}

/* Exact times count from the first interval, so that a double holds them. */
static int finish_device(struct recorder *r, struct recording *out, struct err *err) {
    const void *record;
    struct cover exact = {0}, read = {0};
    int64_t first_ns = 0;
    int more;
    if (spill_sort(r->device, err) < 0)
        return -(int)err->code;
    while ((more = spill_next(r->device, &record, err)) > 0) {
        const struct interval *span = record;
        double start_us = read_us(span->start_ns);
        if (!exact.any)
            first_ns = span->start_ns;
        add_cover(&exact, (double)(span->start_ns - first_ns), (double)(span->end_ns - first_ns));
        add_cover(&read, start_us, start_us + read_us(span->end_ns - span->start_ns));
    }
    out->device_busy_ns = exact.busy;
    out->device_span_ns = exact.end - exact.first;
    out->device_busy_read_us = read.busy;
    out->device_span_read_us = read.end - read.first;
    return more;
}

static int finish_joins(struct recorder *r, struct recording *out, struct err *err) {
    const void *record;
    uint64_t called = 0;
    int more;
    if (spill_sort(r->joins, err) < 0)
        return -(int)err->code;
    while ((more = spill_next(r->joins, &record, err)) > 0) {
        const struct join *join = record;
        if (!join->is_kernel)
            called = join->correlation;
        else
            out->kernels_with_call += join->correlation == called;
    }
    return more;
}

static uint64_t count_kernel_names(const struct recorder *r) {
    struct arena scratch;
    uint64_t count = 0;
    arena_init(&scratch);
    bool *seen = ARENA_ARRAY(&scratch, intern_count(r->names) + 1u, bool);
    for (uint32_t i = SPAN_KIND_COUNT; i < intern_count(r->signatures); i++) {
        const struct signature *signature = intern_key(r->signatures, i);
        if (signature->kind != SPAN_KERNEL || seen[signature->name])
            continue;
        seen[signature->name] = true;
        count++;
    }
    arena_done(&scratch);
    return count;
}

/* ---- finishing: samples ---------------------------------------------------------------------- */

static int reading_order(const void *a, const void *b) {
    const struct track_sample *left = a, *right = b;
    int order = COMPARE(left->track, right->track);
    if (order == 0)
        order = strcmp(left->metric, right->metric);
    if (order == 0)
        order = strcmp(left->unit, right->unit);
    return order ? order : COMPARE(left->at_ns, right->at_ns);
}

static void keep_sample(struct recorder *r, struct copies *names, struct recording *out,
                        uint32_t *capacity, const struct sample_record *from) {
    const struct series *series = intern_key(r->series, from->series);
    *ARENA_PUSH(names->arena, out->samples, out->sample_count, *capacity) = (struct track_sample){
        .metric = copied(names, series->metric),
        .unit = copied(names, series->unit),
        .track = series->track,
        .at_ns = from->at_ns,
        .value = from->value,
    };
}

/* Of a series with too many readings one of each few that follow one another stays: the largest,
 * so that peaks do. */
static int thin_samples(struct recorder *r, struct copies *names, struct recording *out,
                        struct err *err) {
    uint32_t share = SAMPLES_MAX / (intern_count(r->series) + 1u), capacity = 0;
    uint64_t in_group = 0;
    struct sample_record kept = {0};
    const void *record;
    int more;
    share = share < SAMPLES_LEAST ? SAMPLES_LEAST : share;
    while ((more = spill_next(r->samples, &record, err)) > 0) {
        const struct sample_record *sample = record;
        uint64_t group = (r->series_counts[sample->series] + share - 1) / share;
        if (in_group && (sample->series != kept.series || in_group == group)) {
            keep_sample(r, names, out, &capacity, &kept);
            in_group = 0;
        }
        if (in_group++ == 0 || sample->value > kept.value)
            kept = *sample;
    }
    if (in_group)
        keep_sample(r, names, out, &capacity, &kept);
    return more;
}

static int finish_samples(struct recorder *r, struct arena *arena, struct recording *out,
                          struct err *err) {
    struct arena scratch;
    if (spill_sort(r->samples, err) < 0)
        return -(int)err->code;
    arena_init(&scratch);
    struct copies names = copies_of(&scratch, arena, r->names);
    int code = thin_samples(r, &names, out, err);
    arena_done(&scratch);
    if (out->sample_count)
        qsort(out->samples, out->sample_count, sizeof *out->samples, reading_order);
    return code;
}

/* ---- finishing: the rest --------------------------------------------------------------------- */

static int category_order(const void *a, const void *b) {
    const struct recording_category *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void finish_categories(struct recorder *r, struct arena *arena, struct recording *out) {
    uint32_t count = intern_count(r->categories);
    out->categories = ARENA_ARRAY(arena, count + 1u, struct recording_category);
    for (uint32_t i = 0; i < count && i < r->category_capacity; i++)
        if (r->category_counts[i])
            out->categories[out->category_count++] = (struct recording_category){
                arena_strdup(arena, intern_key(r->categories, i)), r->category_counts[i]};
    if (out->category_count)
        qsort(out->categories, out->category_count, sizeof *out->categories, category_order);
}

static int fact_order(const void *a, const void *b) {
    const struct recording_fact *left = a, *right = b;
    return strcmp(left->key, right->key);
}

/* What did not fit is said among the facts. */
static void tell_folded(struct recorder *r) {
    const struct {
        const char *key;
        uint64_t count;
    } folded[] = {
        {"spans without their name, too many differ",              r->without_name  },
        {"spans without their shapes, too many differ",            r->without_shapes},
        {"spans without their place in the tree, too many differ", r->without_place },
        {"spans on no track of their own",                         r->without_track },
        {"readings left out, too many series",                     r->without_series},
    };
    char text[32];
    struct err err = {0};
    for (size_t i = 0; i < sizeof folded / sizeof *folded; i++) {
        snprintf(text, sizeof text, "%" PRIu64, folded[i].count);
        if (folded[i].count)
            take_fact(r, folded[i].key, text, &err);
    }
}

static void finish_facts(struct recorder *r, struct arena *arena, struct recording *out) {
    tell_folded(r);
    out->facts = ARENA_ARRAY(arena, r->fact_count + 1u, struct recording_fact);
    for (uint32_t i = 0; i < r->fact_count; i++)
        out->facts[out->fact_count++] = (struct recording_fact){
            arena_strdup(arena, r->facts[i].key), arena_strdup(arena, r->facts[i].value)};
    if (out->fact_count)
        qsort(out->facts, out->fact_count, sizeof *out->facts, fact_order);
}

static void rebase_samples(struct recording *out) {
    if (out->track_count == 0 && out->sample_count) {
        out->origin_ns = INT64_MAX;
        for (uint32_t i = 0; i < out->sample_count; i++)
            if (out->samples[i].at_ns < out->origin_ns)
                out->origin_ns = out->samples[i].at_ns;
    }
    for (uint32_t i = 0; i < out->sample_count; i++)
        out->samples[i].at_ns -= out->origin_ns;
}

/* Tracks that have readings and no span. */
static void add_silent_tracks(struct recorder *r, struct recording *out) {
    for (uint32_t i = 0; i < intern_count(r->series); i++) {
        const struct series *series = intern_key(r->series, i);
        uint32_t index = intern_find(r->track_keys, &series->track, sizeof series->track);
        if (index != INTERN_FULL && !r->tracks[index].told)
            add_track(r, out, index);
    }
}

int recorder_finish(struct recorder *r, struct arena *arena, struct recording *out,
                    struct err *err) {
    *out = (struct recording){.format = "", .path = "", .sha256 = "", .complete = true};
    out->overhead_ns = NAN;
    r->out = arena;
    if (finish_spans(r, arena, out, err) < 0 || finish_device(r, out, err) < 0 ||
        finish_joins(r, out, err) < 0 || finish_samples(r, arena, out, err) < 0)
        return -(int)err->code;
    rebase_samples(out);
    add_silent_tracks(r, out);
    finish_categories(r, arena, out);
    finish_facts(r, arena, out);
    out->operators_with_shapes = r->with_shapes;
    out->kernels = r->kernels;
    out->kernel_total_ns = r->kernel_total_ns;
    out->kernel_names = count_kernel_names(r);
    return 0;
}
