/* Eight-bit weights, inputs quantised while running: products with what scales them back. */
#include "models/lower_rules.h"

#include <string.h>

static int32_t reader_of(const struct lower *l, int32_t op, const char *type) {
    int32_t reader = op < 0 ? GRAPH_NONE : lower_sole_reader(l, lower_out(l, op, 0));
    return lower_is(l, reader, ONNX, type) ? reader : GRAPH_NONE;
}

/* A vector along the last axis. */
static bool is_bias(const struct lower *l, int32_t tensor, int32_t product) {
    return lower_is_constant(l, tensor) && lower_rank(l, tensor) == 1 &&
           lower_size(l, tensor, 0) == lower_size(l, product, -1);
}

/* MatMulInteger, Cast, Mul by both scales, perhaps Add of a bias. */
static bool fuse_product(struct lower *l, int32_t op) {
    int32_t cast = reader_of(l, op, "Cast"), mul = reader_of(l, cast, "Mul");
    int32_t found = lower_producer(l, lower_in(l, op, 0));
    if (mul < 0 || !lower_is(l, found, ONNX, "DynamicQuantizeLinear"))
        return false;
    int32_t scales = lower_producer(l, lower_other_input(l, mul, lower_out(l, cast, 0)));
    if (!lower_is(l, scales, ONNX, "Mul") || lower_in(l, scales, 0) != lower_out(l, found, 1))
        return false;
    int32_t last = mul, bias = GRAPH_NONE, add = reader_of(l, mul, "Add");
    int32_t other = add < 0 ? GRAPH_NONE : lower_other_input(l, add, lower_out(l, mul, 0));
    if (add >= 0 && is_bias(l, other, lower_out(l, mul, 0))) {
        last = add;
        bias = other;
    }
    const int32_t inputs[] = {lower_in(l, op, 0),
                              lower_in(l, op, 1),
                              lower_in(l, scales, 0),
                              lower_in(l, scales, 1),
                              lower_in(l, op, 2),
                              lower_in(l, op, 3),
                              bias};
    lower_set_inputs(l, last, bias >= 0 ? 7 : 6, inputs);
    lower_retype(l, last, MICROSOFT, "MatMulIntegerToFloat");
    return true;
}

/* The product is the only reader of what it quantises. */
static bool fuse_quantiser(struct lower *l, int32_t op) {
    int32_t product = lower_sole_reader(l, lower_out(l, op, 0));
    if (!lower_is(l, product, MICROSOFT, "MatMulIntegerToFloat") ||
        lower_sole_reader(l, lower_out(l, op, 1)) != product ||
        lower_sole_reader(l, lower_out(l, op, 2)) != product)
        return false;
    int32_t bias = lower_in(l, product, 6);
    const int32_t inputs[] = {lower_in(l, op, 0), lower_in(l, product, 1), lower_in(l, product, 3),
                              lower_in(l, product, 5), bias};
    lower_set_inputs(l, product, 5, inputs);
    lower_retype(l, product, MICROSOFT, "DynamicQuantizeMatMul");
    return true;
}

const struct lower_rule lower_dynamic_rules[] = {
    {"integer-product",  "MatMulInteger, scales and bias in one", "MatMulInteger",         fuse_product},
    {"dynamic-quantise", "the input is quantised by the product", "DynamicQuantizeLinear",
     fuse_quantiser                                                                                    },
    {NULL,               NULL,                                    NULL,                    NULL        },
};
