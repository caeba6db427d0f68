/* KEDA with a request rate as its metric (AverageValue): the rate of the last minute over what one
 * replica serves at the target utilisation, through the same controller as the pod autoscaler. */
#include "predictor/simulation/policy.h"
#include "predictor/simulation/reactive.h"

#include <math.h>

#define WINDOW_NS 60e9 /* rate(...[1m]) */
enum { WINDOW_COUNTS = 64 };

struct keda {
    struct reactive reactive;
    double rate_of_replica, tolerance, interval_ns;
    uint64_t counts[WINDOW_COUNTS]; /* arrivals per interval, newest at `next` - 1 */
    uint32_t next, known, window;
};

static int open_keda(struct arena *arena, const struct policy_config *config, void **state,
                     struct err *err) {
    struct keda *keda = ARENA_NEW(arena, struct keda);
    *state = keda;
    if (!(config->target_utilisation > 0) || config->target_utilisation > 1)
        return err_set(err, ERR_USAGE,
                       "a target utilisation of %g: expected more than 0, at most 1",
                       config->target_utilisation);
    reactive_init(&keda->reactive, arena, config->stabilisation_ns, config->interval_ns);
    keda->rate_of_replica =
        config->target_utilisation * config->requests_per_service * 1e9 / config->service_ns;
    keda->tolerance = config->tolerance;
    keda->interval_ns = config->interval_ns;
    keda->window = (uint32_t)fmax(1, fmin(WINDOW_COUNTS, ceil(WINDOW_NS / config->interval_ns)));
    return 0;
}

static double rate_of_window(struct keda *keda, uint64_t arrivals) {
    keda->counts[keda->next] = arrivals;
    keda->next = (keda->next + 1) % keda->window;
    keda->known += keda->known < keda->window;
    double sum = 0;
    for (uint32_t i = 0; i < keda->known; i++)
        sum += (double)keda->counts[i];
    return sum * 1e9 / (keda->known * keda->interval_ns);
}

static uint32_t decide_keda(void *state, const struct policy_view *view) {
    struct keda *keda = state;
    uint32_t current = view->ready + view->starting, wanted = current;
    if (!isnan(view->utilisation)) {
        double needed = rate_of_window(keda, view->arrivals) / keda->rate_of_replica;
        if (current == 0 || fabs(needed / current - 1) > keda->tolerance)
            wanted = (uint32_t)ceil(needed - 1e-9);
    }
    return reactive_decide(&keda->reactive, view->now_ns, current, wanted);
}

const struct policy policy_keda = {
    .name = "keda",
    .help = "KEDA on the request rate of the last minute",
    .open = open_keda,
    .decide = decide_keda,
};
