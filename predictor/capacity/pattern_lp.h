/* Which loads of pods a node may carry, and how many nodes carry which: the linear relaxation of
 * packing by column generation (Gilmore and Gomory 1961).
 *
 * A pattern is a set of pods that fits one node of a type. The relaxation is much tighter than
 * one of resources: what it says can seldom be undercut by less than a node. A new pattern is the
 * answer of a knapsack (predictor/capacity/knapsack.h) priced with the duals of the pods.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_PATTERN_LP_H
#define ASSAY_PREDICTOR_CAPACITY_PATTERN_LP_H

#include "base/arena.h"
#include "predictor/capacity/knapsack.h"

#include <stdbool.h>
#include <stdint.h>

/* Kinds of pods and types of nodes in whole numbers; every kind fits some type. */
struct packing_problem {
    uint32_t kind_count, type_count;
    const struct pod_size *sizes; /* of one pod */
    const uint32_t *demand;       /* pods of the kind */
    const struct pod_size *rooms; /* of one node */
    const double *prices;         /* above 0 */
    const uint32_t *limits;       /* nodes of the type; UINT32_MAX: any number */
};

struct pattern {
    uint32_t type;
    uint32_t kind_count; /* different kinds in it */
    const uint32_t *kinds, *copies;
};

struct pattern_pool {
    struct arena *arena;
    struct pattern *items;
    uint32_t count, capacity;
};

enum pattern_goal {
    PATTERNS_CHEAP, /* cover all pods at least cost */
    PATTERNS_COVER, /* leave the fewest pods out, with nodes that are given */
};

/* For any packing into n[t] nodes of type t: sum of worth[t] n[t] >= pods_worth. */
struct count_cut {
    double *worth; /* of what a node of the type can hold */
    bool *far;     /* by type: no load was worth nearly its price when last asked */
    uint8_t *rest; /* by type: rounds for which it is not asked */
    double pods_worth;
};

struct pattern_lp {
    const struct packing_problem *problem;
    struct pattern_pool *pool;
    struct arena *arena;
    enum pattern_goal goal;
    const uint32_t *limits; /* nodes of each type that may be used here */
    void *model;            /* of the solver */
    struct knapsack knapsack;
    struct knapsack_question *questions; /* by type; they keep their surrogate weights */
    double *duals;                       /* kinds, then types */
    double *priced;                      /* what kinds were priced at last */
    double *worth;                       /* by type: what a node can hold at most at these prices */
    bool *far;             /* by type: no load was worth nearly its price when last asked */
    uint8_t *rest;         /* by type: rounds for which it is not asked */
    struct count_cut best; /* the most telling of all prices tried */
    double *best_prices;   /* these prices of pods */
    double proof;          /* of it. CHEAP: no packing costs less; COVER: above 0, there is none */
    double value;          /* of the relaxation over the patterns there are */
    double close;      /* CHEAP ends when the proof is below the value by no more than this share */
    double deadline_s; /* of the monotonic clock */
};

/* A proof that nodes do not suffice is one from here on. */
#define PROOF_LEAST 1e-6

double monotonic_s(void);

/* What a pod costs on the type that suits it best: its price by the resource it takes most of. */
double greedy_value(const struct packing_problem *problem, uint32_t kind);

void pattern_pool_init(struct pattern_pool *pool, struct arena *arena);
/* pods: of each kind; copied. */
void pattern_pool_add(struct pattern_pool *pool, const struct packing_problem *problem,
                      uint32_t type, const uint32_t *pods);
/* Patterns to begin with: each kind alone, and every type filled greedily. */
void pattern_pool_seed(struct pattern_pool *pool, const struct packing_problem *problem);

void pattern_lp_open(struct pattern_lp *lp, struct arena *arena,
                     const struct packing_problem *problem, struct pattern_pool *pool,
                     enum pattern_goal goal, const uint32_t *limits, double deadline_s);
void pattern_lp_close(struct pattern_lp *lp);

/* Adds patterns until lp->proof tells what there is to tell, none is missing or time is over. */
void pattern_lp_solve(struct pattern_lp *lp);

#endif
