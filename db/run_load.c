#include "db/conditions.h"
#include "db/nouns.h"
#include "db/run.h"

#include <inttypes.h>
#include <string.h>

struct checksums {
    uint64_t head, ops;
    uint32_t replicas; /* outside the list of columns that is summed */
};

static int damaged(const struct db *db, int64_t id, const char *what, struct err *err) {
    err_set(err, ERR_INPUT, "database %s: run %" PRId64 " is damaged: %s", db->path, id, what);
    return err_hint(err, "`assay db check` lists everything that is damaged; a damaged run can be "
                         "deleted, the others stay good");
}

static enum run_phase phase_by_name(const char *name) {
    enum run_phase phase = PHASE_PLAIN;
    while (phase < PHASE_COLD && strcmp(run_phase_name(phase), name) != 0)
        phase++;
    return phase;
}

static void get_disturbance(struct query *query, struct disturbance *disturbance) {
    disturbance->voluntary_switches = get_count(query);
    disturbance->involuntary_switches = get_count(query);
    disturbance->minor_faults = get_count(query);
    disturbance->major_faults = get_count(query);
    disturbance->steal_fraction = get_real(query);
    disturbance->throttled_ns = get_real(query);
    disturbance->load_average = get_real(query);
    disturbance->frequency_ratio = get_real(query);
}

static void get_head(struct query *query, struct arena *arena, struct stored_run *run,
                     int64_t *machine_id) {
    run->model.id = get_int(query);
    *machine_id = get_int(query);
    run->lowered.id = get_int(query);
    get_conditions(query, arena, &run->conditions);
    run->weights = get_text(query, arena);
    run->collector = get_text(query, arena);
    run->purpose = get_text(query, arena);
    run->dtype = dtype_by_name(get_text(query, arena));
    run->repeats = get_u32(query);
    run->processes = get_u32(query);
    run->budget_ns = get_real(query);
    run->seed = (uint64_t)get_int(query);
    run->started_at = get_text(query, arena);
    run->duration_ns = get_real(query);
    run->tool_version = get_text(query, arena);
    run->overhead_ns_per_op = get_real(query);
    get_disturbance(query, &run->disturbance);
    run->warnings_json = get_text(query, arena);
    run->op_count = get_u32(query);
}

static int load_head(struct db *db, struct arena *arena, int64_t id, struct stored_run *run,
                     int64_t *machine_id, uint64_t *checksum, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_GET_RUN, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    int stepped = query_step(&query, err);
    if (stepped > 0) {
        get_head(&query, arena, run, machine_id);
        query_sum_row(&query);
    }
    *checksum = query.checksum;
    query_close(&query);
    return stepped == 0 ? row_is_missing(db, "run", id, err) : stepped < 0 ? stepped : 0;
}

static int load_checksums(struct db *db, int64_t id, struct checksums *sums, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_GET_RUN_CHECKSUMS, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    int stepped = query_step(&query, err);
    if (stepped > 0) {
        sums->head = (uint64_t)get_int(&query);
        sums->ops = (uint64_t)get_int(&query);
        sums->replicas = get_u32(&query);
    }
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int load_metrics(struct db *db, struct arena *arena, int64_t id, struct stored_run *run,
                        uint64_t *checksum, struct err *err) {
    struct stored_metric *metrics = NULL;
    uint32_t count = 0, capacity = 0;
    struct query query;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_LIST_RUN_METRICS, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    while ((stepped = query_step(&query, err)) > 0) {
        struct stored_metric *metric = ARENA_PUSH(arena, metrics, count, capacity);
        get_int(&query); /* run_id */
        metric->name = get_text(&query, arena);
        metric->unit = get_text(&query, arena);
        metric->phase = phase_by_name(get_text(&query, arena));
        metric->summary = get_summary(&query);
        query_sum_row(&query);
    }
    *checksum += query.checksum;
    query_close(&query);
    run->metrics = metrics;
    run->metric_count = count;
    return stepped;
}

static void get_op(struct query *query, struct arena *arena, struct stored_op *op) {
    get_int(query); /* run_id */
    op->index = get_u32(query);
    op->path = get_text(query, arena);
    op->type = get_text(query, arena);
    op->domain = get_text(query, arena);
    op->kernel = get_text(query, arena);
    op->shapes = get_text(query, arena);
    op->dtype = dtype_by_name(get_text(query, arena));
    op->flops = get_real(query);
    op->bytes = get_real(query);
    op->wall_raw_ns = get_summary(query);
    op->wall_ns = get_summary(query);
    op->cpu_ns = get_summary(query);
    query_sum_row(query);
}

static int load_ops(struct db *db, struct arena *arena, int64_t id, struct stored_op **ops,
                    uint32_t *count, uint64_t *checksum, struct err *err) {
    uint32_t capacity = 0;
    struct query query;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_LIST_OPERATORS, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    while ((stepped = query_step(&query, err)) > 0)
        get_op(&query, arena, ARENA_PUSH(arena, *ops, *count, capacity));
    *checksum += query.checksum;
    query_close(&query);
    return stepped;
}

/* A counter as read, before it is given to its operator. */
struct loaded_metric {
    uint32_t op_index;
    struct stored_metric metric;
};

static void hand_out_metrics(struct arena *arena, const struct loaded_metric *loaded,
                             uint32_t loaded_count, struct stored_op *ops, uint32_t op_count) {
    struct stored_metric *metrics = ARENA_ARRAY(arena, loaded_count, struct stored_metric);
    uint32_t at = 0;
    for (uint32_t i = 0; i < op_count; i++) {
        ops[i].metrics = &metrics[at];
        for (; at < loaded_count && loaded[at].op_index == ops[i].index; at++) {
            metrics[at] = loaded[at].metric;
            ops[i].metric_count++;
        }
    }
}

static int load_op_metrics(struct db *db, struct arena *arena, int64_t id, struct stored_op *ops,
                           uint32_t op_count, uint64_t *checksum, struct err *err) {
    struct loaded_metric *loaded = NULL;
    uint32_t count = 0, capacity = 0;
    struct query query;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_LIST_OPERATOR_METRICS, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    while ((stepped = query_step(&query, err)) > 0) {
        struct loaded_metric *row = ARENA_PUSH(arena, loaded, count, capacity);
        get_int(&query); /* run_id */
        row->op_index = get_u32(&query);
        row->metric.name = get_text(&query, arena);
        row->metric.unit = get_text(&query, arena);
        row->metric.phase = PHASE_PROFILED;
        row->metric.summary = get_summary(&query);
        query_sum_row(&query);
    }
    *checksum += query.checksum;
    query_close(&query);
    hand_out_metrics(arena, loaded, count, ops, op_count);
    return stepped;
}

static int load_operators(struct db *db, struct arena *arena, int64_t id, uint64_t expected,
                          struct stored_run *run, struct err *err) {
    struct stored_op *ops = NULL;
    uint32_t count = 0;
    uint64_t checksum = 0;
    int failed = load_ops(db, arena, id, &ops, &count, &checksum, err);
    if (failed == 0)
        failed = load_op_metrics(db, arena, id, ops, count, &checksum, err);
    if (failed != 0)
        return failed;
    if (count != run->op_count)
        return damaged(db, id, "operators are missing", err);
    if (checksum != expected)
        return damaged(db, id, "its operators do not fit their checksum", err);
    run->ops = ops;
    return 0;
}

static int load_parents(struct db *db, struct arena *arena, int64_t machine_id, int parts,
                        struct stored_run *run, struct err *err) {
    int failed = model_get_row(db, arena, run->model.id, &run->model, err);
    if (failed == 0)
        failed = machine_get_row(db, machine_id, &run->machine, err);
    if (failed == 0 && run->lowered.id != 0)
        failed = lowered_get_row(db, arena, run->lowered.id, (parts & RUN_GRAPH) != 0,
                                 &run->lowered, err);
    return failed;
}

static int load_all(struct db *db, struct arena *arena, int64_t id, int parts,
                    struct stored_run *run, struct err *err) {
    struct checksums sums = {0};
    uint64_t head = 0;
    int64_t machine_id = 0;
    *run = (struct stored_run){0};
    int failed = load_head(db, arena, id, run, &machine_id, &head, err);
    if (failed == 0)
        failed = load_checksums(db, id, &sums, err);
    if (failed == 0)
        failed = load_metrics(db, arena, id, run, &head, err);
    run->conditions.replicas = sums.replicas;
    head += replicas_checksum(sums.replicas);
    if (failed == 0 && head != sums.head)
        failed = damaged(db, id, "its numbers do not fit their checksum", err);
    if (failed == 0)
        failed = load_parents(db, arena, machine_id, parts, run, err);
    if (failed == 0 && (parts & RUN_OPERATORS) != 0)
        failed = load_operators(db, arena, id, sums.ops, run, err);
    run->id = failed == 0 ? id : 0;
    return failed;
}

int db_load_run(struct db *db, struct arena *arena, int64_t id, int parts, struct stored_run *run,
                struct err *err) {
    int failed = db_begin_read(db, err);
    return failed != 0 ? failed : db_end(db, load_all(db, arena, id, parts, run, err), err);
}

const struct summary *stored_run_metric(const struct stored_run *run, enum metric metric,
                                        enum run_phase phase) {
    const struct metric_info *info = metric_info(metric);
    for (uint32_t i = 0; info != NULL && i < run->metric_count; i++)
        if (run->metrics[i].phase == phase && strcmp(run->metrics[i].name, info->name) == 0)
            return &run->metrics[i].summary;
    return NULL;
}
