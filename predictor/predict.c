#include "predictor/predict.h"

#include "predictor/same_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct predicting {
    struct arena *arena;
    const struct fit *fit;
    const struct flat_graph *flat;
    const struct predict_options *options;
    struct feature_target target; /* of this graph */
    struct prediction *out;
    struct features *features; /* per flat operator */
    double *times;             /* executions per inference, by flat operator */
    uint32_t warning_capacity, refused_capacity;
};

const char *op_full_type(struct arena *arena, const struct op *op) {
    return op->domain[0] ? arena_printf(arena, "%s.%s", op->domain, op->type) : op->type;
}

static void warn(struct predicting *p, const char *text) {
    const char ***list = (const char ***)(uintptr_t)&p->out->warnings;
    const char **slot = ARENA_PUSH(p->arena, *list, p->out->warning_count, p->warning_capacity);
    *slot = text;
}

static void refuse(struct predicting *p, uint32_t i, const char *why) {
    const struct flat_op *flat = &p->flat->ops[i];
    struct refused_row *row =
        ARENA_PUSH(p->arena, p->out->refused, p->out->refused_count, p->refused_capacity);
    *row = (struct refused_row){flat->path, op_full_type(p->arena, flat->op), why};
}

/* ---- operators ------------------------------------------------------------------------------- */

static bool describe_operator(struct predicting *p, uint32_t i) {
    const struct flat_op *flat = &p->flat->ops[i];
    struct operator_row *row = &p->out->operators[i];
    struct features *f = &p->features[i];
    struct err why = {0};
    *row = (struct operator_row){.name = flat->path,
                                 .op = op_full_type(p->arena, flat->op),
                                 .kernel = "",
                                 .share = NAN,
                                 .latency_ns = estimate_refused()};
    if (features_of(flat->graph, flat->op, &p->target, f, &why)) {
        refuse(p, i, arena_strdup(p->arena, why.message));
        return false;
    }
    row->kernel = f->key;
    row->flops = f->flops;
    row->bytes = features_bytes(f);
    row->bound = cost_model_bound(&p->fit->cost, f);
    return true;
}

static double slowness(const struct predicting *p) {
    return p->options->slowness > 0 ? p->options->slowness : 1;
}

typedef struct estimate estimating(const struct cost_model *model, const struct features *features);

static struct estimate estimate_at_speed(const struct predicting *p, const struct features *f,
                                         estimating *estimate) {
    const struct estimate usual = estimate(&p->fit->cost, f);
    return slowness(p) == 1
               ? usual
               : estimate_times(usual, pow(slowness(p), cost_model_slowdown(&p->fit->cost, f)));
}

/* Operators that do the same work are estimated once; `first` is of same_work(). */
static void estimate_operator(struct predicting *p, const uint32_t *first, uint32_t i,
                              estimating *estimate) {
    struct operator_row *row = &p->out->operators[i];
    if (p->features[i].free)
        row->latency_ns = (struct estimate){.tier = TIER_FITTED};
    else
        row->latency_ns = first[i] < i ? p->out->operators[first[i]].latency_ns
                                       : estimate_at_speed(p, &p->features[i], estimate);
    row->latency_ns.evidence = p->fit->evidence ? p->fit->evidence : "";
}

static void refuse_roofline(struct predicting *p, uint32_t i) {
    struct operator_row *row = &p->out->operators[i];
    if (row->latency_ns.tier != TIER_ROOFLINE || p->options->allow_roofline)
        return;
    row->latency_ns = estimate_refused();
    refuse(p, i,
           arena_printf(p->arena,
                        "kernel class %s was never observed here; profile a model that has it, "
                        "or allow the roofline",
                        row->kernel));
}

/* ---- control flow ---------------------------------------------------------------------------- */

static bool inside(const struct flat_graph *flat, uint32_t i, int32_t control, const char *branch) {
    int32_t at = (int32_t)i;
    while (flat->ops[at].enclosing != GRAPH_NONE && flat->ops[at].enclosing != control)
        at = flat->ops[at].enclosing;
    return flat->ops[at].enclosing == control && strcmp(flat->ops[at].branch, branch) == 0;
}

/* Behind the operators of its subgraphs, which stand behind it. */
static uint32_t end_of(const struct flat_graph *flat, uint32_t control) {
    uint32_t i = control + 1;
    while (i < flat->count && flat->ops[i].enclosing >= (int32_t)control)
        i++;
    return i;
}

static double branch_ns(const struct predicting *p, uint32_t control, const char *branch) {
    double sum = 0;
    uint32_t end = end_of(p->flat, control);
    for (uint32_t i = control + 1; i < end; i++)
        if (inside(p->flat, i, (int32_t)control, branch) &&
            isfinite(p->out->operators[i].latency_ns.value))
            sum += p->times[i] * p->out->operators[i].latency_ns.value;
    return sum;
}

static void scale_branch(struct predicting *p, uint32_t control, const char *branch, double times) {
    uint32_t end = end_of(p->flat, control);
    for (uint32_t i = control + 1; i < end; i++)
        if (inside(p->flat, i, (int32_t)control, branch))
            p->times[i] *= times;
}

static void choose_branch(struct predicting *p, uint32_t i) {
    bool then_is_costlier = branch_ns(p, i, "then_branch") >= branch_ns(p, i, "else_branch");
    scale_branch(p, i, then_is_costlier ? "else_branch" : "then_branch", 0);
}

/* One sentence for all that can be reached: nested ones by the dozen are usual. */
static void warn_of_branches(struct predicting *p) {
    uint32_t count = 0;
    const char *first = NULL;
    for (uint32_t i = 0; i < p->flat->count; i++) {
        if (strcmp(p->flat->ops[i].op->type, "If") != 0 || p->times[i] == 0)
            continue;
        count++;
        if (!first)
            first = p->flat->ops[i].path;
    }
    if (count == 1)
        warn(p, arena_printf(p->arena, "%s takes one of two branches: the costlier one is counted",
                             first));
    else if (count)
        warn(p, arena_printf(p->arena,
                             "%s and %u more operators take one of two branches: the costlier ones "
                             "are counted",
                             first, count - 1));
}

/* A constant trip count, else the leading size of what a Scan walks over; -1 when not known. */
static double trips_of(const struct flat_op *flat) {
    const struct tensor *first = op_input(flat->graph, flat->op, 0);
    if (strcmp(flat->op->type, "Loop") == 0)
        return first && first->values && first->values->ints && first->values->count == 1
                   ? (double)first->values->ints[0]
                   : -1;
    int64_t scanned = op_int(flat->op, "num_scan_inputs", 1);
    int64_t index = (int64_t)flat->op->input_count - scanned;
    const struct tensor *walked =
        index >= 0 ? op_input(flat->graph, flat->op, (uint32_t)index) : NULL;
    return walked && walked->rank > 0 ? (double)walked->dims[0].size : -1;
}

static void count_trips(struct predicting *p, uint32_t i) {
    double trips = trips_of(&p->flat->ops[i]);
    if (trips < 0 || trips > 1e6) {
        warn(p,
             arena_printf(p->arena,
                          "how often %s repeats is not known before it runs: one pass is counted",
                          p->flat->ops[i].path));
        return;
    }
    scale_branch(p, i, "body", trips);
}

/* Inner control flow first, so that an If inside a Loop is settled when the Loop multiplies it. */
static void settle_control_flow(struct predicting *p) {
    for (uint32_t i = p->flat->count; i-- > 0;) {
        const char *type = p->flat->ops[i].op->type;
        if (p->features[i].family != FAMILY_CONTROL || p->out->operators[i].kernel[0] == '\0')
            continue;
        if (strcmp(type, "If") == 0)
            choose_branch(p, i);
        else
            count_trips(p, i);
    }
    warn_of_branches(p);
}

/* ---- ages of weights ---------------------------------------------------------------------------
 */

/* With something refused there is no latency that ages are shares of. */
static void settle_ages(struct predicting *p) {
    double *estimated_ns = ARENA_ARRAY(p->arena, p->flat->count + 1u, double);
    for (uint32_t i = 0; i < p->flat->count; i++)
        estimated_ns[i] = p->out->operators[i].latency_ns.value;
    if (p->out->refused_count == 0)
        fit_settle_ages(p->fit, p->features, p->times, estimated_ns, p->flat->count);
    const uint32_t *first = same_work(p->arena, p->features, p->flat->count);
    for (uint32_t i = 0; i < p->flat->count; i++)
        if (features_age_matters(&p->features[i]) &&
            p->out->operators[i].latency_ns.tier != TIER_REFUSED)
            estimate_operator(p, first, i, cost_model_estimate);
}

/* ---- totals ---------------------------------------------------------------------------------- */

static struct latency_sum sum_operators(struct predicting *p) {
    struct latency_sum sum = {0};
    for (uint32_t i = 0; i < p->flat->count; i++)
        if (p->times[i] > 0 && isfinite(p->out->operators[i].latency_ns.value))
            latency_sum_add_aged(&sum, p->fit, &p->features[i], &p->out->operators[i].latency_ns,
                                 p->times[i]);
    return sum;
}

static void share_out(struct predicting *p, const struct latency_sum *sum) {
    for (uint32_t i = 0; i < p->flat->count; i++) {
        struct operator_row *row = &p->out->operators[i];
        if (isfinite(row->latency_ns.value) && sum->value_ns > 0)
            row->share = p->times[i] * row->latency_ns.value / sum->value_ns;
    }
}

static void refuse_totals(struct predicting *p) {
    struct prediction *out = p->out;
    out->latency_ns = out->cpu_time_ns = estimate_refused();
    out->peak_memory_bytes = out->resident_memory_bytes = estimate_refused();
    out->load_time_ns = out->first_run_ns = estimate_refused();
    out->cold_start = (struct cold_start){.page_cache = p->options->cold_start.page_cache,
                                          .total_ns = estimate_refused()};
    out->peak_memory_upper = (struct upper_bound){p->options->memory_confidence, NAN};
}

static void predict_totals(struct predicting *p, const struct graph *lowered, uint64_t file_bytes) {
    const struct quantity_fit *fits = p->fit->quantities;
    struct prediction *out = p->out;
    struct latency_sum sum = sum_operators(p);
    share_out(p, &sum);
    if (out->refused_count) {
        refuse_totals(p);
        return;
    }
    struct footprint footprint;
    footprint_of(lowered, p->flat, file_bytes, &footprint);
    footprint_fold(&footprint, &p->options->folded);
    if (out->model.nodes)
        footprint.file_nodes = (double)out->model.nodes;
    out->latency_ns = latency_of_sum(p->fit, &sum,
                                     p->options->speed_seen ? p->fit->speed_change_log_spread
                                                            : p->fit->speed_log_spread);
    out->cpu_time_ns = cpu_time_of_latency(p->fit, &out->latency_ns);
    double latency_ns = out->latency_ns.value / slowness_of_loading(slowness(p));
    struct estimate *const answers[] = {
        [QUANTITY_PEAK_BYTES] = &out->peak_memory_bytes,
        [QUANTITY_RESIDENT_BYTES] = &out->resident_memory_bytes,
        [QUANTITY_LOAD_NS] = &out->load_time_ns,
        [QUANTITY_FIRST_RUN_NS] = &out->first_run_ns,
    };
    for (size_t q = 0; q < sizeof answers / sizeof *answers; q++) {
        *answers[q] = quantity_estimate((enum quantity)q, &fits[q], &footprint, latency_ns);
        answers[q]->evidence = out->latency_ns.evidence;
    }
    out->load_time_ns = estimate_times(out->load_time_ns, slowness_of_loading(slowness(p)));
    out->first_run_ns = estimate_times(out->first_run_ns, slowness_of_loading(slowness(p)));
    out->peak_memory_upper = quantity_upper(QUANTITY_PEAK_BYTES, &fits[QUANTITY_PEAK_BYTES],
                                            &footprint, latency_ns, p->options->memory_confidence);
    struct cold_start_options cold_start = p->options->cold_start;
    cold_start.slowdown = slowness_of_loading(slowness(p));
    cold_start_predict(p->arena, fits, &footprint, &cold_start, out);
    if (p->options->memory_timeline)
        memory_timeline_of(p->arena, lowered, p->flat, &footprint, &out->timeline);
}

static struct predicting begin(struct arena *arena, const struct fit *fit,
                               const struct graph *lowered, const struct flat_graph *flat,
                               const struct predict_options *options, struct prediction *out) {
    struct predicting p = {.arena = arena,
                           .fit = fit,
                           .flat = flat,
                           .options = options,
                           .target = feature_target_for(arena, &options->target, lowered),
                           .out = out};
    p.features = ARENA_ARRAY(arena, flat->count + 1u, struct features);
    p.times = ARENA_ARRAY(arena, flat->count + 1u, double);
    out->operators = ARENA_ARRAY(arena, flat->count + 1u, struct operator_row);
    out->operator_count = flat->count;
    return p;
}

static void predict_operators(struct predicting *p) {
    bool *known = ARENA_ARRAY(p->arena, p->flat->count + 1u, bool);
    for (uint32_t i = 0; i < p->flat->count; i++) {
        p->times[i] = 1;
        known[i] = describe_operator(p, i);
    }
    const uint32_t *first = same_work(p->arena, p->features, p->flat->count);
    for (uint32_t i = 0; i < p->flat->count; i++)
        if (known[i])
            estimate_operator(p, first, i,
                              features_age_matters(&p->features[i]) ? cost_model_first_estimate
                                                                    : cost_model_estimate);
    for (uint32_t i = 0; i < p->flat->count; i++)
        if (known[i])
            refuse_roofline(p, i);
    settle_control_flow(p);
    settle_ages(p);
}

void predict_model(struct arena *arena, const struct fit *fit, const struct graph *lowered,
                   const struct flat_graph *flat, uint64_t file_bytes,
                   const struct predict_options *options, struct prediction *out) {
    struct predicting p = begin(arena, fit, lowered, flat, options, out);
    predict_operators(&p);
    predict_totals(&p, lowered, file_bytes);
}

const struct features *predict_features(struct arena *arena, const struct fit *fit,
                                        const struct graph *lowered, const struct flat_graph *flat,
                                        const struct predict_options *options) {
    struct prediction prediction = {0};
    struct predicting p = begin(arena, fit, lowered, flat, options, &prediction);
    predict_operators(&p);
    return p.features;
}
