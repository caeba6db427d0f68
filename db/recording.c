#include "db/recording.h"

#include "db/machine.h"
#include "db/nouns.h"
#include "db/query.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* What a row's checksum covers is put and got in the same order. */

/* ---- the head -------------------------------------------------------------------------------- */

static void put_head(struct query *query, int64_t machine_id, const struct recording *recording) {
    put_id(query, machine_id);
    put_text(query, recording->format);
    put_text(query, recording->path);
    put_text(query, recording->sha256);
    put_text(query, recording->started_at);
    put_count(query, recording->events);
    put_int(query, recording->complete);
    put_count(query, recording->whole_bytes);
    put_int(query, recording->origin_ns);
    put_real(query, recording->wall_ns);
    put_real(query, recording->overhead_ns);
    put_count(query, recording->node_count);
    put_count(query, recording->operators_with_shapes);
    put_count(query, recording->kernels);
    put_count(query, recording->kernel_names);
    put_real(query, recording->kernel_total_ns);
    put_real(query, recording->device_busy_ns);
    put_real(query, recording->device_span_ns);
    put_real(query, recording->device_busy_read_us);
    put_real(query, recording->device_span_read_us);
    put_count(query, recording->kernels_with_call);
}

static void get_head(struct query *query, struct arena *arena, int64_t *machine_id,
                     struct recording *recording) {
    *machine_id = get_int(query);
    recording->format = get_text(query, arena);
    recording->path = get_text(query, arena);
    recording->sha256 = get_text(query, arena);
    const char *started_at = get_text(query, arena);
    recording->started_at = *started_at ? started_at : NULL;
    recording->events = get_count(query);
    recording->complete = get_int(query) != 0;
    recording->whole_bytes = get_count(query);
    recording->origin_ns = get_int(query);
    recording->wall_ns = get_real(query);
    recording->overhead_ns = get_real(query);
    recording->node_count = get_u32(query);
    recording->operators_with_shapes = get_count(query);
    recording->kernels = get_count(query);
    recording->kernel_names = get_count(query);
    recording->kernel_total_ns = get_real(query);
    recording->device_busy_ns = get_real(query);
    recording->device_span_ns = get_real(query);
    recording->device_busy_read_us = get_real(query);
    recording->device_span_read_us = get_real(query);
    recording->kernels_with_call = get_count(query);
}

/* ---- its parts ------------------------------------------------------------------------------- */

static void put_node(struct query *query, const struct recording *recording, uint32_t i) {
    const struct recording_node *node = &recording->nodes[i];
    put_int(query, node->parent);
    put_text(query, span_kind_name(node->kind));
    put_text(query, node->name);
    put_text(query, node->category);
    put_text(query, node->shapes);
    put_text(query, node->dtypes);
    put_text(query, node->device);
    put_text(query, node->attributes);
    put_count(query, node->count);
    put_real(query, node->total_ns);
    put_real(query, node->self_ns);
    put_real(query, node->low_ns);
    put_real(query, node->high_ns);
}

static enum span_kind span_kind_by_name(const char *name) {
    enum span_kind kind = SPAN_OPERATOR;
    while (kind < SPAN_OTHER && strcmp(span_kind_name(kind), name) != 0)
        kind++;
    return kind;
}

static void get_node(struct query *query, struct arena *arena, void *item) {
    struct recording_node *node = item;
    node->parent = (int32_t)get_int(query);
    node->kind = span_kind_by_name(get_text(query, arena));
    node->name = get_text(query, arena);
    node->category = get_text(query, arena);
    node->shapes = get_text(query, arena);
    node->dtypes = get_text(query, arena);
    node->device = get_text(query, arena);
    node->attributes = get_text(query, arena);
    node->count = get_count(query);
    node->total_ns = get_real(query);
    node->self_ns = get_real(query);
    node->low_ns = get_real(query);
    node->high_ns = get_real(query);
}

/* SQLite's integers have a sign; the bits stay. */
static void put_track(struct query *query, const struct recording *recording, uint32_t i) {
    const struct recording_track *track = &recording->tracks[i];
    put_int(query, (int64_t)track->track);
    put_text(query, track_kind_name(track->kind));
    put_text(query, track->name);
    put_count(query, track->spans);
    put_real(query, track->start_ns);
    put_real(query, track->end_ns);
    put_real(query, track->busy_ns);
}

static void get_track(struct query *query, struct arena *arena, void *item) {
    struct recording_track *track = item;
    track->track = (uint64_t)get_int(query);
    const char *kind = get_text(query, arena);
    track->kind = strcmp(kind, track_kind_name(TRACK_QUEUE)) == 0 ? TRACK_QUEUE : TRACK_THREAD;
    track->name = get_text(query, arena);
    track->spans = get_count(query);
    track->start_ns = get_real(query);
    track->end_ns = get_real(query);
    track->busy_ns = get_real(query);
}

static void put_sample(struct query *query, const struct recording *recording, uint32_t i) {
    const struct track_sample *sample = &recording->samples[i];
    put_int(query, (int64_t)sample->track);
    put_text(query, sample->metric);
    put_text(query, sample->unit);
    put_int(query, sample->at_ns);
    put_real(query, sample->value);
}

static void get_sample(struct query *query, struct arena *arena, void *item) {
    struct track_sample *sample = item;
    sample->track = (uint64_t)get_int(query);
    sample->metric = get_text(query, arena);
    sample->unit = get_text(query, arena);
    sample->at_ns = get_int(query);
    sample->value = get_real(query);
}

static void put_fact(struct query *query, const struct recording *recording, uint32_t i) {
    put_text(query, recording->facts[i].key);
    put_text(query, recording->facts[i].value);
}

static void get_fact(struct query *query, struct arena *arena, void *item) {
    struct recording_fact *fact = item;
    fact->key = get_text(query, arena);
    fact->value = get_text(query, arena);
}

static void put_category(struct query *query, const struct recording *recording, uint32_t i) {
    put_text(query, recording->categories[i].name);
    put_count(query, recording->categories[i].count);
}

static void get_category(struct query *query, struct arena *arena, void *item) {
    struct recording_category *category = item;
    category->name = get_text(query, arena);
    category->count = get_count(query);
}

/* Which checksum a part goes into. */
enum sum { SUM_HEAD, SUM_NODES, SUM_SAMPLES, SUM_COUNT };

static const struct part {
    enum statement put, list;
    enum sum sum;
    int wanted; /* of enum recording_parts; 0: belongs to the head */
    void (*put_row)(struct query *query, const struct recording *recording, uint32_t i);
    void (*get_row)(struct query *query, struct arena *arena, void *item);
    size_t item_bytes, items, count; /* where struct recording holds them */
} parts[] = {
#define PART(noun, verb, array, number)                                                            \
    .put = STATEMENT_PUT_RECORDING_##noun, .list = STATEMENT_LIST_RECORDING_##noun,                \
    .put_row = put_##verb, .get_row = get_##verb,                                                  \
    .item_bytes = sizeof *((struct recording *)0)->array,                                          \
    .items = offsetof(struct recording, array), .count = offsetof(struct recording, number)
    {PART(NODE,                  node,   nodes,                       node_count),              .sum = SUM_NODES, .wanted = RECORDING_NODES},
    {PART(SAMPLE, sample,       samples,                        sample_count),                                          .sum = SUM_SAMPLES, .wanted = RECORDING_SAMPLES},
    {PART(TRACK,             track, tracks,track_count)},
    {PART(FACT,         fact,         facts,                                               fact_count)                                                                                                              },
    {PART(CATEGORY,              category,       categories,category_count)},
#undef PART
};

enum { PARTS = sizeof parts / sizeof *parts };

static uint32_t *count_of(const struct part *part, struct recording *recording) {
    return (uint32_t *)(void *)((char *)recording + part->count);
}

/* ---- putting --------------------------------------------------------------------------------- */

static int put_part(struct db *db, const struct part *part, int64_t id,
                    const struct recording *recording, uint64_t sums[SUM_COUNT], struct err *err) {
    struct query query;
    struct recording copy = *recording;
    uint32_t count = *count_of(part, &copy);
    int failed = query_open(&query, db, part->put, err);
    if (failed != 0)
        return failed;
    for (uint32_t i = 0; i < count && failed == 0; i++) {
        put_int(&query, id);
        put_count(&query, i);
        part->put_row(&query, recording, i);
        failed = query_run(&query, err);
    }
    sums[part->sum] += query.checksum;
    query_close(&query);
    return failed;
}

static int put_row(struct db *db, int64_t machine_id, const struct recording *recording,
                   int64_t *id, uint64_t *sum, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_RECORDING, err);
    if (failed != 0)
        return failed;
    put_head(&query, machine_id, recording);
    query_sum_row(&query);
    *sum += query.checksum;
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int put_sums(struct db *db, int64_t id, const uint64_t sums[SUM_COUNT], struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_RECORDING_SUMS, err);
    if (failed != 0)
        return failed;
    for (int i = 0; i < SUM_COUNT; i++)
        put_int(&query, (int64_t)sums[i]);
    put_int(&query, id);
    failed = query_run(&query, err);
    query_close(&query);
    return failed;
}

static int find_machine_id(struct db *db, const char *fingerprint, int64_t *id, struct err *err) {
    struct query query;
    *id = 0;
    if (!fingerprint || !*fingerprint)
        return 0;
    int failed = query_open(&query, db, STATEMENT_FIND_MACHINE_ID, err);
    if (failed != 0)
        return failed;
    put_text(&query, fingerprint);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    if (stepped == 0)
        return err_set(err, ERR_INPUT, "database %s: there is no machine %.16s", db->path,
                       fingerprint);
    return stepped < 0 ? stepped : 0;
}

/* The id of what was read from the same file, 0: none. */
static int find_same(struct db *db, const struct recording *recording, int64_t *id,
                     struct err *err) {
    struct query query;
    *id = 0;
    if (!recording->sha256 || !*recording->sha256)
        return 0;
    int failed = query_open(&query, db, STATEMENT_FIND_RECORDING, err);
    if (failed != 0)
        return failed;
    put_text(&query, recording->sha256);
    put_text(&query, recording->format);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int put_new(struct db *db, const struct stored_recording *recording, int64_t *id,
                   struct err *err) {
    uint64_t sums[SUM_COUNT] = {0};
    int64_t machine_id;
    int failed = find_machine_id(db, recording->machine, &machine_id, err);
    if (failed == 0)
        failed = put_row(db, machine_id, &recording->recording, id, &sums[SUM_HEAD], err);
    for (size_t i = 0; i < PARTS && failed == 0; i++)
        failed = put_part(db, &parts[i], *id, &recording->recording, sums, err);
    return failed != 0 ? failed : put_sums(db, *id, sums, err);
}

static int put_recording(struct db *db, const struct stored_recording *recording, int64_t *id,
                         bool *fresh, struct err *err) {
    int failed = find_same(db, &recording->recording, id, err);
    *fresh = failed == 0 && *id == 0;
    return *fresh ? put_new(db, recording, id, err) : failed;
}

int db_put_recording(struct db *db, const struct stored_recording *recording, int64_t *id,
                     bool *fresh, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, put_recording(db, recording, id, fresh, err), err);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int damaged(const struct db *db, int64_t id, const char *what, struct err *err) {
    err_set(err, ERR_INPUT, "database %s: recording %" PRId64 " is damaged: %s", db->path, id,
            what);
    return err_hint(err, "`assay db check` lists everything that is damaged; a damaged recording "
                         "can be deleted and imported again");
}

static int get_part(struct query *query, struct arena *arena, const struct part *part,
                    struct recording *recording, struct err *err) {
    uint32_t *count = count_of(part, recording), capacity = 0;
    void **items = (void **)(void *)((char *)recording + part->items);
    int stepped;
    while ((stepped = query_step(query, err)) > 0) {
        if (*count == capacity) {
            uint32_t more = capacity ? 2 * capacity : 8;
            *items = arena_grow(arena, *items, capacity, more, part->item_bytes);
            capacity = more;
        }
        get_int(query); /* recording_id */
        get_int(query); /* its place in the list */
        part->get_row(query, arena, (char *)*items + (*count)++ * part->item_bytes);
        query_sum_row(query);
    }
    return stepped;
}

static int load_part(struct db *db, struct arena *arena, const struct part *part, int64_t id,
                     struct recording *recording, uint64_t sums[SUM_COUNT], struct err *err) {
    struct query query;
    int failed = query_open(&query, db, part->list, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    failed = get_part(&query, arena, part, recording, err);
    sums[part->sum] += query.checksum;
    query_close(&query);
    return failed;
}

static int load_machine(struct db *db, struct arena *arena, int64_t machine_id,
                        struct stored_recording *out, struct err *err) {
    struct machine machine;
    out->machine = "";
    if (machine_id == 0)
        return 0;
    int failed = machine_get_row(db, machine_id, &machine, err);
    if (failed == 0)
        out->machine = arena_strdup(arena, machine.fingerprint);
    return failed;
}

static int load_head(struct db *db, struct arena *arena, int64_t id, struct stored_recording *out,
                     uint64_t sums[SUM_COUNT], uint64_t expected[SUM_COUNT], struct err *err) {
    struct query query;
    int64_t machine_id = 0;
    int failed = query_open(&query, db, STATEMENT_GET_RECORDING, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    int stepped = query_step(&query, err);
    if (stepped > 0) {
        get_head(&query, arena, &machine_id, &out->recording);
        query_sum_row(&query);
        sums[SUM_HEAD] += query.checksum;
        out->id = get_int(&query);
        out->created_at = get_text(&query, arena);
        for (int i = 0; i < SUM_COUNT; i++)
            expected[i] = (uint64_t)get_int(&query);
    }
    query_close(&query);
    if (stepped == 0)
        return row_is_missing(db, "recording", id, err);
    return stepped < 0 ? stepped : load_machine(db, arena, machine_id, out, err);
}

static int check_sums(const struct db *db, int64_t id, int wanted, const uint64_t *sums,
                      const uint64_t *expected, struct err *err) {
    if (sums[SUM_HEAD] != expected[SUM_HEAD])
        return damaged(db, id, "its numbers do not fit their checksum", err);
    if ((wanted & RECORDING_NODES) && sums[SUM_NODES] != expected[SUM_NODES])
        return damaged(db, id, "its operators do not fit their checksum", err);
    if ((wanted & RECORDING_SAMPLES) && sums[SUM_SAMPLES] != expected[SUM_SAMPLES])
        return damaged(db, id, "its readings do not fit their checksum", err);
    return 0;
}

static int load_all(struct db *db, struct arena *arena, int64_t id, int wanted,
                    struct stored_recording *out, struct err *err) {
    uint64_t sums[SUM_COUNT] = {0}, expected[SUM_COUNT] = {0};
    *out = (struct stored_recording){0};
    int failed = load_head(db, arena, id, out, sums, expected, err);
    uint32_t nodes = out->recording.node_count;
    out->recording.node_count = 0;
    for (size_t i = 0; i < PARTS && failed == 0; i++)
        if (parts[i].wanted == 0 || (parts[i].wanted & wanted))
            failed = load_part(db, arena, &parts[i], id, &out->recording, sums, err);
    if (failed != 0)
        return failed;
    if (!(wanted & RECORDING_NODES))
        out->recording.node_count = nodes;
    else if (out->recording.node_count != nodes)
        return damaged(db, id, "operators are missing", err);
    return check_sums(db, id, wanted, sums, expected, err);
}

int db_load_recording(struct db *db, struct arena *arena, int64_t id, int wanted,
                      struct stored_recording *out, struct err *err) {
    int failed = db_begin_read(db, err);
    return failed != 0 ? failed : db_end(db, load_all(db, arena, id, wanted, out, err), err);
}

static int list_ids(struct db *db, struct arena *arena, int64_t **ids, size_t *count,
                    struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_LIST_RECORDING_IDS, err);
    if (failed != 0)
        return failed;
    while ((stepped = query_step(&query, err)) > 0)
        *ARENA_PUSH(arena, *ids, *count, capacity) = get_int(&query);
    query_close(&query);
    return stepped;
}

static int list_all(struct db *db, struct arena *arena, struct stored_recording **out,
                    size_t *count, struct err *err) {
    int64_t *ids = NULL;
    size_t found = 0;
    int failed = list_ids(db, arena, &ids, &found, err);
    *out = ARENA_ARRAY(arena, found + 1, struct stored_recording);
    for (*count = 0; *count < found && failed == 0; ++*count)
        failed = load_all(db, arena, ids[*count], RECORDING_HEAD, &(*out)[*count], err);
    return failed;
}

int db_list_recordings(struct db *db, struct arena *arena, struct stored_recording **out,
                       size_t *count, struct err *err) {
    *count = 0;
    int failed = db_begin_read(db, err);
    return failed != 0 ? failed : db_end(db, list_all(db, arena, out, count, err), err);
}

/* ---- deleting -------------------------------------------------------------------------------- */

static int delete_row(struct db *db, int64_t id, struct err *err) {
    int failed = query_run_with(db, STATEMENT_DELETE_RECORDING, id, err);
    if (failed == 0 && sqlite3_changes(db->handle) == 0)
        failed = row_is_missing(db, "recording", id, err);
    return failed;
}

int db_delete_recording(struct db *db, int64_t id, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, delete_row(db, id, err), err);
}
