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
FOOTPRINT_TERM(file_bytes)
FOOTPRINT_TERM(blocked_weight_bytes)
FOOTPRINT_TERM(packed_weight_bytes)
FOOTPRINT_TERM(loading_bytes)
FOOTPRINT_TERM(resident_weight_bytes)
FOOTPRINT_TERM(first_run_bytes)
FOOTPRINT_TERM(arena_bytes)
FOOTPRINT_TERM(feed_bytes)

struct term {
    const char *name;
    double (*of)(const struct footprint *, double latency_ns);
    int stage;
};

/* A quantity is the largest of its stages; each stage is a sum of terms, fitted to what was
 * measured of it. */
enum { STAGES_MAX = 2 };

struct quantity_info {
    double (*measured)(const struct observed_run *);
    double (*stages[STAGES_MAX])(const struct observed_run *);
    struct term terms[QUANTITY_TERMS_MAX];
};

static double measured_peak(const struct observed_run *run) {
    return run->peak_bytes;
}

static double measured_loaded(const struct observed_run *run) {
    return run->loaded_bytes;
}

static double measured_resident(const struct observed_run *run) {
    return run->resident_bytes;
}

static double measured_load(const struct observed_run *run) {
    return run->load_ns;
}

static double measured_first_run(const struct observed_run *run) {
    return run->first_run_ns;
}

static const struct quantity_info infos[] = {
    [QUANTITY_PEAK_BYTES] = {measured_peak,
                             {measured_loaded, measured_resident},
                             {{"load_process", one, 0},
                              {"load_operators", operators, 0},
                              {"load_bytes", loading_bytes, 0},
                              {"run_process", one, 1},
                              {"run_operators", operators, 1},
                              {"run_weight_bytes", resident_weight_bytes, 1},
                              {"run_arena_bytes", arena_bytes, 1},
                              {"run_feed_bytes", feed_bytes, 1}}           },
    [QUANTITY_RESIDENT_BYTES] = {measured_resident,
                             {measured_resident},
                             {{"process", one, 0},
                                  {"operators", operators, 0},
                                  {"weight_bytes", resident_weight_bytes, 0},
                                  {"arena_bytes", arena_bytes, 0},
                                  {"feed_bytes", feed_bytes, 0}}           },
    [QUANTITY_LOAD_NS] = {measured_load,
                             {measured_load},
                             {{"session", one, 0},
                           {"operators", operators, 0},
                           {"file_bytes", file_bytes, 0},
                           {"blocked_weight_bytes", blocked_weight_bytes, 0},
                           {"packed_weight_bytes", packed_weight_bytes, 0}}},
    [QUANTITY_FIRST_RUN_NS] = {measured_first_run,
                             {measured_first_run},
                             {{"call", one, 0},
                                {"operators", operators, 0},
                                {"latency_ns", latency, 0},
                                {"arena_bytes", first_run_bytes, 0}}       },
};

_Static_assert(sizeof infos / sizeof *infos == QUANTITY_COUNT, "a row for each quantity");

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

static double apply(enum quantity quantity, const double *rates, const struct footprint *f,
                    double latency_ns) {
    const struct quantity_info *info = &infos[quantity];
    double sums[STAGES_MAX] = {0};
    for (uint32_t i = 0; i < terms_of(quantity); i++)
        sums[info->terms[i].stage] += rates[i] * info->terms[i].of(f, latency_ns);
    return fmax(sums[0], sums[1]);
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

static int solve_stage(enum quantity quantity, int stage, const struct observed_run *const *runs,
                       uint32_t count, double *rates, struct err *err) {
    const struct quantity_info *info = &infos[quantity];
    uint32_t place[QUANTITY_TERMS_MAX], columns = 0;
    for (uint32_t i = 0; i < terms_of(quantity); i++)
        if (info->terms[i].stage == stage)
            place[columns++] = i;
    double *a = calloc((size_t)count * columns + 1, sizeof *a);
    double *b = calloc(count + 1u, sizeof *b);
    if (!a || !b)
        abort();
    for (uint32_t r = 0; r < count; r++) {
        double weight = 1 / info->stages[stage](runs[r]);
        for (uint32_t c = 0; c < columns; c++)
            a[(size_t)r * columns + c] =
                weight * info->terms[place[c]].of(&runs[r]->footprint, runs[r]->latency_ns);
        b[r] = 1;
    }
    double found[QUANTITY_TERMS_MAX] = {0};
    int code = nnls(a, b, count, columns, found, err);
    for (uint32_t c = 0; c < columns; c++)
        rates[place[c]] = found[c];
    free(a);
    free(b);
    return code;
}

static int solve(enum quantity quantity, const struct observed_run *const *runs, uint32_t count,
                 double *rates, struct err *err) {
    int code = 0;
    memset(rates, 0, QUANTITY_TERMS_MAX * sizeof *rates);
    for (int stage = 0; !code && stage < STAGES_MAX && infos[quantity].stages[stage]; stage++)
        code = solve_stage(quantity, stage, runs, count, rates, err);
    return code;
}

static uint32_t without_model(const struct observed_run *const *runs, uint32_t count,
                              const char *sha256, const struct observed_run **rest) {
    uint32_t n = 0;
    for (uint32_t r = 0; r < count; r++)
        if (strcmp(runs[r]->model_sha256, sha256) != 0)
            rest[n++] = runs[r];
    return n;
}

enum { LEFT_OUT_MAX = 64 }; /* more say nothing new about the spread */

static int leave_each_out(struct arena *arena, enum quantity quantity,
                          const struct observed_run *const *runs, uint32_t count,
                          struct quantity_fit *out, struct err *err) {
    const struct observed_run **rest = ARENA_ARRAY(arena, count, const struct observed_run *);
    uint32_t step = count > LEFT_OUT_MAX ? count / LEFT_OUT_MAX : 1, judged = 0;
    double squares = 0;
    for (uint32_t r = 0; r < count; r += step) {
        double rates[QUANTITY_TERMS_MAX];
        uint32_t n = without_model(runs, count, runs[r]->model_sha256, rest);
        if (n == 0)
            continue;
        if (solve(quantity, rest, n, rates, err))
            return -(int)err->code;
        double fitted = apply(quantity, rates, &runs[r]->footprint, runs[r]->latency_ns);
        double ratio = log(infos[quantity].measured(runs[r]) / fmax(fitted, 1));
        squares += ratio * ratio;
        out->log_highest = fmax(out->log_highest, ratio);
        judged++;
    }
    out->log_spread = judged ? sqrt(squares / judged) : 0.5;
    /* A small sample's spread is itself uncertain. */
    out->log_spread = fmax(out->log_spread * (1 + 1.0 / (judged + 1)), 0.01);
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
    return leave_each_out(arena, quantity, runs, out->runs, out, err);
}

/* ---- estimating ------------------------------------------------------------------------------ */

struct estimate quantity_estimate(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns) {
    if (fit->runs == 0)
        return estimate_refused();
    double value = apply(quantity, fit->rates, footprint, latency_ns);
    double reach = exp(1.6448536269514722 * fit->log_spread);
    return (struct estimate){value, value / reach, value * reach, TIER_FITTED, ""};
}

struct upper_bound quantity_upper(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns,
                                  double confidence) {
    if (fit->runs == 0)
        return (struct upper_bound){confidence, NAN};
    double value = apply(quantity, fit->rates, footprint, latency_ns);
    double reach = fmax(stats_normal_quantile(confidence) * fit->log_spread, fit->log_highest);
    return (struct upper_bound){confidence, value * exp(reach)};
}
