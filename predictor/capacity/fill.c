#include "predictor/capacity/fill.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { STEPS_OF_KNAPSACK = 400, EXCHANGED_MAX = 3 };

#define SHAKEN_MOST 0.2 /* of a pod's worth; mostly less */

struct filling {
    const struct packing_problem *problem;
    struct knapsack knapsack;
    struct knapsack_question *questions; /* by type; they keep their surrogate weights */
    struct rng rng;
    const double *worth;
    double *shaken;
    uint32_t node_count;
    uint32_t *type_of; /* of a node */
    uint32_t *pods;    /* of each node, kind_count each */
    uint32_t *left, *left_before;
    uint32_t *before; /* what exchanged nodes held */
};

static double worth_of(const struct filling *filling, const uint32_t *pods) {
    double sum = 0;
    for (uint32_t i = 0; i < filling->problem->kind_count; i++)
        sum += filling->worth[i] * pods[i];
    return sum;
}

static void shake(struct filling *filling, double by) {
    for (uint32_t i = 0; i < filling->problem->kind_count; i++)
        filling->shaken[i] = filling->worth[i] * (1 + by * (2 * rng_uniform(&filling->rng) - 1));
}

/* Fills an empty node from what is left. */
static void fill_one(struct filling *filling, uint32_t node) {
    uint32_t kinds = filling->problem->kind_count;
    uint32_t *pods = filling->pods + (size_t)node * kinds;
    uint32_t type = filling->type_of[node];
    struct knapsack_question *question = &filling->questions[type];
    question->room = filling->problem->rooms[type];
    question->values = filling->shaken;
    question->most = filling->left;
    question->steps_max = STEPS_OF_KNAPSACK;
    memset(pods, 0, kinds * sizeof *pods);
    knapsack_solve(&filling->knapsack, question, pods);
    for (uint32_t i = 0; i < kinds; i++)
        filling->left[i] -= pods[i];
}

static void empty_one(struct filling *filling, uint32_t node) {
    uint32_t kinds = filling->problem->kind_count;
    uint32_t *pods = filling->pods + (size_t)node * kinds;
    for (uint32_t i = 0; i < kinds; i++)
        filling->left[i] += pods[i];
}

/* Different nodes, so many as there are. */
static uint32_t choose_nodes(struct filling *filling, uint32_t *nodes) {
    uint32_t wanted = 1 + (uint32_t)rng_below(&filling->rng, EXCHANGED_MAX), count = 0;
    for (uint32_t i = 0; i < wanted; i++) {
        uint32_t node = (uint32_t)rng_below(&filling->rng, filling->node_count);
        bool again = false;
        for (uint32_t k = 0; k < count; k++)
            again = again || nodes[k] == node;
        if (!again)
            nodes[count++] = node;
    }
    return count;
}

/* Returns the worth of what is left over then. */
static double exchange(struct filling *filling, double over) {
    uint32_t kinds = filling->problem->kind_count, nodes[EXCHANGED_MAX];
    uint32_t count = choose_nodes(filling, nodes);
    memcpy(filling->left_before, filling->left, kinds * sizeof *filling->left);
    for (uint32_t k = 0; k < count; k++) {
        memcpy(filling->before + (size_t)k * kinds, filling->pods + (size_t)nodes[k] * kinds,
               kinds * sizeof *filling->before);
        empty_one(filling, nodes[k]);
    }
    double by = rng_uniform(&filling->rng);
    shake(filling, SHAKEN_MOST * by * by);
    for (uint32_t k = 0; k < count; k++)
        fill_one(filling, nodes[k]);
    double now = worth_of(filling, filling->left);
    if (now <= over)
        return now;
    memcpy(filling->left, filling->left_before, kinds * sizeof *filling->left);
    for (uint32_t k = 0; k < count; k++)
        memcpy(filling->pods + (size_t)nodes[k] * kinds, filling->before + (size_t)k * kinds,
               kinds * sizeof *filling->before);
    return over;
}

static bool begin(struct filling *filling, struct arena *arena, const uint32_t *counts,
                  uint32_t *pods) {
    const struct packing_problem *problem = filling->problem;
    uint32_t kinds = problem->kind_count;
    for (uint32_t t = 0; t < problem->type_count; t++)
        filling->node_count += counts[t];
    if (filling->node_count == 0)
        return false;
    filling->type_of = ARENA_ARRAY(arena, filling->node_count, uint32_t);
    filling->questions = ARENA_ARRAY(arena, problem->type_count, struct knapsack_question);
    filling->shaken = ARENA_ARRAY(arena, kinds, double);
    filling->left = ARENA_ARRAY(arena, kinds, uint32_t);
    filling->left_before = ARENA_ARRAY(arena, kinds, uint32_t);
    filling->before = ARENA_ARRAY(arena, (size_t)kinds * EXCHANGED_MAX, uint32_t);
    filling->pods = pods;
    memcpy(filling->left, problem->demand, kinds * sizeof *filling->left);
    knapsack_init(&filling->knapsack, arena, problem->sizes, kinds);
    rng_init(&filling->rng, 1);
    for (uint32_t t = 0, node = 0; t < problem->type_count; t++)
        for (uint32_t n = 0; n < counts[t]; n++)
            filling->type_of[node++] = t;
    return true;
}

bool fill_nodes(const struct packing_problem *problem, const uint32_t *counts, const double *worth,
                uint64_t steps, double deadline_s, uint32_t *pods) {
    struct arena work;
    struct filling filling = {.problem = problem, .worth = worth};
    double over = INFINITY;
    arena_init(&work);
    if (begin(&filling, &work, counts, pods)) {
        shake(&filling, 0);
        for (uint32_t node = 0; node < filling.node_count; node++)
            fill_one(&filling, node);
        over = worth_of(&filling, filling.left);
        for (uint64_t step = 0; over > 0 && step < steps && monotonic_s() < deadline_s; step++)
            over = exchange(&filling, over);
    }
    arena_done(&work);
    return over <= 0;
}
