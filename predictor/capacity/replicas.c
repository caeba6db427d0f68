#include "predictor/capacity/replicas.h"

#include "base/pairs.h"
#include "base/units.h"

#include <math.h>

enum { SEARCH_REQUESTS = 200000, ANSWER_REQUESTS = 1000000 };

static bool target_is_sane(const struct slo *target) {
    return target->percentile > 0 && target->percentile < 100 && target->target_ns > 0;
}

static int check_demand(const struct service_demand *demand, struct err *err) {
    double rate = demand->load.rate_per_second;
    if (!(rate >= 0) || !isfinite(rate))
        return err_set(err, ERR_USAGE, "a rate of %g requests per second: expected a number >= 0",
                       rate);
    if (demand->target_count == 0)
        return err_set(err, ERR_USAGE, "no response time target: expected one such as p99=50ms");
    for (uint32_t i = 0; i < demand->target_count; i++)
        if (!target_is_sane(&demand->targets[i]))
            return err_set(err, ERR_USAGE,
                           "target p%g=%g ns: expected a percentile between 0 and 100 and a time",
                           demand->targets[i].percentile, demand->targets[i].target_ns);
    return 0;
}

static void fill_level(const struct service_demand *demand, const struct queue *queue,
                       struct service_level *level) {
    double worst = -1;
    level->meets = true;
    level->method = queue->method;
    level->response_mean_ns = queue_mean_response(queue);
    level->response_p50_ns = queue_response(queue, 0.50).value_ns;
    level->response_p99_ns = queue_response(queue, 0.99).value_ns;
    for (uint32_t i = 0; i < demand->target_count; i++) {
        const struct slo *target = &demand->targets[i];
        double response = queue_response(queue, target->percentile / 100).value_ns;
        level->meets =
            level->meets && queue_meets(queue, target->percentile / 100, target->target_ns);
        if (response / target->target_ns > worst) {
            worst = response / target->target_ns;
            level->response_ns = response;
            level->percentile = target->percentile;
            level->target_ns = target->target_ns;
        }
    }
}

/* Nobody waits where nobody comes. */
static void fill_idle(const struct service_demand *demand, struct service_level *level) {
    double service_ns = demand->load.service.batch_ns[0];
    level->meets = true;
    level->response_mean_ns = level->response_p50_ns = service_ns;
    level->response_p99_ns = level->response_ns = service_ns;
    level->percentile = demand->targets[0].percentile;
    level->target_ns = demand->targets[0].target_ns;
    for (uint32_t i = 0; i < demand->target_count; i++)
        level->meets = level->meets && service_ns <= demand->targets[i].target_ns;
}

static int evaluate(const struct service_demand *demand, uint64_t n, uint64_t requests,
                    struct service_level *level, struct err *err) {
    double offered = queue_offered(&demand->load);
    *level = (struct service_level){
        .replicas = n,
        .utilisation = offered / (double)n,
        .simulated_ns = NAN,
        .simulated_low_ns = NAN,
        .simulated_high_ns = NAN,
    };
    if (level->utilisation >= 1) {
        level->response_mean_ns = level->response_p50_ns = INFINITY;
        level->response_p99_ns = level->response_ns = INFINITY;
        level->percentile = demand->targets[0].percentile;
        level->target_ns = demand->targets[0].target_ns;
        return 0;
    }
    if (offered == 0) {
        fill_idle(demand, level);
        return 0;
    }
    struct arena arena;
    struct queue queue;
    arena_init(&arena);
    int rc = queue_open(&queue, &arena, &demand->load, n, requests, err);
    if (!rc)
        fill_level(demand, &queue, level);
    queue_close(&queue);
    arena_done(&arena);
    return rc;
}

int replicas_evaluate(const struct service_demand *demand, uint64_t n, struct service_level *level,
                      struct err *err) {
    *level = (struct service_level){0};
    int rc = check_demand(demand, err);
    if (rc || n == 0)
        return rc ? rc : err_set(err, ERR_USAGE, "0 replicas serve nobody");
    return evaluate(demand, n, ANSWER_REQUESTS, level, err);
}

int replicas_prove(const struct service_demand *demand, uint64_t requests,
                   struct service_level *level, struct err *err) {
    double share = level->percentile / 100;
    struct simulated_time response;
    if (level->replicas == 0 || level->utilisation >= 1 || level->utilisation <= 0)
        return 0;
    if (queue_simulate(&demand->load, level->replicas, requests, &share, 1, &response, err))
        return -(int)err->code;
    level->simulated_ns = response.value_ns;
    level->simulated_low_ns = response.low_ns;
    level->simulated_high_ns = response.high_ns;
    return 0;
}

/* Only yes or no: no quantiles are searched. */
static int meets_all(const struct service_demand *demand, uint64_t n, bool *meets,
                     struct err *err) {
    *meets = false;
    double offered = queue_offered(&demand->load);
    if (offered == 0)
        *meets = true;
    if (offered >= (double)n || offered == 0)
        return 0;
    struct arena arena;
    struct queue queue;
    arena_init(&arena);
    int rc = queue_open(&queue, &arena, &demand->load, n, SEARCH_REQUESTS, err);
    *meets = rc == 0;
    for (uint32_t i = 0; *meets && i < demand->target_count; i++)
        *meets =
            queue_meets(&queue, demand->targets[i].percentile / 100, demand->targets[i].target_ns);
    queue_close(&queue);
    arena_done(&arena);
    return rc;
}

static int refuse_when_hopeless(const struct service_demand *demand, struct err *err) {
    char service[UNIT_TEXT_SIZE], target[UNIT_TEXT_SIZE];
    for (uint32_t i = 0; i < demand->target_count; i++) {
        double service_ns = demand->load.service.batch_ns[0] + demand->load.delay_ns;
        if (service_ns <= demand->targets[i].target_ns)
            continue;
        unit_format(service, service_ns, UNIT_NS);
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

/* The search asks short simulations; longer ones may move its answer by a replica or two. */
static int settle(const struct service_demand *demand, uint64_t found, struct service_level *n,
                  struct service_level *less, struct err *err) {
    int rc = replicas_evaluate(demand, found, n, err);
    while (!rc && !n->meets) {
        *less = *n;
        rc = replicas_evaluate(demand, ++found, n, err);
    }
    while (!rc && found > 1 && less->replicas != found - 1) {
        rc = replicas_evaluate(demand, found - 1, less, err);
        if (rc || !less->meets)
            break;
        *n = *less;
        found--;
    }
    return rc;
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
    double fails = floor(queue_offered(&demand->load));
    if (fails >= 1e15)
        return err_set(err, ERR_FINDING, "%g requests per second keep %g replicas busy",
                       demand->load.rate_per_second, fails);
    uint64_t found;
    rc = search(demand, (uint64_t)fails, &found, err);
    return rc ? rc : settle(demand, found, n, less, err);
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
