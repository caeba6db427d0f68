#include "predictor/capacity/replicas.h"

#include "base/pairs.h"
#include "base/units.h"
#include "predictor/capacity/mdc.h"

#include <math.h>

static double offered_erlang(const struct service_demand *demand) {
    return demand->rate_per_second * demand->service_ns * 1e-9;
}

static bool target_is_sane(const struct slo *target) {
    return target->percentile > 0 && target->percentile < 100 && target->target_ns > 0;
}

static int check_demand(const struct service_demand *demand, struct err *err) {
    if (!(demand->rate_per_second >= 0) || !isfinite(demand->rate_per_second))
        return err_set(err, ERR_USAGE, "a rate of %g requests per second: expected a number >= 0",
                       demand->rate_per_second);
    if (!(demand->service_ns > 0) || !isfinite(demand->service_ns))
        return err_set(err, ERR_USAGE, "an inference of %g ns: expected a time above 0",
                       demand->service_ns);
    if (demand->target_count == 0)
        return err_set(err, ERR_USAGE, "no response time target: expected one such as p99=50ms");
    for (uint32_t i = 0; i < demand->target_count; i++)
        if (!target_is_sane(&demand->targets[i]))
            return err_set(err, ERR_USAGE,
                           "target p%g=%g ns: expected a percentile between 0 and 100 and a time",
                           demand->targets[i].percentile, demand->targets[i].target_ns);
    return 0;
}

/* The queue that a request sees with n replicas. */
static int open_queue(const struct service_demand *demand, uint64_t n, struct arena *arena,
                      struct mdc *queue, struct err *err) {
    double offered = offered_erlang(demand);
    if (demand->routing == ROUTING_RANDOM)
        return mdc_init(queue, arena, 1, offered / (double)n, err);
    if (n > MDC_SERVERS_MAX)
        return err_set(err, ERR_FINDING, "more than %d replicas would be needed", MDC_SERVERS_MAX);
    return mdc_init(queue, arena, (uint32_t)n, offered, err);
}

static bool target_met(const struct service_demand *demand, const struct mdc *queue,
                       const struct slo *target) {
    double slack = (target->target_ns - demand->service_ns) / demand->service_ns;
    /* A relative 1e-9 forgives rounding where the answer is an equality, as at wait 0. */
    return mdc_wait_exceeds(queue, slack) <= (1 - target->percentile / 100) * (1 + 1e-9);
}

static void fill_level(const struct service_demand *demand, const struct mdc *queue,
                       struct service_level *level) {
    double service = demand->service_ns, worst = -1;
    level->meets = true;
    level->response_p50_ns = service * mdc_response_quantile(queue, 0.50);
    level->response_p99_ns = service * mdc_response_quantile(queue, 0.99);
    for (uint32_t i = 0; i < demand->target_count; i++) {
        const struct slo *target = &demand->targets[i];
        double response = service * mdc_response_quantile(queue, target->percentile / 100);
        level->meets = level->meets && target_met(demand, queue, target);
        if (response / target->target_ns > worst) {
            worst = response / target->target_ns;
            level->response_ns = response;
            level->percentile = target->percentile;
            level->target_ns = target->target_ns;
        }
    }
}

int replicas_evaluate(const struct service_demand *demand, uint64_t n, struct service_level *level,
                      struct err *err) {
    *level = (struct service_level){.replicas = n};
    int rc = check_demand(demand, err);
    if (rc || n == 0)
        return rc ? rc : err_set(err, ERR_USAGE, "0 replicas serve nobody");
    level->utilisation = offered_erlang(demand) / (double)n;
    if (level->utilisation >= 1) {
        level->response_p50_ns = level->response_p99_ns = level->response_ns = INFINITY;
        level->percentile = demand->targets[0].percentile;
        level->target_ns = demand->targets[0].target_ns;
        return 0;
    }
    struct arena arena;
    struct mdc queue;
    arena_init(&arena);
    rc = open_queue(demand, n, &arena, &queue, err);
    if (!rc)
        fill_level(demand, &queue, level);
    arena_done(&arena);
    return rc;
}

/* Only yes or no: no quantiles are searched. */
static int meets_all(const struct service_demand *demand, uint64_t n, bool *meets,
                     struct err *err) {
    *meets = false;
    if (offered_erlang(demand) >= (double)n)
        return 0;
    struct arena arena;
    struct mdc queue;
    arena_init(&arena);
    int rc = open_queue(demand, n, &arena, &queue, err);
    *meets = rc == 0;
    for (uint32_t i = 0; *meets && i < demand->target_count; i++)
        *meets = target_met(demand, &queue, &demand->targets[i]);
    arena_done(&arena);
    return rc;
}

static int refuse_when_hopeless(const struct service_demand *demand, struct err *err) {
    char service[UNIT_TEXT_SIZE], target[UNIT_TEXT_SIZE];
    for (uint32_t i = 0; i < demand->target_count; i++) {
        if (demand->service_ns <= demand->targets[i].target_ns)
            continue;
        unit_format(service, demand->service_ns, UNIT_NS);
        unit_format(target, demand->targets[i].target_ns, UNIT_NS);
        const char *note = demand->service_is ? demand->service_is : "";
        err_set(
            err, ERR_FINDING,
            "one inference takes %s%s%s%s, more than the %s target: no number of replicas helps",
            service, note[0] ? " (" : "", note, note[0] ? ")" : "", target);
        return err_hint(err, "give a replica more threads, choose a smaller model or a later "
                             "target");
    }
    return 0;
}

/* The first n in (fails, ..] that meets: doubling steps, then halves. */
static int search(const struct service_demand *demand, uint64_t fails, uint64_t *found,
                  struct err *err) {
    uint64_t step = 1, passes = 0;
    while (!passes) {
        bool meets;
        int rc = meets_all(demand, fails + step, &meets, err);
        if (rc)
            return rc;
        if (meets)
            passes = fails + step;
        else
            fails += step, step *= 2;
    }
    while (passes - fails > 1) {
        uint64_t middle = fails + (passes - fails) / 2;
        bool meets;
        int rc = meets_all(demand, middle, &meets, err);
        if (rc)
            return rc;
        if (meets)
            passes = middle;
        else
            fails = middle;
    }
    *found = passes;
    return 0;
}

int replicas_find(const struct service_demand *demand, struct service_level *n,
                  struct service_level *less, struct err *err) {
    *n = *less = (struct service_level){0};
    int rc = check_demand(demand, err);
    if (!rc)
        rc = refuse_when_hopeless(demand, err);
    if (rc)
        return rc;
    /* With so many replicas as keep them busy all the time the queue has no steady state. */
    double fails = floor(offered_erlang(demand));
    if (fails >= 1e15)
        return err_set(err, ERR_FINDING, "%g requests per second keep %g replicas busy",
                       demand->rate_per_second, fails);
    uint64_t found;
    rc = search(demand, (uint64_t)fails, &found, err);
    if (!rc)
        rc = replicas_evaluate(demand, found, n, err);
    if (!rc && found > 1)
        rc = replicas_evaluate(demand, found - 1, less, err);
    return rc;
}

static int parse_target(const struct pair *pair, struct slo *target, struct err *err) {
    uint64_t ns = 0;
    double percentile = 0;
    struct err not_a_number = {0};
    if (pair->key[0] != 'p' || unit_parse_number(pair->key + 1, &percentile, &not_a_number) ||
        percentile <= 0 || percentile >= 100)
        return err_set(err, ERR_USAGE,
                       "\"%s\" is no percentile: expected p above 0 and below 100, as in p99=50ms",
                       pair->key);
    int rc = unit_parse_duration(pair->value, &ns, err);
    if (rc)
        return err_prefix(err, "target of %s", pair->key);
    if (ns == 0)
        return err_set(err, ERR_USAGE, "target of %s: 0 cannot be met", pair->key);
    *target = (struct slo){percentile, (double)ns};
    return 0;
}

int slo_parse(struct arena *arena, const char *text, const struct slo **targets, uint32_t *count,
              struct err *err) {
    struct pairs pairs;
    int rc = pairs_parse(arena, text, &pairs, err);
    if (rc)
        return err_hint(err, "a target looks like p99=50ms");
    struct slo *list = ARENA_ARRAY(arena, pairs.count, struct slo);
    for (uint32_t i = 0; !rc && i < pairs.count; i++)
        rc = parse_target(&pairs.items[i], &list[i], err);
    *targets = list;
    *count = pairs.count;
    return rc;
}
