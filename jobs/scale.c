#include "jobs/scale.h"

#include "db/run.h"
#include "jobs/contention.h"
#include "jobs/predict.h"
#include "predictor/predict.h"
#include "predictor/thread_law.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What answers at one number of threads. */
struct basis {
    uint32_t threads, from; /* asked for; of the fit. 0: more threads than CPUs, nothing answers */
    struct fitted fitted;
    struct thread_law law; /* when `from` is another number */
    struct contention contention;
    uint32_t contention_threads; /* of the runs that it was learnt from */
};

struct scale_job {
    struct arena *arena;
    struct db *db;
    const struct scale_request *request;
    struct scaling *out;
    struct basis *bases;
    struct place place; /* of no particular thread count */
    uint32_t row_capacity, warning_capacity;
    struct err *err;
};

enum { RUNS_LEAST = 20 };

static const double normal_90 = 1.6448536269514722;

static void warn(struct scale_job *s, const char *text) {
    for (uint32_t i = 0; i < s->out->warning_count; i++)
        if (strcmp(s->out->warnings[i], text) == 0)
            return;
    *ARENA_PUSH(s->arena, s->out->warnings, s->out->warning_count, s->warning_capacity) = text;
}

/* Refused rows leave 0 where they mean any. */
static struct scale_row *add_row(struct scale_job *s, int64_t batch, uint32_t threads,
                                 uint32_t replicas) {
    struct scale_row *row = ARENA_PUSH(s->arena, s->out->rows, s->out->row_count, s->row_capacity);
    const struct estimate none = estimate_refused();
    *row = (struct scale_row){
        .batch = batch,
        .threads = threads,
        .replicas = replicas,
        .latency_ns = none,
        .slowdown = none,
        .per_second = none,
        .per_second_all = none,
        .peak_memory_bytes = none,
        .peak_memory_upper = {s->request->memory_confidence, NAN},
        .memory_share = NAN
    };
    return row;
}

/* ---- what answers ---------------------------------------------------------------------------- */

static struct run_filter runs_here(const struct scale_job *s, enum run_company company) {
    return (struct run_filter){
        .machine = s->place.machine.fingerprint,
        .runtime = s->place.runtime,
        .runtime_version = s->place.runtime_version,
        .company = company,
    };
}

/* The thread counts that a fit can rest on: a few profiled models are better used to learn how
 * threads change what one thread takes. All of them when none has enough. */
static int usable_threads(struct scale_job *s, const int64_t *measured, size_t count,
                          int64_t *usable, size_t *usable_count) {
    *usable_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct run_filter filter = runs_here(s, RUNS_ALONE);
        uint64_t runs;
        filter.threads = (uint32_t)measured[i];
        if (db_count_runs(s->db, &filter, &runs, s->err))
            return -(int)s->err->code;
        if (runs >= RUNS_LEAST)
            usable[(*usable_count)++] = measured[i];
    }
    for (size_t i = 0; i < count && *usable_count == 0; i++)
        usable[i] = measured[i];
    if (*usable_count == 0)
        *usable_count = count;
    return 0;
}

/* The thread count to start from: the same, else the nearest below, else above; as given when
 * nothing is measured. */
static uint32_t nearest(const int64_t *measured, size_t count, uint32_t threads) {
    uint32_t best = 0;
    for (size_t i = 0; i < count; i++)
        if (measured[i] <= threads || best == 0)
            best = (uint32_t)measured[i];
    return best ? best : threads;
}

static int load_other_threads(struct scale_job *s, const int64_t *measured, size_t count,
                              struct training *others, uint32_t *other_count) {
    for (size_t i = 0; i < count; i++) {
        const struct training_filter filter = {
            .machine = s->place.machine.fingerprint,
            .runtime = s->place.runtime,
            .runtime_version = s->place.runtime_version,
            .threads = (uint32_t)measured[i],
            .target = feature_target_of(&s->place.machine, (uint32_t)measured[i]),
        };
        if (measured[i] == 1)
            continue;
        if (training_load(s->arena, s->db, &filter, &others[*other_count], s->err))
            return -(int)s->err->code;
        (*other_count)++;
    }
    return 0;
}

/* Needs one thread, which all others are compared with; without it the default stays. */
static int learn_law(struct scale_job *s, const int64_t *measured, size_t count,
                     struct basis *basis) {
    struct place one = s->place;
    struct fitted fitted = basis->fitted;
    uint32_t other_count = 0;
    thread_law_default(&basis->law);
    if (count < 2 || measured[0] != 1)
        return 0;
    one.threads = 1;
    struct training *others = ARENA_ARRAY(s->arena, count, struct training);
    if ((basis->from != 1 && fit_for(s->arena, s->db, &one, NULL, NULL, &fitted, s->err)) ||
        load_other_threads(s, measured, count, others, &other_count))
        return -(int)s->err->code;
    return thread_law_learn(s->arena, &fitted.fit.cost, others, other_count, &basis->law, s->err);
}

/* Runs beside replicas at this thread count, else at the nearest that has some. */
static int learn_contention(struct scale_job *s, struct basis *basis) {
    const struct run_filter together = runs_here(s, RUNS_TOGETHER);
    struct place place = s->place;
    struct contention_evidence evidence;
    int64_t *measured;
    size_t count;
    if (db_list_threads(s->db, s->arena, &together, &measured, &count, s->err))
        return -(int)s->err->code;
    place.threads = basis->contention_threads = nearest(measured, count, basis->threads);
    if (contention_load_evidence(s->arena, s->db, &place, &basis->fitted.fit.cost, &evidence,
                                 s->err))
        return -(int)s->err->code;
    contention_of_evidence(s->arena, &evidence, NULL, &basis->contention);
    basis->contention.cpus = s->out->cpus;
    return 0;
}

static bool wants_replicas(const struct scale_job *s) {
    for (uint32_t i = 0; i < s->request->replica_count; i++)
        if (s->request->replicas[i] > 1)
            return true;
    return false;
}

static int prepare(struct scale_job *s, uint32_t threads, struct basis *basis) {
    const struct run_filter alone = runs_here(s, RUNS_ALONE);
    struct place place = s->place;
    int64_t *measured, *usable;
    size_t count, usable_count;
    *basis = (struct basis){.threads = threads};
    if (threads > s->out->cpus) {
        add_row(s, 0, threads, 0)->why =
            arena_printf(s->arena, "more threads than the %u CPU%s wait for one another",
                         s->out->cpus, s->out->cpus == 1 ? "" : "s");
        return 0;
    }
    if (db_list_threads(s->db, s->arena, &alone, &measured, &count, s->err))
        return -(int)s->err->code;
    usable = ARENA_ARRAY(s->arena, count + 1u, int64_t);
    if (usable_threads(s, measured, count, usable, &usable_count))
        return -(int)s->err->code;
    place.threads = basis->from = nearest(usable, usable_count, threads);
    if (fit_for(s->arena, s->db, &place, NULL, NULL, &basis->fitted, s->err))
        return -(int)s->err->code;
    if (basis->from != threads) {
        if (learn_law(s, measured, count, basis))
            return -(int)s->err->code;
        warn(s, arena_printf(s->arena,
                             "%u threads are carried over from %u by %s; `assay calibrate "
                             "--threads %u` measures them",
                             threads, basis->from,
                             basis->law.observations ? "what other thread counts took"
                                                     : "a general law",
                             threads));
    }
    return wants_replicas(s) ? learn_contention(s, basis) : 0;
}

/* ---- one prediction -------------------------------------------------------------------------- */

static struct estimate scaled(const struct estimate *estimate, double factor, double log_spread,
                              enum tier tier) {
    double low = log(estimate->value / estimate->low), high = log(estimate->high / estimate->value);
    struct estimate out = *estimate;
    out.value *= factor;
    out.low = out.value * exp(-hypot(low, normal_90 * log_spread));
    out.high = out.value * exp(hypot(high, normal_90 * log_spread));
    out.tier = tier_weaker(estimate->tier, tier);
    return out;
}

static double log_spread_of(const struct estimate *estimate) {
    return log(estimate->high / estimate->low) / 2 / normal_90;
}

/* The load of a prediction at the threads asked for; its latency is carried over on the way. */
static void carry_over(struct arena *arena, const struct basis *basis,
                       const struct lowering *lowering, const struct feature_target *machine,
                       struct prediction *prediction, struct contention_load *load) {
    const struct feature_target target = feature_target_for(arena, machine, lowering->graph);
    double before = 0, after = 0;
    *load = (struct contention_load){0};
    for (uint32_t i = 0; i < prediction->operator_count; i++) {
        const struct operator_row *row = &prediction->operators[i];
        const struct flat_op *flat = &lowering->flat.ops[i];
        struct features features;
        struct err unknown = {0};
        double ns = row->share * prediction->latency_ns.value;
        if (!(ns > 0) || features_of(flat->graph, flat->op, &target, &features, &unknown))
            continue;
        double then = basis->from == basis->threads
                          ? ns
                          : thread_law_ns(&basis->law, &features, ns, basis->from, basis->threads);
        before += ns;
        after += then;
        contention_load_add(load, &basis->fitted.fit.cost.roofline, &features, then);
    }
    if (basis->from == basis->threads || !(before > 0))
        return;
    prediction->latency_ns =
        scaled(&prediction->latency_ns, after / before,
               thread_law_log_spread(&basis->law, basis->threads), TIER_TRANSFERRED);
    prediction->peak_memory_bytes.tier =
        tier_weaker(prediction->peak_memory_bytes.tier, TIER_TRANSFERRED);
}

/* Where contention was seen at another thread count, as many threads in all stand for as many of
 * those replicas; what the threads of one replica take from one another is in its latency. */
static struct estimate slowdown_of(const struct basis *basis, const struct contention_load *load,
                                   uint32_t replicas) {
    uint32_t own = basis->contention_threads;
    if (replicas <= 1 || own == basis->threads)
        return contention_slowdown(&basis->contention, load, replicas, basis->threads);
    uint32_t one = (basis->threads + own - 1) / own;
    uint32_t several = (replicas * basis->threads + own - 1) / own;
    struct estimate all = contention_slowdown(&basis->contention, load, several, own);
    struct estimate self = contention_slowdown(&basis->contention, load, one, own);
    if (all.tier == TIER_REFUSED || self.tier == TIER_REFUSED)
        return estimate_refused();
    return scaled(&all, 1 / self.value, 0, TIER_TRANSFERRED);
}

static struct estimate rate_of(const struct estimate *latency_ns, double inferences) {
    struct estimate rate = *latency_ns;
    rate.value = inferences * 1e9 / latency_ns->value;
    rate.low = inferences * 1e9 / latency_ns->high;
    rate.high = inferences * 1e9 / latency_ns->low;
    return rate;
}

static double memory_part(const struct contention_load *load) {
    double memory = 0, all = 0;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        memory += load->memory_ns[f];
        all += load->memory_ns[f] + load->compute_ns[f];
    }
    return all > 0 ? memory / all : NAN;
}

static void answer(struct scale_job *s, const struct basis *basis,
                   const struct prediction *prediction, const struct contention_load *load,
                   double inferences, struct scale_row *row) {
    row->slowdown = slowdown_of(basis, load, row->replicas);
    if (row->slowdown.tier == TIER_REFUSED) {
        row->why = "neither replicas nor concurrent probes were measured here: `assay calibrate`";
        return;
    }
    row->latency_ns = scaled(&prediction->latency_ns, row->slowdown.value,
                             log_spread_of(&row->slowdown), row->slowdown.tier);
    row->slowdown.evidence = row->latency_ns.evidence;
    row->per_second = rate_of(&row->latency_ns, inferences);
    row->per_second_all = rate_of(&row->latency_ns, inferences * row->replicas);
    row->peak_memory_bytes = prediction->peak_memory_bytes;
    row->peak_memory_upper = prediction->peak_memory_upper;
    row->memory_share = memory_part(load);
    s->out->answered++;
    if (row->replicas * row->threads > s->out->cpus)
        warn(s, arena_printf(s->arena,
                             "%u replicas of %u thread%s on %u CPU%s take turns: their latency is "
                             "that of the average, not of a quiet moment",
                             row->replicas, row->threads, row->threads == 1 ? "" : "s",
                             s->out->cpus, s->out->cpus == 1 ? "" : "s"));
}

/* ---- one batch ------------------------------------------------------------------------------- */

static int64_t leading_size(const struct graph *graph) {
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct tensor *input = &graph->tensors[graph->inputs[i]];
        if (input->rank > 0 && input->dims[0].size > 0)
            return input->dims[0].size;
    }
    return 1;
}

static void predict_threads(struct scale_job *s, const struct subject *subject,
                            const struct lowering *lowering, int64_t batch,
                            const struct basis *basis) {
    const struct scale_request *request = s->request;
    struct feature_target target = subject->target;
    target.threads = basis->from;
    const struct predict_options options = {
        .target = target,
        .memory_confidence = request->memory_confidence,
        .folded = folding_of(subject->graph),
        .allow_roofline = !request->refuse_roofline,
    };
    struct prediction prediction = {0};
    struct contention_load load = {0};
    predict_model(s->arena, &basis->fitted.fit, lowering->graph, &lowering->flat,
                  subject->model.file_bytes, &options, &prediction);
    if (!prediction.refused_count)
        carry_over(s->arena, basis, lowering, &target, &prediction, &load);
    for (uint32_t i = 0; i < request->replica_count; i++) {
        struct scale_row *row = add_row(s, batch, basis->threads, (uint32_t)request->replicas[i]);
        if (prediction.refused_count)
            row->why = arena_printf(s->arena, "%s '%s' was refused: %s", prediction.refused[0].op,
                                    prediction.refused[0].name, prediction.refused[0].why);
        else
            answer(s, basis, &prediction, &load, (double)leading_size(subject->graph), row);
    }
}

static void take_notes(struct scale_job *s, const struct subject *subject,
                       const struct lowering *lowering) {
    for (uint32_t i = 0; i < subject->note_count; i++)
        warn(s, subject->notes[i]);
    if (!lowering->exact)
        warn(s, "lowered by our own fusion rules, not by the runtime: some kernels may differ");
}

static void identify(struct scale_job *s, const struct subject *subject) {
    s->out->model = subject->model.name;
    s->out->machine = arena_strdup(s->arena, subject->machine.label);
    s->out->runtime = s->place.runtime;
    s->out->runtime_version = s->place.runtime_version;
}

/* The answer names the model already. */
static const char *without_path(const struct scale_job *s, const char *message) {
    const char *path = s->request->subject.model_path;
    size_t length = strlen(path);
    while (strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        message += length + 2;
    return message;
}

static int predict_batch(struct scale_job *s, int64_t batch) {
    struct subject_request request = s->request->subject;
    struct subject subject;
    struct lowering lowering;
    struct err why = {0};
    request.batch = batch;
    if (subject_open(s->arena, s->db, &request, &subject, &why)) {
        if (why.code != ERR_INPUT && why.code != ERR_USAGE) {
            *s->err = why;
            return -(int)why.code;
        }
        add_row(s, batch, 0, 0)->why = arena_strdup(s->arena, without_path(s, why.message));
        return 0;
    }
    int code = lowering_make(s->arena, s->db, &subject, s->request->lowering, &lowering, s->err);
    if (!code) {
        take_notes(s, &subject, &lowering);
        for (uint32_t i = 0; i < s->request->thread_count; i++)
            if (s->bases[i].from)
                predict_threads(s, &subject, &lowering, batch, &s->bases[i]);
    }
    subject_close(&subject);
    return code;
}

/* What is wrong with the file itself is an error and not a refusal. */
/* The model's format decides which runtime is meant. */
static int find_place(struct scale_job *s) {
    struct subject_request request = s->request->subject;
    struct subject subject;
    request.batch = 0;
    if (subject_open(s->arena, s->db, &request, &subject, s->err))
        return -(int)s->err->code;
    int code = place_of_subject(s->arena, s->db, &subject, &s->place, s->err);
    s->place.threads = 1;
    if (!code)
        identify(s, &subject);
    subject_close(&subject);
    return code;
}

/* ---- the best -------------------------------------------------------------------------------- */

static void choose_best(struct scaling *out) {
    out->best_throughput = out->best_latency = -1;
    for (uint32_t i = 0; i < out->row_count; i++) {
        const struct scale_row *row = &out->rows[i];
        if (row->why)
            continue;
        if (out->best_throughput < 0 ||
            row->per_second_all.value > out->rows[out->best_throughput].per_second_all.value)
            out->best_throughput = (int32_t)i;
        if (out->best_latency < 0 ||
            row->latency_ns.value < out->rows[out->best_latency].latency_ns.value)
            out->best_latency = (int32_t)i;
    }
}

static void check_memory(struct scale_job *s) {
    const struct machine *machine = &s->place.machine;
    double have =
        (double)(machine->memory_limit_bytes ? machine->memory_limit_bytes : machine->memory_bytes);
    for (uint32_t i = 0; i < s->out->row_count; i++) {
        const struct scale_row *row = &s->out->rows[i];
        double need = row->peak_memory_upper.value * row->replicas;
        if (row->why || !(have > 0) || !(need > have))
            continue;
        warn(s,
             arena_printf(s->arena,
                          "%u replicas at batch %" PRId64 " may need %.3g GB, this machine gives "
                          "%.3g GB",
                          row->replicas, row->batch, need / 1e9, have / 1e9));
    }
}

int job_scale(struct arena *arena, struct db *db, const struct scale_request *request,
              struct scaling *out, struct err *err) {
    *out = (struct scaling){.best_throughput = -1, .best_latency = -1};
    struct scale_job s = {.arena = arena, .db = db, .request = request, .out = out, .err = err};
    if (find_place(&s))
        return -(int)err->code;
    out->cpus = request->cpus ? request->cpus : s.place.machine.cpus;
    s.bases = ARENA_ARRAY(arena, request->thread_count + 1u, struct basis);
    for (uint32_t i = 0; i < request->thread_count; i++)
        if (prepare(&s, (uint32_t)request->threads[i], &s.bases[i]))
            return -(int)err->code;
    for (uint32_t i = 0; i < request->batch_count; i++)
        if (predict_batch(&s, request->batches[i]))
            return -(int)err->code;
    choose_best(out);
    check_memory(&s);
    return 0;
}
