/* Where the number of one operator comes from: what it has to do, the rates that were learnt for
 * its class, and the nearest operators that were measured. */
#ifndef ASSAY_JOBS_EXPLAIN_H
#define ASSAY_JOBS_EXPLAIN_H

#include "jobs/predict.h"

struct explain_request {
    struct predict_request predict;
    const char
        *operator_name;  /* a path, the only one that begins so, or the only one that has it */
    uint32_t neighbours; /* how many measured operators to show */
};

/* A term of the class and what it adds to the time. */
struct explained_term {
    const char *name; /* "padded_flops" */
    double amount, rate_ns, ns;
    double share; /* of the estimate */
};

/* A measured operator of the same class, or else of the same family. */
struct explained_neighbour {
    double distance; /* root mean square of the terms' log ratios; 0: the same work */
    int64_t run;
    const char *model, *path, *shapes, *kernel;
    uint32_t count;     /* operators of that run that do the same work; the first is named */
    double measured_ns; /* median of theirs, at the machine's usual speed */
    double slowness;    /* of the machine when they were measured: 1 is usual */
    double fitted_ns;   /* what the fit says of it */
};

struct explanation {
    const char *path, *op, *shapes;
    const char *attributes; /* "dilations=2,2 group=1"; "" */
    struct features features;
    struct estimate estimate;
    /* The fit that answers; NULL: a family never seen, the roofline answers. */
    const struct class_fit *fit;
    const char *basis;    /* "own rates", "rates of the family, scaled", "family", "roofline" */
    double log_spread;    /* behind the interval */
    bool extrapolates;    /* more work than any observation of the class */
    const char *evidence; /* "fit:3"; "" when it was made on the spot */
    struct explained_term *terms;
    uint32_t term_count;
    double learnt_ns; /* the estimate without the terms' sum: what the residual learner adds */
    struct explained_neighbour *neighbours; /* nearest first */
    uint32_t neighbour_count;
    const char *const *notes;
    uint32_t note_count;
};

/* ERR_USAGE when no operator or more than one has that name (the hint lists some), ERR_INPUT when
 * its type is not known. Lives in the arena. */
int job_explain(struct arena *arena, struct db *db, const struct explain_request *request,
                struct explanation *out, struct err *err);

#endif
