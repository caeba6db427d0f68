#include "predictor/simulation/policy.h"

static int open_assay(struct arena *arena, const struct policy_config *config, void **state,
                      struct err *err) {
    (void)arena;
    (void)err;
    *state = (void *)(uintptr_t)config;
    return 0;
}

static uint32_t decide_assay(void *state, const struct policy_view *view) {
    (void)state;
    return view->ready + view->starting;
}

const struct policy policy_assay = {
    .name = "assay",
    .help = "forecasts one lead time ahead and asks the queue model",
    .open = open_assay,
    .decide = decide_assay,
};
