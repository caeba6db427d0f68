#include "db/conditions.h"
#include "db/nouns.h"
#include "db/run.h"

static const char *const phase_names[] = {
    [PHASE_PLAIN] = "plain",
    [PHASE_PROFILED] = "profiled",
    [PHASE_COLD] = "cold",
};

const char *run_phase_name(enum run_phase phase) {
    return phase_names[phase];
}

/* What the run's row refers to. */
struct run_parents {
    int64_t model, machine, lowered;
};

static int put_parents(struct db *db, struct arena *arena, const struct stored_run *run,
                       struct run_parents *parents, struct err *err) {
    struct lowered_key key = {run->model.sha256, run->machine.isa, &run->conditions, run->weights};
    int failed = model_put_row(db, &run->model, &parents->model, err);
    if (failed == 0)
        failed = machine_put_row(db, &run->machine, &parents->machine, err);
    if (failed == 0 && run->lowered.byte_count > 0)
        failed = lowered_put_row(db, arena, &key, &run->lowered, &parents->lowered, err);
    return failed;
}

static void put_disturbance(struct query *query, const struct disturbance *disturbance) {
    put_count(query, disturbance->voluntary_switches);
    put_count(query, disturbance->involuntary_switches);
    put_count(query, disturbance->minor_faults);
    put_count(query, disturbance->major_faults);
    put_real(query, disturbance->steal_fraction);
    put_real(query, disturbance->throttled_ns);
    put_real(query, disturbance->load_average);
    put_real(query, disturbance->frequency_ratio);
}

static void put_head(struct query *query, struct arena *arena, const struct stored_run *run,
                     const struct run_parents *parents, const char *now) {
    put_int(query, parents->model);
    put_int(query, parents->machine);
    put_id(query, parents->lowered);
    put_conditions(query, arena, &run->conditions);
    put_text(query, run->weights);
    put_text(query, run->collector);
    put_text(query, run->purpose);
    put_text(query, dtype_name(run->dtype));
    put_count(query, run->repeats);
    put_count(query, run->processes);
    put_real(query, run->budget_ns);
    put_int(query, (int64_t)run->seed);
    put_text(query, run->started_at != NULL ? run->started_at : now);
    put_real(query, run->duration_ns);
    put_text(query, run->tool_version);
    put_real(query, run->overhead_ns_per_op);
    put_disturbance(query, &run->disturbance);
    put_text(query, run->warnings_json != NULL ? run->warnings_json : "[]");
    put_count(query, run->op_count);
}

static int put_run_row(struct db *db, struct arena *arena, const struct stored_run *run,
                       const struct run_parents *parents, int64_t *id, uint64_t *checksum,
                       struct err *err) {
    char now[DB_TIME_SIZE];
    struct query query;
    db_now(now);
    int failed = query_open(&query, db, STATEMENT_PUT_RUN, err);
    if (failed != 0)
        return failed;
    put_head(&query, arena, run, parents, now);
    query_sum_row(&query);
    *checksum += query.checksum;
    uint32_t replicas = conditions_replicas(&run->conditions);
    *checksum += replicas_checksum(replicas);
    put_count(&query, replicas);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int put_metrics(struct db *db, const struct stored_run *run, int64_t id, uint64_t *checksum,
                       struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_RUN_METRIC, err);
    if (failed != 0)
        return failed;
    for (uint32_t i = 0; i < run->metric_count && failed == 0; i++) {
        const struct stored_metric *metric = &run->metrics[i];
        put_int(&query, id);
        put_text(&query, metric->name);
        put_text(&query, metric->unit);
        put_text(&query, run_phase_name(metric->phase));
        put_summary(&query, &metric->summary);
        failed = query_run(&query, err);
    }
    *checksum += query.checksum;
    query_close(&query);
    return failed;
}

static int put_op(struct query *query, int64_t run_id, const struct stored_op *op,
                  struct err *err) {
    put_int(query, run_id);
    put_count(query, op->index);
    put_text(query, op->path);
    put_text(query, op->type);
    put_text(query, op->domain);
    put_text(query, op->kernel);
    put_text(query, op->shapes);
    put_text(query, dtype_name(op->dtype));
    put_real(query, op->flops);
    put_real(query, op->bytes);
    put_summary(query, &op->wall_raw_ns);
    put_summary(query, &op->wall_ns);
    put_summary(query, &op->cpu_ns);
    return query_run(query, err);
}

static int put_op_metrics(struct query *query, int64_t run_id, const struct stored_op *op,
                          struct err *err) {
    int failed = 0;
    for (uint32_t i = 0; i < op->metric_count && failed == 0; i++) {
        put_int(query, run_id);
        put_count(query, op->index);
        put_text(query, op->metrics[i].name);
        put_text(query, op->metrics[i].unit);
        put_summary(query, &op->metrics[i].summary);
        failed = query_run(query, err);
    }
    return failed;
}

static int put_ops(struct db *db, const struct stored_run *run, int64_t id, uint64_t *checksum,
                   struct err *err) {
    struct query ops, metrics;
    int failed = query_open(&ops, db, STATEMENT_PUT_OPERATOR, err);
    if (failed != 0)
        return failed;
    failed = query_open(&metrics, db, STATEMENT_PUT_OPERATOR_METRIC, err);
    for (uint32_t i = 0; i < run->op_count && failed == 0; i++) {
        failed = put_op(&ops, id, &run->ops[i], err);
        if (failed == 0)
            failed = put_op_metrics(&metrics, id, &run->ops[i], err);
    }
    *checksum = ops.checksum + metrics.checksum;
    query_close(&ops);
    query_close(&metrics);
    return failed;
}

static int put_checksums(struct db *db, int64_t id, uint64_t head, uint64_t ops, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_RUN_CHECKSUMS, err);
    if (failed != 0)
        return failed;
    put_int(&query, (int64_t)head);
    put_int(&query, (int64_t)ops);
    put_int(&query, id);
    failed = query_run(&query, err);
    query_close(&query);
    return failed;
}

static int put_all(struct db *db, struct arena *arena, const struct stored_run *run, int64_t *id,
                   struct err *err) {
    struct run_parents parents = {0};
    uint64_t head = 0, ops = 0;
    int failed = put_parents(db, arena, run, &parents, err);
    if (failed == 0)
        failed = put_run_row(db, arena, run, &parents, id, &head, err);
    if (failed == 0)
        failed = put_metrics(db, run, *id, &head, err);
    if (failed == 0)
        failed = put_ops(db, run, *id, &ops, err);
    if (failed == 0)
        failed = put_checksums(db, *id, head, ops, err);
    return failed;
}

int db_put_run(struct db *db, const struct stored_run *run, int64_t *run_id, struct err *err) {
    struct arena scratch;
    int64_t id = 0;
    int failed = db_begin_write(db, err);
    if (failed != 0)
        return failed;
    arena_init(&scratch);
    failed = db_end(db, put_all(db, &scratch, run, &id, err), err);
    arena_done(&scratch);
    if (failed == 0)
        *run_id = id;
    return failed;
}
