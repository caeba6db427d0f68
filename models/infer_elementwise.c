/* Operators that work element by element, alone or with broadcasting.
 *
 * param of a row: an enum dtype for the output, 0 when it is that of input 0. */
#include "models/infer_ops.h"

int infer_same_as_first(struct infer *run) {
    infer_put_like(run, 0, 0);
    return 0;
}

static int infer_unary(struct infer *run) {
    struct shape x = infer_in(run, 0);
    infer_put(run, 0, run->row->param ? (enum dtype)run->row->param : infer_dtype(run, 0), &x);
    return 0;
}

/* Add, Less, Max, Where, ...: all inputs broadcast together. */
static int infer_broadcast_all(struct infer *run) {
    struct shape y = infer_in(run, 0);
    for (uint32_t i = 1; i < run->op->input_count; i++) {
        struct shape x = infer_in(run, i), sum;
        if (infer_broadcast(run, &y, &x, &sum))
            return -(int)run->err->code;
        y = sum;
    }
    infer_put(run, 0, run->row->param ? (enum dtype)run->row->param : infer_dtype(run, 0), &y);
    return 0;
}

/* Before opset 7 only the second input was broadcast, to the shape of the first. */
static int infer_broadcast_old(struct infer *run) {
    return infer_unary(run);
}

static int infer_where(struct infer *run) {
    if (infer_broadcast_all(run))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 1) ? infer_dtype(run, 1) : infer_dtype(run, 2), NULL);
    return 0;
}

static int infer_cast(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int64_t to = op_int(run->op, "to", DTYPE_UNDEFINED);
    infer_put(run, 0, dtype_info((enum dtype)to) ? (enum dtype)to : DTYPE_UNDEFINED, &x);
    return 0;
}

static int infer_cast_like(struct infer *run) {
    struct shape x = infer_in(run, 0);
    infer_put(run, 0, infer_dtype(run, 1), &x);
    return 0;
}

static int infer_dropout(struct infer *run) {
    struct shape x = infer_in(run, 0);
    infer_put_like(run, 0, 0);
    infer_put(run, 1, run->opset < 10 ? infer_dtype(run, 0) : DTYPE_BOOL, &x);
    return 0;
}

/* Only in training does it change values: by input 2 since opset 12, by is_test before 7. */
static void fold_dropout(struct infer *run) {
    int64_t training = run->opset < 7 && !op_int(run->op, "is_test", 0);
    if (infer_has(run, 2) && !infer_scalar(run, 2, &training))
        return;
    if (!training)
        fold_copy(run);
}

/* BiasGelu, FastGelu, BiasSoftmax, ...: the rest is added to input 0. */
static int infer_first_with_bias(struct infer *run) {
    struct shape x = infer_in(run, 0), bias = infer_in(run, 1), y;
    if (x.rank >= 0 && bias.rank >= 0 && infer_broadcast(run, &x, &bias, &y))
        return -(int)run->err->code;
    infer_put_like(run, 0, 0);
    return 0;
}

/* BiasSplitGelu: (x + bias) is cut in two along the last axis. */
static int infer_bias_split_gelu(struct infer *run) {
    struct shape x = infer_in(run, 0);
    if (x.rank > 0)
        x.dims[x.rank - 1] = dim_div(x.dims[x.rank - 1], 2);
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

/* RandomNormalLike, EyeLike, Bernoulli: the shape of input 0, type by attribute. */
static int infer_like_with_dtype(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int64_t dtype = op_int(run->op, "dtype", infer_dtype(run, 0));
    infer_put(run, 0, dtype_info((enum dtype)dtype) ? (enum dtype)dtype : DTYPE_UNDEFINED, &x);
    return 0;
}

static int infer_string_split(struct infer *run) {
    struct shape x = infer_in(run, 0), y = x;
    if (x.rank >= 0)
        shape_append(&y, infer_unknown_dim);
    infer_put(run, 0, DTYPE_STRING, &y);
    infer_put(run, 1, DTYPE_INT64, &x);
    return 0;
}

#define UNARY(type)                                                                                \
    { ONNX, type, infer_unary, NULL, 0, 0 }
#define UNARY_FOLDED(type)                                                                         \
    { ONNX, type, infer_unary, fold_unary, 0, 0 }
#define UNARY_TO(type, dtype)                                                                      \
    { ONNX, type, infer_unary, NULL, dtype, 0 }
#define BINARY(type)                                                                               \
    { ONNX, type, infer_broadcast_all, fold_binary, 0, 0 }
#define BINARY_TO(type, dtype)                                                                     \
    { ONNX, type, infer_broadcast_all, fold_binary, dtype, 0 }
/* Arithmetic that had its own broadcast attribute before opset 7. */
#define ARITHMETIC(type)                                                                           \
    {ONNX, type, infer_broadcast_old, NULL, 0, 0}, {                                               \
        ONNX, type, infer_broadcast_all, fold_binary, 0, 7                                         \
    }
#define RELATION(type)                                                                             \
    {ONNX, type, infer_broadcast_old, NULL, DTYPE_BOOL, 0}, {                                      \
        ONNX, type, infer_broadcast_all, fold_binary, DTYPE_BOOL, 7                                \
    }

const struct infer_row infer_elementwise_rows[] = {
    UNARY_FOLDED("Abs"),
    UNARY("Acos"),
    UNARY("Acosh"),
    UNARY("Asin"),
    UNARY("Asinh"),
    UNARY("Atan"),
    UNARY("Atanh"),
    UNARY_FOLDED("Ceil"),
    UNARY("Celu"),
    UNARY("Cos"),
    UNARY("Cosh"),
    UNARY("Elu"),
    UNARY("Erf"),
    UNARY("Exp"),
    UNARY_FOLDED("Floor"),
    UNARY("Gelu"),
    UNARY("HardSigmoid"),
    UNARY("HardSwish"),
    UNARY("LeakyRelu"),
    UNARY("Log"),
    UNARY("Mish"),
    UNARY_FOLDED("Neg"),
    UNARY("Reciprocal"),
    UNARY_FOLDED("Relu"),
    UNARY_FOLDED("Round"),
    UNARY("Selu"),
    UNARY("Shrink"),
    UNARY("Sigmoid"),
    UNARY("Sign"),
    UNARY("Sin"),
    UNARY("Sinh"),
    UNARY("Softplus"),
    UNARY("Softsign"),
    UNARY_FOLDED("Sqrt"),
    UNARY("Swish"),
    UNARY("Tan"),
    UNARY("Tanh"),
    UNARY("ThresholdedRelu"),
    UNARY("Affine"),
    UNARY("ScaledTanh"),
    UNARY("ParametricSoftplus"),
    UNARY("Scale"),
    UNARY("ImageScaler"),
    UNARY("Clip"),
    UNARY("BitwiseNot"),
    UNARY_TO("IsInf", DTYPE_BOOL),
    UNARY_TO("IsNaN", DTYPE_BOOL),
    {ONNX,      "Not",               infer_unary,           fold_unary,   DTYPE_BOOL, 0},
    {ONNX,      "Identity",          infer_same_as_first,   fold_copy,    0,          0},
    ARITHMETIC("Add"),
    ARITHMETIC("Sub"),
    ARITHMETIC("Mul"),
    ARITHMETIC("Div"),
    ARITHMETIC("Pow"),
    RELATION("Equal"),
    RELATION("Less"),
    RELATION("Greater"),
    RELATION("And"),
    RELATION("Or"),
    RELATION("Xor"),
    BINARY_TO("LessOrEqual", DTYPE_BOOL),
    BINARY_TO("GreaterOrEqual", DTYPE_BOOL),
    BINARY("Mod"),
    BINARY("Max"),
    BINARY("Min"),
    BINARY("BitShift"),
    BINARY("BitwiseAnd"),
    BINARY("BitwiseOr"),
    BINARY("BitwiseXor"),
    {ONNX,      "Sum",               infer_broadcast_all,   NULL,         0,          0},
    {ONNX,      "Mean",              infer_broadcast_all,   NULL,         0,          0},
    {ONNX,      "PRelu",             infer_same_as_first,   NULL,         0,          0},
    {ONNX,      "Where",             infer_where,           fold_where,   0,          0},
    {ONNX,      "Cast",              infer_cast,            fold_cast,    0,          0},
    {ONNX,      "CastLike",          infer_cast_like,       fold_cast,    0,          0},
    {ONNX,      "Dropout",           infer_dropout,         fold_dropout, 0,          0},
    {ONNX,      "RandomNormalLike",  infer_like_with_dtype, NULL,         0,          0},
    {ONNX,      "RandomUniformLike", infer_like_with_dtype, NULL,         0,          0},
    {ONNX,      "Bernoulli",         infer_like_with_dtype, NULL,         0,          0},
    {ONNX,      "EyeLike",           infer_like_with_dtype, NULL,         0,          0},
    {ONNX,      "StringConcat",      infer_broadcast_all,   NULL,         0,          0},
    {ONNX,      "StringSplit",       infer_string_split,    NULL,         0,          0},
    {ONNX,      "RegexFullMatch",    infer_unary,           NULL,         DTYPE_BOOL, 0},
    {MICROSOFT, "Gelu",              infer_unary,           NULL,         0,          0},
    {MICROSOFT, "QuickGelu",         infer_unary,           NULL,         0,          0},
    {MICROSOFT, "FastGelu",          infer_first_with_bias, NULL,         0,          0},
    {MICROSOFT, "BiasGelu",          infer_first_with_bias, NULL,         0,          0},
    {MICROSOFT, "BiasSoftmax",       infer_first_with_bias, NULL,         0,          0},
    {MICROSOFT, "BiasAdd",           infer_first_with_bias, NULL,         0,          0},
    {MICROSOFT, "BiasDropout",       infer_dropout,         NULL,         0,          0},
    {MICROSOFT, "BitmaskDropout",    infer_same_as_first,   NULL,         0,          0},
    {MICROSOFT, "BiasSplitGelu",     infer_bias_split_gelu, NULL,         0,          0},
    {MICROSOFT, "Inverse",           infer_same_as_first,   NULL,         0,          0},
    {NULL,      NULL,                NULL,                  NULL,         0,          0},
};
