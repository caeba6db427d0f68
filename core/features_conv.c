/* Convolutions and pooling. The terms follow how ONNX Runtime's MLAS walks them: NCHWc kernels
 * compute four blocks of output channels at a time over rows of the output, one block of input
 * channels after another (so the output is passed over once per block, 128 channels at once for
 * pointwise); plain convolution is im2col and GEMM per image and group. */
#include "core/kernel_cycles.h"
#include "core/op_kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FILTER_BLOCKS = 4,        /* blocks of output channels per pass over the input */
    POINTWISE_CHANNELS = 128, /* input channels per pass over the output of a pointwise kernel */
    GEMM_ROWS = 12,
    GEMM_COLUMNS = 32,
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
    return tensor && i >= 0 && i < tensor->rank && tensor->dims[i].size >= 0
               ? (double)tensor->dims[i].size
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

/* ---- blocked ----------------------------------------------------------------------------------
 */

/* In front of axis i of the picture; "auto_pad" leaves it to the sizes. */
static double pad_before(const struct op_view *view, uint32_t i, const struct window_axis *axis) {
    const struct attribute *pads = op_attribute(view->op, "pads");
    const char *automatic = op_string(view->op, "auto_pad", "NOTSET");
    if (strncmp(automatic, "SAME", 4) == 0) {
        double span = axis->dilation * (axis->kernel - 1) + 1;
        double total = fmax((axis->out - 1) * axis->stride + span - axis->in, 0);
        return strcmp(automatic, "SAME_LOWER") == 0 ? ceil(total / 2) : floor(total / 2);
    }
    return pads && pads->kind == ATTRIBUTE_INTS && i < pads->count ? (double)pads->ints[i] : 0;
}

static double listed(const struct op *op, const char *name, uint32_t i) {
    const struct attribute *list = op_attribute(op, name);
    bool there = list && list->kind == ATTRIBUTE_INTS && i < list->count && list->ints[i] > 0;
    return there ? (double)list->ints[i] : 1;
}

/* Axis i of the picture, 0: rows. */
static struct window_axis axis_of(const struct op_view *view, uint32_t i) {
    int32_t place = (int32_t)i + 2;
    struct window_axis axis = {.in = size_at(view->in0, place, 1),
                               .out = size_at(view->out0, place, 1),
                               .kernel = size_at(view->in1, place, 1),
                               .stride = listed(view->op, "strides", i),
                               .dilation = listed(view->op, "dilations", i)};
    axis.pad = pad_before(view, i, &axis);
    return axis;
}

static struct kernel_cycles blocked_cycles(const struct op_view *view, const struct conv_shape *s,
                                           bool depthwise) {
    const struct nchwc_conv conv = {
        .rows = axis_of(view, 0),
        .columns = axis_of(view, 1),
        .in_channels = depthwise ? 1 : s->in_channels / s->groups,
        .out_channels = depthwise ? s->out_channels : s->out_channels / s->groups,
        .block = view->block,
        .kernel = depthwise      ? NCHWC_DEPTHWISE
                  : s->pointwise ? NCHWC_POINTWISE
                                 : NCHWC_WINDOW,
    };
    struct kernel_cycles cycles = nchwc_conv_cycles(&conv);
    double times = s->batch * (depthwise ? 1 : s->groups);
    return (struct kernel_cycles){times * cycles.busy, times * cycles.waits};
}

static void describe_depthwise(const struct op_view *view, const struct conv_shape *s,
                               struct features *out) {
    double *t = out->terms;
    struct kernel_cycles cycles = blocked_cycles(view, s, true);
    out->family = FAMILY_CONV_DEPTHWISE;
    snprintf(out->key, sizeof out->key, "conv.nchwc.depthwise");
    t[1] = cycles.busy;
    t[2] = cycles.waits;
    t[3] = out->bytes_in;
    t[4] = out->bytes_out;
    t[5] = s->batch * s->out_channels / view->block * s->out_rows;
    t[6] = s->strided ? cycles.busy : 0;
    t[7] = activation_elements(view, true);
    t[8] = activation_elements(view, false);
    out->division = division_pieces(ceil(s->out_channels / view->block) * s->batch * s->out_rows);
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
    struct kernel_cycles cycles = blocked_cycles(view, &s, false);
    bool sum = view->op->input_count > 3 && op_input(view->graph, view->op, 3);
    snprintf(out->key, sizeof out->key, "%s", blocked_key(&s, view));
    t[1] = cycles.busy;
    t[2] = cycles.waits;
    t[3] = 4 * view->in_elements * filter_sets * (s.pointwise ? 1 : sqrt(s.kernel));
    t[4] = 4 * view->out_elements * output_passes;
    t[5] = out->bytes_weights;
    t[6] = s.batch * s.groups * filter_sets * s.out_rows * output_passes;
    t[7] = sum ? 4 * view->out_elements : 0;
    t[8] = s.strided ? cycles.busy : 0;
    t[9] = activation_elements(view, true);
    t[10] = activation_elements(view, false);
    out->division = division_pieces(s.batch * s.groups * filter_sets * s.out_rows);
}

static void plain_key(const struct op_view *view, const struct conv_shape *s,
                      struct features *out) {
    const char *type = view->op->type;
    bool plain = strcmp(type, "Conv") == 0 || strcmp(type, "FusedConv") == 0;
    const char *form = s->groups > 1 && s->groups == s->in_channels ? ".depthwise"
                       : s->groups > 1 && s->pointwise              ? ".grouped.pointwise"
                       : s->groups > 1                              ? ".grouped"
                       : !plain                                     ? ""
                       : s->pointwise && !s->strided                ? ".pointwise"
                                                                    : ".dense";
    /* Transposed ones add columns up by other loops where there are not two axes. */
    bool lines = !plain && view->in0 && view->in0->rank != 4;
    snprintf(out->key, sizeof out->key, "%s%s%s", plain ? "conv.plain" : type, form,
             lines ? ".lines" : "");
}

/* `products` of m x k by k x n. */
static void product_terms(const struct op_view *view, double products, double m, double n, double k,
                          struct features *out) {
    struct kernel_cycles cycles = gemm_cycles(view->block, m, n, k);
    struct gemm_passes passes = gemm_passes(n, k, false);
    double *t = out->terms;
    t[1] = products * cycles.busy;
    t[2] = products * cycles.waits;
    t[4] = out->bytes_in;
    t[5] = out->bytes_out * passes.sums;
    t[6] = out->bytes_weights * passes.left;
    t[7] = products;
    t[8] = products * ceil(m / GEMM_ROWS) * ceil(n / GEMM_COLUMNS) * passes.sums;
}

/* Images and groups go to one thread each. A single one is cut along its pixels; where there are
 * more filters than pixels one thread gathers the columns of each, and the product is cut: rates
 * of such columns are learnt as if they were shared. */
static struct division divide_plain(const struct conv_shape *s, double m, double n, double k) {
    double products = s->batch * s->groups;
    bool gathers = !s->pointwise || s->strided;
    if (products > 1 && !(gathers && m > n))
        return division_pieces(products);
    struct division division = division_products(1, m, n, k);
    division.forks = products;
    return division;
}

void conv_plain_describe(const struct op_view *view, struct features *out) {
    struct conv_shape s = shape_of(view);
    double *t = out->terms;
    double m = s.out_channels / s.groups, n = s.out_pixels;
    double k = s.in_channels / s.groups * s.kernel;
    double products = s.batch * s.groups;
    plain_key(view, &s, out);
    product_terms(view, products, m, n, k, out);
    t[3] = s.pointwise && !s.strided ? 0 : 4 * products * k * n;
    t[9] = activation_elements(view, true);
    t[10] = activation_elements(view, false);
    t[11] = s.strided ? t[3] : 0; /* element by element instead of row by row */
    out->division = divide_plain(&s, m, n, k);
}

/* A product of weights and input makes the columns; they are added up into the output. */
void conv_transpose_describe(const struct op_view *view, struct features *out) {
    struct conv_shape s = shape_of(view);
    double m = s.out_channels / s.groups * s.kernel, n = s.in_pixels, k = s.in_channels / s.groups;
    double products = s.batch * s.groups;
    plain_key(view, &s, out);
    product_terms(view, products, m, n, k, out);
    out->terms[3] = 4 * products * m * n;
    out->division = division_products(1, m, n, k); /* one image and group after another */
    out->division.forks = products;
}

/* ---- pooling --------------------------------------------------------------------------------- */

static double window_of(const struct op_view *view) {
    const struct attribute *kernel = op_attribute(view->op, "kernel_shape");
    if (!kernel || kernel->kind != ATTRIBUTE_INTS) /* global pooling: the whole image */
        return view->in_elements / fmax(view->out_elements, 1);
    double product = 1;
    for (uint32_t i = 0; i < kernel->count; i++)
        product = fmin(product * fmax((double)kernel->ints[i], 1), 0x1p62);
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
    double planes = size_at(view->out0, 0, 1) * size_at(view->out0, 1, 1);
    out->division = division_pieces(blocked ? ceil(t[4] / view->block) : planes);
}
