#include "jobs/hook_excess.h"

#include "base/stats.h"
#include "predictor/nnls.h"

#include <math.h>

enum { ROUNDS = 6, RUNS_MIN = 50 };

/* What excess is made of: a share of the run, ns for each operator, ns for each that leaves little
 * of the core's own cache to the hook. */
enum { EXCESS_SHARE, EXCESS_CALLS, EXCESS_COOLED, EXCESS_PARTS };

/* What stays of an operator at least. */
static const double operator_least = 0.2;
static const double cooling_share = 0.125; /* of the cache */

static double cooled(const struct observation *o, double cache_bytes) {
    double enough = cooling_share * cache_bytes;
    return enough > 0 ? fmin(features_bytes(&o->features) / enough, 1) : 1;
}

struct excess_row {
    double parts[EXCESS_PARTS]; /* relative to the steady time */
    double excess, weight;
};

static struct excess_row row_of(const struct observation *observations,
                                const struct hooked_run *run, double cache_bytes) {
    struct excess_row row = {.weight = 1};
    double sum_ns = 0, cools = 0;
    for (uint32_t i = run->first; i < run->first + run->count; i++) {
        sum_ns += observations[i].wall_ns;
        cools += cooled(&observations[i], cache_bytes);
    }
    row.parts[EXCESS_SHARE] = 1;
    row.parts[EXCESS_CALLS] = run->count / run->steady_ns;
    row.parts[EXCESS_COOLED] = cools / run->steady_ns;
    row.excess = sum_ns / run->steady_ns - 1;
    return row;
}

static double residual_of(const struct excess_row *row, const double *rates) {
    double residual = row->excess;
    for (int p = 0; p < EXCESS_PARTS; p++)
        residual -= rates[p] * row->parts[p];
    return residual;
}

/* Runs beyond 1.5 robust deviations count less (Huber). */
static void reweigh(struct arena *scratch, struct excess_row *rows, uint32_t count,
                    const double *rates) {
    double *residuals = ARENA_ARRAY(scratch, count, double);
    for (uint32_t r = 0; r < count; r++)
        residuals[r] = residual_of(&rows[r], rates);
    double limit = fmax(1.5 * stats_mad(residuals, count), 1e-4);
    for (uint32_t r = 0; r < count; r++)
        rows[r].weight = sqrt(fmin(1, limit / fmax(fabs(residuals[r]), 1e-12)));
}

/* False, and no rates, when the rows do not tell. */
static bool learn_rates(struct arena *scratch, struct excess_row *rows, uint32_t count,
                        double *rates) {
    double *a = ARENA_ARRAY(scratch, (size_t)count * EXCESS_PARTS, double);
    double *b = ARENA_ARRAY(scratch, count, double);
    struct err singular = {0};
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t r = 0; r < count; r++) {
            double *row = a + (size_t)r * EXCESS_PARTS;
            for (int p = 0; p < EXCESS_PARTS; p++)
                row[p] = rows[r].weight * rows[r].parts[p];
            b[r] = rows[r].weight * rows[r].excess;
        }
        if (nnls(a, b, count, EXCESS_PARTS, rates, &singular)) {
            for (int p = 0; p < EXCESS_PARTS; p++)
                rates[p] = 0;
            return false;
        }
        reweigh(scratch, rows, count, rates);
    }
    return true;
}

static void remove_from_run(struct observation *observations, const struct hooked_run *run,
                            const double *rates, double cache_bytes, double way) {
    double sum_ns = 0;
    uint32_t end = run->first + run->count;
    for (uint32_t i = run->first; i < end; i++) {
        struct observation *o = &observations[i];
        double excess_ns = rates[EXCESS_CALLS] + rates[EXCESS_COOLED] * cooled(o, cache_bytes);
        o->wall_ns = fmax(o->wall_ns - excess_ns, operator_least * o->wall_ns);
        sum_ns += o->wall_ns;
    }
    double share = 1 / (1 + rates[EXCESS_SHARE]);
    share *= pow(run->steady_ns / (share * sum_ns), way);
    for (uint32_t i = run->first; i < end; i++)
        observations[i].wall_ns *= share;
}

void hook_excess_remove(struct observation *observations, const struct hooked_run *runs,
                        uint32_t run_count, double cache_bytes) {
    double rates[EXCESS_PARTS] = {0};
    struct arena scratch;
    arena_init(&scratch);
    struct excess_row *rows = ARENA_ARRAY(&scratch, run_count + 1u, struct excess_row);
    for (uint32_t r = 0; r < run_count; r++)
        rows[r] = row_of(observations, &runs[r], cache_bytes);
    bool learnt = run_count >= RUNS_MIN && learn_rates(&scratch, rows, run_count, rates);
    for (uint32_t r = 0; r < run_count; r++)
        remove_from_run(observations, &runs[r], rates, cache_bytes, learnt ? 0.5 : 1);
    arena_done(&scratch);
}
