/* A core graph as the JSON of models/described.h: the reader's other half, for tests. */
#ifndef ASSAY_TESTS_DESCRIBE_H
#define ASSAY_TESTS_DESCRIBE_H

#include "base/json.h"
#include "base/units.h"
#include "core/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A float is told by its point. */
static inline void describe_float(cJSON *parent, const char *key, double value) {
    char text[UNIT_TEXT_SIZE];
    unit_exact(text, value);
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    cJSON *raw = cJSON_CreateRaw(text);
    json_add(parent, key, raw);
}

static inline void describe_values(cJSON *object, const struct tensor *tensor) {
    cJSON *values = json_add_array(object, "values");
    for (uint64_t i = 0; i < tensor->values->count; i++)
        if (tensor->values->ints)
            json_add_int(values, NULL, tensor->values->ints[i]);
        else
            describe_float(values, NULL, tensor->values->floats[i]);
}

static inline void describe_tensor(cJSON *list, const struct graph *graph,
                                   const struct tensor *tensor, bool with_values) {
    cJSON *object = json_add_object(list, NULL);
    json_add_text(object, "name", tensor->name);
    json_add_text(object, "dtype", dtype_name(tensor->dtype));
    cJSON *shape = json_add_array(object, "shape");
    for (int32_t i = 0; i < tensor->rank; i++)
        if (tensor->dims[i].size >= 0)
            json_add_int(shape, NULL, tensor->dims[i].size);
        else if (tensor->dims[i].symbol != GRAPH_NO_SYMBOL)
            json_add_text(shape, NULL, graph->symbols[tensor->dims[i].symbol]);
        else
            json_add_null(shape, NULL);
    if (!with_values || !tensor->values)
        return;
    describe_values(object, tensor);
}

static inline void describe_constant(cJSON *object, const struct graph *graph,
                                     const struct attribute *attribute) {
    const struct tensor *tensor = &graph->tensors[attribute->tensor];
    cJSON *constant = json_add_object(object, attribute->name);
    json_add_text(constant, "dtype", dtype_name(tensor->dtype));
    cJSON *shape = json_add_array(constant, "shape");
    for (int32_t i = 0; i < tensor->rank; i++)
        json_add_int(shape, NULL, tensor->dims[i].size);
    describe_values(constant, tensor);
}

static inline void describe_attribute(cJSON *object, const struct graph *graph,
                                      const struct attribute *attribute) {
    if (attribute->kind == ATTRIBUTE_TENSOR && graph->tensors[attribute->tensor].values)
        describe_constant(object, graph, attribute);
    else if (attribute->kind == ATTRIBUTE_INT)
        json_add_int(object, attribute->name, attribute->i);
    else if (attribute->kind == ATTRIBUTE_FLOAT)
        describe_float(object, attribute->name, (double)attribute->f);
    else if (attribute->kind == ATTRIBUTE_STRING)
        json_add_text(object, attribute->name, attribute->s);
    else if (attribute->kind == ATTRIBUTE_INTS) {
        cJSON *list = json_add_array(object, attribute->name);
        for (uint32_t i = 0; i < attribute->count; i++)
            json_add_int(list, NULL, attribute->ints[i]);
    } else if (attribute->kind == ATTRIBUTE_FLOATS) {
        cJSON *list = json_add_array(object, attribute->name);
        for (uint32_t i = 0; i < attribute->count; i++)
            describe_float(list, NULL, (double)attribute->floats[i]);
    }
}

static inline void describe_names(cJSON *object, const char *key, const struct graph *graph,
                                  const int32_t *tensors, uint32_t count) {
    cJSON *list = json_add_array(object, key);
    for (uint32_t i = 0; i < count; i++)
        json_add_text(list, NULL, tensors[i] == GRAPH_NONE ? "" : graph->tensors[tensors[i]].name);
}

static inline void describe_op(cJSON *list, const struct graph *graph, const struct op *op) {
    cJSON *object = json_add_object(list, NULL);
    json_add_text(object, "type", op->type);
    json_add_text(object, "name", op->name);
    json_add_text(object, "domain", op->domain);
    describe_names(object, "inputs", graph, op->inputs, op->input_count);
    describe_names(object, "outputs", graph, op->outputs, op->output_count);
    cJSON *attributes = json_add_object(object, "attributes");
    for (uint32_t i = 0; i < op->attribute_count; i++)
        describe_attribute(attributes, graph, &op->attributes[i]);
}

static inline void describe(const struct graph *graph, struct strbuf *out) {
    cJSON *root = json_object();
    json_add_int(root, "assay_graph", 1);
    json_add_text(root, "name", graph->name);
    cJSON *opsets = json_add_object(root, "opsets");
    for (uint32_t i = 0; i < graph->opset_count; i++)
        json_add_int(opsets, graph->opsets[i].domain, graph->opsets[i].version);
    cJSON *inputs = json_add_array(root, "inputs");
    for (uint32_t i = 0; i < graph->input_count; i++)
        describe_tensor(inputs, graph, &graph->tensors[graph->inputs[i]], false);
    cJSON *initializers = json_add_array(root, "initializers");
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].flags & TENSOR_INITIALIZER)
            describe_tensor(initializers, graph, &graph->tensors[t], true);
    cJSON *ops = json_add_array(root, "ops");
    for (uint32_t i = 0; i < graph->op_count; i++)
        describe_op(ops, graph, &graph->ops[i]);
    describe_names(root, "outputs", graph, graph->outputs, graph->output_count);
    json_print(root, true, out);
    cJSON_Delete(root);
}

#endif
