#include "reports/simulation_text.h"

#include "reports/estimate_json.h"

#include <math.h>

enum { SIMULATION_SCHEMA = 1 };

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_interval(cJSON *parent, const char *key, const struct simulated_time *time) {
    const double ends[] = {time->low_ns, time->high_ns};
    if (isnan(time->low_ns))
        json_add_null(parent, key);
    else
        json_add_numbers(parent, key, ends, 2);
}

static void add_outcome(cJSON *parent, const struct simulated *result) {
    json_add_number(parent, "replica_hours", result->replica_hours);
    json_add_number(parent, "slo_attainment", result->slo_attainment);
    cJSON *response = json_add_object(parent, "response_ns");
    json_add_number(response, "mean", result->mean.value_ns);
    json_add_number(response, "p50", result->p50.value_ns);
    json_add_number(response, "p99", result->p99.value_ns);
    json_add_uint(response, "counted", result->counted);
    cJSON *intervals = json_add_object(response, "intervals");
    add_interval(intervals, "mean", &result->mean);
    add_interval(intervals, "p50", &result->p50);
    add_interval(intervals, "p99", &result->p99);
    cJSON *replicas = json_add_object(parent, "replicas");
    json_add_number(replicas, "mean", result->replicas_mean);
    json_add_uint(replicas, "max", result->replicas_max);
}

static void add_end(cJSON *parent, const char *key, const struct simulation *simulation,
                    const struct simulated *result) {
    if (simulation->uncertain)
        add_outcome(json_add_object(parent, key), result);
    else
        json_add_null(parent, key);
}

static void add_service(cJSON *parent, const struct service *service) {
    const struct batch_time *one = &service->batches[0];
    const struct estimate estimate = {one->value_ns, one->low_ns, one->high_ns, service->tier,
                                      service->evidence};
    report_add_estimate(parent, "service_ns", &estimate);
    json_add_uint(parent, "batch_max", service->batch_max);
    json_add_number(parent, "cold_start_ns", service->cold_start_ns.value);
}

static void add_simulation(cJSON *parent, const struct simulation *simulation) {
    const struct simulated *result = &simulation->result;
    json_add_text(parent, "model", simulation->service.model);
    json_add_text(parent, "policy", simulation->policy);
    json_add_text(parent, "routing", routing_info(simulation->routing)->name);
    add_service(parent, &simulation->service);
    json_add_number(parent, "deadline_ns", simulation->deadline_ns);
    json_add_uint(parent, "requests", result->requests);
    json_add_uint(parent, "failed", result->failed);
    json_add_number(parent, "span_ns", result->span_ns);
    add_outcome(parent, result);
    json_add_number(parent, "utilisation", result->utilisation);
    json_add_number(parent, "batch_mean", result->batch_mean);
    json_add_uint(parent, "cold_starts", result->cold_starts);
    json_add_uint(parent, "failures", result->failures);
    add_end(parent, "at_service_low", simulation, &simulation->quicker);
    add_end(parent, "at_service_high", simulation, &simulation->slower);
}

cJSON *simulation_json(const struct simulation *const *simulations, uint32_t count) {
    cJSON *root = json_object();
    json_add_int(root, "schema", SIMULATION_SCHEMA);
    if (count == 1) {
        add_simulation(root, simulations[0]);
        return root;
    }
    cJSON *list = json_add_array(root, "policies");
    for (uint32_t i = 0; i < count; i++)
        add_simulation(json_add_object(list, NULL), simulations[i]);
    return root;
}

/* ---- tables ---------------------------------------------------------------------------------- */

enum { POLICY, HOURS, ATTAINED, P50, P99, MEAN, MOST, BUSY, STARTS, COLUMNS };

static const char *range(struct arena *arena, const struct simulated_time *time) {
    char value[UNIT_TEXT_SIZE], low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    unit_format(value, time->value_ns, UNIT_NS);
    if (isnan(time->low_ns))
        return arena_strdup(arena, value);
    return arena_printf(arena, "%s (%s to %s)", value, unit_format(low, time->low_ns, UNIT_NS),
                        unit_format(high, time->high_ns, UNIT_NS));
}

static void add_row(struct arena *arena, struct table *table, const char *name,
                    const struct simulated *result) {
    table_row(table);
    table_text(table, POLICY, name);
    table_number(table, HOURS, result->replica_hours);
    table_number(table, ATTAINED, result->slo_attainment);
    table_text(table, P50, range(arena, &result->p50));
    table_text(table, P99, range(arena, &result->p99));
    table_number(table, MEAN, result->replicas_mean);
    table_int(table, MOST, result->replicas_max);
    table_number(table, BUSY, result->utilisation);
    table_int(table, STARTS, (int64_t)result->cold_starts);
}

void simulation_table(struct arena *arena, const struct simulation *const *simulations,
                      uint32_t count, struct table *table) {
    static const struct table_column columns[COLUMNS] = {
        [POLICY] = {"policy",          "Policy",        UNIT_PLAIN,    TABLE_LEFT },
        [HOURS] = {"replica_hours",   "Replica hours", UNIT_PLAIN,    TABLE_RIGHT},
        [ATTAINED] = {"slo_attainment",  "In time",       UNIT_FRACTION, TABLE_RIGHT},
        [P50] = {"response_p50_ns", "Response p50",  UNIT_PLAIN,    TABLE_RIGHT},
        [P99] = {"response_p99_ns", "Response p99",  UNIT_PLAIN,    TABLE_RIGHT},
        [MEAN] = {"replicas_mean",   "Replicas",      UNIT_PLAIN,    TABLE_RIGHT},
        [MOST] = {"replicas_max",    "At most",       UNIT_COUNT,    TABLE_RIGHT},
        [BUSY] = {"utilisation",     "Utilisation",   UNIT_FRACTION, TABLE_RIGHT},
        [STARTS] = {"cold_starts",     "Cold starts",   UNIT_COUNT,    TABLE_RIGHT},
    };
    table_init(table, arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        const struct simulation *simulation = simulations[i];
        add_row(arena, table, simulation->policy, &simulation->result);
        if (!simulation->uncertain)
            continue;
        add_row(arena, table, arena_printf(arena, "%s, quickest service", simulation->policy),
                &simulation->quicker);
        add_row(arena, table, arena_printf(arena, "%s, slowest service", simulation->policy),
                &simulation->slower);
    }
}

enum { AT, RATE, READY, STARTING, WAITING, UTILISATION, MOMENT_COLUMNS };

void simulation_moments_table(struct arena *arena, const struct simulation *simulation,
                              struct table *table) {
    static const struct table_column columns[MOMENT_COLUMNS] = {
        [AT] = {"at_ns",               "After",            UNIT_NS,       TABLE_RIGHT},
        [RATE] = {"arrivals_per_second", "Requests/s",       UNIT_PLAIN,    TABLE_RIGHT},
        [READY] = {"ready",               "Ready",            UNIT_COUNT,    TABLE_RIGHT},
        [STARTING] = {"starting",            "Starting",         UNIT_COUNT,    TABLE_RIGHT},
        [WAITING] = {"waiting",             "Requests waiting", UNIT_COUNT,    TABLE_RIGHT},
        [UTILISATION] = {"utilisation",         "Utilisation",      UNIT_FRACTION, TABLE_RIGHT},
    };
    table_init(table, arena, "", columns, MOMENT_COLUMNS);
    for (uint32_t i = 0; i < simulation->result.moment_count; i++) {
        const struct fleet_moment *moment = &simulation->result.moments[i];
        table_row(table);
        table_number(table, AT, moment->at_ns);
        table_number(table, RATE, moment->arrivals_per_second);
        table_int(table, READY, moment->ready);
        table_int(table, STARTING, moment->starting);
        table_int(table, WAITING, moment->waiting);
        table_number(table, UTILISATION, moment->utilisation);
    }
}
