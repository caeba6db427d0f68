#include "reports/slowdown_text.h"

#include "reports/estimate_json.h"

static double error_of(const struct judged_slowdown *judged) {
    return judged->predicted.value / judged->measured - 1;
}

void slowdown_add_json(cJSON *root, const struct judged_slowdown *judged, uint32_t count) {
    cJSON *list = json_add_array(root, "colocation");
    for (uint32_t i = 0; i < count; i++) {
        cJSON *object = json_add_object(list, NULL);
        json_add_int(object, "run", judged[i].id);
        json_add_text(object, "model", judged[i].model_name);
        json_add_uint(object, "replicas", judged[i].replicas);
        report_add_estimate(object, "slowdown", &judged[i].predicted);
        json_add_number(object, "measured_slowdown", judged[i].measured);
        json_add_number(object, "error", error_of(&judged[i]));
    }
}

void slowdown_table(struct arena *arena, const struct judged_slowdown *judged, uint32_t count,
                    struct table *table) {
    enum { RUN, MODEL, REPLICAS, PREDICTED, MEASURED, ERROR, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [RUN] = {"run",               "Run",       UNIT_PLAIN,    TABLE_RIGHT},
        [MODEL] = {"model",             "Model",     UNIT_PLAIN,    TABLE_LEFT },
        [REPLICAS] = {"replicas",          "Replicas",  UNIT_PLAIN,    TABLE_RIGHT},
        [PREDICTED] = {"slowdown",          "Predicted", UNIT_PLAIN,    TABLE_RIGHT},
        [MEASURED] = {"measured_slowdown", "Measured",  UNIT_PLAIN,    TABLE_RIGHT},
        [ERROR] = {"error",             "Error",     UNIT_FRACTION, TABLE_RIGHT},
    };
    table_init(table, arena, "Slow-down beside replicas, of models left out", columns, COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        struct json_estimate predicted = report_estimate(&judged[i].predicted);
        table_row(table);
        table_int(table, RUN, judged[i].id);
        table_text(table, MODEL, judged[i].model_name);
        table_int(table, REPLICAS, judged[i].replicas);
        table_estimate(table, PREDICTED, &predicted);
        table_number(table, MEASURED, judged[i].measured);
        table_number(table, ERROR, error_of(&judged[i]));
    }
}
