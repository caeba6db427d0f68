/* Operators that make tensors from attributes, shapes or scalars. */
#include "models/infer_ops.h"

#include <math.h>

static int infer_shape_op(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(1);
    if (x.rank >= 0) {
        int64_t start = op_int(run->op, "start", 0), end = op_int(run->op, "end", x.rank);
        start = start < 0 ? start + x.rank : start;
        end = end < 0 ? end + x.rank : end;
        start = start < 0 ? 0 : start > x.rank ? x.rank : start;
        end = end < 0 ? 0 : end > x.rank ? x.rank : end;
        y.dims[0] = infer_dim(end > start ? end - start : 0);
    }
    infer_put(run, 0, DTYPE_INT64, &y);
    return 0;
}

static int infer_size(struct infer *run) {
    infer_put_scalar(run, 0, DTYPE_INT64);
    return 0;
}

/* Attribute name, type and rank of the value forms of Constant besides "value". */
static const struct {
    const char *name;
    enum dtype dtype;
    bool list;
} constant_forms[] = {
    {"value_int",     DTYPE_INT64,   false},
    {"value_ints",    DTYPE_INT64,   true },
    {"value_float",   DTYPE_FLOAT32, false},
    {"value_floats",  DTYPE_FLOAT32, true },
    {"value_string",  DTYPE_STRING,  false},
    {"value_strings", DTYPE_STRING,  true },
};

static int infer_constant_op(struct infer *run) {
    const struct attribute *value = op_attribute(run->op, "value");
    if (value && value->kind == ATTRIBUTE_TENSOR && value->tensor >= 0 &&
        (uint32_t)value->tensor < run->graph->tensor_count) {
        const struct tensor *tensor = &run->graph->tensors[value->tensor];
        struct shape y = shape_into(tensor, run->graph, run->graph);
        infer_put(run, 0, tensor->dtype, &y);
        return 0;
    }
    for (uint32_t i = 0; i < sizeof constant_forms / sizeof *constant_forms; i++) {
        const struct attribute *a = op_attribute(run->op, constant_forms[i].name);
        if (!a)
            continue;
        struct shape y = infer_shape_1d(infer_dim(a->count));
        y.rank = constant_forms[i].list;
        infer_put(run, 0, constant_forms[i].dtype, &y);
    }
    return 0;
}

/* The tensor of a `value` attribute: one element that fills the output. */
static const struct tensor *fill_value(const struct infer *run) {
    const struct attribute *value = op_attribute(run->op, "value");
    bool usable = value && value->kind == ATTRIBUTE_TENSOR && value->tensor >= 0 &&
                  (uint32_t)value->tensor < run->graph->tensor_count;
    return usable ? &run->graph->tensors[value->tensor] : NULL;
}

/* A shape given as the values of an input. */
static int shape_of_values(struct infer *run, uint32_t input, struct shape *y) {
    const struct constant *c = infer_constant(run, input);
    const struct tensor *t = op_input(run->graph, run->op, input);
    *y = infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    if (c && !c->floating && c->count <= GRAPH_RANK_MAX) {
        *y = infer_shape_of_rank((int32_t)c->count);
        for (uint32_t i = 0; i < c->count; i++) {
            const struct element *e = &c->elements[i];
            if (e->known && e->i < 0)
                return infer_fail(run, "the shape has %lld", (long long)e->i);
            y->dims[i] = e->known ? infer_dim(e->i) : (struct dim){-1, e->symbol};
        }
    } else if (t && t->rank == 1 && dim_known(t->dims[0]) && t->dims[0].size <= GRAPH_RANK_MAX) {
        *y = infer_shape_of_rank((int32_t)t->dims[0].size);
    }
    return 0;
}

static int infer_constant_of_shape(struct infer *run) {
    struct shape y;
    if (shape_of_values(run, 0, &y))
        return -(int)run->err->code;
    const struct tensor *value = fill_value(run);
    infer_put(run, 0, value ? value->dtype : DTYPE_FLOAT32, &y);
    return 0;
}

static bool number(const struct infer *run, uint32_t input, double *value) {
    const struct constant *c = infer_constant(run, input);
    if (!c || c->count != 1 || !c->elements[0].known)
        return false;
    *value = c->floating ? c->elements[0].f : (double)c->elements[0].i;
    return true;
}

static int infer_range(struct infer *run) {
    struct shape y = infer_shape_of_rank(1);
    double start, limit, delta;
    if (number(run, 0, &start) && number(run, 1, &limit) && number(run, 2, &delta)) {
        if (delta == 0)
            return infer_fail(run, "the step is 0");
        double count = ceil((limit - start) / delta);
        if (count <= 0x1p62)
            y.dims[0] = infer_dim(count > 0 ? (int64_t)count : 0);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* RandomNormal, RandomUniform: shape and dtype by attribute. */
static int infer_random(struct infer *run) {
    struct int_list sizes;
    infer_ints(run, "shape", -1, &sizes);
    struct shape y = infer_shape_of_rank((int32_t)(sizes.count > GRAPH_RANK_MAX ? 0 : sizes.count));
    for (int32_t i = 0; i < y.rank; i++)
        y.dims[i] = infer_dim(sizes.values[i]);
    int64_t dtype = op_int(run->op, "dtype", DTYPE_FLOAT32);
    infer_put(run, 0, dtype_info((enum dtype)dtype) ? (enum dtype)dtype : DTYPE_UNDEFINED, &y);
    return 0;
}

static int infer_multinomial(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(2);
    if (x.rank == 2)
        y.dims[0] = x.dims[0];
    y.dims[1] = infer_dim(op_int(run->op, "sample_size", 1));
    int64_t dtype = op_int(run->op, "dtype", DTYPE_INT32);
    infer_put(run, 0, dtype_info((enum dtype)dtype) ? (enum dtype)dtype : DTYPE_UNDEFINED, &y);
    return 0;
}

const struct infer_row infer_generator_rows[] = {
    {ONNX,      "Shape",           infer_shape_op,          fold_shape,    0, 0},
    {ONNX,      "Size",            infer_size,              fold_size,     0, 0},
    {ONNX,      "Constant",        infer_constant_op,       fold_constant, 0, 0},
    {ONNX,      "ConstantOfShape", infer_constant_of_shape, fold_fill,     0, 0},
    {ONNX,      "Range",           infer_range,             fold_range,    0, 0},
    {ONNX,      "RandomNormal",    infer_random,            NULL,          0, 0},
    {ONNX,      "RandomUniform",   infer_random,            NULL,          0, 0},
    {ONNX,      "Multinomial",     infer_multinomial,       NULL,          0, 0},
    {MICROSOFT, "Range",           infer_range,             fold_range,    0, 0},
    {NULL,      NULL,              NULL,                    NULL,          0, 0},
};
