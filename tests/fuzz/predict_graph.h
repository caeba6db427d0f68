/* What `assay predict` does to a graph without a database: everything that is computed of it before
 * rates come in must end, and be numbers. */
#ifndef ASSAY_TESTS_FUZZ_PREDICT_GRAPH_H
#define ASSAY_TESTS_FUZZ_PREDICT_GRAPH_H

#include "core/arena_use.h"
#include "core/cold_start.h"
#include "core/features.h"
#include "core/flat.h"
#include "core/memory_timeline.h"
#include "models/infer.h"
#include "models/lower.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"
#include "predictor/quantity.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void must(bool truth, const char *what, double value) {
    if (truth)
        return;
    fprintf(stderr, "%s: %g\n", what, value);
    abort();
}

static inline void must_be_bytes(double value, const char *what) {
    must(isfinite(value) && value >= 0, what, value);
}

static inline int64_t size_of_symbol(const void *size, const char *symbol) {
    return *(const int64_t *)size + symbol[0] % 2;
}

/* Sizes that people would give: symbols first, then what has none. */
static inline void bind_sizes(struct graph *graph, int64_t size) {
    graph_bind_symbols(graph, size_of_symbol, &size);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        for (int32_t d = 0; d < tensor->rank; d++)
            if (tensor->dims[d].size < 0)
                tensor->dims[d].size = size;
    }
}

/* Written and read back, as lowered graphs are; the same graph when that is not possible. */
static inline struct graph *through_bytes(struct arena *arena, struct graph *graph) {
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    struct graph *again = NULL;
    struct strbuf bytes;
    struct err err = {0};
    strbuf_init(&bytes);
    int code = onnx_write_bytes(graph, &omitted, &bytes, &err);
    char *copy = arena_alloc(arena, bytes.length);
    memcpy(copy, bytes.text, bytes.length);
    size_t length = bytes.length;
    strbuf_done(&bytes);
    return !code && !onnx_read_bytes(arena, copy, length, "lowered", &again, &err) ? again : graph;
}

static inline void check_features_of(struct arena *arena, const struct graph *graph,
                                     const struct flat_graph *flat) {
    struct feature_target machine = {
        .block = 16, .cache_bytes = 2 << 20, .integer_depth = 64, .threads = 8};
    struct feature_target target = feature_target_for(arena, &machine, graph);
    for (uint32_t i = 0; i < flat->count; i++) {
        struct features features;
        struct err unknown = {0};
        if (features_of(flat->ops[i].graph, flat->ops[i].op, &target, &features, &unknown))
            continue;
        features_forget(&features, 1e7);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            must_be_bytes(features.terms[t], features.key);
        must_be_bytes(op_flops(flat->ops[i].graph, flat->ops[i].op), "FLOPs");
    }
}

static inline void check_footprint(const struct footprint *f) {
    const double *fields = (const double *)f;
    for (size_t i = 0; i < sizeof *f / sizeof *fields; i++)
        must_be_bytes(fields[i], "a field of the footprint");
    must(f->arena_most_bytes >= f->arena_bytes, "other orders", f->arena_most_bytes);
    must(f->loading_bytes >= f->folded_bytes, "loading", f->loading_bytes);
}

static inline void check_timeline(const struct memory_timeline *timeline) {
    double held = 0;
    for (uint32_t i = 0; i < timeline->step_count; i++) {
        const struct memory_step *step = &timeline->steps[i];
        must_be_bytes(step->live_bytes, "live");
        must(step->arena_bytes >= held, "the arena shrinks", step->arena_bytes);
        must(step->live_bytes <= timeline->steps[timeline->live_peak].live_bytes, "the peak",
             step->live_bytes);
        held = step->arena_bytes;
    }
    must_be_bytes(timeline->peak_bytes, "the peak");
    must(timeline->owner != NULL, "an owner", 0);
}

/* As if every term of memory and start-up cost as much as another. */
static inline void check_quantities(const struct footprint *footprint) {
    struct quantity_fit fit = {.runs = 8,
                               .log_spread = 0.1,
                               .log_spread_doubtful = 0.1,
                               .interval_scale = 1,
                               .upper_scale = 1};
    struct estimate parts[QUANTITY_COUNT];
    for (int t = 0; t < QUANTITY_TERMS_MAX; t++)
        fit.rates[t] = 1;
    for (int q = 0; q < QUANTITY_COUNT; q++) {
        parts[q] = quantity_estimate((enum quantity)q, &fit, footprint, 1e6);
        must_be_bytes(parts[q].value, quantity_name((enum quantity)q));
        must(parts[q].low <= parts[q].value && parts[q].value <= parts[q].high, "interval",
             parts[q].value);
    }
    must_be_bytes(cold_start_sum(parts, QUANTITY_COUNT).value, "the cold start");
}

static inline void check_memory(struct arena *arena, const struct graph *graph,
                                const struct flat_graph *flat, uint64_t file_bytes,
                                const struct folding *folding) {
    struct footprint footprint;
    struct memory_timeline timeline;
    footprint_of(graph, flat, file_bytes, &footprint);
    footprint_fold(&footprint, folding);
    check_footprint(&footprint);
    check_quantities(&footprint);
    memory_timeline_of(arena, graph, flat, &footprint, &timeline);
    check_timeline(&timeline);
}

/* `graph` as a reader gave it. */
static inline void fuzz_predict(struct arena *arena, struct graph *graph, uint64_t file_bytes) {
    const struct lower_target target = {(int64_t)(file_bytes % 3) * 8};
    struct graph *lowered;
    struct flat_graph flat;
    struct err err = {0};
    bind_sizes(graph, 1 + (int64_t)(file_bytes % 4));
    if (infer_shapes(graph, &err))
        return;
    const struct folding folding = folding_of(graph);
    must_be_bytes(folding.bytes, "folding");
    must(folding.bytes >= folding.largest_bytes, "folding", folding.bytes);
    if (lower_by_rules(arena, graph, &target, &lowered, &err))
        return;
    lowered = through_bytes(arena, lowered);
    if (flat_graph_build(arena, lowered, &flat, &err))
        return;
    check_features_of(arena, lowered, &flat);
    check_memory(arena, lowered, &flat, file_bytes, &folding);
}

#endif
