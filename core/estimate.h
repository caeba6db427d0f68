/* A number, how far it may be off, and how it is known. */
#ifndef ASSAY_CORE_ESTIMATE_H
#define ASSAY_CORE_ESTIMATE_H

#include <math.h>

/* Weakest last: a sum is as good as its weakest part (estimate_weaker). */
enum tier {
    TIER_GIVEN,        /* not known here: the user said so */
    TIER_MEASURED,     /* of this model, on this machine, under these conditions */
    TIER_FITTED,       /* a cost model inside the range of its observations */
    TIER_INTERPOLATED, /* between stored observations of the same operator */
    TIER_TRANSFERRED,  /* carried over from another machine or kernel class */
    TIER_ROOFLINE,     /* physics only: peaks of the machine, no observation of this kind */
    TIER_REFUSED,      /* no answer; value is NaN */
    TIER_COUNT
};

struct estimate {
    double value;
    double low, high; /* 90 % interval */
    enum tier tier;
    const char *evidence; /* ids: "fit:12 runs:3,4"; "" when there are none; borrowed */
};

const char *tier_name(enum tier tier); /* "measured" */
/* TIER_COUNT when there is none of that name. */
enum tier tier_by_name(const char *name);
enum tier tier_weaker(enum tier a, enum tier b);
struct estimate estimate_refused(void);
/* So many times as much, its interval too. */
struct estimate estimate_times(struct estimate estimate, double factor);

#endif
