#include "predictor/capacity/count_bound.h"

#include "predictor/capacity/mip.h"

#include <math.h>
#include <string.h>

/* Rounding in the cuts must not cut off what they allow. */
#define SLACK 1e-7

void count_bound_add(struct count_bound *bound, const struct count_cut *cut) {
    *ARENA_PUSH(bound->arena, bound->cuts, bound->count, bound->capacity) = *cut;
}

void count_bound_init(struct count_bound *bound, struct arena *arena,
                      const struct packing_problem *problem) {
    *bound = (struct count_bound){.problem = problem, .arena = arena};
    for (int r = 0; r < POD_RESOURCES; r++) {
        struct count_cut cut = {.worth = ARENA_ARRAY(arena, problem->type_count, double)};
        for (uint32_t i = 0; i < problem->kind_count; i++)
            cut.pods_worth += (double)problem->sizes[i].amount[r] * problem->demand[i];
        for (uint32_t t = 0; t < problem->type_count; t++)
            cut.worth[t] = (double)problem->rooms[t].amount[r];
        if (cut.pods_worth > 0)
            count_bound_add(bound, &cut);
    }
}

int count_bound_solve(const struct count_bound *bound, double spare, double cutoff, double seconds,
                      uint32_t *counts, double *cost) {
    const struct packing_problem *problem = bound->problem;
    uint32_t types = problem->type_count, cuts = bound->count;
    struct arena work;
    arena_init(&work);
    int *starts = ARENA_ARRAY(&work, types + 1u, int);
    int *row_of = ARENA_ARRAY(&work, (size_t)types * cuts, int);
    double *entries = ARENA_ARRAY(&work, (size_t)types * cuts, double);
    double *upper = ARENA_ARRAY(&work, types, double), *x = ARENA_ARRAY(&work, types, double);
    double *lower = ARENA_ARRAY(&work, cuts, double), *most = ARENA_ARRAY(&work, cuts, double);
    for (uint32_t t = 0; t < types; t++) {
        upper[t] = problem->limits[t] == UINT32_MAX ? INFINITY : (double)problem->limits[t];
        starts[t + 1] = (int)((t + 1) * cuts);
        for (uint32_t c = 0; c < cuts; c++) {
            row_of[t * cuts + c] = (int)c;
            /* A node that can hold more than all pods can hold all pods. */
            entries[t * cuts + c] =
                fmin(1 + spare, bound->cuts[c].worth[t] / bound->cuts[c].pods_worth);
        }
    }
    for (uint32_t c = 0; c < cuts; c++) {
        lower[c] = 1 + spare - SLACK;
        most[c] = INFINITY;
    }
    struct mip mip = {(int)types,      (int)cuts, starts, row_of, entries,
                      problem->prices, upper,     lower,  most};
    struct mip_answer answer = mip_solve(&mip, cutoff, seconds, x);
    int rc = answer.found && answer.optimal ? 0 : answer.infeasible ? 1 : -1;
    *cost = rc == 0 ? answer.cost : answer.bound;
    for (uint32_t t = 0; answer.found && t < types; t++)
        counts[t] = (uint32_t)x[t];
    arena_done(&work);
    return rc;
}
