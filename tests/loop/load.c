/* Loads HTTP replicas on this machine and tells response times as JSON.
 *   load --ports P[,P...] --rate PER_SECOND [--requests N | --duration S] [--warm-up N]
 *        [--routing NAME] [--seed N] [--connections N] [--patience S]
 * Exit codes: 0; 1 when the generator could not keep its own schedule, or answers are missing;
 * others as assay's. docs/loop.md says what the keys mean. */
#include "base/json.h"
#include "base/stats.h"
#include "tests/loop/generator.h"
#include "tests/loop/percentile.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct options {
    struct load load;
    double duration_s; /* 0: requests say how many */
    uint32_t warm_up;
};

/* ---- options --------------------------------------------------------------------------------- */

static int parse_ports(struct load *load, const char *text, struct err *err) {
    load->replicas = 0;
    for (const char *at = text; *at;) {
        char *end;
        unsigned long port = strtoul(at, &end, 10);
        if (end == at || port == 0 || port > 65535 || (*end && *end != ','))
            return err_set(err, ERR_USAGE, "--ports: expected 8001,8002, got '%s'", text);
        if (load->replicas == REPLICAS_MOST)
            return err_set(err, ERR_USAGE, "--ports: more than %d", REPLICAS_MOST);
        load->ports[load->replicas++] = (uint16_t)port;
        at = *end ? end + 1 : end;
    }
    return 0;
}

static int parse_number(const char *name, const char *text, double low, double high, double *value,
                        struct err *err) {
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= low && *value <= high))
        return err_set(err, ERR_USAGE, "--%s: expected %g to %g, got '%s'", name, low, high, text);
    return 0;
}

static const struct option names[] = {
    {"ports",       required_argument, NULL, 'p'},
    {"rate",        required_argument, NULL, 'r'},
    {"requests",    required_argument, NULL, 'n'},
    {"duration",    required_argument, NULL, 'd'},
    {"warm-up",     required_argument, NULL, 'w'},
    {"routing",     required_argument, NULL, 'R'},
    {"seed",        required_argument, NULL, 's'},
    {"connections", required_argument, NULL, 'c'},
    {"patience",    required_argument, NULL, 'P'},
    {NULL,          0,                 NULL, 0  },
};

static int parse_option(struct options *options, int letter, const char *name, struct err *err) {
    double value = 0;
    int code = 0;
    switch (letter) {
    case 'p':
        return parse_ports(&options->load, optarg, err);
    case 'R':
        options->load.routing = optarg;
        return 0;
    case 'r':
        return parse_number(name, optarg, 0.001, 1e6, &options->load.rate_per_second, err);
    case 'd':
        return parse_number(name, optarg, 0.1, 86400, &options->duration_s, err);
    case 'P':
        return parse_number(name, optarg, 0, 86400, &options->load.patience_s, err);
    case 'n':
        code = parse_number(name, optarg, 1, 1e8, &value, err);
        options->load.requests = (uint32_t)value;
        return code;
    case 'w':
        code = parse_number(name, optarg, 0, 1e8, &value, err);
        options->warm_up = (uint32_t)value;
        return code;
    case 's':
        code = parse_number(name, optarg, 0, 9007199254740991.0, &value, err);
        options->load.seed = (uint64_t)value;
        return code;
    case 'c':
        code = parse_number(name, optarg, 1, 4096, &value, err);
        options->load.connections = (unsigned)value;
        return code;
    default:
        return err_set(err, ERR_USAGE, "see the head of tests/loop/load.c for options");
    }
}

static int parse(int argc, char **argv, struct options *options, struct err *err) {
    int letter, at = 0;
    while ((letter = getopt_long(argc, argv, "", names, &at)) != -1)
        if (parse_option(options, letter, names[at].name, err))
            return -(int)err->code;
    if (options->load.replicas == 0 || options->load.rate_per_second == 0 || optind != argc)
        return err_set(err, ERR_USAGE, "--ports and --rate are needed");
    if (options->duration_s > 0)
        options->load.requests =
            (uint32_t)ceil(options->duration_s * options->load.rate_per_second);
    options->load.requests += options->warm_up;
    return 0;
}

/* ---- what came out --------------------------------------------------------------------------- */

/* Of the requests after the warm-up, in the order they were due; arrays of `count`. */
struct judged {
    size_t count, missing, timed; /* timed: with the server's own time */
    double *response_ns, *round_trip_ns, *lateness_ns, *service_ns, *replayed_ns;
    double cpu_ns; /* mean of the server's own; NaN without it */
    /* Service of requests that found their replica idle and of those that waited: pauses cool
     * caches, so that these differ and a queue is shorter than the mean service makes it. */
    double after_pause_ns, after_another_ns;
    double offered_per_second, achieved_per_second, utilisation;
};

/* One without an answer has taken at least until the end. */
static void judge_one(struct judged *judged, const struct request *request, int64_t end_ns) {
    size_t i = judged->count++;
    int64_t done_ns = request->done_ns ? request->done_ns : end_ns;
    judged->response_ns[i] = (double)(done_ns - request->due_ns);
    judged->lateness_ns[i] = (double)(request->seen_ns - request->due_ns);
    if (request->done_ns)
        judged->round_trip_ns[i - judged->missing] = (double)(done_ns - request->sent_ns);
    else
        judged->missing++;
    judged->cpu_ns += request->service_cpu_us * 1e3;
    if (!isnan(request->service_us))
        judged->service_ns[judged->timed++] = request->service_us * 1e3;
}

/* What responses would have been had requests waited for nothing but one another: the same
 * arrivals, the same replicas and the server's own times, first in, first out. What a measured
 * response is longer by is HTTP, and waiting for the CPU. */
static double replay_one(const struct load *load, double *free_ns, const struct request *request) {
    unsigned replica = request->replica;
    if (strcmp(load->routing, "central") == 0)
        for (unsigned i = replica = 0; i < load->replicas; i++)
            replica = free_ns[i] < free_ns[replica] ? i : replica;
    double start_ns = fmax((double)request->due_ns, free_ns[replica]);
    double service_ns = isnan(request->service_us) ? 0 : request->service_us * 1e3;
    free_ns[replica] = start_ns + service_ns;
    return free_ns[replica] - (double)request->due_ns;
}

static void replay(const struct options *options, const struct request *requests,
                   struct judged *judged) {
    double free_ns[REPLICAS_MOST] = {0}, sums[2] = {0};
    uint32_t counts[2] = {0};
    for (uint32_t r = 0; r < options->load.requests; r++) {
        double response_ns = replay_one(&options->load, free_ns, &requests[r]);
        double service_ns = requests[r].service_us * 1e3;
        if (r < options->warm_up || isnan(service_ns))
            continue;
        judged->replayed_ns[r - options->warm_up] = response_ns;
        bool waited = response_ns > service_ns * 1.001;
        sums[waited] += service_ns;
        counts[waited]++;
    }
    judged->after_pause_ns = sums[0] / counts[0];
    judged->after_another_ns = sums[1] / counts[1];
}

static struct judged judge(struct arena *arena, const struct options *options,
                           const struct request *requests, int64_t end_ns) {
    uint32_t from = options->warm_up, all = options->load.requests, most = all - from;
    struct judged judged = {
        .response_ns = ARENA_ARRAY(arena, most, double),
        .round_trip_ns = ARENA_ARRAY(arena, most, double),
        .lateness_ns = ARENA_ARRAY(arena, most, double),
        .service_ns = ARENA_ARRAY(arena, most, double),
        .replayed_ns = ARENA_ARRAY(arena, most, double),
    };
    for (uint32_t r = from; r < all; r++)
        judge_one(&judged, &requests[r], end_ns);
    judged.cpu_ns /= (double)judged.count;
    replay(options, requests, &judged);
    double began_s = from ? (double)requests[from - 1].due_ns * 1e-9 : 0;
    double seconds = (double)requests[all - 1].due_ns * 1e-9 - began_s;
    double until_s = (double)end_ns * 1e-9 - began_s;
    judged.offered_per_second = (double)judged.count / seconds;
    judged.achieved_per_second = (double)(judged.count - judged.missing) / until_s;
    double busy_s = stats_mean(judged.service_ns, judged.timed) * (double)judged.timed * 1e-9;
    judged.utilisation = busy_s / until_s / options->load.replicas;
    return judged;
}

static void add_percentile(cJSON *object, const char *name, const double *values, size_t count,
                           double q) {
    struct percentile p = percentile_of(values, count, q);
    cJSON *json = json_add_object(object, name);
    json_add_number(json, "value", p.value);
    json_add_number(json, "low", p.low);
    json_add_number(json, "high", p.high);
}

static void add_times(cJSON *parent, const char *name, const double *values, size_t count) {
    cJSON *object = json_add_object(parent, name);
    json_add_number(object, "mean", count ? stats_mean(values, count) : NAN);
    add_percentile(object, "p50", values, count, 0.5);
    add_percentile(object, "p99", values, count, 0.99);
    json_add_number(object, "max", count ? stats_quantile(values, count, 1) : NAN);
}

/* Variance over the mean squared. */
static double scv_of(const double *values, size_t count) {
    double mean = stats_mean(values, count), squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return squares / (double)count / (mean * mean);
}

/* Kept: the generator itself was late by less than a tenth of the median response, 99 of 100
 * times. */
static bool kept_schedule(const struct judged *judged) {
    return stats_quantile(judged->lateness_ns, judged->count, 0.99) <=
           stats_median(judged->response_ns, judged->count) / 10;
}

static cJSON *report(const struct options *options, const struct judged *judged, int64_t end_ns) {
    cJSON *json = json_object();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    json_add_int(json, "schema", 1);
    json_add_text(json, "routing", options->load.routing);
    json_add_uint(json, "replicas", options->load.replicas);
    json_add_number(json, "rate_per_second", options->load.rate_per_second);
    json_add_uint(json, "seed", options->load.seed);
    json_add_uint(json, "requests", judged->count);
    json_add_uint(json, "warm_up", options->warm_up);
    json_add_uint(json, "missing", judged->missing);
    json_add_number(json, "duration_s", (double)end_ns * 1e-9);
    json_add_number(json, "offered_per_second", judged->offered_per_second);
    json_add_number(json, "achieved_per_second", judged->achieved_per_second);
    json_add_number(json, "utilisation", judged->utilisation);
    add_times(json, "response_ns", judged->response_ns, judged->count);
    add_times(json, "round_trip_ns", judged->round_trip_ns, judged->count - judged->missing);
    add_times(json, "service_ns", judged->service_ns, judged->timed);
    json_add_number(json, "service_scv",
                    judged->timed ? scv_of(judged->service_ns, judged->timed) : NAN);
    json_add_number(json, "service_cpu_ns", judged->cpu_ns);
    json_add_number(json, "service_after_pause_ns", judged->after_pause_ns);
    json_add_number(json, "service_after_another_ns", judged->after_another_ns);
    add_times(json, "replayed_ns", judged->replayed_ns, judged->timed ? judged->count : 0);
    add_times(json, "lateness_ns", judged->lateness_ns, judged->count);
    json_add_bool(json, "kept_schedule", kept_schedule(judged));
    json_add_number(json, "generator_cpus", cpu_s / ((double)end_ns * 1e-9));
    return json;
}

static int conclude(const struct judged *judged, struct err *err) {
    if (judged->missing)
        return err_set(err, ERR_FINDING, "%zu of %zu requests were not answered", judged->missing,
                       judged->count);
    if (!kept_schedule(judged))
        return err_set(err, ERR_FINDING,
                       "the generator was late itself: its response times are too long");
    return 0;
}

static int run(struct arena *arena, const struct options *options, struct err *err) {
    struct request *requests;
    int64_t end_ns;
    if (load_generate(arena, &options->load, &requests, &end_ns, err))
        return -(int)err->code;
    struct judged judged = judge(arena, options, requests, end_ns);
    cJSON *json = report(options, &judged, end_ns);
    struct strbuf text;
    strbuf_init(&text);
    json_print(json, true, &text);
    puts(text.text);
    strbuf_done(&text);
    cJSON_Delete(json);
    return conclude(&judged, err);
}

int main(int argc, char **argv) {
    struct options options = {
        .load = {.routing = "random",
                 .requests = 5000,
                 .connections = 256,
                 .patience_s = 10,
                 .seed = 1},
    };
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    if (parse(argc, argv, &options, &err) == 0)
        run(&arena, &options, &err);
    if (err.code)
        fprintf(stderr, "load: %s\n", err.message);
    arena_done(&arena);
    return (int)err.code;
}
