#include "collectors/recorder_parts.h"

#include <inttypes.h>
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
    ROWS_MAX = 4 << 20,
    FACTS_MAX = 256,
    TEXT_MAX = 4 << 10,
};

/* No time is further from 0, so differences and sums of two fit. */
static const int64_t farthest_ns = INT64_C(1) << 62;

/* ---- orders ---------------------------------------------------------------------------------- */

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

void recorder_add_fact(struct recorder *r, const char *key, const char *value) {
    for (uint32_t i = 0; i < r->fact_count; i++)
        if (strcmp(r->facts[i].key, key) == 0)
            return;
    if (r->fact_count < FACTS_MAX)
        *ARENA_PUSH(&r->arena, r->facts, r->fact_count, r->fact_capacity) = (struct recording_fact){
            arena_strndup(&r->arena, key, strnlen(key, TEXT_MAX)),
            arena_strndup(&r->arena, value ? value : "", value ? strnlen(value, TEXT_MAX) : 0)};
}

static int take_fact(void *context, const char *key, const char *value, struct err *err) {
    (void)err;
    recorder_add_fact(context, key, value);
    return 0;
}

struct span_sink recorder_sink(struct recorder *r) {
    return (struct span_sink){r, take_span, take_row, take_sample, take_track, take_fact};
}
