#include "jobs/stored_measurement.h"

#include "jobs/measured_start.h"
#include "jobs/memory_metrics.h"

#include <math.h>
#include <string.h>

static struct estimate estimate_of(const struct summary *summary, const char *evidence) {
    if (!summary || summary->count == 0)
        return estimate_refused();
    return (struct estimate){summary->median, summary->low, summary->high, TIER_MEASURED, evidence};
}

static struct estimate metric_of(const struct stored_run *run, enum metric metric,
                                 enum run_phase phase, const char *evidence) {
    return estimate_of(stored_run_metric(run, metric, phase), evidence);
}

static struct conditions copy_conditions(struct arena *arena, const struct conditions *from) {
    struct conditions copy = *from;
    struct dim_binding *dims = ARENA_ARRAY(arena, from->dim_count + 1u, struct dim_binding);
    for (uint32_t i = 0; i < from->dim_count; i++)
        dims[i] =
            (struct dim_binding){arena_strdup(arena, from->dims[i].symbol), from->dims[i].size};
    copy.runtime = arena_strdup(arena, from->runtime);
    copy.runtime_version = arena_strdup(arena, from->runtime_version);
    copy.dims = dims;
    return copy;
}

static void copy_operators(struct arena *arena, const struct stored_run *run, const char *evidence,
                           struct prediction *out) {
    double total = 0;
    out->operators = ARENA_ARRAY(arena, run->op_count + 1u, struct operator_row);
    out->operator_count = run->op_count;
    for (uint32_t i = 0; i < run->op_count; i++)
        total += run->ops[i].wall_ns.count ? run->ops[i].wall_ns.median : 0;
    for (uint32_t i = 0; i < run->op_count; i++) {
        const struct stored_op *op = &run->ops[i];
        struct operator_row *row = &out->operators[i];
        row->name = arena_strdup(arena, op->path);
        row->op = op->domain[0] ? arena_printf(arena, "%s.%s", op->domain, op->type)
                                : arena_strdup(arena, op->type);
        row->kernel = arena_strdup(arena, op->kernel);
        row->flops = op->flops;
        row->bytes = op->bytes;
        row->latency_ns = estimate_of(&op->wall_ns, evidence);
        row->share = op->wall_ns.count && total > 0 ? op->wall_ns.median / total : 0;
        row->bound = BOUND_OVERHEAD;
    }
}

static void copy_start(struct arena *arena, const struct stored_run *run, const char *evidence,
                       struct prediction *out) {
    const struct summary *cold[METRIC_BUILTIN_COUNT];
    for (int metric = 0; metric < METRIC_BUILTIN_COUNT; metric++)
        cold[metric] = stored_run_metric(run, (enum metric)metric, PHASE_COLD);
    measured_start(arena, cold, evidence, &out->cold_start);
}

static void copy_memory(struct arena *arena, const struct stored_run *run, struct prediction *out) {
    struct operator_names names = {ARENA_ARRAY(arena, run->op_count + 1u, const char *),
                                   ARENA_ARRAY(arena, run->op_count + 1u, const char *),
                                   run->op_count};
    out->memory = memory_of_run(arena, run);
    for (uint32_t i = 0; i < run->op_count; i++) {
        names.names[i] = out->operators[i].name;
        names.types[i] = arena_strdup(arena, run->ops[i].type);
    }
    if (out->memory)
        memory_use_timeline(arena, out->memory, &names, &out->timeline);
}

void stored_measurement(struct arena *arena, const struct stored_run *run, struct prediction *out) {
    const char *evidence = arena_printf(arena, "run:%lld", (long long)run->id);
    *out = (struct prediction){.measured = true, .lowering = "runtime"};
    out->model.name = arena_strdup(arena, run->model.name);
    out->model.path = arena_strdup(arena, run->model.path);
    out->model.sha256 = arena_strdup(arena, run->model.sha256);
    out->model.nodes = run->model.nodes;
    out->model.parameters = run->model.parameters;
    out->machine = arena_strdup(arena, run->machine.label);
    out->machine_fingerprint = arena_strdup(arena, run->machine.fingerprint);
    out->conditions = copy_conditions(arena, &run->conditions);
    out->latency_ns = metric_of(run, METRIC_WALL_NS, PHASE_PLAIN, evidence);
    out->cpu_time_ns = metric_of(run, METRIC_CPU_NS, PHASE_PLAIN, evidence);
    out->peak_memory_bytes = metric_of(run, METRIC_PEAK_BYTES, PHASE_COLD, evidence);
    out->resident_memory_bytes = metric_of(run, METRIC_RESIDENT_BYTES, PHASE_COLD, evidence);
    out->load_time_ns = metric_of(run, METRIC_LOAD_NS, PHASE_COLD, evidence);
    out->first_run_ns = metric_of(run, METRIC_FIRST_RUN_NS, PHASE_COLD, evidence);
    out->peak_memory_upper = (struct upper_bound){0.99, out->peak_memory_bytes.high};
    copy_start(arena, run, evidence, out);
    copy_operators(arena, run, evidence, out);
    copy_memory(arena, run, out);
}
