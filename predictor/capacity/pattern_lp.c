#include "predictor/capacity/pattern_lp.h"

#include <coin/Clp_C_Interface.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STEPS_QUICK = 1000, /* of a knapsack that need not be exact */
    STEPS_EXACT = 300000,
    PATTERNS_AT_ONCE = 4,
    PATTERNS_PER_ROW = 5,
    ROUNDS_OF_REST = 6,
    KINDS_FEW = 40, /* the relaxation takes no time */
};

/* A pattern is added when it is worth so much more than it costs. */
#define WORTH_MORE 1e-6
#define SMOOTHING  0.7
/* Of its price: what a load may be worth at most for a type to rest. */
#define FAR 0.97
/* Of the relaxation's value, where nodes are given. */
#define DEEP_ENOUGH 0.4
/* To the relaxation: whole numbers of nodes say more. */
#define CLOSE_ENOUGH   1e-3
#define CLOSE_WITH_FEW 1e-5

double monotonic_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- patterns ------------------------------------------------------------------------------- */

void pattern_pool_init(struct pattern_pool *pool, struct arena *arena) {
    *pool = (struct pattern_pool){.arena = arena};
}

/* pods: of each kind. */
void pattern_pool_add(struct pattern_pool *pool, const struct packing_problem *problem,
                      uint32_t type, const uint32_t *pods) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < problem->kind_count; i++)
        count += pods[i] > 0;
    uint32_t *kinds = ARENA_ARRAY(pool->arena, count, uint32_t);
    uint32_t *copies = ARENA_ARRAY(pool->arena, count, uint32_t);
    count = 0;
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        if (pods[i] == 0)
            continue;
        kinds[count] = i;
        copies[count++] = pods[i];
    }
    *ARENA_PUSH(pool->arena, pool->items, pool->count, pool->capacity) =
        (struct pattern){type, count, kinds, copies};
}

static double share_of(const struct pod_size *size, const struct pod_size *room) {
    double share = 0;
    for (int r = 0; r < POD_RESOURCES; r++)
        if (size->amount[r] > 0)
            share = fmax(share, room->amount[r] < size->amount[r]
                                    ? INFINITY
                                    : (double)size->amount[r] / (double)room->amount[r]);
    return share;
}

/* What a pod costs on the type that suits it best: its price by the resource it takes most of. */
double greedy_value(const struct packing_problem *problem, uint32_t kind) {
    double least = INFINITY;
    for (uint32_t t = 0; t < problem->type_count; t++)
        least =
            fmin(least, problem->prices[t] * share_of(&problem->sizes[kind], &problem->rooms[t]));
    return least;
}

static void fill_type(struct pattern_pool *pool, const struct packing_problem *problem,
                      struct knapsack *knapsack, uint32_t type, const double *values,
                      uint32_t *left, uint32_t *pods) {
    memcpy(left, problem->demand, problem->kind_count * sizeof *left);
    for (;;) {
        struct knapsack_question question = {
            .room = problem->rooms[type], .values = values, .most = left, .steps_max = 300};
        struct knapsack_answer answer = knapsack_solve(knapsack, &question, pods);
        if (!(answer.value > 0))
            return;
        pattern_pool_add(pool, problem, type, pods);
        for (uint32_t i = 0; i < problem->kind_count; i++)
            left[i] -= pods[i];
    }
}

/* Each kind on the cheapest type that holds one pod of it. */
static void add_alone(struct pattern_pool *pool, const struct packing_problem *problem,
                      uint32_t *pods) {
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        uint32_t cheapest = UINT32_MAX;
        for (uint32_t t = 0; t < problem->type_count; t++)
            if (share_of(&problem->sizes[i], &problem->rooms[t]) <= 1 &&
                (cheapest == UINT32_MAX || problem->prices[t] < problem->prices[cheapest]))
                cheapest = t;
        if (cheapest == UINT32_MAX)
            continue;
        double share = share_of(&problem->sizes[i], &problem->rooms[cheapest]);
        memset(pods, 0, problem->kind_count * sizeof *pods);
        pods[i] = (uint32_t)fmin(problem->demand[i], floor(1 / share));
        pattern_pool_add(pool, problem, cheapest, pods);
    }
}

void pattern_pool_seed(struct pattern_pool *pool, const struct packing_problem *problem) {
    struct arena work;
    struct knapsack knapsack;
    arena_init(&work);
    double *values = ARENA_ARRAY(&work, problem->kind_count, double);
    uint32_t *left = ARENA_ARRAY(&work, problem->kind_count, uint32_t);
    uint32_t *pods = ARENA_ARRAY(&work, problem->kind_count, uint32_t);
    knapsack_init(&knapsack, &work, problem->sizes, problem->kind_count);
    for (uint32_t i = 0; i < problem->kind_count; i++)
        values[i] = greedy_value(problem, i);
    add_alone(pool, problem, pods);
    for (uint32_t t = 0; t < problem->type_count; t++)
        fill_type(pool, problem, &knapsack, t, values, left, pods);
    arena_done(&work);
}

/* ---- the relaxation ------------------------------------------------------------------------- */

/* A column for each kind that says it is left out, then the patterns. */
static double price_of(const struct pattern_lp *lp, uint32_t type) {
    return lp->goal == PATTERNS_CHEAP ? lp->problem->prices[type] : 0;
}

static double price_of_leaving_out(const struct pattern_lp *lp, uint32_t kind) {
    double most = 0;
    for (uint32_t t = 0; t < lp->problem->type_count; t++)
        most = fmax(most, lp->problem->prices[t]);
    return lp->goal == PATTERNS_CHEAP ? 100 * most : greedy_value(lp->problem, kind);
}

static void add_columns(struct pattern_lp *lp, uint32_t from) {
    uint32_t count = lp->pool->count - from, entries = 0;
    struct arena work;
    arena_init(&work);
    for (uint32_t p = from; p < lp->pool->count; p++)
        entries += lp->pool->items[p].kind_count + 1;
    double *lower = ARENA_ARRAY(&work, count, double), *upper = ARENA_ARRAY(&work, count, double);
    double *costs = ARENA_ARRAY(&work, count, double),
           *values = ARENA_ARRAY(&work, entries, double);
    int *starts = ARENA_ARRAY(&work, count + 1u, int), *rows = ARENA_ARRAY(&work, entries, int);
    int entry = 0;
    for (uint32_t c = 0; c < count; c++) {
        const struct pattern *pattern = &lp->pool->items[from + c];
        starts[c] = entry;
        upper[c] = INFINITY;
        costs[c] = price_of(lp, pattern->type);
        for (uint32_t k = 0; k < pattern->kind_count; k++, entry++) {
            rows[entry] = (int)pattern->kinds[k];
            values[entry] = pattern->copies[k];
        }
        rows[entry] = (int)(lp->problem->kind_count + pattern->type);
        values[entry++] = 1;
    }
    starts[count] = entry;
    if (count)
        Clp_addColumns(lp->model, (int)count, lower, upper, costs, starts, rows, values);
    arena_done(&work);
}

static double most_nodes(uint32_t limit) {
    return limit == UINT32_MAX ? INFINITY : (double)limit;
}

static void load_rows(struct pattern_lp *lp) {
    const struct packing_problem *problem = lp->problem;
    uint32_t kinds = problem->kind_count, rows = kinds + problem->type_count;
    struct arena work;
    arena_init(&work);
    double *lower = ARENA_ARRAY(&work, rows, double), *upper = ARENA_ARRAY(&work, rows, double);
    double *zeroes = ARENA_ARRAY(&work, kinds, double),
           *infinite = ARENA_ARRAY(&work, kinds, double);
    double *costs = ARENA_ARRAY(&work, kinds, double), *ones = ARENA_ARRAY(&work, kinds, double);
    int *starts = ARENA_ARRAY(&work, kinds + 1u, int), *row_of = ARENA_ARRAY(&work, kinds, int);
    for (uint32_t i = 0; i < kinds; i++) {
        lower[i] = problem->demand[i];
        upper[i] = infinite[i] = INFINITY;
        costs[i] = price_of_leaving_out(lp, i);
        ones[i] = 1;
        starts[i + 1] = (int)i + 1;
        row_of[i] = (int)i;
    }
    for (uint32_t t = 0; t < problem->type_count; t++)
        upper[kinds + t] = most_nodes(lp->limits[t]);
    Clp_loadProblem(lp->model, (int)kinds, (int)rows, starts, row_of, ones, zeroes, infinite, costs,
                    lower, upper);
    arena_done(&work);
}

void pattern_lp_open(struct pattern_lp *lp, struct arena *arena,
                     const struct packing_problem *problem, struct pattern_pool *pool,
                     enum pattern_goal goal, const uint32_t *limits, double deadline_s) {
    uint32_t kinds = problem->kind_count, types = problem->type_count;
    *lp = (struct pattern_lp){.problem = problem,
                              .pool = pool,
                              .arena = arena,
                              .goal = goal,
                              .limits = limits,
                              .model = Clp_newModel(),
                              .questions = ARENA_ARRAY(arena, types, struct knapsack_question),
                              .duals = ARENA_ARRAY(arena, kinds + types, double),
                              .priced = ARENA_ARRAY(arena, kinds, double),
                              .worth = ARENA_ARRAY(arena, types, double),
                              .far = ARENA_ARRAY(arena, types, bool),
                              .rest = ARENA_ARRAY(arena, types, uint8_t),
                              .best = {.worth = ARENA_ARRAY(arena, types, double)},
                              .best_prices = ARENA_ARRAY(arena, kinds, double),
                              .proof = -INFINITY,
                              .close = kinds > KINDS_FEW ? CLOSE_ENOUGH : CLOSE_WITH_FEW,
                              .deadline_s = deadline_s};
    knapsack_init(&lp->knapsack, arena, problem->sizes, kinds);
    Clp_setLogLevel(lp->model, 0);
    load_rows(lp);
    add_columns(lp, 0);
}

void pattern_lp_close(struct pattern_lp *lp) {
    Clp_deleteModel(lp->model);
}

/* Patterns of a type that are worth more than they cost, without a pod in common: many good ones
 * at once. Returns what the best could be worth at most. */
static double price_type(struct pattern_lp *lp, uint32_t type, uint64_t steps, uint32_t *most,
                         uint32_t *pods) {
    const struct packing_problem *problem = lp->problem;
    struct knapsack_question *question = &lp->questions[type];
    double cost = price_of(lp, type) - lp->duals[problem->kind_count + type], bound = 0;
    memcpy(most, problem->demand, problem->kind_count * sizeof *most);
    question->room = problem->rooms[type];
    question->values = lp->priced;
    question->most = most;
    question->at_least = cost + WORTH_MORE * fmax(cost, 1e-3);
    question->steps_max = steps;
    for (uint32_t n = 0; n < PATTERNS_AT_ONCE; n++) {
        struct knapsack_answer answer = knapsack_solve(&lp->knapsack, question, pods);
        if (n == 0) {
            bound = answer.bound;
            lp->far[type] = answer.reach < FAR * question->at_least;
        }
        if (!(answer.value > question->at_least) || lp->limits[type] == 0)
            break;
        pattern_pool_add(lp->pool, problem, type, pods);
        for (uint32_t i = 0; i < problem->kind_count; i++)
            most[i] = pods[i] ? 0 : most[i];
    }
    return bound;
}

/* A type whose best load was far from worth its price is left alone for some rounds, but not with
 * `all`. False when a type was not priced; then lp->worth says nothing. */
static bool price_types(struct pattern_lp *lp, uint64_t steps, bool all) {
    const struct packing_problem *problem = lp->problem;
    bool complete = true;
    struct arena work;
    arena_init(&work);
    uint32_t *most = ARENA_ARRAY(&work, problem->kind_count, uint32_t);
    uint32_t *pods = ARENA_ARRAY(&work, problem->kind_count, uint32_t);
    for (uint32_t t = 0; t < problem->type_count; t++) {
        bool rests = !all && lp->rest[t] > 0;
        if (rests || monotonic_s() > lp->deadline_s) {
            lp->rest[t] -= rests;
            complete = false;
            continue;
        }
        lp->worth[t] = price_type(lp, t, steps, most, pods);
        if (lp->far[t])
            lp->rest[t] = ROUNDS_OF_REST;
    }
    arena_done(&work);
    return complete;
}

static void read_duals(struct pattern_lp *lp) {
    uint32_t kinds = lp->problem->kind_count, types = lp->problem->type_count;
    const double *duals = Clp_dualRowSolution(lp->model);
    for (uint32_t i = 0; i < kinds; i++)
        lp->duals[i] = fmax(0, duals[i]);
    for (uint32_t t = kinds; t < kinds + types; t++)
        lp->duals[t] = fmin(0, duals[t]);
    lp->value = Clp_objectiveValue(lp->model);
}

/* What the prices just tried prove (Farley 1990): if every node's load is worth at most k times the
 * node's price, no packing is cheaper than the worth of all pods over k. */
static double prove(const struct pattern_lp *lp, double pods_worth) {
    const struct packing_problem *problem = lp->problem;
    double ratio = 0, held = 0;
    for (uint32_t t = 0; t < problem->type_count; t++) {
        ratio = fmax(ratio, lp->worth[t] / problem->prices[t]);
        held += lp->limits[t] ? lp->worth[t] * lp->limits[t] : 0;
    }
    return lp->goal == PATTERNS_CHEAP ? pods_worth / ratio : 1 - held / pods_worth;
}

static void keep_proof(struct pattern_lp *lp) {
    double pods_worth = 0;
    for (uint32_t i = 0; i < lp->problem->kind_count; i++)
        pods_worth += lp->priced[i] * lp->problem->demand[i];
    double proof = pods_worth > 0 ? prove(lp, pods_worth) : -INFINITY;
    if (!(proof > lp->proof))
        return;
    lp->proof = proof;
    lp->best.pods_worth = pods_worth;
    memcpy(lp->best_prices, lp->priced, lp->problem->kind_count * sizeof *lp->priced);
    memcpy(lp->best.worth, lp->worth, lp->problem->type_count * sizeof *lp->worth);
}

/* Prices between the duals and those priced before: duals jump about, their mean does not
 * (Wentges 1997). Returns how many patterns were added. */
static uint32_t price_with(struct pattern_lp *lp, double smoothing, uint64_t steps, bool all) {
    for (uint32_t i = 0; i < lp->problem->kind_count; i++)
        lp->priced[i] = smoothing * lp->priced[i] + (1 - smoothing) * lp->duals[i];
    uint32_t before = lp->pool->count;
    if (price_types(lp, steps, all))
        keep_proof(lp);
    return lp->pool->count - before;
}

static double reduced_cost(const struct pattern_lp *lp, const struct pattern *pattern) {
    double cost = price_of(lp, pattern->type) - lp->duals[lp->problem->kind_count + pattern->type];
    for (uint32_t k = 0; k < pattern->kind_count; k++)
        cost -= lp->duals[pattern->kinds[k]] * pattern->copies[k];
    return cost;
}

static int by_size(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return first < second ? -1 : first > second;
}

/* The solver's time grows with its columns: those that are far from use are dropped. What is in
 * use has a reduced cost of zero. */
static void drop_patterns(struct pattern_lp *lp) {
    uint32_t rows = lp->problem->kind_count + lp->problem->type_count, count = lp->pool->count;
    struct arena work;
    if (count < PATTERNS_PER_ROW * rows)
        return;
    arena_init(&work);
    double *costs = ARENA_ARRAY(&work, count, double), *sorted = ARENA_ARRAY(&work, count, double);
    int *dropped = ARENA_ARRAY(&work, count, int);
    for (uint32_t p = 0; p < count; p++)
        costs[p] = sorted[p] = reduced_cost(lp, &lp->pool->items[p]);
    qsort(sorted, count, sizeof *sorted, by_size);
    double most = fmax(sorted[PATTERNS_PER_ROW * rows / 2], 1e-9);
    int drop_count = 0;
    lp->pool->count = 0;
    for (uint32_t p = 0; p < count; p++) {
        if (costs[p] > most)
            dropped[drop_count++] = (int)(lp->problem->kind_count + p);
        else
            lp->pool->items[lp->pool->count++] = lp->pool->items[p];
    }
    if (drop_count)
        Clp_deleteColumns(lp->model, drop_count, dropped);
    arena_done(&work);
}

static bool is_told(const struct pattern_lp *lp) {
    if (lp->goal == PATTERNS_CHEAP)
        return lp->proof >= lp->value * (1 - lp->close);
    /* The relaxation's value is what a proof can come to; a shallow one would be followed by more.
     */
    return lp->value < 1e-9 ||
           (lp->proof > PROOF_LEAST && lp->proof * lp->best.pods_worth > DEEP_ENOUGH * lp->value);
}

void pattern_lp_solve(struct pattern_lp *lp) {
    uint32_t added = 1;
    for (uint32_t round = 0; added && monotonic_s() < lp->deadline_s; round++) {
        Clp_primal(lp->model, 0);
        read_duals(lp);
        if (is_told(lp))
            return;
        drop_patterns(lp);
        uint32_t before = lp->pool->count;
        added = price_with(lp, round ? SMOOTHING : 0, STEPS_QUICK, round % ROUNDS_OF_REST == 0);
        if (!added && !is_told(lp))
            added = price_with(lp, 0, STEPS_QUICK, true);
        if (!added && !is_told(lp))
            added = price_with(lp, 0, STEPS_EXACT, true);
        add_columns(lp, before);
    }
}
