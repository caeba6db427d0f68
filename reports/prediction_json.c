#include "reports/prediction_json.h"

#include "reports/cold_start.h"
#include "reports/counts.h"
#include "reports/estimate_json.h"
#include "reports/memory_timeline.h"
#include "reports/memory_use.h"

#include <math.h>

static void add_model(cJSON *root, const struct prediction *prediction) {
    cJSON *model = json_add_object(root, "model");
    json_add_text(model, "name", prediction->model.name);
    json_add_text(model, "path", prediction->model.path);
    json_add_text(model, "sha256", prediction->model.sha256);
    json_add_uint(model, "nodes", prediction->model.nodes);
    json_add_uint(model, "parameters", prediction->model.parameters);
}

static void add_conditions(cJSON *root, const struct conditions *conditions) {
    cJSON *runtime = json_add_object(root, "runtime");
    json_add_text(runtime, "name", conditions->runtime);
    json_add_text(runtime, "version", conditions->runtime_version);
    cJSON *object = json_add_object(root, "conditions");
    json_add_uint(object, "threads", conditions->threads);
    json_add_uint(object, "replicas", conditions_replicas(conditions));
    if (conditions->batch > 0)
        json_add_int(object, "batch", conditions->batch);
    else
        json_add_null(object, "batch");
    cJSON *dims = json_add_object(object, "dims");
    for (uint32_t i = 0; i < conditions->dim_count; i++)
        json_add_int(dims, conditions->dims[i].symbol, conditions->dims[i].size);
}

static void add_peak(cJSON *root, const struct prediction *prediction) {
    cJSON *peak = report_add_estimate(root, "peak_memory_bytes", &prediction->peak_memory_bytes);
    if (!peak)
        return;
    const struct upper_bound *bound = &prediction->peak_memory_upper;
    if (!(bound->value > 0)) {
        json_add_null(peak, "upper");
        return;
    }
    cJSON *upper = json_add_object(peak, "upper");
    json_add_number(upper, "confidence", bound->confidence);
    json_add_number(upper, "value", bound->value);
}

static void add_totals(cJSON *root, const struct prediction *prediction) {
    static const struct estimate none = {NAN, NAN, NAN, TIER_REFUSED, ""};
    const struct {
        const char *key;
        const struct estimate *estimate;
    } totals[] = {
        {"latency_ns",            &prediction->latency_ns           },
        {"cpu_time_ns",           &prediction->cpu_time_ns          },
        {"peak_memory_bytes",     NULL                              },
        {"resident_memory_bytes", &prediction->resident_memory_bytes},
        {"load_time_ns",          &prediction->load_time_ns         },
        {"first_run_ns",          &prediction->first_run_ns         },
    };
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        if (prediction->refused_count)
            report_add_estimate(root, totals[i].key, &none);
        else if (totals[i].estimate)
            report_add_estimate(root, totals[i].key, totals[i].estimate);
        else
            add_peak(root, prediction);
    }
}

static void add_operators(cJSON *root, const struct prediction *prediction) {
    cJSON *operators = json_add_array(root, "operators");
    for (uint32_t i = 0; i < prediction->operator_count; i++) {
        const struct operator_row *row = &prediction->operators[i];
        cJSON *object = json_add_object(operators, NULL);
        json_add_text(object, "name", row->name);
        json_add_text(object, "op", row->op);
        json_add_text(object, "kernel", row->kernel);
        json_add_number(object, "flops", row->flops);
        json_add_number(object, "bytes", row->bytes);
        report_add_estimate(object, "latency_ns", &row->latency_ns);
        json_add_number(object, "share", row->share);
        json_add_text(object, "bound", bound_name(row->bound));
        counts_add_operator_json(object, &prediction->counts, i);
    }
}

/* Of decoders alone. */
static void add_decoding(cJSON *root, const struct decoding *decoding) {
    if (decoding->tokens == 0)
        return;
    json_add_uint(root, "tokens", decoding->tokens);
    report_add_estimate(root, "tokens_per_second", &decoding->tokens_per_second);
    report_add_estimate(root, "cache_bytes", &decoding->cache_bytes);
    json_add_number(root, "cache_expected_bytes", decoding->cache_expected_bytes);
}

cJSON *prediction_json(const struct prediction *prediction) {
    cJSON *root = json_object();
    json_add_int(root, "schema", PREDICTION_SCHEMA);
    add_model(root, prediction);
    json_add_text(root, "machine", prediction->machine);
    json_add_text(root, "machine_fingerprint", prediction->machine_fingerprint);
    add_conditions(root, &prediction->conditions);
    if (prediction->slowness > 0)
        json_add_number(root, "slowness", prediction->slowness);
    add_totals(root, prediction);
    cold_start_add_json(root, &prediction->cold_start);
    memory_timeline_add_json(root, &prediction->timeline);
    memory_use_add_json(root, prediction);
    add_operators(root, prediction);
    counts_add_json(root, &prediction->counts);
    cJSON *refused = json_add_array(root, "refused");
    for (uint32_t i = 0; i < prediction->refused_count; i++) {
        cJSON *object = json_add_object(refused, NULL);
        json_add_text(object, "name", prediction->refused[i].name);
        json_add_text(object, "op", prediction->refused[i].op);
        json_add_text(object, "why", prediction->refused[i].why);
    }
    json_add_text(root, "lowering", prediction->lowering);
    add_decoding(root, &prediction->decoding);
    cJSON *warnings = json_add_array(root, "warnings");
    for (uint32_t i = 0; i < prediction->warning_count; i++)
        json_add_text(warnings, NULL, prediction->warnings[i]);
    return root;
}
