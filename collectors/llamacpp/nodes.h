/* The nodes of ggml's graphs as they are computed: what each took, or what it is.
 *
 * The evaluation callback is asked about every node in turn. Views do nothing and are computed with
 * the node behind them; every other node is computed by itself, between two readings of the clocks
 * and counters. Nodes are known by their place among all of one call of llama_decode.
 */
#ifndef ASSAY_COLLECTORS_LLAMACPP_NODES_H
#define ASSAY_COLLECTORS_LLAMACPP_NODES_H

#include "collectors/counters.h"
#include "collectors/llamacpp/api.h"
#include "core/run.h"

#include <time.h>

enum nodes_mode {
    NODES_PASS,    /* nothing is watched; ggml computes its graph at once */
    NODES_MEASURE, /* one after the other */
    NODES_SHOW,    /* at once, after each was given to `show` */
};

struct node_reading {
    double wall_ns, cpu_ns;
    struct counters_reading counts;
};

struct node_sum {
    double wall_ns, cpu_ns;
    double counts[METRIC_COUNTER_MAX];
    uint32_t calls;
};

struct nodes {
    const struct llama_api *api;
    enum nodes_mode mode;
    void (*show)(void *context, const struct ggml_tensor *node);
    void *context;
    const char *const *types;        /* that are expected, by place */
    uint32_t count;                  /* of them */
    clockid_t cpu_clock;             /* of the thread, or of all */
    const struct counters *counters; /* NULL: none */
    struct node_sum *sums;           /* by place */
    uint32_t place;                  /* of the next node */
    uint32_t strangers;              /* nodes that were not expected */
    uint32_t pending;
    struct node_reading before;
};

/* The eval_callback; data is the struct nodes. */
bool nodes_callback(struct ggml_tensor *node, bool ask, void *data);

/* RESHAPE and its like: they only say where the same data is. */
bool node_is_view(const char *type);

/* Puts the samples of each node that was computed, and forgets them; sink NULL: only forgets. */
void nodes_flush(struct nodes *nodes, enum run_phase phase, uint32_t repeat, struct sink *sink);

#endif
