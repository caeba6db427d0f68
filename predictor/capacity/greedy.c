#include "predictor/capacity/greedy.h"

#include <string.h>

enum { STEPS_OF_KNAPSACK = 300 };

struct greedy {
    const struct packing_problem *problem;
    struct knapsack knapsack;
    double *worth;
    uint32_t *left, *load, *best_load, *used;
    struct arena *arena;
    uint32_t *type_of, *pods;
    uint32_t node_count, node_capacity;
};

/* How often the load can be taken of what is left. */
static uint32_t times_left(const struct greedy *greedy, uint32_t type) {
    uint32_t limit = greedy->problem->limits[type];
    uint32_t times = limit == UINT32_MAX ? limit : limit - greedy->used[type];
    for (uint32_t i = 0; i < greedy->problem->kind_count; i++)
        if (greedy->best_load[i] && greedy->left[i] / greedy->best_load[i] < times)
            times = greedy->left[i] / greedy->best_load[i];
    return times;
}

/* UINT32_MAX when no type holds any pod that is left. */
static uint32_t best_type(struct greedy *greedy) {
    const struct packing_problem *problem = greedy->problem;
    uint32_t best = UINT32_MAX;
    double best_ratio = 0;
    for (uint32_t t = 0; t < problem->type_count; t++) {
        struct knapsack_question question = {.room = problem->rooms[t],
                                             .values = greedy->worth,
                                             .most = greedy->left,
                                             .steps_max = STEPS_OF_KNAPSACK};
        if (greedy->used[t] == problem->limits[t])
            continue;
        double value = knapsack_solve(&greedy->knapsack, &question, greedy->load).value;
        if (!(value > 0) || value / problem->prices[t] <= best_ratio)
            continue;
        best = t;
        best_ratio = value / problem->prices[t];
        memcpy(greedy->best_load, greedy->load, problem->kind_count * sizeof *greedy->load);
    }
    return best;
}

static void make_room(struct greedy *greedy, uint32_t nodes) {
    uint32_t kinds = greedy->problem->kind_count, capacity = 2 * (greedy->node_count + nodes);
    if (greedy->node_count + nodes <= greedy->node_capacity)
        return;
    greedy->type_of = arena_grow(greedy->arena, greedy->type_of, greedy->node_count, capacity,
                                 sizeof *greedy->type_of);
    greedy->pods = arena_grow(greedy->arena, greedy->pods, (size_t)greedy->node_count * kinds,
                              (size_t)capacity * kinds, sizeof *greedy->pods);
    greedy->node_capacity = capacity;
}

static void take(struct greedy *greedy, uint32_t type, uint32_t times) {
    uint32_t kinds = greedy->problem->kind_count;
    make_room(greedy, times);
    for (uint32_t n = 0; n < times; n++, greedy->node_count++) {
        greedy->type_of[greedy->node_count] = type;
        memcpy(greedy->pods + (size_t)greedy->node_count * kinds, greedy->best_load,
               kinds * sizeof *greedy->pods);
    }
    greedy->used[type] += times;
    for (uint32_t i = 0; i < kinds; i++)
        greedy->left[i] -= greedy->best_load[i] * times;
}

static bool is_done(const struct greedy *greedy) {
    for (uint32_t i = 0; i < greedy->problem->kind_count; i++)
        if (greedy->left[i])
            return false;
    return true;
}

bool pack_greedily(struct arena *arena, const struct packing_problem *problem, uint32_t *node_count,
                   const uint32_t **type_of, const uint32_t **pods) {
    uint32_t kinds = problem->kind_count, type = 0;
    struct arena work;
    arena_init(&work);
    struct greedy greedy = {.problem = problem,
                            .arena = arena,
                            .worth = ARENA_ARRAY(&work, kinds, double),
                            .left = ARENA_ARRAY(&work, kinds, uint32_t),
                            .load = ARENA_ARRAY(&work, kinds, uint32_t),
                            .best_load = ARENA_ARRAY(&work, kinds, uint32_t),
                            .used = ARENA_ARRAY(&work, problem->type_count, uint32_t)};
    memcpy(greedy.left, problem->demand, kinds * sizeof *greedy.left);
    knapsack_init(&greedy.knapsack, &work, problem->sizes, kinds);
    for (uint32_t i = 0; i < kinds; i++)
        greedy.worth[i] = greedy_value(problem, i);
    while (!is_done(&greedy) && (type = best_type(&greedy)) != UINT32_MAX)
        take(&greedy, type, times_left(&greedy, type));
    *node_count = greedy.node_count;
    *type_of = greedy.type_of;
    *pods = greedy.pods;
    arena_done(&work);
    return type != UINT32_MAX;
}
