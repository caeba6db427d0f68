#include "models/onnx/encode_model.h"

#include "models/onnx/fields.h"
#include "models/onnx/raw.h"

#include <string.h>

enum {
    IR_VERSION_DEFAULT = 8,      /* of opset 15 to 18 */
    IR_VERSION_BARE_WEIGHTS = 4, /* from here initializers need not be inputs */
    SIDE_MINIMUM_BYTES = 1024,   /* smaller tensors stay in the model */
};

/* ---- tensors --------------------------------------------------------------------------------- */

static void encode_entry(struct encoder *encoder, uint32_t field, const char *key,
                         const char *value) {
    struct encoder_message entry = encode_begin(encoder, field);
    encode_text(encoder, ONNX_ENTRY_KEY, key);
    encode_text(encoder, ONNX_ENTRY_VALUE, value);
    encode_end(encoder, entry);
}

static void encode_number_entry(struct writer *w, const char *key, uint64_t value) {
    encode_entry(&w->encoder, ONNX_TENSOR_EXTERNAL_DATA, key,
                 arena_printf(&w->encoder.arena, "%llu", (unsigned long long)value));
}

static void encode_omitted(struct writer *w, uint64_t length_bytes) {
    encode_entry(&w->encoder, ONNX_TENSOR_EXTERNAL_DATA, "location", ONNX_OMITTED_LOCATION);
    if (length_bytes)
        encode_number_entry(w, "length", length_bytes);
    encode_int(&w->encoder, ONNX_TENSOR_DATA_LOCATION, ONNX_TENSOR_LOCATION_EXTERNAL);
}

static void encode_beside(struct writer *w, const struct graph *graph, int32_t tensor,
                          uint64_t length_bytes) {
    uint64_t offset =
        (w->side_bytes + SIDE_ALIGNMENT_BYTES - 1) / SIDE_ALIGNMENT_BYTES * SIDE_ALIGNMENT_BYTES;
    *ARENA_PUSH(&w->encoder.arena, w->side, w->side_count, w->side_capacity) =
        (struct encoder_hole){0, length_bytes, graph, tensor};
    w->side_bytes = offset + length_bytes;
    encode_entry(&w->encoder, ONNX_TENSOR_EXTERNAL_DATA, "location", w->side_location);
    encode_number_entry(w, "offset", offset);
    encode_number_entry(w, "length", length_bytes);
    encode_int(&w->encoder, ONNX_TENSOR_DATA_LOCATION, ONNX_TENSOR_LOCATION_EXTERNAL);
}

static int encode_data(struct writer *w, const struct graph *graph, int32_t index) {
    const struct tensor *tensor = &graph->tensors[index];
    if (raw_is_complete(tensor)) {
        struct encoder_message raw = encode_begin(&w->encoder, ONNX_TENSOR_RAW_DATA);
        raw_append(&w->encoder.bytes, tensor);
        encode_end(&w->encoder, raw);
        return 0;
    }
    uint64_t length_bytes = tensor_bytes(tensor);
    if (w->weights->mode == ONNX_WEIGHTS_OMITTED) {
        encode_omitted(w, length_bytes);
        return 0;
    }
    if (tensor_elements(tensor) < 0)
        return err_set(w->err, ERR_INPUT,
                       "tensor '%s': its size is not known, so its data cannot "
                       "be written",
                       tensor->name);
    if (tensor->dtype == DTYPE_STRING || (length_bytes == 0 && tensor_elements(tensor) > 0))
        return err_set(w->err, ERR_INPUT, "tensor '%s': data of type %s cannot be written",
                       tensor->name, dtype_name(tensor->dtype));
    if (w->weights->mode == ONNX_WEIGHTS_BESIDE && length_bytes >= SIDE_MINIMUM_BYTES)
        encode_beside(w, graph, index, length_bytes);
    else
        encode_hole(&w->encoder, ONNX_TENSOR_RAW_DATA, length_bytes, graph, index);
    return 0;
}

static int encode_tensor(struct writer *w, uint32_t field, const struct graph *graph, int32_t index,
                         const char *name) {
    const struct tensor *tensor = &graph->tensors[index];
    struct encoder_message message = encode_begin(&w->encoder, field);
    for (int32_t i = 0; i < tensor->rank; i++)
        encode_int(&w->encoder, ONNX_TENSOR_DIMS, tensor->dims[i].size);
    encode_int(&w->encoder, ONNX_TENSOR_DATA_TYPE, tensor->dtype);
    encode_optional(&w->encoder, ONNX_TENSOR_NAME, name);
    int result = encode_data(w, graph, index);
    encode_end(&w->encoder, message);
    return result;
}

static void encode_sparse_part(struct writer *w, uint32_t field, const char *name,
                               enum dtype dtype) {
    struct encoder_message part = encode_begin(&w->encoder, field);
    encode_int(&w->encoder, ONNX_TENSOR_DIMS, 0);
    encode_int(&w->encoder, ONNX_TENSOR_DATA_TYPE, dtype);
    encode_optional(&w->encoder, ONNX_TENSOR_NAME, name);
    encode_end(&w->encoder, part);
}

/* A sparse initializer keeps name, type and shape; its stored elements become none. */
static int encode_sparse(struct writer *w, const struct tensor *tensor) {
    if (w->weights->mode != ONNX_WEIGHTS_OMITTED)
        return err_set(w->err, ERR_INPUT,
                       "tensor '%s': sparse initializers are written only "
                       "without weights",
                       tensor->name);
    struct encoder_message sparse = encode_begin(&w->encoder, ONNX_GRAPH_SPARSE_INITIALIZER);
    encode_sparse_part(w, ONNX_SPARSE_VALUES, tensor->name, tensor->dtype);
    encode_sparse_part(w, ONNX_SPARSE_INDICES, NULL, DTYPE_INT64);
    for (int32_t i = 0; i < tensor->rank; i++)
        encode_int(&w->encoder, ONNX_SPARSE_DIMS, tensor->dims[i].size);
    encode_end(&w->encoder, sparse);
    return 0;
}

/* ---- value_info ------------------------------------------------------------------------------ */

static void encode_shape(struct encoder *encoder, const struct graph *graph,
                         const struct tensor *tensor) {
    struct encoder_message shape = encode_begin(encoder, ONNX_TYPE_TENSOR_SHAPE);
    for (int32_t i = 0; i < tensor->rank; i++) {
        const struct dim *dim = &tensor->dims[i];
        struct encoder_message message = encode_begin(encoder, ONNX_SHAPE_DIM);
        if (dim->size >= 0)
            encode_int(encoder, ONNX_DIM_VALUE, dim->size);
        else if (dim->symbol != GRAPH_NO_SYMBOL)
            encode_text(encoder, ONNX_DIM_PARAM, graph->symbols[dim->symbol]);
        encode_end(encoder, message);
    }
    encode_end(encoder, shape);
}

static void encode_value_info(struct encoder *encoder, uint32_t field, const struct graph *graph,
                              int32_t index) {
    const struct tensor *tensor = &graph->tensors[index];
    struct encoder_message info = encode_begin(encoder, field);
    encode_text(encoder, ONNX_VALUE_NAME, tensor->name);
    if (tensor->dtype != DTYPE_UNDEFINED) {
        struct encoder_message type = encode_begin(encoder, ONNX_VALUE_TYPE);
        struct encoder_message of_tensor = encode_begin(encoder, ONNX_TYPE_TENSOR);
        encode_int(encoder, ONNX_TYPE_TENSOR_ELEM_TYPE, tensor->dtype);
        if (tensor->rank != GRAPH_RANK_UNKNOWN)
            encode_shape(encoder, graph, tensor);
        encode_end(encoder, of_tensor);
        encode_end(encoder, type);
    }
    encode_end(encoder, info);
}

/* ---- operators ------------------------------------------------------------------------------- */

static int encode_graph(struct writer *w, uint32_t field, const struct graph *graph);

static bool is_output_of(const struct op *op, int32_t tensor) {
    for (uint32_t i = 0; i < op->output_count; i++)
        if (op->outputs[i] == tensor)
            return true;
    return false;
}

/* What the reader did not keep is marked as a sparse tensor without
 * content, which it again notes and does not keep. */
static const int attribute_types[] = {
    [ATTRIBUTE_FLOAT] = ONNX_ATTR_TYPE_FLOAT,         [ATTRIBUTE_INT] = ONNX_ATTR_TYPE_INT,
    [ATTRIBUTE_STRING] = ONNX_ATTR_TYPE_STRING,       [ATTRIBUTE_TENSOR] = ONNX_ATTR_TYPE_TENSOR,
    [ATTRIBUTE_GRAPH] = ONNX_ATTR_TYPE_GRAPH,         [ATTRIBUTE_FLOATS] = ONNX_ATTR_TYPE_FLOATS,
    [ATTRIBUTE_INTS] = ONNX_ATTR_TYPE_INTS,           [ATTRIBUTE_STRINGS] = ONNX_ATTR_TYPE_STRINGS,
    [ATTRIBUTE_OTHER] = ONNX_ATTR_TYPE_SPARSE_TENSOR,
};

static int encode_attribute_value(struct writer *w, const struct graph *graph, const struct op *op,
                                  const struct attribute *attribute) {
    struct encoder *encoder = &w->encoder;
    switch (attribute->kind) {
    case ATTRIBUTE_INT:
        encode_int(encoder, ONNX_ATTR_I, attribute->i);
        return 0;
    case ATTRIBUTE_FLOAT:
        encode_float(encoder, ONNX_ATTR_F, attribute->f);
        return 0;
    case ATTRIBUTE_STRING:
        encode_text(encoder, ONNX_ATTR_S, attribute->s);
        return 0;
    case ATTRIBUTE_INTS:
        for (uint32_t i = 0; i < attribute->count; i++)
            encode_int(encoder, ONNX_ATTR_INTS, attribute->ints[i]);
        return 0;
    case ATTRIBUTE_FLOATS:
        for (uint32_t i = 0; i < attribute->count; i++)
            encode_float(encoder, ONNX_ATTR_FLOATS, attribute->floats[i]);
        return 0;
    case ATTRIBUTE_STRINGS:
        for (uint32_t i = 0; i < attribute->count; i++)
            encode_text(encoder, ONNX_ATTR_STRINGS, attribute->strings[i]);
        return 0;
    case ATTRIBUTE_TENSOR: /* an operator's own output already has its name */
        return encode_tensor(
            w, ONNX_ATTR_T, graph, attribute->tensor,
            is_output_of(op, attribute->tensor) ? NULL : graph->tensors[attribute->tensor].name);
    case ATTRIBUTE_GRAPH:
        return encode_graph(w, ONNX_ATTR_G, attribute->graph);
    case ATTRIBUTE_OTHER:
        break;
    }
    if (w->weights->mode == ONNX_WEIGHTS_OMITTED)
        return 0;
    return err_set(w->err, ERR_INPUT, "%s '%s': the value of attribute '%s' was not kept", op->type,
                   op->name, attribute->name);
}

static void encode_names(struct encoder *encoder, uint32_t field, const struct graph *graph,
                         uint32_t count, const int32_t *tensors) {
    for (uint32_t i = 0; i < count; i++)
        encode_text(encoder, field,
                    tensors[i] == GRAPH_NONE ? "" : graph->tensors[tensors[i]].name);
}

static int encode_op(struct writer *w, const struct graph *graph, const struct op *op) {
    struct encoder *encoder = &w->encoder;
    struct encoder_message node = encode_begin(encoder, ONNX_GRAPH_NODE);
    encode_names(encoder, ONNX_NODE_INPUT, graph, op->input_count, op->inputs);
    encode_names(encoder, ONNX_NODE_OUTPUT, graph, op->output_count, op->outputs);
    encode_optional(encoder, ONNX_NODE_NAME, op->name);
    encode_text(encoder, ONNX_NODE_OP_TYPE, op->type);
    int result = 0;
    for (uint32_t i = 0; i < op->attribute_count && result == 0; i++) {
        struct encoder_message attribute = encode_begin(encoder, ONNX_NODE_ATTRIBUTE);
        encode_text(encoder, ONNX_ATTR_NAME, op->attributes[i].name);
        result = encode_attribute_value(w, graph, op, &op->attributes[i]);
        encode_int(encoder, ONNX_ATTR_TYPE, attribute_types[op->attributes[i].kind]);
        encode_end(encoder, attribute);
    }
    encode_optional(encoder, ONNX_NODE_DOMAIN, op->domain);
    encode_end(encoder, node);
    return result;
}

/* ---- graph and model ------------------------------------------------------------------------- */

static int encode_initializers(struct writer *w, const struct graph *graph) {
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (!(tensor->flags & TENSOR_INITIALIZER))
            continue;
        int result = tensor->flags & TENSOR_SPARSE ? encode_sparse(w, tensor)
                                                   : encode_tensor(w, ONNX_GRAPH_INITIALIZER, graph,
                                                                   (int32_t)t, tensor->name);
        if (result)
            return result;
    }
    return 0;
}

static void encode_inputs(struct encoder *encoder, const struct graph *graph) {
    for (uint32_t i = 0; i < graph->input_count; i++)
        encode_value_info(encoder, ONNX_GRAPH_INPUT, graph, graph->inputs[i]);
    if (graph->parent || graph->ir_version == 0 || graph->ir_version >= IR_VERSION_BARE_WEIGHTS)
        return;
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].flags & TENSOR_INITIALIZER)
            encode_value_info(encoder, ONNX_GRAPH_INPUT, graph, (int32_t)t);
}

static void encode_intermediates(struct encoder *encoder, const struct graph *graph) {
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t k = 0; k < graph->ops[i].output_count; k++) {
            const struct tensor *tensor = op_output(graph, &graph->ops[i], k);
            if (tensor && tensor->dtype != DTYPE_UNDEFINED && !(tensor->flags & TENSOR_OUTPUT))
                encode_value_info(encoder, ONNX_GRAPH_VALUE_INFO, graph, graph->ops[i].outputs[k]);
        }
}

static int encode_graph(struct writer *w, uint32_t field, const struct graph *graph) {
    struct encoder *encoder = &w->encoder;
    struct encoder_message message = encode_begin(encoder, field);
    int result = 0;
    for (uint32_t i = 0; i < graph->op_count && result == 0; i++)
        result = encode_op(w, graph, &graph->ops[i]);
    encode_optional(encoder, ONNX_GRAPH_NAME, graph->name);
    if (result == 0)
        result = encode_initializers(w, graph);
    encode_inputs(encoder, graph);
    for (uint32_t i = 0; i < graph->output_count; i++)
        encode_value_info(encoder, ONNX_GRAPH_OUTPUT, graph, graph->outputs[i]);
    encode_intermediates(encoder, graph);
    encode_end(encoder, message);
    return result;
}

/* "pytorch 2.4.0" -> name and version. */
static void encode_producer(struct encoder *encoder, const char *producer) {
    const char *space = strrchr(producer, ' ');
    if (!space || space == producer || !space[1]) {
        encode_optional(encoder, ONNX_MODEL_PRODUCER_NAME, producer);
        return;
    }
    encode_bytes(encoder, ONNX_MODEL_PRODUCER_NAME, producer, (size_t)(space - producer));
    encode_optional(encoder, ONNX_MODEL_PRODUCER_VERSION, space + 1);
}

int encode_model(struct writer *w, const struct graph *graph) {
    struct encoder *encoder = &w->encoder;
    encode_int(encoder, ONNX_MODEL_IR_VERSION,
               graph->ir_version ? graph->ir_version : IR_VERSION_DEFAULT);
    encode_producer(encoder, graph->producer ? graph->producer : "");
    int result = encode_graph(w, ONNX_MODEL_GRAPH, graph);
    for (uint32_t i = 0; i < graph->opset_count; i++) {
        struct encoder_message opset = encode_begin(encoder, ONNX_MODEL_OPSET_IMPORT);
        encode_text(encoder, ONNX_OPSET_DOMAIN, graph->opsets[i].domain);
        encode_int(encoder, ONNX_OPSET_VERSION, graph->opsets[i].version);
        encode_end(encoder, opset);
    }
    if (graph->lowered)
        encode_entry(encoder, ONNX_MODEL_METADATA_PROPS, ONNX_LOWERED_KEY, "1");
    return result;
}
