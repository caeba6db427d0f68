/* Convolutions and pooling. The terms follow how ONNX Runtime's MLAS walks them: NCHWc kernels
 * compute four blocks of output channels at a time over rows of the output, one block of input
 * channels after another (so the output is passed over once per block, 128 channels at once for
 * pointwise); plain convolution is im2col and GEMM per image and group. */
#include "core/op_kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FILTER_BLOCKS = 4,        /* blocks of output channels per pass over the input */
    POINTWISE_CHANNELS = 128, /* input channels per pass over the output of a pointwise kernel */
    ROW_OUTPUTS = 6,          /* outputs of a row per inner kernel step */
    GEMM_ROWS = 12,
    GEMM_COLUMNS = 32,
    GEMM_DEPTH = 256,
};

struct conv_shape {
    double batch, groups;
    double in_channels, out_channels; /* of all groups */
    double kernel;                    /* product of the kernel's sizes */
    double out_rows, out_width;       /* rows: all but the last spatial axis */
    double in_pixels, out_pixels;
    bool strided, pointwise;
};

static double size_at(const struct tensor *tensor, int32_t i, double absent) {
    return tensor && i < tensor->rank && tensor->dims[i].size >= 0 ? (double)tensor->dims[i].size
                                                                   : absent;
}

static double spatial_product(const struct tensor *tensor, int32_t first) {
    double product = 1;
    for (int32_t i = first; tensor && i < tensor->rank; i++)
        product *= size_at(tensor, i, 1);
    return product;
}

static bool any_above(const struct op *op, const char *name, int64_t limit) {
    const struct attribute *list = op_attribute(op, name);
    for (uint32_t i = 0; list && list->kind == ATTRIBUTE_INTS && i < list->count; i++)
        if (list->ints[i] > limit)
            return true;
    return false;
}

/* The weights: input 1, or input 3 of QLinearConv. */
static const struct tensor *filter_of(const struct op_view *view) {
    bool linear = strcmp(view->op->type, "QLinearConv") == 0;
    return linear ? op_input(view->graph, view->op, 3) : view->in1;
}

static struct conv_shape shape_of(const struct op_view *view) {
    const struct tensor *filter = filter_of(view);
    struct conv_shape s = {
        .batch = size_at(view->in0, 0, 1),
        .groups = fmax((double)op_int(view->op, "group", 1), 1),
        .in_channels = size_at(view->in0, 1, 1),
        .out_channels = size_at(view->out0, 1, 1),
        .kernel = spatial_product(filter, 2),
        .in_pixels = spatial_product(view->in0, 2),
        .out_pixels = spatial_product(view->out0, 2),
        .strided = any_above(view->op, "strides", 1),
    };
    s.out_width =
        view->out0 && view->out0->rank > 2 ? size_at(view->out0, view->out0->rank - 1, 1) : 1;
    s.out_rows = s.out_pixels / fmax(s.out_width, 1);
    s.pointwise = s.kernel == 1 && !any_above(view->op, "pads", 0);
    return s;
}

/* 2 x outputs x channels of a group x kernel size. */
double conv_flops(const struct op_view *view) {
    const struct tensor *filter = filter_of(view);
    return 2 * view->out_elements * spatial_product(filter, 1);
}

/* Every input element meets out_channels/group x kernel weights. */
double conv_transpose_flops(const struct op_view *view) {
    return 2 * view->in_elements * spatial_product(view->in1, 1);
}

/* Relu is part of the kernel; any other activation is a pass over the output of its own: some
 * compute an exponential per element, others only compare. */
static double activation_elements(const struct op_view *view, bool costly) {
    static const char *const exponential[] = {"Sigmoid", "Tanh", "Gelu"};
    const char *activation = op_string(view->op, "activation", "");
    bool found = false;
    if (activation[0] == '\0' || strcmp(activation, "Relu") == 0)
        return 0;
    for (size_t i = 0; i < sizeof exponential / sizeof *exponential; i++)
        found = found || strcmp(activation, exponential[i]) == 0;
    return found == costly ? view->out_elements : 0;
}

static int64_t int_at(const struct op *op, const char *name, uint32_t i, int64_t absent) {
    const struct attribute *list = op_attribute(op, name);
    return list && list->kind == ATTRIBUTE_INTS && i < list->count ? list->ints[i] : absent;
}

/* The share of a kernel's taps along an axis that fall on the image; those in the padding are
 * skipped. */
static double inside_share_of_axis(const struct op_view *view, int32_t axis) {
    uint32_t i = (uint32_t)(axis - 2);
    double in = size_at(view->in0, axis, 1), out = size_at(view->out0, axis, 1),
           kernel = size_at(view->in1, axis, 1), taps = 0;
    double stride = (double)int_at(view->op, "strides", i, 1),
           dilation = (double)int_at(view->op, "dilations", i, 1),
           pad = (double)int_at(view->op, "pads", i, 0);
    for (double k = 0; k < kernel; k++) {
        double first = fmax(0, ceil((pad - k * dilation) / stride));
        double last = fmin(out - 1, floor((in - 1 + pad - k * dilation) / stride));
        taps += fmax(0, last - first + 1);
    }
    return taps / fmax(out * kernel, 1);
}

static double inside_share(const struct op_view *view) {
    double share = 1;
    for (int32_t axis = 2; view->in0 && view->in1 && axis < view->in0->rank; axis++)
        share *= inside_share_of_axis(view, axis);
    return share;
}

/* The share of a row that does not fill a step of the inner kernel. */
static double tail_share(double width) {
    double tail = fmod(width, ROW_OUTPUTS);
    return width > 0 ? tail / width : 0;
}

static void describe_depthwise(const struct op_view *view, const struct conv_shape *s,
                               struct features *out) {
    double *t = out->terms;
    out->family = FAMILY_CONV_DEPTHWISE;
    snprintf(out->key, sizeof out->key, "conv.nchwc.depthwise");
    t[1] = out->flops * inside_share(view);
    t[2] = out->bytes_in;
    t[3] = out->bytes_out;
    t[4] = s->batch * s->out_channels / view->block * s->out_rows;
    t[5] = t[1] * tail_share(s->out_width);
    t[6] = s->strided ? t[1] : 0;
    t[7] = activation_elements(view, true);
    t[8] = activation_elements(view, false);
}

static const char *blocked_key(const struct conv_shape *s, const struct op_view *view) {
    if (s->in_channels < view->block)
        return "conv.nchwc.stem";
    if (s->groups > 1)
        return "conv.nchwc.grouped";
    return s->pointwise ? "conv.nchwc.pointwise" : "conv.nchwc.dense";
}

void conv_blocked_describe(const struct op_view *view, struct features *out) {
    struct conv_shape s = shape_of(view);
    if (s.groups > 1 && size_at(view->in1, 1, 1) == 1) {
        describe_depthwise(view, &s, out);
        return;
    }
    double *t = out->terms;
    double block = view->block;
    double filter_sets = ceil(s.out_channels / s.groups / (block * FILTER_BLOCKS));
    double depth = s.pointwise ? POINTWISE_CHANNELS : block;
    double output_passes = fmax(ceil(s.in_channels / s.groups / depth), 1);
    double padded = ceil(s.out_channels / block) * block / fmax(s.out_channels, 1);
    bool sum = view->op->input_count > 3 && op_input(view->graph, view->op, 3);
    snprintf(out->key, sizeof out->key, "%s", blocked_key(&s, view));
    t[1] = out->flops * padded * (s.pointwise ? 1 : inside_share(view));
    t[2] = 4 * view->in_elements * filter_sets * (s.pointwise ? 1 : sqrt(s.kernel));
    t[3] = 4 * view->out_elements * output_passes;
    t[4] = out->bytes_weights;
    t[5] = s.batch * s.groups * filter_sets * s.out_rows * output_passes;
    t[6] = t[1] * tail_share(s.pointwise && !s.strided ? s.out_pixels : s.out_width);
    t[7] = sum ? 4 * view->out_elements : 0;
    t[8] = s.strided ? t[1] : 0;
    t[9] = activation_elements(view, true);
    t[10] = activation_elements(view, false);
}

static void plain_key(const struct op_view *view, const struct conv_shape *s,
                      struct features *out) {
    const char *type = view->op->type;
    bool plain = strcmp(type, "Conv") == 0 || strcmp(type, "FusedConv") == 0;
    const char *form = s->groups > 1 && s->groups == s->in_channels ? ".depthwise"
                       : s->groups > 1                              ? ".grouped"
                       : !plain                                     ? ""
                       : s->pointwise && !s->strided                ? ".pointwise"
                                                                    : ".dense";
    snprintf(out->key, sizeof out->key, "%s%s", plain ? "conv.plain" : type, form);
}

/* `products` of m x k by k x n. */
static void product_terms(double products, double m, double n, double k, struct features *out) {
    double row_panels = ceil(m / GEMM_ROWS), column_panels = ceil(n / GEMM_COLUMNS);
    double *t = out->terms;
    t[1] = out->flops;
    t[2] = 2 * products * row_panels * GEMM_ROWS * column_panels * GEMM_COLUMNS * k;
    t[4] = out->bytes_in;
    t[6] = out->bytes_weights;
    t[7] = products;
    t[8] = products * row_panels * column_panels * ceil(k / GEMM_DEPTH);
}

void conv_plain_describe(const struct op_view *view, struct features *out) {
    struct conv_shape s = shape_of(view);
    double *t = out->terms;
    double m = s.out_channels / s.groups, n = s.out_pixels;
    double k = s.in_channels / s.groups * s.kernel;
    double products = s.batch * s.groups;
    plain_key(view, &s, out);
    product_terms(products, m, n, k, out);
    t[3] = s.pointwise && !s.strided ? 0 : 4 * products * k * n;
    t[5] = out->bytes_out * ceil(k / GEMM_DEPTH);
    t[9] = activation_elements(view, true);
    t[10] = activation_elements(view, false);
}

/* A product of weights and input makes the columns; they are added up into the output. */
void conv_transpose_describe(const struct op_view *view, struct features *out) {
    struct conv_shape s = shape_of(view);
    double m = s.out_channels / s.groups * s.kernel, n = s.in_pixels, k = s.in_channels / s.groups;
    double products = s.batch * s.groups;
    plain_key(view, &s, out);
    product_terms(products, m, n, k, out);
    out->terms[3] = 4 * products * m * n;
    out->terms[5] = out->bytes_out;
}

/* ---- pooling --------------------------------------------------------------------------------- */

static double window_of(const struct op_view *view) {
    const struct attribute *kernel = op_attribute(view->op, "kernel_shape");
    if (!kernel || kernel->kind != ATTRIBUTE_INTS) /* global pooling: the whole image */
        return view->in_elements / fmax(view->out_elements, 1);
    double product = 1;
    for (uint32_t i = 0; i < kernel->count; i++)
        product *= (double)kernel->ints[i];
    return product;
}

double pool_flops(const struct op_view *view) {
    return view->out_elements * window_of(view);
}

void pool_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms;
    bool blocked = strcmp(view->op->domain, "com.microsoft.nchwc") == 0;
    snprintf(out->key, sizeof out->key, "%s%s", blocked ? "nchwc." : "", view->op->type);
    t[1] = view->out_elements * window_of(view);
    t[2] = out->bytes_in;
    t[3] = out->bytes_out;
    t[4] =
        view->out_elements / fmax(size_at(view->out0, view->out0 ? view->out0->rank - 1 : 0, 1), 1);
}
