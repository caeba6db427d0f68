/* How many replicas and nodes a load needs, and the proof. The caller fills the first half of a
 * plan, predictor/capacity/planner.h the answers, reports/plan_json.h prints them.
 *
 * One replica serves one request at a time in a fixed time; requests come as a Poisson process.
 * The answer is given twice: for the upper end of the latency's interval, which is what to buy,
 * and for its middle, to show what the uncertainty costs.
 */
#ifndef ASSAY_CORE_PLAN_H
#define ASSAY_CORE_PLAN_H

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

/* A response time target: `percentile` % of the requests within target_ns. */
struct slo {
    double percentile; /* 0 < percentile < 100 */
    double target_ns;
};

/* A kind of node that can be had in any number. */
struct node_type {
    const char *name;
    double cpus;
    double memory_bytes;
    double usd_per_hour; /* NaN: not known */
    const char *reserve; /* whose formula says what the system keeps: "gke", "eks", "none" */
    uint32_t pods_max;   /* pods a node may hold */
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
    double response_p50_ns, response_p99_ns;
    double response_ns; /* at the percentile of the target that is hardest to meet here */
    double percentile;  /* that percentile */
    double target_ns;
    bool meets; /* all targets */
};

struct plan_answer {
    double service_ns;         /* one inference, as assumed */
    const char *reason;        /* NULL, or why there is no answer; then the rest is zero or NaN */
    struct service_level n;    /* the fewest replicas that meet the targets */
    struct service_level less; /* one fewer; replicas 0 when there is none fewer */
    const struct node_share *nodes;
    uint32_t node_count;
    double usd_per_hour; /* NaN: no nodes or no prices given */
    double cpu_waste;    /* share of the CPUs paid for that no replica uses; NaN: no nodes */
    double memory_waste;
};

/* Replicas at another rate; 0 where there is no answer. */
struct plan_point {
    double rate_per_second;
    uint64_t high, value; /* for latency_ns.high and latency_ns.value */
};

struct plan {
    const char *model, *machine;
    double rate_per_second;
    const struct slo *targets;
    uint32_t target_count;
    enum routing routing;
    struct estimate latency_ns;
    uint32_t threads;               /* CPUs that one replica takes */
    double replica_memory_bytes;    /* upper bound of what one replica takes */
    double memory_confidence;       /* 0 to 1, of that bound */
    const struct node_type *offers; /* kinds of nodes to choose from */
    uint32_t offer_count;
    struct plan_answer high, value; /* for latency_ns.high and latency_ns.value */
    const struct plan_point *curve; /* by rising rate; none unless planner_curve was called */
    uint32_t curve_count;
};

#endif
