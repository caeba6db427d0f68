#include "predictor/simulation/simulation.h"

#include "base/progress.h"
#include "predictor/simulation/fleet.h"

#include <math.h>

enum { WAITING_MOST = 20000000, PROGRESS_EVERY = 1 << 16 };

struct run {
    struct arena *arena;
    const struct simulation_config *config;
    struct fleet fleet;
    struct arrival_source source;
    void *policy_state;
    uint64_t arrived, arrived_before; /* up to the last decision */
    uint64_t answered_before, within_before;
    double decided_ns, busy_before_ns, ready_before_ns;
    struct fleet_moment *moments;
    uint32_t moment_count, moment_capacity;
};

static int check(const struct simulation_config *config, struct err *err) {
    const struct arrivals *arrivals = &config->arrivals;
    if (!arrivals->recorded_ns && !(arrivals->rate_per_second > 0 && config->requests_most > 0))
        return err_set(err, ERR_USAGE, "no requests to simulate: expected a rate above 0");
    if (!arrivals->recorded_ns && !(arrivals->swing >= 0 && arrivals->swing <= 1))
        return err_set(err, ERR_USAGE, "a swing of %g: expected 0 to 1", arrivals->swing);
    if (config->replicas == 0 && !config->policy)
        return err_set(err, ERR_USAGE, "0 replicas serve nobody");
    if (!(config->policy_config.interval_ns > 0) && config->policy)
        return err_set(err, ERR_USAGE, "decisions every 0 seconds: expected a time above 0");
    return 0;
}

static double share(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

static uint32_t clamp(uint32_t replicas, const struct policy_config *config) {
    if (replicas < config->replicas_min)
        return config->replicas_min;
    return replicas < config->replicas_max ? replicas : config->replicas_max;
}

static void keep_moment(struct run *run, double now_ns, double utilisation, uint64_t arrivals) {
    const struct fleet *fleet = &run->fleet;
    *ARENA_PUSH(run->arena, run->moments, run->moment_count, run->moment_capacity) =
        (struct fleet_moment){
            .at_ns = now_ns,
            .arrivals_per_second = share((double)arrivals * 1e9, now_ns - run->decided_ns),
            .ready = fleet->ready_count,
            .starting = fleet->starting_count,
            .waiting = fleet->waiting,
            .utilisation = utilisation,
        };
}

static double late_share(const struct run *run) {
    uint64_t answered = run->fleet.recorder.count - run->answered_before;
    uint64_t within = run->fleet.within_deadline - run->within_before;
    return share((double)(answered - within), (double)answered);
}

static void decide(struct run *run, double now_ns) {
    struct fleet *fleet = &run->fleet;
    fleet_integrate(fleet, now_ns);
    double utilisation =
        share(fleet->busy_ns - run->busy_before_ns, fleet->ready_ns - run->ready_before_ns);
    const struct policy_view view = {
        .now_ns = now_ns,
        .arrivals = run->arrived - run->arrived_before,
        .ready = fleet->ready_count,
        .starting = fleet->starting_count,
        .waiting = fleet->waiting,
        .utilisation = utilisation,
        .late = isnan(run->config->deadline_ns) ? NAN : late_share(run),
    };
    uint32_t wanted = run->config->policy->decide(run->policy_state, &view);
    fleet_resize(fleet, now_ns, clamp(wanted, &run->config->policy_config));
    if (run->config->keep_moments)
        keep_moment(run, now_ns, utilisation, view.arrivals);
    run->busy_before_ns = fleet->busy_ns;
    run->ready_before_ns = fleet->ready_ns;
    run->arrived_before = run->arrived;
    run->answered_before = fleet->recorder.count;
    run->within_before = fleet->within_deadline;
    run->decided_ns = now_ns;
}

/* Until the last request is answered. Decisions and integrals end with the last arrival. */
static int run_events(struct run *run, struct progress *progress, struct err *err) {
    struct fleet *fleet = &run->fleet;
    double arrival = arrival_next(&run->source, &fleet->rng);
    double decision = run->config->policy ? 0 : INFINITY;
    while (!isinf(arrival) || fleet->waiting || fleet->busy) {
        double inside = fleet_next(fleet);
        if (decision <= arrival && decision <= inside) {
            decide(run, decision);
            decision += run->config->policy_config.interval_ns;
        } else if (inside <= arrival) {
            fleet_step(fleet);
        } else {
            fleet_arrive(fleet, arrival);
            double last = arrival;
            arrival = arrival_next(&run->source, &fleet->rng);
            if (isinf(arrival)) {
                fleet_integrate(fleet, last);
                fleet->frozen_ns = last;
            }
            if (++run->arrived % PROGRESS_EVERY == 0)
                progress_update(progress, (double)run->arrived, NULL);
            if (fleet->waiting > WAITING_MOST)
                return err_set(err, ERR_FINDING,
                               "more than %d requests wait after %.3g s: the fleet cannot keep up",
                               WAITING_MOST, last * 1e-9);
        }
    }
    return 0;
}

static void sum_up(struct run *run, struct simulated *result) {
    const struct simulation_config *config = run->config;
    const struct fleet *fleet = &run->fleet;
    const struct recorder *recorder = &fleet->recorder;
    double span = run->source.last_ns;
    bool stationary = !config->arrivals.recorded_ns && config->arrivals.swing == 0 &&
                      !config->policy && config->failures_per_replica_hour <= 0;
    double rate = stationary ? config->arrivals.rate_per_second : NAN;
    *result = (struct simulated){
        .requests = run->arrived,
        .failed = fleet->failed,
        .span_ns = span,
        .replica_hours = fleet->alive_ns / 3600e9,
        .slo_attainment = isnan(config->deadline_ns)
                              ? NAN
                              : share((double)fleet->within_deadline, (double)run->arrived),
        .mean = recorder_mean(recorder, config->warm_up, rate),
        .p50 = recorder_percentile(recorder, config->warm_up, 0.50, rate),
        .p99 = recorder_percentile(recorder, config->warm_up, 0.99, rate),
        .counted = recorder->count > config->warm_up ? recorder->count - config->warm_up : 0,
        .utilisation = share(fleet->busy_ns, fleet->ready_ns),
        .replicas_mean = share(fleet->alive_ns, span),
        .replicas_max = fleet->alive_most,
        .cold_starts = fleet->cold_starts,
        .failures = fleet->failures,
        .batch_mean = share((double)recorder->count, (double)fleet->batches),
        .moments = run->moments,
        .moment_count = run->moment_count,
    };
}

int simulate(struct arena *arena, const struct simulation_config *config, struct progress *progress,
             struct simulated *result, struct err *err) {
    struct run run = {.arena = arena, .config = config};
    struct arena work;
    if (check(config, err))
        return -(int)err->code;
    if (config->policy &&
        config->policy->open(arena, &config->policy_config, &run.policy_state, err))
        return -(int)err->code;
    arena_init(&work);
    arrival_source_init(&run.source, &config->arrivals, config->requests_most);
    fleet_init(&run.fleet, &work, config);
    progress_start(progress, (double)run.source.most, "simulating");
    int rc = run_events(&run, progress, err);
    progress_done(progress);
    if (!rc)
        sum_up(&run, result);
    fleet_done(&run.fleet);
    arena_done(&work);
    return rc;
}

int simulate_recorded(const struct simulation_config *config, struct recorder *recorder,
                      struct err *err) {
    struct run run = {.config = config};
    struct arena work;
    if (check(config, err))
        return -(int)err->code;
    arena_init(&work);
    arrival_source_init(&run.source, &config->arrivals, config->requests_most);
    fleet_init(&run.fleet, &work, config);
    int rc = run_events(&run, NULL, err);
    *recorder = run.fleet.recorder;
    arena_done(&work);
    return rc;
}
