#include "reports/counts.h"

#include "reports/prediction_text.h"

#include <math.h>

static const char *unit_word(enum unit unit) {
    return *unit_name(unit) ? unit_name(unit) : "1";
}

/* A number in its own unit, whatever the column's. */
static const char *formatted(struct arena *arena, double value, enum unit unit) {
    char text[UNIT_TEXT_SIZE];
    return arena_strdup(arena, unit_format(text, value, unit));
}

enum { NAME, GROUP, VALUE, RUNNING, RUN_COLUMNS };

void counts_run_table(struct arena *arena, const struct counts *counts, struct table *table) {
    static const struct table_column columns[] = {
        [NAME] = {"counter", "Counter", UNIT_PLAIN,    TABLE_LEFT },
        [GROUP] = {"group",   "Group",   UNIT_PLAIN,    TABLE_LEFT },
        [VALUE] = {"per_run", "Per run", UNIT_PLAIN,    TABLE_RIGHT},
        [RUNNING] = {"running", "Counted", UNIT_FRACTION, TABLE_RIGHT},
    };
    table_init(table, arena, "", columns, RUN_COLUMNS);
    for (uint32_t i = 0; i < counts->column_count; i++) {
        const struct count_column *column = &counts->columns[i];
        table_row(table);
        table_text(table, NAME, column->name);
        table_text(table, GROUP, column->group ? column->group : "");
        table_text(table, VALUE, formatted(arena, column->run, column->unit));
        table_number(table, RUNNING, column->running);
    }
}

static bool has_metrics(const struct counts *counts) {
    for (uint32_t i = 0; i < counts->column_count; i++)
        if (counts->columns[i].group)
            return true;
    return false;
}

/* Which columns are shown; returns how many. */
static uint32_t choose_columns(const struct counts *counts, struct table_column *columns,
                               uint32_t *shown) {
    bool metrics = has_metrics(counts);
    uint32_t count = 0;
    columns[0] = (struct table_column){"name", "Operator", UNIT_PLAIN, TABLE_LEFT};
    for (uint32_t i = 0; i < counts->column_count; i++) {
        const struct count_column *column = &counts->columns[i];
        if (metrics && !column->group)
            continue;
        shown[count++] = i;
        columns[count] =
            (struct table_column){column->name, column->name, column->unit, TABLE_RIGHT};
    }
    return count;
}

void counts_operators_table(struct arena *arena, const struct prediction *prediction,
                            uint32_t limit, struct table *table) {
    const struct counts *counts = &prediction->counts;
    const struct operator_row **rows = prediction_by_time(arena, prediction);
    struct table_column *columns =
        ARENA_ARRAY(arena, counts->column_count + 1, struct table_column);
    uint32_t *shown = ARENA_ARRAY(arena, counts->column_count, uint32_t);
    uint32_t shown_count = choose_columns(counts, columns, shown);
    uint32_t count = prediction->operator_count;
    table_init(table, arena, "", columns, shown_count + 1);
    for (uint32_t i = 0; i < (limit && limit < count ? limit : count); i++) {
        size_t place = (size_t)(rows[i] - prediction->operators);
        table_row(table);
        table_text(table, 0, rows[i]->name);
        for (uint32_t k = 0; k < shown_count; k++)
            table_number(table, k + 1, counts->operators[place * counts->column_count + shown[k]]);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

void counts_add_json(cJSON *root, const struct counts *counts) {
    if (!counts->column_count && !counts->missing_count)
        return;
    cJSON *list = json_add_array(root, "counters");
    for (uint32_t i = 0; i < counts->column_count; i++) {
        const struct count_column *column = &counts->columns[i];
        cJSON *object = json_add_object(list, NULL);
        json_add_text(object, "name", column->name);
        json_add_text(object, "group", column->group);
        json_add_text(object, "unit", unit_word(column->unit));
        json_add_number(object, "per_run", column->run);
        json_add_number(object, "running", column->running);
        json_add_number(object, "subtracted_per_operator", column->cost);
    }
    json_add_uint(root, "counter_sets", counts->set_count);
    cJSON *missing = json_add_array(root, "not_counted");
    for (uint32_t i = 0; i < counts->missing_count; i++)
        json_add_text(missing, NULL, counts->missing[i]);
}

void counts_add_operator_json(cJSON *object, const struct counts *counts, uint32_t op) {
    if (!counts->column_count)
        return;
    cJSON *values = json_add_object(object, "counters");
    for (uint32_t i = 0; i < counts->column_count; i++)
        json_add_number(values, counts->columns[i].name,
                        counts->operators[(size_t)op * counts->column_count + i]);
}
