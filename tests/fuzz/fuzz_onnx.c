/* The ONNX reader on any bytes: it must end, stay inside them, and what it accepts must be a graph
 * that can be walked. Dictionary: tests/fuzz/onnx.dict. */
#include "core/features.h"
#include "core/flat.h"
#include "models/onnx/read.h"
#include "tests/fuzz/onnx_seeds.h"
#include "tests/fuzz/proto_mutate.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    write_onnx_seeds();
    return 0;
}

static void expect(bool truth) {
    if (!truth)
        abort();
}

static void check_list(const struct graph *graph, uint32_t count, const int32_t *tensors) {
    for (uint32_t i = 0; i < count; i++)
        expect(tensors[i] >= GRAPH_NONE && tensors[i] < (int32_t)graph->tensor_count);
}

static void check_graph(const struct graph *graph) {
    check_list(graph, graph->input_count, graph->inputs);
    check_list(graph, graph->output_count, graph->outputs);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        check_list(graph, op->input_count, op->inputs);
        check_list(graph, op->output_count, op->outputs);
        expect(op->type[0] != '\0');
    }
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        expect(tensor->producer < (int32_t)graph->op_count && tensor->rank <= GRAPH_RANK_MAX);
        for (int32_t i = 0; i < tensor->rank; i++)
            expect(tensor->dims[i].size >= GRAPH_DIM_UNKNOWN &&
                   tensor->dims[i].symbol < (int32_t)graph->symbol_count);
        if (tensor->flags & TENSOR_OUTER)
            expect(graph->parent && tensor->outer < (int32_t)graph->parent->tensor_count);
        if (tensor->values)
            expect(tensor_elements(tensor) == (int64_t)tensor->values->count);
    }
}

/* Whatever its attributes and sizes say, an operator's work is a number. */
static void check_features(const struct flat_graph *flat) {
    const struct feature_target target = {.block = 16, .cache_bytes = 2 << 20, .integer_depth = 64};
    for (uint32_t i = 0; i < flat->count; i++) {
        struct features features;
        struct err unknown = {0};
        if (features_of(flat->ops[i].graph, flat->ops[i].op, &target, &features, &unknown))
            continue;
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            expect(features.terms[t] >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    struct err err = {0};
    struct graph *graph;
    arena_init(&arena);
    if (onnx_read_bytes(&arena, bytes, length, "fuzz", &graph, &err) == 0) {
        struct flat_graph flat;
        check_graph(graph);
        expect(flat_graph_build(&arena, graph, &flat, &err) == 0);
        for (uint32_t i = 0; i < flat.count; i++)
            check_graph(flat.ops[i].graph);
        expect(flat.count == graph_op_count(graph));
        (void)graph_weight_bytes(graph);
        check_features(&flat);
    } else {
        expect(err.code == ERR_INPUT && err.message[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
