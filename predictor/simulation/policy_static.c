#include "predictor/simulation/policy.h"

static int open_static(struct arena *arena, const struct policy_config *config, void **state,
                       struct err *err) {
    uint32_t *replicas = ARENA_NEW(arena, uint32_t);
    *replicas = config->replicas_fixed;
    *state = replicas;
    return *replicas ? 0 : err_set(err, ERR_USAGE, "a static fleet of 0 replicas serves nobody");
}

static uint32_t decide_static(void *state, const struct policy_view *view) {
    (void)view;
    return *(const uint32_t *)state;
}

const struct policy policy_static = {
    .name = "static",
    .help = "always the same number: static=N",
    .open = open_static,
    .decide = decide_static,
};
