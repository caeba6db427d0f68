/* Seeds of the fuzz targets that take ONNX models: tiny ones that reach every part of the reader.
 * With ASSAY_FUZZ_SEEDS=FOLDER in the environment a target writes them there before it starts. */
#ifndef ASSAY_TESTS_ONNX_SEEDS_H
#define ASSAY_TESTS_ONNX_SEEDS_H

#include "tests/unit/onnx_bytes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static inline struct strbuf seed_weights(void) {
    struct strbuf graph = message(), sparse = message(), typed;
    static const float weights[6] = {1, 2, 3, 4, 5, 6};
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("w", DTYPE_FLOAT32, 2, (int64_t[]){3, 2}, weights, sizeof weights));
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                external_tensor("v", 2, (int64_t[]){2, 2}, "w.bin", "64", "16"));
    put_message(&graph, ONNX_GRAPH_INITIALIZER, int64_tensor("shape", 2, (int64_t[]){-1, 2}));
    typed = tensor_header("t", DTYPE_INT32, 1, (int64_t[]){2});
    put_bytes(&typed, ONNX_TENSOR_INT32_DATA, "\x01\x02", 2);
    put_message(&graph, ONNX_GRAPH_INITIALIZER, typed);
    put_message(&sparse, ONNX_SPARSE_VALUES,
                raw_tensor("s", DTYPE_FLOAT16, 1, (int64_t[]){1}, "\0\x3c", 2));
    put_message(&sparse, ONNX_SPARSE_INDICES, int64_tensor("", 1, (int64_t[]){1}));
    put_int(&sparse, ONNX_SPARSE_DIMS, 4);
    put_message(&graph, ONNX_GRAPH_SPARSE_INITIALIZER, sparse);
    put_node(&graph, "MatMul", "m", "x w", "a");
    put_node(&graph, "Reshape", "r", "a shape", "y");
    put_input(&graph, "x", "batchx3");
    put_value(&graph, ONNX_GRAPH_VALUE_INFO, "a", DTYPE_FLOAT32, "batchx2");
    put_output(&graph, "y", "?x2");
    return model_of(graph);
}

static inline struct strbuf seed_constants(void) {
    struct strbuf graph = message(), c = node("Constant", "c", "", "k"),
                  f = node("Constant", "f", "", "l"), conv = node("Conv", "conv", "x k", "y");
    struct strbuf value = attribute("value_float", ONNX_ATTR_TYPE_FLOAT);
    put_tensor_attribute(&c, "value", int64_tensor(NULL, 2, (int64_t[]){1, 2}));
    put_message(&graph, ONNX_GRAPH_NODE, c);
    put_float(&value, ONNX_ATTR_F, 1);
    put_message(&f, ONNX_NODE_ATTRIBUTE, value);
    put_message(&graph, ONNX_GRAPH_NODE, f);
    put_ints_attribute(&conv, "strides", 2, (int64_t[]){2, 2});
    put_int_attribute(&conv, "group", 1);
    put_message(&graph, ONNX_GRAPH_NODE, conv);
    put_input(&graph, "x", "1x3x8x8");
    put_output(&graph, "y", NULL);
    return model_of(graph);
}

static inline struct strbuf seed_subgraphs(void) {
    struct strbuf graph = message(), branch = message(), body = message();
    struct strbuf choose = node("If", "if", "c", "y"), loop = node("Loop", "l", "n - x", "z");
    put_node(&branch, "Relu", "r", "x", "t");
    put_output(&branch, "t", "2");
    put_graph_attribute(&choose, "then_branch", branch);
    put_message(&graph, ONNX_GRAPH_NODE, choose);
    put_value(&body, ONNX_GRAPH_INPUT, "i", DTYPE_INT64, "");
    put_value(&body, ONNX_GRAPH_INPUT, "go", DTYPE_BOOL, "");
    put_input(&body, "s", "2");
    put_node(&body, "Add", "a", "s y", "next");
    put_value(&body, ONNX_GRAPH_OUTPUT, "go", DTYPE_BOOL, "");
    put_output(&body, "next", "2");
    put_graph_attribute(&loop, "body", body);
    put_message(&graph, ONNX_GRAPH_NODE, loop);
    put_value(&graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    put_value(&graph, ONNX_GRAPH_INPUT, "n", DTYPE_INT64, "");
    put_input(&graph, "x", "2");
    put_output(&graph, "z", "2");
    return model_of(graph);
}

static inline struct strbuf seed_function(void) {
    struct strbuf graph = message(), call = node("F", "call", "x", "y");
    struct strbuf f = function_named("l", "F", "a", "b"), op = node("Softmax", "s", "a", "b");
    struct strbuf standard = attribute("k", ONNX_ATTR_TYPE_INT);
    put_text(&call, ONNX_NODE_DOMAIN, "l");
    put_int_attribute(&call, "k", 1);
    put_message(&graph, ONNX_GRAPH_NODE, call);
    put_input(&graph, "x", "2x2");
    put_output(&graph, "y", "2x2");
    put_reference_attribute(&op, "axis", ONNX_ATTR_TYPE_INT, "k");
    put_message(&f, ONNX_FUNCTION_NODE, op);
    put_int(&standard, ONNX_ATTR_I, -1);
    put_message(&f, ONNX_FUNCTION_ATTRIBUTE_PROTO, standard);
    struct strbuf model = model_of(graph);
    put_message(&model, ONNX_MODEL_FUNCTIONS, f);
    put_entry(&model, ONNX_MODEL_METADATA_PROPS, "assay.lowered", "1");
    return model;
}

static inline struct strbuf seed_relu(void) {
    return model_of(relu_graph());
}

static inline void write_onnx_seeds(void) {
    static struct strbuf (*const seeds[])(void) = {seed_relu, seed_weights, seed_constants,
                                                   seed_subgraphs, seed_function};
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    for (size_t i = 0; folder && i < sizeof seeds / sizeof *seeds; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/seed%zu.onnx", folder, i);
        struct strbuf bytes = seeds[i]();
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(bytes.text, 1, bytes.length, file) != bytes.length)
            fprintf(stderr, "%s: cannot be written\n", path);
        if (file)
            fclose(file);
        strbuf_done(&bytes);
    }
}

#endif
