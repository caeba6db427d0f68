#include "jobs/simulate.h"

#include "base/units.h"
#include "jobs/schedule.h"
#include "jobs/trace.h"
#include "predictor/simulation/simulation.h"

#include <math.h>
#include <string.h>

const char *simulate_policy_at(uint32_t i, const char **help) {
    const struct policy *policy = policy_at(i);
    *help = policy ? policy->help : "";
    return policy ? policy->name : NULL;
}

const char *simulate_shape_at(uint32_t i, const char **help) {
    const struct service_shape *shape = service_shape_at(i);
    *help = shape ? shape->help : "";
    return shape ? shape->name : NULL;
}

/* ---- what the user said ---------------------------------------------------------------------- */

/* "hpa", or "static=12", whose number goes to *fixed. */
static int find_policy(const char *text, const struct policy **found, uint32_t *fixed,
                       struct err *err) {
    const char *sign = strchr(text, '=');
    size_t length = sign ? (size_t)(sign - text) : strlen(text);
    int64_t replicas = 0;
    for (uint32_t i = 0; (*found = policy_at(i)); i++)
        if (strlen((*found)->name) == length && strncmp((*found)->name, text, length) == 0)
            break;
    if (!*found) {
        err_set(err, ERR_USAGE, "--policy %s: no such policy", text);
        return err_hint(err, "expected assay, hpa, keda or static=N");
    }
    if ((*found == &policy_static) != (sign != NULL))
        return err_set(err, ERR_USAGE, "--policy %s: expected %s", text,
                       sign ? "no number behind this policy" : "a number, as in static=12");
    if (sign && (unit_parse_integer(sign + 1, &replicas, err) || replicas < 1 || replicas > 100000))
        return err_set(err, ERR_USAGE, "--policy %s: expected 1 to 100000 replicas", text);
    *fixed = (uint32_t)replicas;
    return 0;
}

/* The scv of a shape that has but one. */
static double scv_of(const struct service_shape *shape, double wanted) {
    if (!isnan(wanted))
        return wanted;
    return shape->parameter(0) >= 0 ? 0 : 1;
}

static int set_arrivals(struct arena *arena, const struct simulate_request *request,
                        struct simulation_config *config, uint64_t *disordered, int64_t *began_ns,
                        struct err *err) {
    struct trace trace;
    config->arrivals = (struct arrivals){
        .rate_per_second = request->rate_per_second,
        .swing = request->swing,
        .period_ns = request->period_ns,
    };
    config->requests_most = request->requests;
    if (request->duration_ns > 0)
        config->requests_most =
            (uint64_t)fmax(1, request->duration_ns * 1e-9 * request->rate_per_second);
    if (!request->trace_path)
        return 0;
    if (trace_read(arena, request->trace_path, &trace, err))
        return -(int)err->code;
    *disordered = trace.disordered;
    *began_ns = trace.began_ns;
    config->arrivals.recorded_ns = trace.arrivals_ns;
    config->arrivals.recorded_count = trace.count;
    config->requests_most = UINT64_MAX;
    return 0;
}

static const double *times_of(struct arena *arena, const struct service *service) {
    double *times = ARENA_ARRAY(arena, service->batch_max, double);
    for (uint32_t i = 0; i < service->batch_max; i++)
        times[i] = service->batches[i].value_ns;
    return times;
}

static double cold_start_of(const struct service *service) {
    return service->cold_start_ns.tier == TIER_REFUSED ? 0 : service->cold_start_ns.value;
}

/* The batch a policy counts on: the largest after which a request that had to wait for one like it
 * is still in time. */
static uint32_t batch_in_time(const struct service *service, double deadline_ns) {
    uint32_t batch = service->batch_max;
    while (batch > 1 && 2 * service->batches[batch - 1].value_ns > deadline_ns)
        batch--;
    return batch;
}

static void set_policy(const struct simulate_request *request, const struct service *service,
                       struct simulation_config *config) {
    uint32_t most = batch_in_time(service, request->deadline_ns);
    config->policy_config = (struct policy_config){
        .service_ns = service->batches[most - 1].value_ns,
        .requests_per_service = most,
        .cold_start_ns = config->cold_start_ns,
        .interval_ns = request->interval_ns,
        .deadline_ns = request->deadline_ns,
        .attainment = request->attainment,
        .target_utilisation = request->target_utilisation,
        .stabilisation_ns = request->stabilisation_ns,
        .tolerance = request->tolerance,
        .routing = request->routing,
        .replicas_min = request->replicas_min,
        .replicas_max = request->replicas_max,
        .replicas_fixed = config->policy_config.replicas_fixed,
    };
}

/* Who gives a schedule knows something: more than all other forecasters that are as good. */
#define SCHEDULE_TRUST 50.0

/* Through the last request and one lead time more. */
static int set_schedule(struct arena *arena, const struct simulate_request *request,
                        int64_t began_ns, struct simulation_config *config, struct err *err) {
    const struct arrivals *arrivals = &config->arrivals;
    double span_ns = arrivals->recorded_ns
                         ? arrivals->recorded_ns[arrivals->recorded_count - 1]
                         : (double)config->requests_most / arrivals->rate_per_second * 1e9;
    struct forecast_schedule *schedule = &config->policy_config.schedule;
    schedule->trust = SCHEDULE_TRUST;
    schedule->count = (uint64_t)fmin(1e7, span_ns / request->interval_ns) + 2 * FORECAST_STEPS;
    return schedule_read(arena, request->schedule_path, began_ns, request->interval_ns,
                         schedule->count, &schedule->counts, err);
}

static int configure(struct arena *arena, const struct simulate_request *request,
                     struct simulated_fleet *out, struct simulation_config *config,
                     struct err *err) {
    const struct service *service = &out->simulation.service;
    const struct service_shape *shape = service_shape_by_name(request->shape);
    int64_t began_ns = 0;
    *config = (struct simulation_config){
        .service_factor = 1,
        .delay_ns = request->delay_ns,
        .routing = request->routing,
        .replicas = request->initial,
        .cold_start_ns = cold_start_of(service),
        .failures_per_replica_hour = request->failures_per_replica_hour,
        .deadline_ns = request->deadline_ns,
        .keep_moments = request->keep_moments,
        .seed = request->seed,
    };
    if (set_arrivals(arena, request, config, &out->disordered, &began_ns, err) ||
        service_time_init(&config->service, times_of(arena, service), service->batch_max, shape,
                          scv_of(shape, request->scv), err) ||
        (request->policy &&
         find_policy(request->policy, &config->policy, &config->policy_config.replicas_fixed, err)))
        return -(int)err->code;
    if (config->policy)
        set_policy(request, service, config);
    if (config->policy && request->schedule_path &&
        set_schedule(arena, request, began_ns, config, err))
        return -(int)err->code;
    bool stationary = !request->trace_path && request->swing <= 0 && !config->policy;
    config->warm_up = stationary ? config->requests_most / 20 : 0;
    out->simulation.policy = config->policy ? config->policy->name : "none";
    return 0;
}

/* ---- the answer and its interval --------------------------------------------------------------
 */

static int run_at(struct arena *arena, struct simulation_config config, double service_ns,
                  double predicted_ns, struct progress *progress, struct simulated *result,
                  struct err *err) {
    config.service_factor = service_ns / predicted_ns;
    config.keep_moments = config.keep_moments && service_ns == predicted_ns;
    return simulate(arena, &config, progress, result, err);
}

int job_simulate(struct arena *arena, struct db *db, const struct simulate_request *request,
                 struct progress *progress, struct simulated_fleet *out, struct err *err) {
    struct simulation_config config;
    struct simulation *simulation = &out->simulation;
    *out = (struct simulated_fleet){
        .simulation = {.routing = request->routing, .deadline_ns = request->deadline_ns}
    };
    if (service_find(arena, db, &request->service, &simulation->service, &out->predicted, err) ||
        configure(arena, request, out, &config, err))
        return -(int)err->code;
    const struct batch_time *one = &simulation->service.batches[0];
    if (run_at(arena, config, one->value_ns, one->value_ns, progress, &simulation->result, err))
        return -(int)err->code;
    simulation->uncertain = one->high_ns > one->low_ns;
    if (!simulation->uncertain)
        return 0;
    if (run_at(arena, config, one->low_ns, one->value_ns, progress, &simulation->quicker, err) ||
        run_at(arena, config, one->high_ns, one->value_ns, progress, &simulation->slower, err))
        return -(int)err->code;
    return 0;
}
