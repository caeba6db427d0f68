/* ValueInfoProto: the name, element type and shape a model states for a value. */
#include "models/onnx/fields.h"
#include "models/onnx/reading.h"
#include "models/onnx/tensor.h"

int reading_value(struct wire body, struct value *value) {
    static const struct wire_row rows[] = {
        {ONNX_VALUE_NAME, WIRE_TO_NAME, "ValueInfoProto.name", offsetof(struct value, name), NULL},
        {ONNX_VALUE_TYPE, WIRE_TO_BODY, "ValueInfoProto.type", offsetof(struct value, type), NULL},
    };
    *value = (struct value){0};
    return wire_read(body, rows, 2, value);
}

struct dimension {
    int64_t value;
    struct wire_text param;
};

/* -1 is how many exporters write "not known". */
static int read_dimension(struct scope *scope, const struct value *value, struct wire body,
                          struct dim *dim) {
    static const struct wire_row rows[] = {
        {ONNX_DIM_VALUE, WIRE_TO_INT,  "Dimension.dim_value", offsetof(struct dimension, value),
         NULL},
        {ONNX_DIM_PARAM, WIRE_TO_NAME, "Dimension.dim_param", offsetof(struct dimension, param),
         NULL},
    };
    struct dimension d = {.value = GRAPH_DIM_UNKNOWN};
    int code = wire_read(body, rows, 2, &d);
    if (code)
        return code;
    *dim = (struct dim){d.value, GRAPH_NO_SYMBOL};
    if (d.value == GRAPH_DIM_UNKNOWN) {
        if (d.param.length)
            dim->symbol = scope_symbol(scope, d.param);
        return 0;
    }
    return onnx_check_dim(body, value->name, d.value);
}

static int read_shape(struct scope *scope, const struct value *value, struct wire shape,
                      int32_t tensor) {
    struct dim dims[GRAPH_RANK_MAX];
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = 0;
    struct wire_field field;
    struct wire walk = shape;
    int more;
    while ((more = wire_next_of(&walk, ONNX_SHAPE_DIM, "TensorShapeProto.dim", &field)) > 0) {
        if (rank == GRAPH_RANK_MAX)
            return err_set(shape.err, ERR_INPUT,
                           "offset %llu: tensor '%.*s' has more than %d dimensions",
                           (unsigned long long)shape.at, WIRE_SHOWN(value->name), GRAPH_RANK_MAX);
        int code = read_dimension(scope, value, wire_inside(&walk, &field), &dims[rank]);
        if (code)
            return code;
        sizes[rank] = dims[rank].size;
        rank++;
    }
    uint64_t elements;
    if (more < 0 || onnx_check_elements(shape, value->name, rank, sizes, &elements))
        return -(int)shape.err->code;
    graph_set_shape(scope->graph, tensor, rank, sizes);
    for (int32_t i = 0; i < rank; i++)
        scope->graph->tensors[tensor].dims[i] = dims[i];
    return 0;
}

struct tensor_type {
    int64_t elem_type;
    struct wire shape;
};

static int read_tensor_type(struct scope *scope, const struct value *value, struct wire body,
                            int32_t tensor) {
    static const struct wire_row rows[] = {
        {ONNX_TYPE_TENSOR_ELEM_TYPE, WIRE_TO_INT,  "TypeProto.Tensor.elem_type",
         offsetof(struct tensor_type, elem_type), NULL},
        {ONNX_TYPE_TENSOR_SHAPE,     WIRE_TO_BODY, "TypeProto.Tensor.shape",
         offsetof(struct tensor_type, shape),     NULL},
    };
    struct tensor_type type = {0};
    int code = wire_read(body, rows, 2, &type);
    if (code)
        return code;
    if (type.elem_type < 0 || type.elem_type >= DTYPE_COUNT ||
        !dtype_info((enum dtype)type.elem_type))
        return err_set(body.err, ERR_INPUT,
                       "offset %llu: tensor '%.*s' has element type %lld, expected 1 to %d",
                       (unsigned long long)body.at, WIRE_SHOWN(value->name),
                       (long long)type.elem_type, DTYPE_FLOAT4E2M1);
    struct tensor *t = &scope->graph->tensors[tensor];
    if (t->dtype == DTYPE_UNDEFINED)
        t->dtype = (enum dtype)type.elem_type;
    return type.shape.file && t->rank == GRAPH_RANK_UNKNOWN
               ? read_shape(scope, value, type.shape, tensor)
               : 0;
}

int reading_type(struct scope *scope, const struct value *value, int32_t tensor) {
    struct types {
        struct wire dense, sparse;
    } types = {0};
    static const struct wire_row rows[] = {
        {ONNX_TYPE_TENSOR,        WIRE_TO_BODY, "TypeProto.tensor_type",        offsetof(struct types, dense),
         NULL                                                                                                       },
        {ONNX_TYPE_SPARSE_TENSOR, WIRE_TO_BODY, "TypeProto.sparse_tensor_type",
         offsetof(struct types,                                                                        sparse), NULL},
    };
    if (!value->type.file)
        return 0;
    int code = wire_read(value->type, rows, 2, &types);
    if (!code && types.dense.file)
        code = read_tensor_type(scope, value, types.dense, tensor);
    else if (!code && types.sparse.file)
        code = read_tensor_type(scope, value, types.sparse, tensor);
    return code;
}
