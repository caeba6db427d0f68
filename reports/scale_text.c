#include "reports/scale_text.h"

#include "reports/estimate_json.h"

enum { SCALE_SCHEMA = 1 };

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_count(cJSON *object, const char *key, int64_t count) {
    if (count)
        json_add_int(object, key, count);
    else
        json_add_null(object, key);
}

static void add_configuration(cJSON *list, const struct scaling *scaling, uint32_t i) {
    const struct scale_row *row = &scaling->rows[i];
    cJSON *object = json_add_object(list, NULL);
    add_count(object, "batch", row->batch);
    add_count(object, "threads", row->threads);
    add_count(object, "replicas", row->replicas);
    report_add_estimate(object, "latency_ns", &row->latency_ns);
    report_add_estimate(object, "slowdown", &row->slowdown);
    report_add_estimate(object, "inferences_per_second", &row->per_second);
    report_add_estimate(object, "inferences_per_second_all", &row->per_second_all);
    json_add_number(object, "memory_bound_share", row->memory_share);
    report_add_estimate(object, "peak_memory_bytes", &row->peak_memory_bytes);
    json_add_number(object, "peak_memory_all_bytes", row->replicas * row->peak_memory_bytes.value);
    cJSON *upper = json_add_object(object, "peak_memory_upper");
    json_add_number(upper, "confidence", row->peak_memory_upper.confidence);
    json_add_number(upper, "value", row->peak_memory_upper.value);
    json_add_number(object, "peak_memory_upper_all_bytes",
                    row->replicas * row->peak_memory_upper.value);
    json_add_bool(object, "best_throughput", scaling->best_throughput == (int32_t)i);
    json_add_bool(object, "best_latency", scaling->best_latency == (int32_t)i);
    json_add_text(object, "refused", row->why);
}

static void add_place(cJSON *root, const char *key, int32_t place) {
    if (place >= 0)
        json_add_int(root, key, place);
    else
        json_add_null(root, key);
}

cJSON *scale_json(const struct scaling *scaling) {
    cJSON *root = json_object();
    json_add_int(root, "schema", SCALE_SCHEMA);
    json_add_text(root, "model", scaling->model);
    json_add_text(root, "machine", scaling->machine);
    cJSON *runtime = json_add_object(root, "runtime");
    json_add_text(runtime, "name", scaling->runtime);
    json_add_text(runtime, "version", scaling->runtime_version);
    json_add_uint(root, "cpus", scaling->cpus);
    cJSON *list = json_add_array(root, "configurations");
    for (uint32_t i = 0; i < scaling->row_count; i++)
        add_configuration(list, scaling, i);
    add_place(root, "best_throughput", scaling->best_throughput);
    add_place(root, "best_latency", scaling->best_latency);
    cJSON *warnings = json_add_array(root, "warnings");
    for (uint32_t i = 0; i < scaling->warning_count; i++)
        json_add_text(warnings, NULL, scaling->warnings[i]);
    return root;
}

/* ---- tables ---------------------------------------------------------------------------------- */

enum { BATCH, THREADS, REPLICAS, LATENCY, SLOWDOWN, RATE, RATE_ALL, PEAK, PEAK_ALL, BEST, COLUMNS };

static void add_estimate(struct table *table, uint32_t column, const struct estimate *estimate) {
    struct json_estimate json = report_estimate(estimate);
    table_estimate(table, column, &json);
}

static const char *best_text(const struct scaling *scaling, uint32_t i) {
    bool throughput = scaling->best_throughput == (int32_t)i;
    bool latency = scaling->best_latency == (int32_t)i;
    return throughput && latency ? "throughput, latency"
           : throughput          ? "throughput"
           : latency             ? "latency"
                                 : "";
}

void scale_table(struct arena *arena, const struct scaling *scaling, struct table *table) {
    static const struct table_column columns[COLUMNS] = {
        [BATCH] = {"batch",                     "Batch",       UNIT_PLAIN, TABLE_RIGHT},
        [THREADS] = {"threads",                   "Threads",     UNIT_PLAIN, TABLE_RIGHT},
        [REPLICAS] = {"replicas",                  "Replicas",    UNIT_PLAIN, TABLE_RIGHT},
        [LATENCY] = {"latency_ns",                "Latency",     UNIT_NS,    TABLE_RIGHT},
        [SLOWDOWN] = {"slowdown",                  "Slow-down",   UNIT_PLAIN, TABLE_RIGHT},
        [RATE] = {"inferences_per_second",     "One replica", UNIT_PER_S, TABLE_RIGHT},
        [RATE_ALL] = {"inferences_per_second_all", "All",         UNIT_PER_S, TABLE_RIGHT},
        [PEAK] = {"peak_memory_bytes",         "Peak memory", UNIT_BYTES, TABLE_RIGHT},
        [PEAK_ALL] = {"peak_memory_all_bytes",     "In all",      UNIT_BYTES, TABLE_RIGHT},
        [BEST] = {"best",                      "Best",        UNIT_PLAIN, TABLE_LEFT },
    };
    table_init(table, arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < scaling->row_count; i++) {
        const struct scale_row *row = &scaling->rows[i];
        if (row->why)
            continue;
        table_row(table);
        table_int(table, BATCH, row->batch);
        table_int(table, THREADS, row->threads);
        table_int(table, REPLICAS, row->replicas);
        add_estimate(table, LATENCY, &row->latency_ns);
        table_number(table, SLOWDOWN, row->slowdown.value);
        table_number(table, RATE, row->per_second.value);
        table_number(table, RATE_ALL, row->per_second_all.value);
        table_number(table, PEAK, row->peak_memory_bytes.value);
        table_number(table, PEAK_ALL, row->replicas * row->peak_memory_bytes.value);
        table_text(table, BEST, best_text(scaling, i));
    }
}

void scale_refused_table(struct arena *arena, const struct scaling *scaling, struct table *table) {
    enum { R_BATCH, R_THREADS, R_REPLICAS, R_WHY, R_COLUMNS };
    static const struct table_column columns[R_COLUMNS] = {
        [R_BATCH] = {"batch",    "Batch",    UNIT_PLAIN, TABLE_RIGHT},
        [R_THREADS] = {"threads",  "Threads",  UNIT_PLAIN, TABLE_RIGHT},
        [R_REPLICAS] = {"replicas", "Replicas", UNIT_PLAIN, TABLE_RIGHT},
        [R_WHY] = {"why",      "Why",      UNIT_PLAIN, TABLE_LEFT },
    };
    table_init(table, arena, "Refused", columns, R_COLUMNS);
    for (uint32_t i = 0; i < scaling->row_count; i++) {
        const struct scale_row *row = &scaling->rows[i];
        if (!row->why)
            continue;
        table_row(table);
        if (row->batch)
            table_int(table, R_BATCH, row->batch);
        if (row->threads)
            table_int(table, R_THREADS, row->threads);
        if (row->replicas)
            table_int(table, R_REPLICAS, row->replicas);
        table_text(table, R_WHY, row->why);
    }
}
