#include "collectors/recorder_parts.h"

#include "collectors/span_tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES_MAX = 64 << 10, /* of all series together, after thinning */
    SAMPLES_LEAST = 16,     /* of one */
};

/* ---- tracks and the tree ---------------------------------------------------------- */

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

/* ---- devices ---------------------------------------------------------------------- */

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

/* ---- samples ---------------------------------------------------------------------- */

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

/* ---- the rest --------------------------------------------------------------------- */

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
    for (size_t i = 0; i < sizeof folded / sizeof *folded; i++) {
        snprintf(text, sizeof text, "%" PRIu64, folded[i].count);
        if (folded[i].count)
            recorder_add_fact(r, folded[i].key, text);
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
