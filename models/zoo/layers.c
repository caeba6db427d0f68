#include "models/zoo/layers.h"

#include <math.h>

static int32_t newest(const struct zoo_builder *b) {
    return (int32_t)b->graph->op_count - 1;
}

/* Weights that keep the size of what flows through them (He et al. 2015): variance 1 / fan-in, 2
 * before a rectifier, which drops half. */
static float fan_in_deviation(int64_t fan_in, enum zoo_activation activation) {
    return sqrtf((activation == ZOO_NONE ? 1.0f : 2.0f) / (float)fan_in);
}

static const float bias_deviation = 0.02f;

static const char *suffixed(const struct zoo_builder *b, const char *name, const char *suffix) {
    return arena_printf(b->graph->arena, "%s.%s", name, suffix);
}

static int32_t vector(struct zoo_builder *b, const char *name, const char *suffix, float mean,
                      float deviation, int64_t size) {
    return zoo_weight(b, suffixed(b, name, suffix), mean, deviation, ZOO_SHAPE(size));
}

int32_t zoo_image(struct zoo_builder *b, int64_t channels) {
    const struct zoo_options *o = &b->options;
    return zoo_input(b, "input", DTYPE_FLOAT32,
                     ZOO_SHAPE(o->batch, channels, o->image_size, o->image_size));
}

/* ---- convolution ----------------------------------------------------------------------------- */

static void fill_defaults(struct zoo_conv *conv) {
    if (!conv->kernel_w) {
        conv->kernel_w = conv->kernel;
        conv->pad_w = conv->pad;
    }
    conv->stride = conv->stride ? conv->stride : 1;
    conv->dilation = conv->dilation ? conv->dilation : 1;
    conv->groups = conv->groups ? conv->groups : 1;
}

/* Both axes' attributes; a signal has the first only. */
static void set_window(struct zoo_builder *b, uint32_t axes, const struct zoo_conv *conv) {
    int32_t op = newest(b);
    int64_t both[2] = {conv->dilation, conv->dilation};
    graph_set_ints(b->graph, op, "dilations", axes, both);
    graph_set_int(b->graph, op, "group", conv->groups);
    graph_set_ints(b->graph, op, "kernel_shape", axes, (int64_t[]){conv->kernel, conv->kernel_w});
    if (axes == 1)
        graph_set_ints(b->graph, op, "pads", 2, (int64_t[]){conv->pad, conv->pad});
    else
        graph_set_ints(b->graph, op, "pads", 4,
                       (int64_t[]){conv->pad, conv->pad_w, conv->pad, conv->pad_w});
    graph_set_ints(b->graph, op, "strides", axes, (int64_t[]){conv->stride, conv->stride});
}

static int64_t window_count(int64_t size, int64_t kernel, int64_t pad, int64_t dilation,
                            int64_t stride) {
    int64_t room = size + 2 * pad - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}

static int32_t convolve(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv,
                        enum zoo_activation next) {
    fill_defaults(&conv);
    int32_t rank = zoo_rank(b, x);
    int64_t in = zoo_dim(b, x, 1) / conv.groups;
    int64_t fan_in = in * conv.kernel * (rank == 4 ? conv.kernel_w : 1);
    int64_t kernel_sizes[] = {conv.out, in, conv.kernel, conv.kernel_w};
    int32_t inputs[3] = {x};
    inputs[1] = zoo_weight(b, suffixed(b, name, "weight"), 0, fan_in_deviation(fan_in, next), rank,
                           kernel_sizes);
    if (conv.bias)
        inputs[2] = vector(b, name, "bias", 0, bias_deviation, conv.out);
    int64_t sizes[] = {
        zoo_dim(b, x, 0), conv.out,
        window_count(zoo_dim(b, x, 2), conv.kernel, conv.pad, conv.dilation, conv.stride), 0};
    if (rank == 4)
        sizes[3] =
            window_count(zoo_dim(b, x, 3), conv.kernel_w, conv.pad_w, conv.dilation, conv.stride);
    zoo_op(b, name, "Conv", conv.bias ? 3 : 2, inputs);
    int32_t y = zoo_result(b, DTYPE_FLOAT32, rank, sizes);
    set_window(b, (uint32_t)rank - 2, &conv);
    return y;
}

int32_t zoo_conv(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv) {
    return convolve(b, name, x, conv, ZOO_NONE);
}

int32_t zoo_conv_bn(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv,
                    enum zoo_activation activation) {
    int32_t y;
    if (b->options.keep_batch_norm) {
        y = convolve(b, name, x, conv, activation);
        y = zoo_batch_norm(b, suffixed(b, name, "bn"), y);
    } else { /* scale and shift go into weight and bias; they still count as what was trained */
        b->parameters += (uint64_t)(conv.bias ? 2 * conv.out : conv.out);
        conv.bias = true;
        y = convolve(b, name, x, conv, activation);
    }
    return zoo_activate(b, activation, y);
}

int32_t zoo_conv_act(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv,
                     enum zoo_activation activation) {
    return zoo_activate(b, activation, convolve(b, name, x, conv, activation));
}

int32_t zoo_conv_transpose(struct zoo_builder *b, const char *name, int32_t x, int64_t out,
                           int64_t kernel) {
    int64_t in = zoo_dim(b, x, 1);
    int32_t weight = zoo_weight(b, suffixed(b, name, "weight"), 0, fan_in_deviation(in, ZOO_NONE),
                                ZOO_SHAPE(in, out, kernel, kernel));
    int32_t bias = vector(b, name, "bias", 0, bias_deviation, out);
    zoo_op(b, name, "ConvTranspose", ZOO_LIST(x, weight, bias));
    int32_t y = zoo_result(
        b, DTYPE_FLOAT32,
        ZOO_SHAPE(zoo_dim(b, x, 0), out, zoo_dim(b, x, 2) * kernel, zoo_dim(b, x, 3) * kernel));
    struct zoo_conv window = {.kernel = kernel, .stride = kernel};
    fill_defaults(&window);
    set_window(b, 2, &window);
    return y;
}

int32_t zoo_batch_norm(struct zoo_builder *b, const char *name, int32_t x) {
    int64_t channels = zoo_dim(b, x, 1), sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int32_t scale = vector(b, name, "weight", 1, 0.02f, channels);
    int32_t shift = vector(b, name, "bias", 0, bias_deviation, channels);
    int32_t mean = zoo_buffer(b, suffixed(b, name, "running_mean"), 0, 0.02f, ZOO_SHAPE(channels));
    int32_t variance =
        zoo_buffer(b, suffixed(b, name, "running_var"), 1, 0.05f, ZOO_SHAPE(channels));
    zoo_op(b, name, "BatchNormalization", ZOO_LIST(x, scale, shift, mean, variance));
    graph_set_float(b->graph, newest(b), "epsilon", 1e-5f);
    return zoo_result(b, DTYPE_FLOAT32, rank, sizes);
}

/* ---- pooling --------------------------------------------------------------------------------- */

/* A window that would start in the padding behind the input does not count (PyTorch's rule). */
static int64_t pooled_size(int64_t size, const struct zoo_pool *pool) {
    int64_t room = size + 2 * pool->pad - pool->kernel;
    if (room < 0)
        return 0;
    int64_t count = (room + (pool->ceil ? pool->stride - 1 : 0)) / pool->stride + 1;
    return (count - 1) * pool->stride >= size + pool->pad ? count - 1 : count;
}

static int32_t add_pool(struct zoo_builder *b, const char *type, int32_t x,
                        const struct zoo_pool *pool) {
    uint32_t axes = (uint32_t)zoo_rank(b, x) - 2;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    for (int32_t i = 2; i < rank; i++)
        sizes[i] = pooled_size(sizes[i], pool);
    int32_t y = zoo_simple(b, type, ZOO_LIST(x), rank, sizes);
    int32_t op = newest(b);
    graph_set_int(b->graph, op, "ceil_mode", pool->ceil);
    graph_set_ints(b->graph, op, "kernel_shape", axes, (int64_t[]){pool->kernel, pool->kernel});
    graph_set_ints(b->graph, op, "pads", 2 * axes,
                   (int64_t[]){pool->pad, pool->pad, pool->pad, pool->pad});
    graph_set_ints(b->graph, op, "strides", axes, (int64_t[]){pool->stride, pool->stride});
    return y;
}

int32_t zoo_max_pool(struct zoo_builder *b, int32_t x, struct zoo_pool pool) {
    return add_pool(b, "MaxPool", x, &pool);
}

int32_t zoo_average_pool(struct zoo_builder *b, int32_t x, struct zoo_pool pool) {
    int32_t y = add_pool(b, "AveragePool", x, &pool);
    graph_set_int(b->graph, newest(b), "count_include_pad", 1);
    return y;
}

int32_t zoo_adaptive_pool(struct zoo_builder *b, int32_t x, int64_t size) {
    int64_t window = zoo_dim(b, x, 2) / size;
    if (window * size != zoo_dim(b, x, 2) || window * size != zoo_dim(b, x, 3))
        zoo_impossible(b, "%s is not a multiple of %lld wide", b->graph->tensors[x].name,
                       (long long)size);
    return zoo_average_pool(b, x,
                            (struct zoo_pool){window ? window : 1, window ? window : 1, 0, 0});
}

int32_t zoo_global_pool(struct zoo_builder *b, int32_t x) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    for (int32_t i = 2; i < rank; i++)
        sizes[i] = 1;
    return zoo_simple(b, "GlobalAveragePool", ZOO_LIST(x), rank, sizes);
}

/* ---- dense and normalisation ----------------------------------------------------------------- */

static int32_t gemm(struct zoo_builder *b, const char *name, int32_t x, int64_t out, bool bias) {
    int64_t in = zoo_dim(b, x, 1);
    int32_t inputs[3] = {x};
    inputs[1] = zoo_weight(b, suffixed(b, name, "weight"), 0, fan_in_deviation(in, ZOO_NONE),
                           ZOO_SHAPE(out, in));
    if (bias)
        inputs[2] = vector(b, name, "bias", 0, bias_deviation, out);
    zoo_op(b, name, "Gemm", bias ? 3 : 2, inputs);
    graph_set_float(b->graph, newest(b), "alpha", 1);
    graph_set_float(b->graph, newest(b), "beta", 1);
    graph_set_int(b->graph, newest(b), "transB", 1);
    return zoo_result(b, DTYPE_FLOAT32, ZOO_SHAPE(zoo_dim(b, x, 0), out));
}

int32_t zoo_linear(struct zoo_builder *b, const char *name, int32_t x, int64_t out, bool bias) {
    if (zoo_rank(b, x) == 2 && bias)
        return gemm(b, name, x, out, bias);
    int64_t in = zoo_dim(b, x, -1);
    int32_t weight = zoo_weight(b, suffixed(b, name, "weight"), 0, fan_in_deviation(in, ZOO_NONE),
                                ZOO_SHAPE(in, out));
    int32_t y = zoo_matmul(b, name, x, weight);
    if (!bias)
        return y;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, y, sizes);
    int32_t shift = vector(b, name, "bias", 0, bias_deviation, out);
    zoo_op(b, name, "Add", ZOO_LIST(shift, y));
    return zoo_result(b, DTYPE_FLOAT32, rank, sizes);
}

int32_t zoo_layer_norm(struct zoo_builder *b, const char *name, int32_t x, float epsilon) {
    int64_t width = zoo_dim(b, x, -1), sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int64_t last[] = {rank - 1};
    int32_t scale = vector(b, name, "weight", 1, 0.02f, width);
    int32_t shift = vector(b, name, "bias", 0, bias_deviation, width);
    if (b->options.opset >= 17) {
        zoo_op(b, name, "LayerNormalization", ZOO_LIST(x, scale, shift));
        graph_set_int(b->graph, newest(b), "axis", -1);
        graph_set_float(b->graph, newest(b), "epsilon", epsilon);
        return zoo_result(b, DTYPE_FLOAT32, rank, sizes);
    }
    zoo_enter(b, "%s", name);
    int32_t centred = zoo_binary(b, "Sub", x, zoo_reduce_mean(b, x, 1, last, true));
    int32_t squared = zoo_binary(b, "Pow", centred, zoo_scalar(b, 2));
    int32_t variance = zoo_reduce_mean(b, squared, 1, last, true);
    int32_t deviation = zoo_unary(b, "Sqrt", zoo_add(b, variance, zoo_scalar(b, (double)epsilon)));
    int32_t scaled = zoo_mul(b, zoo_binary(b, "Div", centred, deviation), scale);
    int32_t y = zoo_add(b, scaled, shift);
    zoo_leave(b);
    return y;
}

int32_t zoo_squeeze_excite(struct zoo_builder *b, const char *name, int32_t x, int64_t squeezed,
                           enum zoo_activation inner, enum zoo_activation gate) {
    zoo_enter(b, "%s", name);
    int64_t channels = zoo_dim(b, x, 1);
    int32_t y = zoo_global_pool(b, x);
    y = zoo_conv(b, "fc1", y, (struct zoo_conv){.out = squeezed, .kernel = 1, .bias = true});
    y = zoo_activate(b, inner, y);
    y = zoo_conv(b, "fc2", y, (struct zoo_conv){.out = channels, .kernel = 1, .bias = true});
    y = zoo_mul(b, zoo_activate(b, gate, y), x);
    zoo_leave(b);
    return y;
}
