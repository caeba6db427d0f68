/* How many replicas and nodes a load needs, and the proof. The caller fills the question and the
 * configurations that may be chosen, predictor/capacity/planner.h the answers, reports/plan_json.h
 * prints them.
 *
 * Requests come as a Poisson process. The answer is given twice: for the upper end of the latency's
 * interval, which is what to buy, and for its middle, to show what the uncertainty costs.
 */
#ifndef ASSAY_CORE_PLAN_H
#define ASSAY_CORE_PLAN_H

#include "base/arena.h"
#include "core/constraint.h"
#include "core/estimate.h"

#include <stdbool.h>
#include <stdint.h>

/* How requests find a replica. */
enum routing {
    ROUTING_RANDOM,       /* each goes to any replica, busy or not: one queue per replica */
    ROUTING_ROUND_ROBIN,  /* to the replicas in turn */
    ROUTING_LEAST_LOADED, /* to the one with the fewest requests (join the shortest queue) */
    ROUTING_POWER_OF_TWO, /* to the less loaded of two drawn at random */
    ROUTING_CENTRAL,      /* one queue, the next free replica takes its head */
    ROUTING_COUNT
};

struct routing_info {
    const char *name;  /* "random" */
    const char *queue; /* "M/D/1 per replica" */
    bool exact;        /* with a formula; others are simulated */
    const char *help;
};

const struct routing_info *routing_info(enum routing routing);
/* ROUTING_COUNT when there is none of that name. */
enum routing routing_by_name(const char *name);

/* How the response time of a number of replicas was found. */
enum queue_method { QUEUE_EXACT, QUEUE_INTERPOLATED, QUEUE_SIMULATED, QUEUE_METHOD_COUNT };
const char *queue_method_name(enum queue_method method); /* "exact" */

/* A response time target: `percentile` % of the requests within target_ns. */
struct slo {
    double percentile; /* 0 < percentile < 100 */
    double target_ns;
};

/* What a node is marked with: "topology.kubernetes.io/zone" and its value. */
struct node_label {
    const char *key, *value;
};

/* A kind of node that can be had in any number, or up to a limit. */
struct node_type {
    const char *name;
    double cpus;
    double memory_bytes;
    double usd_per_hour; /* NaN: not known */
    const char *reserve; /* whose formula says what the system keeps: a row of reserve.h */
    uint32_t pods_max;   /* pods a node may hold, those of daemon sets too */
    uint32_t gpus;
    uint32_t limit;        /* at most so many nodes; 0: any number */
    double daemonset_cpus; /* taken by daemon sets on each node, beside the reserve */
    double daemonset_memory_bytes;
    uint32_t daemonset_pods;
    const char *price_date, *price_source; /* as the catalogue has them; NULL: not known */
    bool spot;                             /* may be taken away */
    double interruptions_per_hour;         /* of a spot node; 0: not known or none */
    const struct node_label *labels;
    uint32_t label_count;
};

/* So many nodes of a type in an answer. */
struct node_share {
    const struct node_type *type;
    uint64_t count;
    uint64_t replicas_per_node; /* that fit; the last node may hold fewer */
};

/* What `replicas` of them give. Times are infinite when the queue grows without end. */
struct service_level {
    uint64_t replicas;
    double utilisation; /* 0 to 1; 1 and more: no steady state */
    enum queue_method method;
    double response_mean_ns, response_p50_ns, response_p99_ns;
    double response_ns; /* at the percentile of the target that is hardest to meet here */
    double percentile;  /* that percentile */
    double target_ns;
    bool meets; /* all targets */
    /* response_ns as simulated request by request, with its 95 % interval; NaN: not simulated. */
    double simulated_ns, simulated_low_ns, simulated_high_ns;
};

struct plan_answer {
    double service_ns;         /* one request alone, as assumed */
    const char *reason;        /* NULL, or why there is no answer; then the rest is zero or NaN */
    uint64_t replicas;         /* to run: those of n, and the spare ones */
    struct service_level n;    /* the fewest replicas that meet the targets */
    struct service_level less; /* one fewer; replicas 0 when there is none fewer */
    const struct node_share *nodes;
    uint32_t node_count;
    double usd_per_hour; /* NaN: no nodes or no prices given */
    double cpu_waste;    /* share of the CPUs paid for that no replica uses; NaN: no nodes */
    double memory_waste;
};

/* A way to serve that may be chosen: how large a replica is, what it does together, how many share
 * a node and slow each other down by that. */
struct plan_option {
    uint32_t threads;
    uint32_t batch_max;
    uint32_t replicas_per_node; /* at most; 0: no nodes */
    const double *batch_ns; /* [n - 1]: upper end of the time of n requests, beside the others */
    const double *batch_value_ns; /* and its middle */
    double slowdown;              /* by the others on the node, 1 or more; it is in batch_ns */
    double memory_bytes;          /* upper bound of what one replica takes; 0: not known */
    /* Filled by the planner. */
    const char *reason; /* why it is no answer, NULL: it is one */
    uint64_t replicas;
    double usd_per_hour, cpus; /* of all replicas, spare ones too */
    double response_ns;        /* at the target's percentile */
    double utilisation;
    bool on_front;    /* none is both cheaper and quicker */
    bool constrained; /* the reason is a constraint; the numbers say what it would have been */
};

/* What is added to the fewest replicas. */
struct plan_headroom {
    uint32_t spares;          /* replicas that may fail */
    double growth_per_minute; /* of the rate: 0.05 is 5 % */
    double lead_time_ns;      /* from a higher rate until a replica for it answers */
    double shortfall;         /* replicas within this share of what is asked for are left alone by
                                 the autoscaler: 0.1 */
};

/* What the plan would be if one thing were different. */
struct plan_variant {
    const char *value;  /* as given: "2000" */
    const char *reason; /* NULL, or why there is no plan; then the numbers are 0 or NaN */
    uint64_t replicas;
    uint32_t threads, batch_max;
    const struct node_share *nodes;
    uint32_t node_count;
    double usd_per_hour, utilisation, response_ns;
};

struct plan_variation {
    const char *name; /* "rate" */
    const struct plan_variant *variants;
    uint32_t variant_count;
};

/* Replicas at another rate; 0 where there is no answer. */
struct plan_point {
    double rate_per_second;
    uint64_t high, value; /* for latency_ns.high and latency_ns.value */
};

struct plan {
    const char *model, *machine;
    double rate_per_second;    /* as asked */
    double rate_planned;       /* as it will be one lead time later */
    const struct slo *targets; /* for what is planned: without the overhead */
    uint32_t target_count;
    double overhead_ns; /* of a response outside replica and queue: network, proxies, encoding */
    enum routing routing;
    const char *distribution; /* of the service time: "deterministic" */
    double scv;
    double delay_ns; /* an idle replica waits so long for a full batch */
    struct plan_headroom headroom;
    struct estimate latency_ns; /* one request, the replica alone on its node, as first option */
    struct estimate cold_start_ns;
    double memory_confidence;       /* 0 to 1, of the options' bounds */
    const struct node_type *offers; /* kinds of nodes to choose from */
    uint32_t offer_count;
    struct plan_option *options;
    uint32_t option_count, chosen;
    bool company_unknown; /* how replicas on one node slow each other down: taken as not at all */
    uint64_t seed;
    struct plan_answer high, value; /* of the chosen option */
    const struct plan_point *curve; /* by rising rate; none unless planner_curve was called */
    uint32_t curve_count;
    const struct constraint *constraints; /* as given; percentiles of latency are targets too */
    uint32_t constraint_count;
};

/* Gives the plan one option: a replica of so many threads, alone, one request at a time, in the
 * time of plan->latency_ns. */
void plan_serve_alone(struct arena *arena, struct plan *plan, uint32_t threads,
                      double memory_bytes);

/* The option that was chosen. */
const struct plan_option *plan_choice(const struct plan *plan);

#endif
