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
