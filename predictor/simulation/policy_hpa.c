/* The horizontal pod autoscaler on measured utilisation. */
#include "predictor/simulation/policy.h"
#include "predictor/simulation/reactive.h"

#include <math.h>

struct hpa {
    struct reactive reactive;
    double target, tolerance;
};

static int open_hpa(struct arena *arena, const struct policy_config *config, void **state,
                    struct err *err) {
    struct hpa *hpa = ARENA_NEW(arena, struct hpa);
    *state = hpa;
    if (!(config->target_utilisation > 0) || config->target_utilisation > 1)
        return err_set(err, ERR_USAGE,
                       "a target utilisation of %g: expected more than 0, at most 1",
                       config->target_utilisation);
    reactive_init(&hpa->reactive, arena, config->stabilisation_ns, config->interval_ns);
    hpa->target = config->target_utilisation;
    hpa->tolerance = config->tolerance;
    return 0;
}

/* Pods that are not ready count as idle when the metric says more, as busy at the target when it
 * says less; a ratio that turns round by that changes nothing. */
static uint32_t wanted(const struct hpa *hpa, const struct policy_view *view) {
    uint32_t current = view->ready + view->starting;
    double ratio = view->utilisation / hpa->target;
    if (isnan(ratio) || fabs(ratio - 1) <= hpa->tolerance)
        return current;
    if (view->starting == 0)
        return (uint32_t)ceil(ratio * view->ready - 1e-9);
    double others = ratio > 1 ? 0 : hpa->target * view->starting;
    double all = (view->utilisation * view->ready + others) / current / hpa->target;
    if (fabs(all - 1) <= hpa->tolerance || (all > 1) != (ratio > 1))
        return current;
    return (uint32_t)ceil(all * current - 1e-9);
}

static uint32_t decide_hpa(void *state, const struct policy_view *view) {
    struct hpa *hpa = state;
    return reactive_decide(&hpa->reactive, view->now_ns, view->ready + view->starting,
                           wanted(hpa, view));
}

const struct policy policy_hpa = {
    .name = "hpa",
    .help = "Kubernetes' horizontal pod autoscaler on measured utilisation",
    .open = open_hpa,
    .decide = decide_hpa,
};
