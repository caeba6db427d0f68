/* Activations in exporters' spellings: one function per row of the table at the end. */
#include "models/zoo/layers.h"

#include <math.h>

static int32_t relu(struct zoo_builder *b, int32_t x) {
    return zoo_unary(b, "Relu", x);
}

static int32_t relu6(struct zoo_builder *b, int32_t x) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int32_t low = zoo_scalar(b, 0), high = zoo_scalar(b, 6);
    return zoo_simple(b, "Clip", ZOO_LIST(x, low, high), rank, sizes);
}

static int32_t hard_sigmoid(struct zoo_builder *b, int32_t x) {
    int32_t y = zoo_unary(b, "HardSigmoid", x);
    graph_set_float(b->graph, (int32_t)b->graph->op_count - 1, "alpha", 1.0f / 6);
    return y;
}

static int32_t hard_swish(struct zoo_builder *b, int32_t x) {
    if (b->options.opset >= 14)
        return zoo_unary(b, "HardSwish", x);
    return zoo_mul(b, x, hard_sigmoid(b, x));
}

static int32_t sigmoid(struct zoo_builder *b, int32_t x) {
    return zoo_unary(b, "Sigmoid", x);
}

static int32_t silu(struct zoo_builder *b, int32_t x) {
    return zoo_mul(b, x, zoo_unary(b, "Sigmoid", x));
}

static int32_t hyperbolic_tangent(struct zoo_builder *b, int32_t x) {
    return zoo_unary(b, "Tanh", x);
}

/* x * (1 + erf(x / sqrt 2)) / 2; Hendrycks and Gimpel 2016. */
static int32_t gelu(struct zoo_builder *b, int32_t x) {
    if (b->options.opset >= 20)
        return zoo_unary(b, "Gelu", x);
    int32_t erf = zoo_unary(b, "Erf", zoo_binary(b, "Div", x, zoo_scalar(b, sqrt(2))));
    int32_t twice = zoo_mul(b, x, zoo_add(b, erf, zoo_scalar(b, 1)));
    return zoo_mul(b, twice, zoo_scalar(b, 0.5));
}

/* x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))); the same paper, section 2. */
static int32_t gelu_tanh(struct zoo_builder *b, int32_t x) {
    int32_t half = zoo_mul(b, x, zoo_scalar(b, 0.5));
    int32_t cube = zoo_binary(b, "Pow", x, zoo_scalar(b, 3));
    int32_t sum = zoo_add(b, x, zoo_mul(b, cube, zoo_scalar(b, 0.044715)));
    int32_t inner = zoo_mul(b, sum, zoo_scalar(b, sqrt(2 / 3.14159265358979323846)));
    int32_t bent = zoo_unary(b, "Tanh", inner);
    return zoo_mul(b, half, zoo_add(b, bent, zoo_scalar(b, 1)));
}

static int32_t (*const activations[ZOO_ACTIVATION_COUNT])(struct zoo_builder *, int32_t) = {
    [ZOO_RELU] = relu,
    [ZOO_RELU6] = relu6,
    [ZOO_HARD_SWISH] = hard_swish,
    [ZOO_HARD_SIGMOID] = hard_sigmoid,
    [ZOO_SIGMOID] = sigmoid,
    [ZOO_SILU] = silu,
    [ZOO_TANH] = hyperbolic_tangent,
    [ZOO_GELU] = gelu,
    [ZOO_GELU_TANH] = gelu_tanh,
};

int32_t zoo_activate(struct zoo_builder *b, enum zoo_activation activation, int32_t x) {
    return activation == ZOO_NONE ? x : activations[activation](b, x);
}
