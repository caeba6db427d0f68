/* Forecasts the rate one lead time ahead and asks the queue how many replicas it takes.
 *
 * What is decided now is there one lead time from now (the cold start, then one more interval until
 * the next decision can act). So the number is the larger of what the far end of the lead time
 * needs, and, when scaling down, of what every interval before it needs. The rate is uncertain: the
 * attainment is its mean over the forecast's spread. A replica is given up only when it was not
 * needed for as long as it would take to have it back, so the fleet does not flap. */
#include "predictor/simulation/attainment.h"
#include "predictor/simulation/forecast.h"
#include "predictor/simulation/policy.h"

#include <math.h>
#include <stdbool.h>

enum { KEPT_MOST = 64 };

struct predictive {
    const struct policy_config *config;
    struct forecast forecast;
    double caution;           /* by which the forecast's spread is multiplied */
    double late;              /* recent share of responses that were */
    uint32_t lead;            /* intervals */
    uint32_t kept[KEPT_MOST]; /* what was needed at the last decisions */
    uint32_t keep, decisions;
};

/* Gauss-Hermite of seven points for a standard normal (Abramowitz and Stegun, table 25.10). */
static const struct {
    double z, weight;
} normal_points[] = {
    {-3.7504397177257425, 0.00054826885597221779},
    {-2.3667594107345411, 0.030757123967586498  },
    {-1.1544053947399682, 0.24012317860501271   },
    {0,                   0.45714285714285714   },
    {1.1544053947399682,  0.24012317860501271   },
    {2.3667594107345411,  0.030757123967586498  },
    {3.7504397177257425,  0.00054826885597221779},
};

static int open_assay(struct arena *arena, const struct policy_config *config, void **state,
                      struct err *err) {
    struct predictive *policy = ARENA_NEW(arena, struct predictive);
    *state = policy;
    policy->config = config;
    policy->caution = 1;
    policy->late = 1 - config->attainment;
    if (isnan(config->deadline_ns))
        return err_set(err, ERR_USAGE, "the assay policy needs a deadline to keep");
    if (config->deadline_ns < config->service_ns)
        return err_set(err, ERR_FINDING,
                       "one service of %.4g ms takes longer than the deadline of %.4g ms: nothing "
                       "is ever in time",
                       config->service_ns * 1e-6, config->deadline_ns * 1e-6);
    double lead = ceil((config->cold_start_ns + config->interval_ns) / config->interval_ns - 1e-9);
    policy->lead = (uint32_t)fmax(1, fmin(FORECAST_STEPS, lead));
    policy->keep = policy->lead < KEPT_MOST ? policy->lead : KEPT_MOST;
    forecast_init(&policy->forecast, &config->schedule);
    return 0;
}

static double expected_attainment(const struct predictive *policy, const struct forecast_rate *rate,
                                  uint32_t replicas) {
    const struct policy_config *config = policy->config;
    double queues = config->routing == ROUTING_CENTRAL || config->routing == ROUTING_LEAST_LOADED
                        ? 1
                        : replicas;
    double seconds = config->interval_ns * 1e-9, sum = 0;
    for (unsigned i = 0; i < sizeof normal_points / sizeof *normal_points; i++) {
        const struct attainment_case c = {
            .servers = replicas / queues,
            .rate_per_second = forecast_at(rate, normal_points[i].z) / seconds / queues,
            .service_ns = config->service_ns / config->requests_per_service,
            .slack_ns = config->deadline_ns - config->service_ns,
            .window_ns = 2 * policy->lead * config->interval_ns,
        };
        sum += normal_points[i].weight * attainment(&c);
    }
    return sum;
}

/* The fewest replicas for the interval `steps` ahead. */
static uint32_t needed(const struct predictive *policy, uint32_t steps) {
    const struct policy_config *config = policy->config;
    struct forecast_rate rate = forecast_ahead(&policy->forecast, steps);
    rate.spread *= policy->caution;
    uint32_t fails = 0, step = 1, passes;
    while (expected_attainment(policy, &rate, fails + step) < config->attainment &&
           fails + step < config->replicas_max) {
        fails += step;
        step *= 2;
    }
    passes = fails + step;
    while (passes - fails > 1) {
        uint32_t middle = fails + (passes - fails) / 2;
        if (expected_attainment(policy, &rate, middle) < config->attainment)
            fails = middle;
        else
            passes = middle;
    }
    return passes;
}

/* Adaptive conformal inference (Gibbs and Candes, NeurIPS 2021): misses beyond what is allowed make
 * the policy more cautious, their absence less, so that the attainment comes out as asked in the
 * long run whatever the arrivals are like. A decision shows one lead time later, so the steps are
 * smaller the longer that is. With hardly a miss for half an hour's decisions caution goes at once.
 */
static void learn_caution(struct predictive *policy, double late) {
    const double step = 0.2 / policy->lead, relief = 0.015, least = 0.3, most = 3;
    const double memory = 30; /* decisions until half of a miss is forgotten */
    double allowed = 1 - policy->config->attainment;
    if (isnan(late))
        return;
    policy->late += (1 - exp2(-1 / memory)) * (late - policy->late);
    policy->caution *= exp(policy->late < allowed / 4 ? -relief : step * (late - allowed));
    policy->caution = fmin(most, fmax(least, policy->caution));
}

/* Requests that will wait one lead time from now, with the replicas there are. */
static double backlog_ahead(const struct predictive *policy, const struct policy_view *view) {
    const struct policy_config *config = policy->config;
    double served = config->interval_ns * config->requests_per_service / config->service_ns;
    double waiting = view->waiting;
    for (uint32_t step = 1; step <= policy->lead; step++) {
        uint32_t replicas = view->ready + (step == policy->lead ? view->starting : 0);
        double more = forecast_ahead(&policy->forecast, step).count - replicas * served;
        waiting = fmax(0, waiting + more);
    }
    return waiting;
}

static uint32_t highest_kept(struct predictive *policy, uint32_t now) {
    policy->kept[policy->decisions++ % policy->keep] = now;
    uint32_t highest = 0;
    for (uint32_t i = 0; i < policy->keep; i++)
        if (policy->kept[i] > highest)
            highest = policy->kept[i];
    return highest;
}

/* What clears the backlog that there will be, within one more lead time. */
static uint32_t extra_for_backlog(const struct predictive *policy, const struct policy_view *view) {
    const struct policy_config *config = policy->config;
    double seconds = fmax(2, policy->lead / 2.0) * config->interval_ns * 1e-9;
    double work =
        backlog_ahead(policy, view) * config->service_ns * 1e-9 / config->requests_per_service;
    return (uint32_t)ceil(work / seconds - 1e-9);
}

static bool is_behind(const struct policy_config *config, const struct policy_view *view) {
    double wait_ns =
        view->waiting * config->service_ns / (config->requests_per_service * fmax(1, view->ready));
    return wait_ns > config->deadline_ns - config->service_ns;
}

static uint32_t decide_assay(void *state, const struct policy_view *view) {
    struct predictive *policy = state;
    uint32_t current = view->ready + view->starting;
    if (isnan(view->utilisation)) {
        for (uint32_t i = 0; i < policy->keep; i++)
            policy->kept[i] = current;
        return current;
    }
    forecast_observe(&policy->forecast, (double)view->arrivals);
    learn_caution(policy, view->late);
    uint32_t far = needed(policy, policy->lead) + extra_for_backlog(policy, view);
    uint32_t wanted = highest_kept(policy, far);
    if (far >= current)
        return far;
    if (wanted >= current || is_behind(policy->config, view))
        return current;
    uint32_t near = needed(policy, 1);
    return near < wanted ? wanted : near < current ? near : current;
}

const struct policy policy_assay = {
    .name = "assay",
    .help = "forecasts one lead time ahead and asks the queue model",
    .open = open_assay,
    .decide = decide_assay,
};
