/* Quantising and its inverse, and quantised forms of plain operators. */
#include "models/infer_ops.h"

/* The zero point says the type; without one attribute output_dtype (opset 21), else uint8. */
static int infer_quantize(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int64_t asked = op_int(run->op, "output_dtype", 0);
    enum dtype dtype = infer_has(run, 2)                            ? infer_dtype(run, 2)
                       : asked > 0 && dtype_info((enum dtype)asked) ? (enum dtype)asked
                                                                    : DTYPE_UINT8;
    infer_put(run, 0, dtype, &x);
    return 0;
}

static int infer_dequantize(struct infer *run) {
    struct shape x = infer_in(run, 0);
    infer_put(run, 0, infer_dtype(run, 1) ? infer_dtype(run, 1) : DTYPE_FLOAT32, &x);
    return 0;
}

static int infer_dynamic_quantize(struct infer *run) {
    struct shape x = infer_in(run, 0);
    infer_put(run, 0, DTYPE_UINT8, &x);
    infer_put_scalar(run, 1, DTYPE_FLOAT32);
    infer_put_scalar(run, 2, DTYPE_UINT8);
    return 0;
}

/* A, a_scale, a_zero_point, B, b_scale, b_zero_point, c_scale, c_zero_point */
static int infer_qlinear_binary(struct infer *run) {
    struct shape a = infer_in(run, 0), b = infer_in(run, 3), y;
    if (infer_broadcast(run, &a, &b, &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* y_scale, y_zero_point, then tensor, scale, zero point of each part */
static int infer_qlinear_concat(struct infer *run) {
    struct shape y;
    if (infer_concat_shapes(run, 2, 3, op_int(run->op, "axis", 0), &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 2), &y);
    return 0;
}

/* condition, X, x_scale, x_zero_point, Y, ... */
static int infer_qlinear_where(struct infer *run) {
    struct shape c = infer_in(run, 0), x = infer_in(run, 1), y = infer_in(run, 4), part, all;
    if (infer_broadcast(run, &c, &x, &part) || infer_broadcast(run, &part, &y, &all))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 1), &all);
    return 0;
}

const struct infer_row infer_quantization_rows[] = {
    {ONNX,      "QuantizeLinear",        infer_quantize,         NULL, 0, 0},
    {ONNX,      "DequantizeLinear",      infer_dequantize,       NULL, 0, 0},
    {ONNX,      "DynamicQuantizeLinear", infer_dynamic_quantize, NULL, 0, 0},
    {MICROSOFT, "QuantizeLinear",        infer_quantize,         NULL, 0, 0},
    {MICROSOFT, "DequantizeLinear",      infer_dequantize,       NULL, 0, 0},
    {MICROSOFT, "QLinearAdd",            infer_qlinear_binary,   NULL, 0, 0},
    {MICROSOFT, "QLinearMul",            infer_qlinear_binary,   NULL, 0, 0},
    {MICROSOFT, "QLinearConcat",         infer_qlinear_concat,   NULL, 0, 0},
    {MICROSOFT, "QLinearWhere",          infer_qlinear_where,    NULL, 0, 0},
    {MICROSOFT, "QLinearSoftmax",        infer_same_as_first,    NULL, 0, 0},
    {MICROSOFT, "QLinearSigmoid",        infer_same_as_first,    NULL, 0, 0},
    {MICROSOFT, "QLinearLeakyRelu",      infer_same_as_first,    NULL, 0, 0},
    {NULL,      NULL,                    NULL,                   NULL, 0, 0},
};
