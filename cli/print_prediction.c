#include "cli/print_prediction.h"

#include "reports/cold_start.h"
#include "reports/counts.h"
#include "reports/memory_timeline.h"
#include "reports/memory_use.h"
#include "reports/prediction_json.h"
#include "reports/prediction_text.h"

#include <math.h>

static int print_tables(struct context *context, const struct prediction *prediction,
                        uint32_t limit, struct err *err) {
    struct table totals, cold_start, timeline, memory, kernels, operators, refused, counted,
        counters;
    const struct table *tables[9];
    size_t count = 0;
    prediction_totals_table(context->arena, prediction, &totals);
    prediction_kernels_table(context->arena, prediction, &kernels);
    prediction_operators_table(context->arena, prediction, limit, &operators);
    prediction_refused_table(context->arena, prediction, &refused);
    cold_start_table(context->arena, &prediction->cold_start, &cold_start);
    memory_timeline_table(context->arena, &prediction->timeline, &timeline);
    tables[count++] = &totals;
    if (prediction->cold_start.phase_count)
        tables[count++] = &cold_start;
    if (prediction->timeline.step_count)
        tables[count++] = &timeline;
    if (prediction->memory) {
        memory_use_table(context->arena, prediction->memory, &memory);
        tables[count++] = &memory;
    }
    tables[count++] = &kernels;
    tables[count++] = &operators;
    if (prediction->counts.column_count) {
        counts_run_table(context->arena, &prediction->counts, &counted);
        counts_operators_table(context->arena, prediction, limit, &counters);
        tables[count++] = &counted;
        tables[count++] = &counters;
    }
    if (prediction->refused_count)
        tables[count++] = &refused;
    return print_answer(context, NULL, tables, count, err);
}

void print_memory_notes(struct context *context, const struct prediction *prediction) {
    const char *const sentences[] = {
        memory_timeline_sentence(context->arena, &prediction->timeline),
        memory_use_sentence(context->arena, prediction),
        memory_played_sentence(context->arena, prediction),
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (sentences[i])
            print_note(context, "%s", sentences[i]);
}

/* ", now 12.3 % slower than usual"; "" when its speed was not looked at. */
static const char *speed_text(const struct prediction *prediction, char text[static 48]) {
    double more = 100 * (prediction->slowness - 1);
    text[0] = '\0';
    if (prediction->slowness > 0)
        snprintf(text, 48, ", now %.0f %% %s than usual", fabs(more),
                 more < 0 ? "faster" : "slower");
    return text;
}

int print_prediction(struct context *context, const struct prediction *prediction, uint32_t limit,
                     struct err *err) {
    char speed[48];
    if (context->json) {
        cJSON *tree = prediction_json(prediction);
        int code = print_json(context, tree, err);
        cJSON_Delete(tree);
        return code;
    }
    if (print_line(context, err, "%s on %s, %s %s, %u thread%s%s", prediction->model.name,
                   prediction->machine, prediction->conditions.runtime,
                   prediction->conditions.runtime_version, prediction->conditions.threads,
                   prediction->conditions.threads == 1 ? "" : "s", speed_text(prediction, speed)) ||
        print_tables(context, prediction, limit, err))
        return -(int)err->code;
    print_memory_notes(context, prediction);
    for (uint32_t i = 0; i < prediction->warning_count; i++)
        print_note(context, "%s", prediction->warnings[i]);
    return 0;
}

int print_predictions_json(struct context *context, const struct named_prediction *predictions,
                           uint32_t count, struct err *err) {
    cJSON *tree = json_object();
    json_add_int(tree, "schema", PREDICTION_SCHEMA);
    for (uint32_t i = 0; i < count; i++)
        json_add(tree, predictions[i].name, prediction_json(predictions[i].prediction));
    int code = print_json(context, tree, err);
    cJSON_Delete(tree);
    return code;
}
