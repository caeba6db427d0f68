#include "predictor/capacity/choice.h"

#include "predictor/capacity/mip.h"

#include <math.h>
#include <string.h>

enum { PATTERNS_MOST = 20000, STEPS_MOST = 5000000, NODES_MOST = 100000 };

/* ---- all patterns that may be used ---------------------------------------------------------- */

struct listing {
    const struct choice *choice;
    struct pattern_pool *pool;
    struct pod_size left;
    uint32_t type;
    uint32_t *pods;
    double *gain; /* of kinds from i on, beyond the surrogate's price */
    double least; /* what a load must be worth */
    uint64_t steps;
    bool given_up;
};

static double weigh(const double *weights, const struct pod_size *size) {
    double sum = 0;
    for (int r = 0; r < POD_RESOURCES; r++)
        sum += weights[r] * (double)size->amount[r];
    return sum;
}

static int64_t fitting(const struct pod_size *left, const struct pod_size *size, int64_t most) {
    for (int r = 0; r < POD_RESOURCES; r++)
        if (size->amount[r] > 0 && left->amount[r] < most * size->amount[r])
            most = left->amount[r] / size->amount[r];
    return most;
}

/* A load that could hold one more pod is part of another pattern. */
static bool is_full(const struct listing *listing) {
    const struct packing_problem *problem = listing->choice->problem;
    for (uint32_t i = 0; i < problem->kind_count; i++)
        if (listing->pods[i] < problem->demand[i] &&
            fitting(&listing->left, &problem->sizes[i], 1) > 0)
            return false;
    return true;
}

static void take(struct pod_size *left, const struct pod_size *size, int64_t count) {
    for (int r = 0; r < POD_RESOURCES; r++)
        left->amount[r] -= count * size->amount[r];
}

static void list_from(struct listing *listing, uint32_t kind, double worth) {
    const struct choice *choice = listing->choice;
    const struct packing_problem *problem = choice->problem;
    double room = weigh(choice->weights[listing->type], &listing->left);
    if (worth + room + listing->gain[kind] < listing->least || listing->given_up)
        return;
    if (++listing->steps > STEPS_MOST || listing->pool->count > PATTERNS_MOST) {
        listing->given_up = true;
        return;
    }
    if (kind == problem->kind_count) {
        if (is_full(listing))
            pattern_pool_add(listing->pool, problem, listing->type, listing->pods);
        return;
    }
    const struct pod_size *size = &problem->sizes[kind];
    for (int64_t count = fitting(&listing->left, size, problem->demand[kind]); count >= 0;
         count--) {
        struct pod_size before = listing->left;
        take(&listing->left, size, count);
        listing->pods[kind] = (uint32_t)count;
        list_from(listing, kind + 1, worth + (double)count * choice->prices[kind]);
        listing->left = before;
    }
    listing->pods[kind] = 0;
}

/* False when there are too many. */
static bool list_patterns(struct arena *arena, const struct choice *choice,
                          struct pattern_pool *pool) {
    const struct packing_problem *problem = choice->problem;
    uint32_t kinds = problem->kind_count;
    double worth = 0;
    struct listing listing = {.choice = choice,
                              .pool = pool,
                              .pods = ARENA_ARRAY(arena, kinds, uint32_t),
                              .gain = ARENA_ARRAY(arena, kinds + 1u, double)};
    for (uint32_t i = 0; i < kinds; i++)
        worth += choice->prices[i] * problem->demand[i];
    for (uint32_t t = 0; t < problem->type_count && !listing.given_up; t++) {
        listing.type = t;
        listing.left = problem->rooms[t];
        listing.least = problem->prices[t] - fmax(0, choice->cutoff - worth) * (1 + 1e-6) - 1e-9;
        for (uint32_t i = kinds; i-- > 0;)
            listing.gain[i] =
                listing.gain[i + 1] +
                problem->demand[i] *
                    fmax(0, choice->prices[i] - weigh(choice->weights[t], &problem->sizes[i]));
        list_from(&listing, 0, 0);
    }
    return !listing.given_up;
}

/* ---- the cheapest of them ------------------------------------------------------------------- */

static struct mip_answer solve_choice(struct arena *arena, const struct choice *choice,
                                      const struct pattern_pool *pool, double *x) {
    const struct packing_problem *problem = choice->problem;
    uint32_t kinds = problem->kind_count, rows = kinds + problem->type_count, entries = 0;
    for (uint32_t p = 0; p < pool->count; p++)
        entries += pool->items[p].kind_count + 1;
    int *starts = ARENA_ARRAY(arena, pool->count + 1u, int);
    int *row_of = ARENA_ARRAY(arena, entries, int), entry = 0;
    double *values = ARENA_ARRAY(arena, entries, double);
    double *costs = ARENA_ARRAY(arena, pool->count, double);
    double *upper = ARENA_ARRAY(arena, pool->count, double);
    double *least = ARENA_ARRAY(arena, rows, double), *most = ARENA_ARRAY(arena, rows, double);
    for (uint32_t p = 0; p < pool->count; p++) {
        const struct pattern *pattern = &pool->items[p];
        costs[p] = problem->prices[pattern->type];
        upper[p] = NODES_MOST;
        for (uint32_t k = 0; k < pattern->kind_count; k++, entry++) {
            row_of[entry] = (int)pattern->kinds[k];
            values[entry] = pattern->copies[k];
        }
        row_of[entry] = (int)(kinds + pattern->type);
        values[entry++] = 1;
        starts[p + 1] = entry;
    }
    for (uint32_t i = 0; i < rows; i++) {
        least[i] = i < kinds ? (double)problem->demand[i] : 0;
        most[i] = i < kinds || problem->limits[i - kinds] == UINT32_MAX
                      ? INFINITY
                      : (double)problem->limits[i - kinds];
    }
    struct mip mip = {
        (int)pool->count, (int)rows, starts, row_of, values, costs, upper, least, most};
    return mip_solve(&mip, choice->cutoff, fmax(0.1, choice->deadline_s - monotonic_s()), x);
}

static void unfold(struct arena *arena, const struct packing_problem *problem,
                   const struct pattern_pool *pool, const double *x, uint32_t *node_count,
                   const uint32_t **type_of, const uint32_t **pods) {
    double nodes = 0;
    for (uint32_t p = 0; p < pool->count; p++)
        nodes += x[p];
    uint32_t *types = ARENA_ARRAY(arena, (size_t)nodes, uint32_t), node = 0;
    uint32_t *loads = ARENA_ARRAY(arena, (size_t)nodes * problem->kind_count, uint32_t);
    for (uint32_t p = 0; p < pool->count; p++)
        for (double n = 0; n < x[p]; n++, node++) {
            types[node] = pool->items[p].type;
            for (uint32_t k = 0; k < pool->items[p].kind_count; k++)
                loads[(size_t)node * problem->kind_count + pool->items[p].kinds[k]] =
                    pool->items[p].copies[k];
        }
    *node_count = node;
    *type_of = types;
    *pods = loads;
}

enum choice_result choose_among(struct arena *arena, const struct choice *choice,
                                const struct pattern_pool *pool, uint32_t *node_count,
                                const uint32_t **type_of, const uint32_t **pods) {
    struct arena work;
    if (pool->count == 0)
        return CHOICE_NONE;
    arena_init(&work);
    double *x = ARENA_ARRAY(&work, pool->count, double);
    struct mip_answer answer = solve_choice(&work, choice, pool, x);
    if (answer.found)
        unfold(arena, choice->problem, pool, x, node_count, type_of, pods);
    arena_done(&work);
    if (answer.found)
        return answer.optimal ? CHOICE_FOUND : CHOICE_CHEAPER;
    return answer.infeasible ? CHOICE_NONE : CHOICE_UNDECIDED;
}

enum choice_result choose_patterns(struct arena *arena, const struct choice *choice,
                                   uint32_t *node_count, const uint32_t **type_of,
                                   const uint32_t **pods) {
    enum choice_result result = CHOICE_UNDECIDED;
    struct pattern_pool pool;
    struct arena work;
    arena_init(&work);
    pattern_pool_init(&pool, &work);
    if (list_patterns(&work, choice, &pool))
        result = choose_among(arena, choice, &pool, node_count, type_of, pods);
    arena_done(&work);
    return result;
}
