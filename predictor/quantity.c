#include "predictor/quantity.h"

#include "base/stats.h"
#include "predictor/nnls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- terms ----------------------------------------------------------------------------------- */

static double one(const struct footprint *f, double latency_ns) {
    (void)f, (void)latency_ns;
    return 1;
}

static double latency(const struct footprint *f, double latency_ns) {
    (void)f;
    return latency_ns;
}

#define FOOTPRINT_TERM(field)                                                                      \
    static double field(const struct footprint *f, double latency_ns) {                            \
        (void)latency_ns;                                                                          \
        return f->field;                                                                           \
    }

FOOTPRINT_TERM(operators)
FOOTPRINT_TERM(operator_kinds)
FOOTPRINT_TERM(weight_tensors)
FOOTPRINT_TERM(small_weight_bytes)
FOOTPRINT_TERM(file_nodes)
FOOTPRINT_TERM(folded_bytes)
FOOTPRINT_TERM(file_bytes)
FOOTPRINT_TERM(blocked_weight_bytes)
FOOTPRINT_TERM(packed_weight_bytes)
FOOTPRINT_TERM(large_filter_bytes)
FOOTPRINT_TERM(large_matrix_bytes)
FOOTPRINT_TERM(loading_bytes)
FOOTPRINT_TERM(resident_weight_bytes)
FOOTPRINT_TERM(first_run_bytes)
FOOTPRINT_TERM(arena_bytes)
FOOTPRINT_TERM(feed_bytes)

static double parsed_bytes(const struct footprint *f, double latency_ns) {
    (void)latency_ns;
    return f->file_bytes + f->regrown_bytes;
}

/* A graph's small blocks: the larger it is, the more of them fit into holes that others left. */
static double root_of_operators(const struct footprint *f, double latency_ns) {
    (void)latency_ns;
    return sqrt(f->operators);
}

/* What a file is read through is fresh memory too. */
static double buffer_bytes(const struct footprint *f, double latency_ns) {
    (void)latency_ns;
    return fmin(f->file_bytes, 4 << 20);
}

struct term {
    const char *name;
    double (*of)(const struct footprint *, double latency_ns);
    unsigned flags;
};

enum {
    SECOND = 1,   /* of the second stage */
    DOUBTFUL = 2, /* known less well than the others: the interval widens with its share */
};

/* A quantity is the largest of its stages; each stage is a sum of terms, fitted to what was
 * measured of it. */
enum { STAGES_MAX = 2 };

struct quantity_info {
    double (*measured)(const struct observed_run *);
    double (*stages[STAGES_MAX])(const struct observed_run *);
    struct term terms[QUANTITY_TERMS_MAX];
};

/* Who does not tell the peak of loading apart tells one that it did not pass. */
static double loaded_bytes_of(const struct observed_run *run) {
    return run->loaded_bytes > 0 ? run->loaded_bytes : run->peak_bytes;
}

#define MEASURED(field)                                                                            \
    static double field##_of(const struct observed_run *run) {                                     \
        return run->field;                                                                         \
    }

MEASURED(peak_bytes)
MEASURED(resident_bytes)
MEASURED(load_ns)
MEASURED(first_run_ns)
MEASURED(process_start_ns)
MEASURED(library_load_ns)
MEASURED(file_read_ns)
MEASURED(parse_ns)
MEASURED(optimise_ns)
MEASURED(reorder_ns)
MEASURED(prepack_ns)

static const struct quantity_info infos[] = {
    [QUANTITY_PEAK_BYTES] = {peak_bytes_of,
                             {loaded_bytes_of, resident_bytes_of},
                             {{"load_process", one, 0},
                              {"load_operators", root_of_operators, 0},
                              {"load_nodes", file_nodes, 0},
                              {"load_kinds", operator_kinds, 0},
                              {"load_weight_tensors", weight_tensors, 0},
                              {"load_small_bytes", small_weight_bytes, 0},
                              {"load_bytes", loading_bytes, 0},
                              {"run_process", one, SECOND},
                              {"run_operators", root_of_operators, SECOND},
                              {"run_nodes", file_nodes, SECOND},
                              {"run_kinds", operator_kinds, SECOND},
                              {"run_weight_tensors", weight_tensors, SECOND},
                              {"run_small_bytes", small_weight_bytes, SECOND},
                              {"run_weight_bytes", resident_weight_bytes, SECOND},
                              {"run_arena_bytes", arena_bytes, SECOND | DOUBTFUL},
                              {"run_feed_bytes", feed_bytes, SECOND}}                        },
    [QUANTITY_RESIDENT_BYTES] = {resident_bytes_of,
                             {resident_bytes_of},
                             {{"process", one, 0},
                                  {"operators", root_of_operators, 0},
                                  {"nodes", file_nodes, 0},
                                  {"kinds", operator_kinds, 0},
                                  {"weight_tensors", weight_tensors, 0},
                                  {"small_bytes", small_weight_bytes, 0},
                                  {"weight_bytes", resident_weight_bytes, 0},
                                  {"arena_bytes", arena_bytes, DOUBTFUL},
                                  {"feed_bytes", feed_bytes, 0}}                             },
    [QUANTITY_LOAD_NS] = {load_ns_of,
                             {load_ns_of},
                             {{"session", one, 0},
                           {"operators", operators, 0},
                           {"file_nodes", file_nodes, 0},
                           {"weight_tensors", weight_tensors, 0},
                           {"buffer_bytes", buffer_bytes, 0},
                           {"file_bytes", file_bytes, 0},
                           {"parsed_bytes", parsed_bytes, 0},
                           {"blocked_weight_bytes", blocked_weight_bytes, 0},
                           {"large_filter_bytes", large_filter_bytes, 0},
                           {"packed_weight_bytes", packed_weight_bytes, 0},
                           {"large_matrix_bytes", large_matrix_bytes, 0},
                           {"folded_bytes", folded_bytes, 0}}                                },
    [QUANTITY_FIRST_RUN_NS] = {first_run_ns_of,
                             {first_run_ns_of},
                             {{"call", one, 0},
                                {"operators", operators, 0},
                                {"latency_ns", latency, 0},
                                {"arena_bytes", first_run_bytes, 0}}                         },
    [QUANTITY_PROCESS_START_NS] = {process_start_ns_of,
                             {process_start_ns_of},
                             {{"process", one, 0}}                                           },
    [QUANTITY_LIBRARY_LOAD_NS] = {library_load_ns_of,  {library_load_ns_of}, {{"library", one, 0}}},
    [QUANTITY_FILE_READ_NS] = {file_read_ns_of,
                             {file_read_ns_of},
                             {{"file", one, 0},
                                {"buffer_bytes", buffer_bytes, 0},
                                {"file_bytes", file_bytes, 0}}                               },
    [QUANTITY_PARSE_NS] = {parse_ns_of,
                             {parse_ns_of},
                             {{"model", one, 0},
                            {"file_nodes", file_nodes, 0},
                            {"weight_tensors", weight_tensors, 0},
                            {"parsed_bytes", parsed_bytes, 0}}                               },
    [QUANTITY_OPTIMISE_NS] = {optimise_ns_of,
                             {optimise_ns_of},
                             {{"graph", one, 0},
                               {"file_nodes", file_nodes, 0},
                               {"operators", operators, 0},
                               {"weight_tensors", weight_tensors, 0},
                               {"file_bytes", file_bytes, 0},
                               {"folded_bytes", folded_bytes, 0}}                            },
    [QUANTITY_REORDER_NS] = {reorder_ns_of,
                             {reorder_ns_of},
                             {{"graph", one, 0},
                              {"operators", operators, 0},
                              {"blocked_weight_bytes", blocked_weight_bytes, 0},
                              {"large_filter_bytes", large_filter_bytes, 0}}                 },
    [QUANTITY_PREPACK_NS] = {prepack_ns_of,
                             {prepack_ns_of},
                             {{"session", one, 0},
                              {"operators", operators, 0},
                              {"weight_tensors", weight_tensors, 0},
                              {"packed_weight_bytes", packed_weight_bytes, 0},
                              {"large_matrix_bytes", large_matrix_bytes, 0}}                 },
};

_Static_assert(sizeof infos / sizeof *infos == QUANTITY_COUNT, "a row for each quantity");

double quantity_measured(enum quantity quantity, const struct observed_run *run) {
    return infos[quantity].measured(run);
}

const char *quantity_term(enum quantity quantity, int term) {
    return term < QUANTITY_TERMS_MAX ? infos[quantity].terms[term].name : NULL;
}

/* ---- fitting --------------------------------------------------------------------------------- */

static uint32_t terms_of(enum quantity quantity) {
    uint32_t n = 0;
    while (n < QUANTITY_TERMS_MAX && infos[quantity].terms[n].of)
        n++;
    return n;
}

static int stage_of(const struct term *term) {
    return term->flags & SECOND ? 1 : 0;
}

struct value {
    double total;
    double doubtful; /* share of it, 0 to 1 */
};

static struct value apply(enum quantity quantity, const double *rates, const struct footprint *f,
                          double latency_ns) {
    const struct quantity_info *info = &infos[quantity];
    double sums[STAGES_MAX] = {0}, doubtful[STAGES_MAX] = {0};
    for (uint32_t i = 0; i < terms_of(quantity); i++) {
        const struct term *term = &info->terms[i];
        double part = rates[i] * term->of(f, latency_ns);
        sums[stage_of(term)] += part;
        doubtful[stage_of(term)] += term->flags & DOUBTFUL ? part : 0;
    }
    int largest = sums[1] > sums[0];
    return (struct value){sums[largest], sums[largest] > 0 ? doubtful[largest] / sums[largest] : 0};
}

static bool is_known(double measured) {
    return isfinite(measured) && measured > 0;
}

static bool usable(enum quantity quantity, const struct observed_run *run) {
    const struct quantity_info *info = &infos[quantity];
    bool known = is_known(info->measured(run));
    for (int stage = 0; stage < STAGES_MAX && info->stages[stage]; stage++)
        known = known && is_known(info->stages[stage](run));
    return known;
}

/* ---- robust least squares -------------------------------------------------------------------- */

enum { REWEIGHTINGS = 6 };

/* Rows of relative terms: the sum should be 1. */
struct rows {
    double *terms, *weighted, *right, *errors;
    uint32_t count, columns;
};

static void rows_init(struct rows *rows, uint32_t count, uint32_t columns) {
    size_t n = (size_t)count * columns + 1;
    *rows = (struct rows){calloc(n, sizeof(double)),
                          calloc(n, sizeof(double)),
                          calloc(count + 1u, sizeof(double)),
                          calloc(count + 1u, sizeof(double)),
                          count,
                          columns};
    if (!rows->terms || !rows->weighted || !rows->right || !rows->errors)
        abort();
}

static void rows_done(struct rows *rows) {
    free(rows->terms);
    free(rows->weighted);
    free(rows->right);
    free(rows->errors);
}

static void find_errors(struct rows *rows, const double *rates) {
    for (uint32_t r = 0; r < rows->count; r++) {
        double sum = 0;
        for (uint32_t c = 0; c < rows->columns; c++)
            sum += rows->terms[(size_t)r * rows->columns + c] * rates[c];
        rows->errors[r] = fabs(sum - 1);
    }
}

/* Huber's weights with his usual constant: what lies far off counts by its distance alone. */
static double weight_of(double error, double usual) {
    double limit = 1.345 * 1.4826 * fmax(usual, 0.002);
    return error <= limit ? 1 : sqrt(limit / error);
}

static int rows_solve(struct rows *rows, double *rates, struct err *err) {
    int code = 0;
    for (int round = 0; !code && round < REWEIGHTINGS; round++) {
        double usual = round ? stats_median(rows->errors, rows->count) : 1;
        for (uint32_t r = 0; r < rows->count; r++) {
            double weight = round ? weight_of(rows->errors[r], usual) : 1;
            for (uint32_t c = 0; c < rows->columns; c++)
                rows->weighted[(size_t)r * rows->columns + c] =
                    weight * rows->terms[(size_t)r * rows->columns + c];
            rows->right[r] = weight;
        }
        code = nnls(rows->weighted, rows->right, rows->count, rows->columns, rates, err);
        find_errors(rows, rates);
    }
    return code;
}

static int solve_stage(enum quantity quantity, int stage, const struct observed_run *const *runs,
                       uint32_t count, double *rates, struct err *err) {
    const struct quantity_info *info = &infos[quantity];
    uint32_t place[QUANTITY_TERMS_MAX], columns = 0;
    for (uint32_t i = 0; i < terms_of(quantity); i++)
        if (stage_of(&info->terms[i]) == stage)
            place[columns++] = i;
    struct rows rows;
    rows_init(&rows, count, columns);
    for (uint32_t r = 0; r < count; r++)
        for (uint32_t c = 0; c < columns; c++)
            rows.terms[(size_t)r * columns + c] =
                info->terms[place[c]].of(&runs[r]->footprint, runs[r]->latency_ns) /
                info->stages[stage](runs[r]);
    double found[QUANTITY_TERMS_MAX] = {0};
    int code = rows_solve(&rows, found, err);
    for (uint32_t c = 0; c < columns; c++)
        rates[place[c]] = found[c];
    rows_done(&rows);
    return code;
}

/* ---- sums of parts --------------------------------------------------------------------------- */

enum { PARTS_RUNS_LEAST = 12, PARTS_MAX = 5 };

/* Where enough runs tell the parts apart, each is fitted and the rates are added up: their terms
 * are terms of the whole, and each has a scale of its own for what is far off. */
static const struct composite {
    uint32_t count;
    enum quantity parts[PARTS_MAX];
} composites[QUANTITY_COUNT] = {
    [QUANTITY_LOAD_NS] = {5,
                          {QUANTITY_FILE_READ_NS, QUANTITY_PARSE_NS, QUANTITY_OPTIMISE_NS,
                           QUANTITY_REORDER_NS, QUANTITY_PREPACK_NS}},
};

/* The runs that tell all parts. */
static uint32_t with_parts(enum quantity quantity, const struct observed_run *const *runs,
                           uint32_t count, const struct observed_run **told) {
    uint32_t n = 0;
    const struct composite *composite = &composites[quantity];
    for (uint32_t r = 0; r < count && composite->count; r++) {
        bool all = true;
        for (uint32_t i = 0; i < composite->count; i++)
            all = all && usable(composite->parts[i], runs[r]);
        if (all)
            told[n++] = runs[r];
    }
    return n;
}

static uint32_t place_of(enum quantity quantity, const struct term *term) {
    uint32_t i = 0;
    while (i + 1 < terms_of(quantity) && infos[quantity].terms[i].of != term->of)
        i++;
    return i;
}

static int solve_parts(enum quantity quantity, const struct observed_run *const *told,
                       uint32_t count, double *rates, struct err *err) {
    for (uint32_t i = 0; i < composites[quantity].count; i++) {
        double found[QUANTITY_TERMS_MAX];
        enum quantity part = composites[quantity].parts[i];
        if (solve_stage(part, 0, told, count, found, err))
            return -(int)err->code;
        for (uint32_t t = 0; t < terms_of(part); t++)
            rates[place_of(quantity, &infos[part].terms[t])] += found[t];
    }
    return 0;
}

static int solve_stages(enum quantity quantity, const struct observed_run *const *runs,
                        uint32_t count, double *rates, struct err *err) {
    int code = 0;
    for (int stage = 0; !code && stage < STAGES_MAX && infos[quantity].stages[stage]; stage++)
        code = solve_stage(quantity, stage, runs, count, rates, err);
    return code;
}

static int solve(enum quantity quantity, const struct observed_run *const *runs, uint32_t count,
                 double *rates, struct err *err) {
    const struct observed_run **told = calloc(count + 1u, sizeof *told);
    if (!told)
        abort();
    memset(rates, 0, QUANTITY_TERMS_MAX * sizeof *rates);
    uint32_t n = with_parts(quantity, runs, count, told);
    int code = n >= PARTS_RUNS_LEAST ? solve_parts(quantity, told, n, rates, err)
                                     : solve_stages(quantity, runs, count, rates, err);
    free(told);
    return code;
}

/* ---- how far off ----------------------------------------------------------------------------- */

enum { FOLDS_MAX = 32 };

static const double normal_90 = 1.6448536269514722, normal_99 = 2.3263478740408408;

/* Errors of runs whose models were left out: log(measured / fitted), and what of it was doubtful.
 */
struct misses {
    double *log_ratio, *doubtful;
    uint32_t count;
};

/* Per run: what it is left out with. Runs of one model go together; up to FOLDS_MAX models go
 * alone. */
static uint32_t *folds_of(struct arena *arena, const struct observed_run *const *runs,
                          uint32_t count) {
    uint32_t *folds = ARENA_ARRAY(arena, count + 1u, uint32_t);
    uint32_t models = 0;
    for (uint32_t r = 0; r < count; r++) {
        uint32_t first = 0;
        while (strcmp(runs[first]->model_sha256, runs[r]->model_sha256) != 0)
            first++;
        folds[r] = first < r ? folds[first] : models++ % FOLDS_MAX;
    }
    return folds;
}

static void note_miss(enum quantity quantity, const double *rates, const struct observed_run *run,
                      struct misses *misses) {
    struct value fitted = apply(quantity, rates, &run->footprint, run->latency_ns);
    misses->log_ratio[misses->count] = log(infos[quantity].measured(run) / fmax(fitted.total, 1));
    misses->doubtful[misses->count++] = fitted.doubtful;
}

static int leave_each_out(struct arena *arena, enum quantity quantity,
                          const struct observed_run *const *runs, uint32_t count,
                          struct misses *misses, struct err *err) {
    const struct observed_run **rest = ARENA_ARRAY(arena, count, const struct observed_run *);
    const uint32_t *folds = folds_of(arena, runs, count);
    misses->log_ratio = ARENA_ARRAY(arena, count, double);
    misses->doubtful = ARENA_ARRAY(arena, count, double);
    for (uint32_t fold = 0; fold < FOLDS_MAX; fold++) {
        double rates[QUANTITY_TERMS_MAX];
        uint32_t n = 0;
        for (uint32_t r = 0; r < count; r++)
            if (folds[r] != fold)
                rest[n++] = runs[r];
        if (n == 0 || n == count)
            continue;
        if (solve(quantity, rest, n, rates, err))
            return -(int)err->code;
        for (uint32_t r = 0; r < count; r++)
            if (folds[r] == fold)
                note_miss(quantity, rates, runs[r], misses);
    }
    return 0;
}

static double spread_of(const struct quantity_fit *fit, double doubtful) {
    return fit->log_spread + fit->log_spread_doubtful * doubtful;
}

/* The mean error as a sum of a constant and one by the doubtful share. */
static int fit_spread(struct arena *arena, const struct misses *misses, struct quantity_fit *fit,
                      struct err *err) {
    double *terms = ARENA_ARRAY(arena, 2u * misses->count + 1, double);
    double *sizes = ARENA_ARRAY(arena, misses->count + 1u, double);
    double found[2];
    for (uint32_t i = 0; i < misses->count; i++) {
        terms[2 * i] = 1;
        terms[2 * i + 1] = misses->doubtful[i];
        sizes[i] = 1.2533 * fabs(misses->log_ratio[i]); /* mean deviation to standard deviation */
    }
    if (nnls(terms, sizes, misses->count, 2, found, err))
        return -(int)err->code;
    /* A small sample's spread is itself uncertain. */
    double caution = 1 + 2.0 / (misses->count + 1);
    fit->log_spread = fmax(found[0] * caution, 0.005);
    fit->log_spread_doubtful = found[1] * caution;
    return 0;
}

/* Conformal: the rank that a new one would not pass with this probability (Lei et al., 2018). */
static double rank_of(double *scores, uint32_t count, double probability) {
    stats_sort(scores, count);
    uint32_t rank = (uint32_t)ceil(probability * (count + 1));
    return scores[(rank > count ? count : rank) - 1];
}

static void fit_scales(struct arena *arena, const struct misses *misses, struct quantity_fit *fit) {
    double *both = ARENA_ARRAY(arena, misses->count + 1u, double);
    double *upper = ARENA_ARRAY(arena, misses->count + 1u, double);
    for (uint32_t i = 0; i < misses->count; i++) {
        upper[i] = misses->log_ratio[i] / spread_of(fit, misses->doubtful[i]);
        both[i] = fabs(upper[i]);
    }
    fit->interval_scale = fmax(rank_of(both, misses->count, 0.9) / normal_90, 0.2);
    fit->upper_scale = fmax(rank_of(upper, misses->count, 0.99) / normal_99, fit->interval_scale);
}

static int judge_fit(struct arena *arena, enum quantity quantity,
                     const struct observed_run *const *runs, struct quantity_fit *fit,
                     struct err *err) {
    struct misses misses = {0};
    fit->log_spread = 0.5;
    fit->interval_scale = fit->upper_scale = 1;
    if (leave_each_out(arena, quantity, runs, fit->runs, &misses, err))
        return -(int)err->code;
    if (misses.count == 0)
        return 0;
    if (fit_spread(arena, &misses, fit, err))
        return -(int)err->code;
    fit_scales(arena, &misses, fit);
    return 0;
}

int quantity_fit(struct arena *arena, enum quantity quantity, const struct training *training,
                 const bool *skip, struct quantity_fit *out, struct err *err) {
    *out = (struct quantity_fit){0};
    const struct observed_run **runs =
        ARENA_ARRAY(arena, training->run_count, const struct observed_run *);
    for (uint32_t r = 0; r < training->run_count; r++)
        if (!(skip && skip[r]) && usable(quantity, &training->runs[r]))
            runs[out->runs++] = &training->runs[r];
    if (out->runs == 0)
        return 0;
    if (solve(quantity, runs, out->runs, out->rates, err))
        return err_prefix(err, "%s", quantity_name(quantity));
    return judge_fit(arena, quantity, runs, out, err);
}

/* ---- estimating ------------------------------------------------------------------------------ */

struct estimate quantity_estimate(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns) {
    if (fit->runs == 0)
        return estimate_refused();
    struct value value = apply(quantity, fit->rates, footprint, latency_ns);
    double reach = exp(normal_90 * fit->interval_scale * spread_of(fit, value.doubtful));
    return (struct estimate){value.total, value.total / reach, value.total * reach, TIER_FITTED,
                             ""};
}

/* Of the larger stage, which is the estimate. */
struct largest_term quantity_largest_term(enum quantity quantity, const struct quantity_fit *fit,
                                          const struct footprint *footprint, double latency_ns) {
    struct largest_term largest[STAGES_MAX] = {
        {"", 0},
        {"", 0}
    };
    double stages[STAGES_MAX] = {0};
    for (uint32_t i = 0; fit->runs && i < terms_of(quantity); i++) {
        const struct term *term = &infos[quantity].terms[i];
        double part = fit->rates[i] * term->of(footprint, latency_ns);
        int stage = stage_of(term);
        stages[stage] += part;
        if (part > largest[stage].share)
            largest[stage] = (struct largest_term){term->name, part};
    }
    int stage = stages[1] > stages[0];
    largest[stage].share = stages[stage] > 0 ? largest[stage].share / stages[stage] : 0;
    return largest[stage];
}

struct upper_bound quantity_upper(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns,
                                  double confidence) {
    if (fit->runs == 0)
        return (struct upper_bound){confidence, NAN};
    struct footprint most = *footprint;
    most.arena_bytes = fmax(most.arena_bytes, most.arena_most_bytes);
    struct value value = apply(quantity, fit->rates, &most, latency_ns);
    double reach =
        stats_normal_quantile(confidence) * fit->upper_scale * spread_of(fit, value.doubtful);
    return (struct upper_bound){confidence, value.total * exp(reach)};
}
