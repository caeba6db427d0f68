#include "core/plan.h"

#include <assert.h>
#include <string.h>

static const struct routing_info routings[] = {
    [ROUTING_RANDOM] = {"random",  "M/D/1 per replica",
                        "each request goes to any replica, busy or not (kube-proxy)"                     },
    [ROUTING_CENTRAL] = {"central", "M/D/c",             "one queue, the next free replica takes its head"},
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
