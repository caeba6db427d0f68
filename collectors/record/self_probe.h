/* Probes on functions of our own: whether a way of probing works here, and what a call costs. */
#ifndef ASSAY_COLLECTORS_RECORD_SELF_PROBE_H
#define ASSAY_COLLECTORS_RECORD_SELF_PROBE_H

#include "collectors/record/probes.h"

/* What an entry and its return cost together, between work that fills the caches. */
struct probe_cost {
    double emulated_ns; /* where the kernel runs the first instruction by itself */
    double stepped_ns;  /* where it steps over it */
    double tensor_ns;   /* more, for each tensor that is looked at */
};

int self_probe_try(const struct probe_route *route, struct err *err);
/* About 50 ms. */
int self_probe_cost(const struct probe_route *route, struct probe_cost *out, struct err *err);

#endif
