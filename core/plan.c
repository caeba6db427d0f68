#include "core/plan.h"

#include <assert.h>
#include <string.h>

static const struct routing_info routings[] = {
    [ROUTING_RANDOM] = {"random",       "one queue per replica, filled at random",          true,
                        "each request goes to any replica, busy or not (kube-proxy)"                                                                            },
    [ROUTING_ROUND_ROBIN] = {"round-robin",  "one queue per replica, filled in turn",            false,
                        "requests go to the replicas in turn"                                                                                                   },
    [ROUTING_LEAST_LOADED] = {"least-loaded", "one queue per replica, the shortest filled",       false,
                        "each request goes to the replica with the fewest"                                                                                      },
    [ROUTING_POWER_OF_TWO] = {"power-of-two", "one queue per replica, the shorter of two filled",
                        false,                                                                     "each request goes to the less loaded of two drawn at random"},
    [ROUTING_CENTRAL] = {"central",      "one queue for all",                                true,
                        "one queue, the next free replica takes its head"                                                                                       },
};
static_assert(sizeof routings / sizeof *routings == ROUTING_COUNT, "a row per routing");

const struct routing_info *routing_info(enum routing routing) {
    return &routings[routing];
}

enum routing routing_by_name(const char *name) {
    enum routing routing = 0;
    while (routing < ROUTING_COUNT && strcmp(routings[routing].name, name) != 0)
        routing++;
    return routing;
}

const char *queue_method_name(enum queue_method method) {
    static const char *const names[] = {
        [QUEUE_EXACT] = "exact",
        [QUEUE_INTERPOLATED] = "interpolated",
        [QUEUE_SIMULATED] = "simulated",
    };
    static_assert(sizeof names / sizeof *names == QUEUE_METHOD_COUNT, "a name per method");
    return names[method];
}

void plan_serve_alone(struct arena *arena, struct plan *plan, uint32_t threads,
                      double memory_bytes) {
    double *times = ARENA_ARRAY(arena, 2, double);
    struct plan_option *option = ARENA_NEW(arena, struct plan_option);
    times[0] = plan->latency_ns.high;
    times[1] = plan->latency_ns.value;
    *option = (struct plan_option){
        .threads = threads,
        .batch_max = 1,
        .batch_ns = &times[0],
        .batch_value_ns = &times[1],
        .slowdown = 1,
        .memory_bytes = memory_bytes,
    };
    plan->distribution = "deterministic";
    plan->options = option;
    plan->option_count = 1;
}

const struct plan_option *plan_choice(const struct plan *plan) {
    return &plan->options[plan->chosen];
}
