/* ONNX models written field by field, also such as no writer would write: for tests of the reader
 * and seeds of its fuzz target. Messages are strbufs; put_message() ends the one it is given. */
#ifndef ASSAY_TESTS_ONNX_BYTES_H
#define ASSAY_TESTS_ONNX_BYTES_H

#include "base/strbuf.h"
#include "core/dtype.h"
#include "models/onnx/fields.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct strbuf message(void) {
    struct strbuf out;
    strbuf_init(&out);
    return out;
}

static inline void put_varint(struct strbuf *out, uint64_t value) {
    do {
        char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        strbuf_add(out, &byte, 1);
    } while (value >>= 7);
}

static inline void put_int(struct strbuf *out, uint32_t field, int64_t value) {
    put_varint(out, (uint64_t)field << 3);
    put_varint(out, (uint64_t)value);
}

static inline void put_float(struct strbuf *out, uint32_t field, float value) {
    put_varint(out, (uint64_t)field << 3 | 5);
    strbuf_add(out, (const char *)&value, sizeof value);
}

static inline void put_bytes(struct strbuf *out, uint32_t field, const void *bytes, size_t length) {
    put_varint(out, (uint64_t)field << 3 | 2);
    put_varint(out, length);
    strbuf_add(out, bytes, length);
}

static inline void put_text(struct strbuf *out, uint32_t field, const char *text) {
    put_bytes(out, field, text, strlen(text));
}

static inline void put_message(struct strbuf *out, uint32_t field, struct strbuf inner) {
    put_bytes(out, field, inner.text, inner.length);
    strbuf_done(&inner);
}

/* "a b" as two names; "-" is an omitted one. */
static inline void put_names(struct strbuf *out, uint32_t field, const char *names) {
    while (*names) {
        size_t length = strcspn(names, " ");
        put_bytes(out, field, names, length == 1 && *names == '-' ? 0 : length);
        names += length + (names[length] == ' ');
    }
}

/* ---- tensors --------------------------------------------------------------------------------- */

static inline struct strbuf tensor_header(const char *name, int64_t dtype, int32_t rank,
                                          const int64_t *dims) {
    struct strbuf tensor = message();
    for (int32_t i = 0; i < rank; i++)
        put_int(&tensor, ONNX_TENSOR_DIMS, dims[i]);
    put_int(&tensor, ONNX_TENSOR_DATA_TYPE, dtype);
    if (name)
        put_text(&tensor, ONNX_TENSOR_NAME, name);
    return tensor;
}

static inline struct strbuf raw_tensor(const char *name, int64_t dtype, int32_t rank,
                                       const int64_t *dims, const void *bytes, size_t length) {
    struct strbuf tensor = tensor_header(name, dtype, rank, dims);
    put_bytes(&tensor, ONNX_TENSOR_RAW_DATA, bytes, length);
    return tensor;
}

static inline struct strbuf int64_tensor(const char *name, int64_t count, const int64_t *values) {
    return raw_tensor(name, DTYPE_INT64, 1, &count, values, (size_t)count * sizeof *values);
}

static inline void put_entry(struct strbuf *out, uint32_t field, const char *key,
                             const char *value) {
    struct strbuf entry = message();
    put_text(&entry, ONNX_ENTRY_KEY, key);
    put_text(&entry, ONNX_ENTRY_VALUE, value);
    put_message(out, field, entry);
}

/* offset and length may be NULL. */
static inline struct strbuf external_tensor(const char *name, int32_t rank, const int64_t *dims,
                                            const char *location, const char *offset,
                                            const char *length) {
    struct strbuf tensor = tensor_header(name, DTYPE_FLOAT32, rank, dims);
    if (location)
        put_entry(&tensor, ONNX_TENSOR_EXTERNAL_DATA, "location", location);
    if (offset)
        put_entry(&tensor, ONNX_TENSOR_EXTERNAL_DATA, "offset", offset);
    if (length)
        put_entry(&tensor, ONNX_TENSOR_EXTERNAL_DATA, "length", length);
    put_int(&tensor, ONNX_TENSOR_DATA_LOCATION, ONNX_TENSOR_LOCATION_EXTERNAL);
    return tensor;
}

/* ---- values and nodes ------------------------------------------------------------------------ */

/* shape: "2x3", "batchx3", "" for a scalar, NULL for no shape. */
static inline void put_value(struct strbuf *graph, uint32_t field, const char *name, int64_t dtype,
                             const char *shape) {
    struct strbuf tensor = message(), type = message(), value = message();
    put_int(&tensor, ONNX_TYPE_TENSOR_ELEM_TYPE, dtype);
    if (shape) {
        struct strbuf dims = message();
        while (*shape) {
            struct strbuf dim = message();
            size_t length = strcspn(shape, "x");
            char part[64];
            snprintf(part, sizeof part, "%.*s", (int)length, shape);
            if (part[0] == '-' || (part[0] >= '0' && part[0] <= '9'))
                put_int(&dim, ONNX_DIM_VALUE, strtoll(part, NULL, 10));
            else if (part[0] != '?')
                put_text(&dim, ONNX_DIM_PARAM, part);
            put_message(&dims, ONNX_SHAPE_DIM, dim);
            shape += length + (shape[length] == 'x');
        }
        put_message(&tensor, ONNX_TYPE_TENSOR_SHAPE, dims);
    }
    put_message(&type, ONNX_TYPE_TENSOR, tensor);
    put_text(&value, ONNX_VALUE_NAME, name);
    put_message(&value, ONNX_VALUE_TYPE, type);
    put_message(graph, field, value);
}

static inline void put_input(struct strbuf *graph, const char *name, const char *shape) {
    put_value(graph, ONNX_GRAPH_INPUT, name, DTYPE_FLOAT32, shape);
}

static inline void put_output(struct strbuf *graph, const char *name, const char *shape) {
    put_value(graph, ONNX_GRAPH_OUTPUT, name, DTYPE_FLOAT32, shape);
}

static inline struct strbuf node(const char *type, const char *name, const char *inputs,
                                 const char *outputs) {
    struct strbuf out = message();
    put_names(&out, ONNX_NODE_INPUT, inputs);
    put_names(&out, ONNX_NODE_OUTPUT, outputs);
    put_text(&out, ONNX_NODE_NAME, name);
    put_text(&out, ONNX_NODE_OP_TYPE, type);
    return out;
}

static inline void put_node(struct strbuf *graph, const char *type, const char *name,
                            const char *inputs, const char *outputs) {
    put_message(graph, ONNX_GRAPH_NODE, node(type, name, inputs, outputs));
}

static inline struct strbuf attribute(const char *name, int64_t type) {
    struct strbuf out = message();
    put_text(&out, ONNX_ATTR_NAME, name);
    put_int(&out, ONNX_ATTR_TYPE, type);
    return out;
}

static inline void put_int_attribute(struct strbuf *to, const char *name, int64_t value) {
    struct strbuf a = attribute(name, ONNX_ATTR_TYPE_INT);
    put_int(&a, ONNX_ATTR_I, value);
    put_message(to, ONNX_NODE_ATTRIBUTE, a);
}

static inline void put_ints_attribute(struct strbuf *to, const char *name, size_t count,
                                      const int64_t *values) {
    struct strbuf a = attribute(name, ONNX_ATTR_TYPE_INTS);
    for (size_t i = 0; i < count; i++)
        put_int(&a, ONNX_ATTR_INTS, values[i]);
    put_message(to, ONNX_NODE_ATTRIBUTE, a);
}

static inline void put_tensor_attribute(struct strbuf *to, const char *name, struct strbuf tensor) {
    struct strbuf a = attribute(name, ONNX_ATTR_TYPE_TENSOR);
    put_message(&a, ONNX_ATTR_T, tensor);
    put_message(to, ONNX_NODE_ATTRIBUTE, a);
}

static inline void put_graph_attribute(struct strbuf *to, const char *name, struct strbuf graph) {
    struct strbuf a = attribute(name, ONNX_ATTR_TYPE_GRAPH);
    put_message(&a, ONNX_ATTR_G, graph);
    put_message(to, ONNX_NODE_ATTRIBUTE, a);
}

static inline void put_reference_attribute(struct strbuf *to, const char *name, int64_t type,
                                           const char *reference) {
    struct strbuf a = attribute(name, type);
    put_text(&a, ONNX_ATTR_REF_ATTR_NAME, reference);
    put_message(to, ONNX_NODE_ATTRIBUTE, a);
}

/* ---- models ---------------------------------------------------------------------------------- */

static inline void put_opset(struct strbuf *to, uint32_t field, const char *domain,
                             int64_t version) {
    struct strbuf opset = message();
    put_text(&opset, ONNX_OPSET_DOMAIN, domain);
    put_int(&opset, ONNX_OPSET_VERSION, version);
    put_message(to, field, opset);
}

static inline struct strbuf model_with(int64_t ir_version, struct strbuf graph) {
    struct strbuf model = message();
    put_int(&model, ONNX_MODEL_IR_VERSION, ir_version);
    put_text(&model, ONNX_MODEL_PRODUCER_NAME, "test");
    put_text(&model, ONNX_MODEL_PRODUCER_VERSION, "1.0");
    put_message(&model, ONNX_MODEL_GRAPH, graph);
    put_opset(&model, ONNX_MODEL_OPSET_IMPORT, "", 17);
    return model;
}

static inline struct strbuf model_of(struct strbuf graph) {
    return model_with(8, graph);
}

/* Relu from x to y, both 2x3. */
static inline struct strbuf relu_graph(void) {
    struct strbuf graph = message();
    put_text(&graph, ONNX_GRAPH_NAME, "g");
    put_node(&graph, "Relu", "r", "x", "y");
    put_input(&graph, "x", "2x3");
    put_output(&graph, "y", "2x3");
    return graph;
}

static inline struct strbuf function_named(const char *domain, const char *name, const char *inputs,
                                           const char *outputs) {
    struct strbuf function = message();
    put_text(&function, ONNX_FUNCTION_NAME, name);
    put_names(&function, ONNX_FUNCTION_INPUT, inputs);
    put_names(&function, ONNX_FUNCTION_OUTPUT, outputs);
    put_text(&function, ONNX_FUNCTION_DOMAIN, domain);
    put_opset(&function, ONNX_FUNCTION_OPSET_IMPORT, "", 17);
    return function;
}

#endif
