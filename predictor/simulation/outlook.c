#include "predictor/simulation/outlook.h"

#include "predictor/simulation/forecast.h"

#include <math.h>

static const double normal_90 = 1.2815515655446004; /* one-sided */

/* Every decision is taken to have been followed at once: what runs is not seen here. */
static void replay(const struct policy_config *config, void *state, const double *counts,
                   uint32_t count, struct forecast *forecast, struct outlook *outlook) {
    struct policy_view view = {.utilisation = NAN, .late = NAN};
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(counts[i]))
            continue;
        if (isnan(view.utilisation)) {
            policy_assay.decide(state, &view);
            view.utilisation = 0;
        }
        view.now_ns = i * config->interval_ns;
        view.arrivals = (uint64_t)llround(counts[i]);
        forecast_observe(forecast, counts[i]);
        view.ready = policy_assay.decide(state, &view);
    }
    outlook->replicas = view.ready;
}

int outlook_replay(const struct policy_config *config, const double *counts, uint32_t count,
                   struct outlook *outlook, struct err *err) {
    struct arena arena;
    struct forecast forecast;
    void *state;
    arena_init(&arena);
    forecast_init(&forecast, &config->schedule);
    int rc = policy_assay.open(&arena, config, &state, err);
    if (!rc) {
        replay(config, state, counts, count, &forecast, outlook);
        rc = forecast.seen ? 0 : err_set(err, ERR_INPUT, "no interval whose requests are known");
    }
    if (!rc) {
        double lead = ceil((config->cold_start_ns + config->interval_ns) / config->interval_ns);
        struct forecast_rate ahead =
            forecast_ahead(&forecast, (uint32_t)fmin(lead, FORECAST_STEPS));
        double seconds = config->interval_ns * 1e-9;
        outlook->rate_per_second = ahead.count / seconds;
        outlook->rate_high_per_second = forecast_at(&ahead, normal_90) / seconds;
        if (outlook->replicas < config->replicas_min)
            outlook->replicas = config->replicas_min;
        if (outlook->replicas > config->replicas_max)
            outlook->replicas = config->replicas_max;
    }
    arena_done(&arena);
    return rc;
}
