#include "cli/db_lists.h"

#include "core/estimate.h"
#include "db/fit.h"
#include "db/machine.h"
#include "db/model.h"
#include "db/run.h"
#include "db/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- runs ---------------------------------------------------------------------------------- */

enum {
    RUN_ID,
    RUN_MODEL,
    RUN_RUNTIME,
    RUN_THREADS,
    RUN_REPLICAS,
    RUN_BATCH,
    RUN_DIMS,
    RUN_LATENCY,
    RUN_PEAK,
    RUN_OPS,
    RUN_PURPOSE,
    RUN_STARTED,
    RUN_COLUMNS
};

static const struct table_column run_columns[RUN_COLUMNS] = {
    [RUN_ID] = {"id",                "Run",         UNIT_PLAIN, TABLE_RIGHT},
    [RUN_MODEL] = {"model",             "Model",       UNIT_PLAIN, TABLE_LEFT },
    [RUN_RUNTIME] = {"runtime",           "Runtime",     UNIT_PLAIN, TABLE_LEFT },
    [RUN_THREADS] = {"threads",           "Threads",     UNIT_PLAIN, TABLE_RIGHT},
    [RUN_REPLICAS] = {"replicas",          "Replicas",    UNIT_PLAIN, TABLE_RIGHT},
    [RUN_BATCH] = {"batch",             "Batch",       UNIT_PLAIN, TABLE_RIGHT},
    [RUN_DIMS] = {"dims",              "Dims",        UNIT_PLAIN, TABLE_LEFT },
    [RUN_LATENCY] = {"latency_ns",        "Latency",     UNIT_NS,    TABLE_RIGHT},
    [RUN_PEAK] = {"peak_memory_bytes", "Peak memory", UNIT_BYTES, TABLE_RIGHT},
    [RUN_OPS] = {"operators",         "Operators",   UNIT_COUNT, TABLE_RIGHT},
    [RUN_PURPOSE] = {"purpose",           "Purpose",     UNIT_PLAIN, TABLE_LEFT },
    [RUN_STARTED] = {"started_at",        "Started",     UNIT_PLAIN, TABLE_LEFT },
};

static void add_summary(struct table *table, uint32_t column, const struct summary *summary) {
    if (!summary)
        return;
    struct json_estimate estimate = {summary->median, summary->low, summary->high,
                                     tier_name(TIER_MEASURED), NULL};
    table_estimate(table, column, &estimate);
}

static const char *dims_text(struct arena *arena, const struct conditions *conditions) {
    const char *text = "";
    for (uint32_t i = 0; i < conditions->dim_count; i++)
        text = arena_printf(arena, "%s%s%s=%" PRId64, text, i ? " " : "",
                            conditions->dims[i].symbol, conditions->dims[i].size);
    return text;
}

static int add_run(void *context, const struct stored_run *run, struct err *err) {
    (void)err;
    struct table *table = context;
    const struct conditions *conditions = &run->conditions;
    table_row(table);
    table_int(table, RUN_ID, run->id);
    table_text(table, RUN_MODEL, run->model.name);
    table_textf(table, RUN_RUNTIME, "%s %s", conditions->runtime, conditions->runtime_version);
    table_int(table, RUN_THREADS, conditions->threads);
    table_int(table, RUN_REPLICAS, conditions_replicas(conditions));
    if (conditions->batch)
        table_int(table, RUN_BATCH, conditions->batch);
    table_text(table, RUN_DIMS, dims_text(table->arena, conditions));
    add_summary(table, RUN_LATENCY, stored_run_metric(run, METRIC_WALL_NS, PHASE_PLAIN));
    add_summary(table, RUN_PEAK, stored_run_metric(run, METRIC_PEAK_BYTES, PHASE_COLD));
    table_int(table, RUN_OPS, run->op_count);
    table_text(table, RUN_PURPOSE, run->purpose);
    table_text(table, RUN_STARTED, run->started_at);
    return 0;
}

int db_list_runs_table(struct db *db, struct arena *arena, struct table *table, struct err *err) {
    static const struct run_filter all = {.company = RUNS_ANY};
    table_init(table, arena, "", run_columns, RUN_COLUMNS);
    return db_each_run(db, &all, RUN_HEAD, add_run, table, err);
}

/* ---- models, machines, fits ---------------------------------------------------------------- */

int db_list_models_table(struct db *db, struct arena *arena, struct table *table, struct err *err) {
    enum { NAME, NODES, PARAMETERS, SIZE, PATH, SHA256, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [NAME] = {"name",       "Model",      UNIT_PLAIN, TABLE_LEFT },
        [NODES] = {"nodes",      "Nodes",      UNIT_COUNT, TABLE_RIGHT},
        [PARAMETERS] = {"parameters", "Parameters", UNIT_COUNT, TABLE_RIGHT},
        [SIZE] = {"file_bytes", "File",       UNIT_BYTES, TABLE_RIGHT},
        [PATH] = {"path",       "Path",       UNIT_PLAIN, TABLE_LEFT },
        [SHA256] = {"sha256",     "SHA-256",    UNIT_PLAIN, TABLE_LEFT },
    };
    struct stored_model *models;
    size_t count;
    if (db_list_models(db, arena, &models, &count, err) < 0)
        return -(int)err->code;
    table_init(table, arena, "", columns, COLUMNS);
    for (size_t i = 0; i < count; i++) {
        table_row(table);
        table_text(table, NAME, models[i].name);
        table_int(table, NODES, (int64_t)models[i].nodes);
        table_int(table, PARAMETERS, (int64_t)models[i].parameters);
        table_int(table, SIZE, (int64_t)models[i].file_bytes);
        table_text(table, PATH, models[i].path);
        table_text(table, SHA256, models[i].sha256);
    }
    return 0;
}

int db_list_machines_table(struct db *db, struct arena *arena, struct table *table,
                           struct err *err) {
    enum { LABEL, CPUS, MEMORY, KERNEL, FINGERPRINT, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [LABEL] = {"label",        "Machine",     UNIT_PLAIN, TABLE_LEFT },
        [CPUS] = {"cpus",         "CPUs",        UNIT_PLAIN, TABLE_RIGHT},
        [MEMORY] = {"memory_bytes", "Memory",      UNIT_BYTES, TABLE_RIGHT},
        [KERNEL] = {"kernel",       "Kernel",      UNIT_PLAIN, TABLE_LEFT },
        [FINGERPRINT] = {"fingerprint",  "Fingerprint", UNIT_PLAIN, TABLE_LEFT },
    };
    struct machine *machines;
    size_t count;
    if (db_list_machines(db, arena, &machines, &count, err) < 0)
        return -(int)err->code;
    table_init(table, arena, "", columns, COLUMNS);
    for (size_t i = 0; i < count; i++) {
        table_row(table);
        table_text(table, LABEL, machines[i].label);
        table_int(table, CPUS, machines[i].cpus);
        table_int(table, MEMORY, (int64_t)machines[i].memory_bytes);
        table_text(table, KERNEL, machines[i].kernel);
        table_text(table, FINGERPRINT, machines[i].fingerprint);
    }
    return 0;
}

int db_list_fits_table(struct db *db, struct arena *arena, struct table *table, struct err *err) {
    enum { ID, RUNTIME, THREADS, OBSERVATIONS, CREATED, MACHINE, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [ID] = {"id",           "Fit",          UNIT_PLAIN, TABLE_RIGHT},
        [RUNTIME] = {"runtime",      "Runtime",      UNIT_PLAIN, TABLE_LEFT },
        [THREADS] = {"threads",      "Threads",      UNIT_PLAIN, TABLE_RIGHT},
        [OBSERVATIONS] = {"observations", "Observations", UNIT_COUNT, TABLE_RIGHT},
        [CREATED] = {"created_at",   "Made",         UNIT_PLAIN, TABLE_LEFT },
        [MACHINE] = {"machine",      "Machine",      UNIT_PLAIN, TABLE_LEFT },
    };
    struct stored_fit *fits;
    size_t count;
    if (db_list_fits(db, arena, &fits, &count, err) < 0)
        return -(int)err->code;
    table_init(table, arena, "", columns, COLUMNS);
    for (size_t i = 0; i < count; i++) {
        table_row(table);
        table_int(table, ID, fits[i].id);
        table_textf(table, RUNTIME, "%s %s", fits[i].runtime, fits[i].runtime_version);
        table_int(table, THREADS, fits[i].threads);
        table_int(table, OBSERVATIONS, (int64_t)fits[i].observations);
        table_text(table, CREATED, fits[i].created_at);
        table_text(table, MACHINE, fits[i].machine);
    }
    return 0;
}

/* ---- SQL ----------------------------------------------------------------------------------- */

struct sql_target {
    struct arena *arena;
    struct table *table;
};

static void name_columns(const struct sql_target *target, const struct sql_row *row) {
    struct table_column *columns =
        ARENA_ARRAY(target->arena, row->column_count, struct table_column);
    for (size_t i = 0; i < row->column_count; i++) {
        const char *name = arena_strdup(target->arena, row->columns[i]);
        columns[i] = (struct table_column){name, name, UNIT_PLAIN, TABLE_LEFT};
    }
    table_init(target->table, target->arena, "", columns, (uint32_t)row->column_count);
}

static const char *hex_text(struct arena *arena, const char *bytes, size_t count) {
    char *text = arena_alloc(arena, 2 * count + 1);
    for (size_t i = 0; i < count; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned char)bytes[i]);
    return text;
}

static void add_value(struct table *table, uint32_t column, const struct sql_value *value) {
    switch (value->kind) {
    case SQL_INTEGER:
        table_int(table, column, value->integer);
        break;
    case SQL_REAL:
        table_number(table, column, value->real);
        break;
    case SQL_TEXT:
        table_text(table, column, value->bytes);
        break;
    case SQL_BLOB:
        table_text(table, column, hex_text(table->arena, value->bytes, value->byte_count));
        break;
    case SQL_NULL:
        break;
    }
}

static int add_sql_row(void *context, const struct sql_row *row, struct err *err) {
    (void)err;
    const struct sql_target *target = context;
    if (!target->table->columns)
        name_columns(target, row);
    if (!row->values)
        return 0;
    table_row(target->table);
    for (size_t i = 0; i < row->column_count; i++)
        add_value(target->table, (uint32_t)i, &row->values[i]);
    return 0;
}

int db_sql_table(struct db *db, struct arena *arena, const char *sql, struct table *table,
                 struct err *err) {
    struct sql_target target = {arena, table};
    table_init(table, arena, "", NULL, 0);
    return db_sql(db, sql, add_sql_row, &target, err);
}
