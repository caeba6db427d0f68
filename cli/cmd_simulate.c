#include "cli/command.h"
#include "cli/load_options.h"
#include "cli/service_options.h"
#include "db/db.h"
#include "jobs/simulate.h"
#include "reports/simulation_figure.h"
#include "reports/simulation_text.h"

#include <math.h>

struct simulate_options {
    struct model_options model;
    struct predict_options_given predict;
    struct service_options service;
    const char *trace, *schedule, *picture;
    double rate, swing, failures, target, tolerance, attainment;
    uint64_t period_ns, duration_ns, deadline_ns, interval_ns, stabilisation_ns;
    int64_t requests, initial, replicas_min, replicas_max, batch_max;
    int routing;
    struct text_list policies;
};

static const char *policy_choice(size_t index, const char **help) {
    return simulate_policy_at((uint32_t)index, help);
}

static int make_request(struct context *context, const struct simulate_options *options,
                        struct simulate_request *request, struct err *err) {
    const char *unused;
    *request = (struct simulate_request){
        .shape = simulate_shape_at((uint32_t)options->service.shape, &unused),
        .scv = service_options_scv(&options->service),
        .delay_ns = (double)options->service.delay_ns,
        .routing = (enum routing)options->routing,
        .trace_path = options->trace,
        .rate_per_second = options->rate,
        .swing = options->swing,
        .period_ns = (double)options->period_ns,
        .duration_ns = (double)options->duration_ns,
        .requests = (uint64_t)options->requests,
        .deadline_ns = options->deadline_ns ? (double)options->deadline_ns : NAN,
        .attainment = options->attainment,
        .schedule_path = options->schedule,
        .interval_ns = (double)options->interval_ns,
        .target_utilisation = options->target,
        .stabilisation_ns = (double)options->stabilisation_ns,
        .tolerance = options->tolerance,
        .initial = (uint32_t)options->initial,
        .replicas_min = (uint32_t)options->replicas_min,
        .replicas_max = (uint32_t)options->replicas_max,
        .failures_per_replica_hour = options->failures,
        .seed = (uint64_t)options->model.seed,
        .keep_moments = options->picture != NULL,
    };
    if (!options->trace && !(options->rate > 0))
        return err_hint((err_set(err, ERR_USAGE, "what arrives is missing"), err),
                        "give --trace FILE, or --rate PER_SECOND");
    if (service_options_request(context->arena, &options->service, &options->model,
                                &options->predict, &request->service, err))
        return -(int)err->code;
    request->service.batch_max = (uint32_t)options->batch_max;
    return 0;
}

static int run_policies(struct context *context, const struct simulate_options *options,
                        struct simulate_request *request, struct db *db,
                        struct simulated_fleet *fleets, uint32_t count, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        request->policy = options->policies.count ? options->policies.items[i] : NULL;
        if (job_simulate(context->arena, db, request, context->progress, &fleets[i], err))
            return -(int)err->code;
        if (options->policies.count)
            fleets[i].simulation.policy = options->policies.items[i];
    }
    return 0;
}

static void add_notes(const struct context *context, const struct simulate_options *options,
                      const struct simulated_fleet *fleet) {
    const struct prediction *prediction = &fleet->predicted.prediction;
    const struct simulated *result = &fleet->simulation.result;
    for (uint32_t i = 0; i < prediction->warning_count; i++)
        print_note(context, "%s", prediction->warnings[i]);
    if (fleet->disordered)
        print_note(context, "%s: %llu lines stood before an earlier one and were put in order",
                   options->trace, (unsigned long long)fleet->disordered);
    if (isnan(result->p99.value_ns))
        print_note(context, "%llu responses are too few to state a p99",
                   (unsigned long long)result->counted);
    if (options->policies.count && fleet->simulation.service.cold_start_ns.tier == TIER_REFUSED)
        print_note(context, "new replicas were taken to be ready at once: give --cold-start");
}

static int draw(struct context *context, const struct simulation *const *simulations,
                uint32_t count, const char *path, struct err *err) {
    struct strbuf svg;
    strbuf_init(&svg);
    int code = simulation_picture(context->arena, simulations, count, &svg, err);
    if (!code)
        code = write_picture(context, &svg, path, err);
    strbuf_done(&svg);
    return code;
}

static int print(struct context *context, const struct simulate_options *options,
                 const struct simulated_fleet *fleets, uint32_t count, struct err *err) {
    const struct simulation **simulations =
        ARENA_ARRAY(context->arena, count, const struct simulation *);
    struct table table;
    const struct table *tables[] = {&table};
    for (uint32_t i = 0; i < count; i++)
        simulations[i] = &fleets[i].simulation;
    simulation_table(context->arena, simulations, count, &table);
    if (print_line(context, err, "%llu requests in %.4g s, %s routing",
                   (unsigned long long)fleets[0].simulation.result.requests,
                   fleets[0].simulation.result.span_ns * 1e-9,
                   routing_info(fleets[0].simulation.routing)->name))
        return -(int)err->code;
    cJSON *tree = simulation_json(simulations, count);
    int code = print_answer(context, tree, tables, 1, err);
    cJSON_Delete(tree);
    add_notes(context, options, &fleets[0]);
    return !code && options->picture ? draw(context, simulations, count, options->picture, err)
                                     : code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct simulate_options *options = given;
    uint32_t count = options->policies.count ? options->policies.count : 1;
    struct simulated_fleet *fleets = ARENA_ARRAY(context->arena, count, struct simulated_fleet);
    struct simulate_request request;
    struct db *db = NULL;
    if (make_request(context, options, &request, err) ||
        (options->model.model && context_db_open(context, DB_WRITE_IF_ABLE | DB_CREATE, &db, err)))
        return -(int)err->code;
    int code = run_policies(context, options, &request, db, fleets, count, err);
    db_close(db);
    return code ? code : print(context, options, fleets, count, err);
}

/* clang-format off */
#define AT(field) .offset = offsetof(struct simulate_options, field)
static const struct option_row options[] = {
    {.name = "trace", .type = OPTION_TEXT, .metavar = "FILE", AT(trace),
     .help = "recorded requests: CSV (gzip too), arrival time first, as a date or in seconds"},
    {.name = "rate", .letter = 'r', .type = OPTION_NUMBER, .metavar = "PER_SECOND", .min = 0,
     .max = 1e9, AT(rate), .help = "instead of a trace: requests per second, arriving at random"},
    {.name = "requests", .type = OPTION_INT, .metavar = "N", .fallback = "4M", .min = 1,
     .max = 100e6, AT(requests), .help = "how many of them"},
    {.name = "duration", .type = OPTION_DURATION, .metavar = "TIME", AT(duration_ns),
     .help = "or for how long"},
    {.name = "swing", .type = OPTION_NUMBER, .metavar = "SHARE", .fallback = "0", .min = 0,
     .max = 1, AT(swing), .help = "daily rhythm: the rate goes up and down by this share"},
    {.name = "period", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "24h",
     AT(period_ns), .help = "of the rhythm"},
    {.name = "routing", .type = OPTION_CHOICE, .metavar = "HOW", .fallback = "random",
     .choice = routing_choice, AT(routing), .help = "how requests find a replica"},
    {.name = "initial", .letter = 'n', .type = OPTION_INT, .metavar = "N", .fallback = "1",
     .min = 0, .max = 100000, AT(initial), .help = "replicas at the start"},
    {.name = "policy", .letter = 'p', .type = OPTION_WORDS, .metavar = "NAME",
     .choice = policy_choice, AT(policies),
     .help = "what decides how many run; several are compared; default they stay"},
    {.name = "interval", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "15s",
     AT(interval_ns), .help = "between its decisions"},
    {.name = "deadline", .type = OPTION_DURATION, .metavar = "TIME", AT(deadline_ns),
     .help = "a response later than this is a miss"},
    {.name = "attainment", .type = OPTION_NUMBER, .metavar = "SHARE", .fallback = "0.98",
     .min = 0.5, .max = 0.99999, AT(attainment),
     .help = "share of responses that the assay policy wants in time"},
    {.name = "target", .type = OPTION_NUMBER, .metavar = "SHARE", .fallback = "0.7", .min = 0.01,
     .max = 1, AT(target), .help = "utilisation that hpa and keda aim at"},
    {.name = "stabilisation", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "300s",
     AT(stabilisation_ns), .help = "hpa and keda scale down to the most of this time"},
    {.name = "tolerance", .type = OPTION_NUMBER, .metavar = "SHARE", .fallback = "0.1", .min = 0,
     .max = 1, AT(tolerance), .help = "hpa and keda leave smaller differences alone"},
    {.name = "schedule", .type = OPTION_TEXT, .metavar = "FILE", AT(schedule),
     .help = "what the assay policy is told to expect: CSV of a time and requests per second"},
    {.name = "min-replicas", .type = OPTION_INT, .metavar = "N", .fallback = "1", .min = 0,
     .max = 100000, AT(replicas_min), .help = "a policy never goes below"},
    {.name = "max-replicas", .type = OPTION_INT, .metavar = "N", .fallback = "10000", .min = 1,
     .max = 100000, AT(replicas_max), .help = "nor above"},
    {.name = "failures", .type = OPTION_NUMBER, .metavar = "PER_HOUR", .fallback = "0", .min = 0,
     .max = 3600, AT(failures), .help = "of each replica; another one starts in its place"},
    {.name = "picture", .type = OPTION_TEXT, .metavar = "FILE", AT(picture),
     .help = "arrivals and replicas over time, as SVG"},
    {.name = "batch-max", .type = OPTION_INT, .metavar = "N", .fallback = "1", .min = 1,
     .max = SERVICE_BATCH_MAX, AT(batch_max),
     .help = "requests that a replica serves together at most"},
    SERVICE_OPTIONS(struct simulate_options, service),
    MODEL_OPTIONS(struct simulate_options, model),
    PREDICT_OPTIONS(struct simulate_options, predict),
    {0},
};
/* clang-format on */

static const struct argument_row arguments[] = {
    {.name = "MODEL",
     .kind = ARGUMENT_OPTIONAL,
     .offset = offsetof(struct simulate_options, model.model),
     .help = "the model file"},
    {0},
};

static const struct example examples[] = {
    {"assay simulate --service 10ms --rate 800 --initial 10 --routing central",
     "response times of ten replicas"},
    {"assay simulate model.onnx --trace requests.csv.gz --policy assay,hpa,keda --deadline 100ms",
     "three autoscalers on yesterday's requests"},
    {"assay simulate --service 6ms --per-item 1ms --batch-max 8 --rate 400",
     "dynamic batching: the first request takes 6 ms, each further one 1 ms more"},
    {0   },
};

const struct command cmd_simulate = {
    .name = "simulate",
    .summary = "run a fleet of replicas through recorded or random requests, in simulation",
    .description =
        "Simulates request by request: arrivals, routing, batching, service times, cold starts, "
        "failures, and an autoscaler's decisions. Replica hours count replicas from the moment "
        "they are started. A model's service time is the predicted one; the answer is given for "
        "the ends of its interval too.\n\n"
        "A percentile is printed only when there are enough responses for it, with a 95 % interval "
        "where the load is steady.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct simulate_options),
    .run = run,
};
