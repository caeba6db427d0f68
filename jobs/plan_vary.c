#include "jobs/plan_vary.h"

#include "base/units.h"
#include "predictor/capacity/planner.h"
#include "predictor/capacity/replicas.h"

#include <string.h>

static int read_number(const char *text, double *value, struct err *err) {
    if (unit_parse_number(text, value, err))
        return -(int)err->code;
    return *value >= 0 ? 0 : err_set(err, ERR_USAGE, "%s: expected a number from 0 on", text);
}

static int vary_rate(struct arena *arena, const char *text, struct plan *plan, struct err *err) {
    (void)arena;
    return read_number(text, &plan->rate_per_second, err);
}

/* The one target's time; its percentile stays. */
static int vary_slo(struct arena *arena, const char *text, struct plan *plan, struct err *err) {
    uint64_t ns;
    struct slo *targets = ARENA_ARRAY(arena, plan->target_count, struct slo);
    if (plan->target_count != 1)
        return err_set(err, ERR_USAGE, "slo can be varied when there is one target");
    if (unit_parse_duration(text, &ns, err))
        return -(int)err->code;
    targets[0] = (struct slo){plan->targets[0].percentile, (double)ns};
    plan->targets = targets;
    return 0;
}

static int vary_routing(struct arena *arena, const char *text, struct plan *plan, struct err *err) {
    (void)arena;
    plan->routing = routing_by_name(text);
    return plan->routing < ROUTING_COUNT ? 0 : err_set(err, ERR_USAGE, "'%s' is no routing", text);
}

static int vary_spares(struct arena *arena, const char *text, struct plan *plan, struct err *err) {
    (void)arena;
    double spares;
    if (read_number(text, &spares, err))
        return -(int)err->code;
    plan->headroom.spares = spares < 1e6 ? (uint32_t)spares : 1000000;
    return 0;
}

static int vary_growth(struct arena *arena, const char *text, struct plan *plan, struct err *err) {
    (void)arena;
    return read_number(text, &plan->headroom.growth_per_minute, err);
}

static int vary_delay(struct arena *arena, const char *text, struct plan *plan, struct err *err) {
    (void)arena;
    uint64_t ns;
    if (unit_parse_duration(text, &ns, err))
        return -(int)err->code;
    plan->delay_ns = (double)ns;
    return 0;
}

static const struct {
    const char *name, *help;
    int (*apply)(struct arena *arena, const char *text, struct plan *plan, struct err *err);
} rows[] = {
    {"rate",      "requests per second",                             vary_rate   },
    {"slo",       "the target's time",                               vary_slo    },
    {"routing",   "how requests find a replica",                     vary_routing},
    {"spares",    "replicas that may fail at once",                  vary_spares },
    {"growth",    "share by which the rate may grow per minute",     vary_growth },
    {"max-delay", "how long an idle replica waits for a full batch", vary_delay  },
};

enum { ROWS = sizeof rows / sizeof *rows, VALUES_MAX = 256 };

const char *plan_vary_at(uint32_t i, const char **help) {
    *help = i < ROWS ? rows[i].help : "";
    return i < ROWS ? rows[i].name : NULL;
}

static int solve(struct arena *arena, struct plan *plan, struct plan_variant *variant,
                 struct err *err) {
    struct err why = {0};
    const struct plan_option *asked = plan->options;
    plan->options = ARENA_ARRAY(arena, plan->option_count, struct plan_option);
    memcpy(plan->options, asked, plan->option_count * sizeof *asked);
    int rc = planner_solve(arena, plan, NULL, &why);
    if (rc && rc != -ERR_FINDING)
        return err_set(err, why.code, "%s", why.message);
    const struct plan_answer *answer = &plan->high;
    variant->reason = rc ? arena_strdup(arena, why.message) : NULL;
    variant->replicas = answer->replicas;
    variant->threads = plan_choice(plan)->threads;
    variant->batch_max = plan_choice(plan)->batch_max;
    variant->nodes = answer->nodes;
    variant->node_count = answer->node_count;
    variant->usd_per_hour = answer->usd_per_hour;
    variant->utilisation = answer->n.utilisation;
    variant->response_ns = answer->n.response_ns;
    return 0;
}

static int find_row(const char *text, uint32_t *row, const char **values, struct err *err) {
    const char *sign = strchr(text, '=');
    size_t length = sign ? (size_t)(sign - text) : 0;
    for (*row = 0; *row < ROWS; (*row)++)
        if (length && strlen(rows[*row].name) == length &&
            strncmp(rows[*row].name, text, length) == 0) {
            *values = sign + 1;
            return 0;
        }
    err_set(err, ERR_USAGE, "--vary %s: nothing of that name can be varied", text);
    return err_hint(err,
                    "for example --vary rate=500,1000,2000; also slo, routing, spares, growth, "
                    "max-delay");
}

int plan_vary(struct arena *arena, const struct planned *planned, const char *text,
              struct plan_variation *variation, struct err *err) {
    struct plan_variant *variants = ARENA_ARRAY(arena, VALUES_MAX, struct plan_variant);
    const char *values = NULL;
    uint32_t row, count = 0;
    if (find_row(text, &row, &values, err))
        return -(int)err->code;
    for (const char *at = values; at; count++) {
        const char *comma = strchr(at, ',');
        struct plan plan = planned->asked;
        if (count == VALUES_MAX)
            return err_set(err, ERR_USAGE, "--vary %s: more than %d values", text, VALUES_MAX);
        variants[count].value = arena_strndup(arena, at, comma ? (size_t)(comma - at) : strlen(at));
        if (rows[row].apply(arena, variants[count].value, &plan, err))
            return err_prefix(err, "--vary %s", rows[row].name);
        if (solve(arena, &plan, &variants[count], err))
            return -(int)err->code;
        at = comma ? comma + 1 : NULL;
    }
    *variation = (struct plan_variation){rows[row].name, variants, count};
    return 0;
}
