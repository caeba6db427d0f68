#include "predictor/simulation/reactive.h"

#include <math.h>

/* Defaults of behavior.scaleUp: 100 % or 4 pods per 15 seconds, whichever is more. */
#define SCALE_UP_PERIOD_NS 15e9
enum { SCALE_UP_PODS = 4 };

void reactive_init(struct reactive *reactive, struct arena *arena, double stabilisation_ns,
                   double interval_ns) {
    uint32_t capacity = (uint32_t)fmin(1e6, ceil(stabilisation_ns / interval_ns) + 2);
    *reactive = (struct reactive){
        .stabilisation_ns = stabilisation_ns,
        .scale_up_period_ns = SCALE_UP_PERIOD_NS,
        .kept = ARENA_ARRAY(arena, capacity, struct recommendation),
        .capacity = capacity,
        .period_began_ns = -INFINITY,
    };
}

static void keep(struct reactive *reactive, double now_ns, uint32_t replicas) {
    while (reactive->count &&
           (reactive->count == reactive->capacity ||
            reactive->kept[reactive->first].at_ns < now_ns - reactive->stabilisation_ns)) {
        reactive->first = (reactive->first + 1) % reactive->capacity;
        reactive->count--;
    }
    uint32_t last = (reactive->first + reactive->count++) % reactive->capacity;
    reactive->kept[last] = (struct recommendation){now_ns, replicas};
}

static uint32_t highest_kept(const struct reactive *reactive) {
    uint32_t highest = 0;
    for (uint32_t i = 0; i < reactive->count; i++) {
        uint32_t at = (reactive->first + i) % reactive->capacity;
        if (reactive->kept[at].replicas > highest)
            highest = reactive->kept[at].replicas;
    }
    return highest;
}

static uint32_t limit_scale_up(struct reactive *reactive, double now_ns, uint32_t current,
                               uint32_t wanted) {
    if (now_ns - reactive->period_began_ns >= reactive->scale_up_period_ns) {
        reactive->period_began_ns = now_ns;
        reactive->period_replicas = current;
    }
    uint32_t begun = reactive->period_replicas;
    uint32_t most = begun > SCALE_UP_PODS ? 2 * begun : begun + SCALE_UP_PODS;
    return wanted < most ? wanted : most;
}

uint32_t reactive_decide(struct reactive *reactive, double now_ns, uint32_t current,
                         uint32_t wanted) {
    keep(reactive, now_ns, wanted);
    if (wanted > current)
        return limit_scale_up(reactive, now_ns, current, wanted);
    uint32_t highest = highest_kept(reactive);
    return highest < current ? highest : current;
}
