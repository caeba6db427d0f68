/* Convolutions and matrix products on eight bits. They multiply tiles of 16 rows by 32 columns
 * whose depth is padded to what one instruction sums up; 32-bit sums are scaled back in a pass of
 * their own. Kernels differ by the types of both operands. Convolutions stand channels last: the
 * columns of an image are gathered and multiplied per image and group; one filter per channel has a
 * kernel of its own, which gathers pointers instead. */
#include "core/op_kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TILE_ROWS = 16, TILE_COLUMNS = 32, DEPTH = 256, POINTER_BYTES = 8 };

struct integer_product {
    double products; /* independent ones */
    double m, n, k;
};

static bool is_weight(const struct tensor *tensor) {
    return tensor && tensor->flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
}

static double round_up(double value, double step) {
    return ceil(value / step) * step;
}

static double padded_flops(const struct op_view *view, const struct integer_product *p) {
    return 2 * p->products * round_up(p->m, TILE_ROWS) * round_up(p->n, TILE_COLUMNS) *
           round_up(p->k, fmax(view->integer_depth, 1));
}

/* ---- convolution ----------------------------------------------------------------------------- */

struct integer_conv {
    const struct tensor *filter; /* output channels, input channels of a group, kernel */
    double batch, groups, in_channels, out_channels, kernel, out_pixels;
    bool channels_last, pointwise;
};

static bool is_linear(const struct op_view *view) {
    return strcmp(view->op->type, "QLinearConv") == 0;
}

static bool any_above(const struct op *op, const char *name, int64_t limit) {
    const struct attribute *list = op_attribute(op, name);
    for (uint32_t i = 0; list && list->kind == ATTRIBUTE_INTS && i < list->count; i++)
        if (list->ints[i] > limit)
            return true;
    return false;
}

static struct integer_conv conv_of(const struct op_view *view) {
    struct integer_conv c = {
        .filter = is_linear(view) ? op_input(view->graph, view->op, 3) : view->in1,
        .batch = view_size(view->in0, 0),
        .groups = fmax((double)op_int(view->op, "group", 1), 1),
        .kernel = 1,
        .channels_last = op_int(view->op, "channels_last", 0) != 0 ||
                         strcmp(view->op->domain, "com.ms.internal.nhwc") == 0,
    };
    int32_t last = view->in0 ? view->in0->rank - 1 : 0;
    c.in_channels = view_size(view->in0, c.channels_last ? last : 1);
    c.out_channels = view_size(view->out0, c.channels_last ? last : 1);
    c.out_pixels = view->out_elements / fmax(c.batch * c.out_channels, 1);
    for (int32_t i = 2; c.filter && i < c.filter->rank; i++)
        c.kernel *= view_size(c.filter, i);
    c.pointwise =
        c.kernel == 1 && !any_above(view->op, "pads", 0) && !any_above(view->op, "strides", 1);
    return c;
}

static void describe_gathered(const struct op_view *view, const struct integer_conv *c,
                              struct features *out) {
    double *t = out->terms;
    t[3] = POINTER_BYTES * c->batch * c->out_pixels * c->kernel;
    t[9] = 4 * view->out_elements;
}

static void describe_columns(const struct op_view *view, const struct integer_conv *c,
                             struct features *out) {
    double *t = out->terms, pixels = c->out_pixels, filters = c->out_channels / c->groups;
    bool pixels_are_rows = is_linear(view);
    struct integer_product p = {c->batch * c->groups, pixels_are_rows ? pixels : filters,
                                pixels_are_rows ? filters : pixels,
                                c->in_channels / c->groups * c->kernel};
    t[2] = padded_flops(view, &p);
    t[3] = c->pointwise ? 0 : p.products * pixels * p.k;
    t[7] = p.products;
    t[8] = p.products * ceil(p.m / TILE_ROWS) * ceil(p.n / TILE_COLUMNS) * ceil(p.k / DEPTH);
    t[9] = 4 * view->out_elements;
    t[10] = pixels_are_rows ? 0 : p.products * pixels * p.k; /* columns are packed at every call */
}

void integer_conv_describe(const struct op_view *view, struct features *out) {
    struct integer_conv c = conv_of(view);
    double *t = out->terms;
    bool alone = c.groups > 1 && c.groups == c.in_channels && c.groups == c.out_channels;
    snprintf(out->key, sizeof out->key, "%s%s%s.%s", view->op->type,
             alone          ? ".depthwise"
             : c.groups > 1 ? ".grouped"
             : c.pointwise  ? ".pointwise"
                            : ".dense",
             c.channels_last || !is_linear(view) ? "" : ".transposed",
             c.filter ? dtype_name(c.filter->dtype) : "");
    /* Channels first: input and output are transposed on the way. */
    double passes = c.channels_last || !is_linear(view) ? 1 : 2;
    t[1] = out->flops;
    t[4] = out->bytes_in * passes;
    t[5] = out->bytes_out * passes;
    t[6] = out->bytes_weights;
    if (alone && is_linear(view))
        describe_gathered(view, &c, out);
    else
        describe_columns(view, &c, out);
    /* Pixels of one image after the other, some tens at a time. */
    double depth = c.in_channels / c.groups * c.kernel;
    out->division = division_products(1, c.out_channels, c.out_pixels, depth);
    out->division.pieces = ceil(c.out_pixels / TILE_ROWS);
    out->division.forks = is_linear(view) ? c.batch : c.batch * c.groups;
}

/* ---- matrices -------------------------------------------------------------------------------- */

static const struct tensor *right_of(const struct op_view *view) {
    bool scaled =
        strcmp(view->op->type, "QLinearMatMul") == 0 || strcmp(view->op->type, "QGemm") == 0;
    return scaled ? op_input(view->graph, view->op, 3) : view->in1;
}

static struct integer_product product_of(const struct op_view *view, const struct tensor *b) {
    const struct tensor *a = view->in0;
    struct integer_product p = {1, 1, 1, 1};
    if (!a || !b || a->rank < 1 || b->rank < 1)
        return p;
    bool swapped_a = op_int(view->op, "transA", 0) != 0,
         swapped_b = op_int(view->op, "transB", 0) != 0;
    p.k = a->rank == 1 ? view_size(a, 0) : view_size(a, a->rank - (swapped_a ? 2 : 1));
    p.n = b->rank == 1 ? 1 : view_size(b, b->rank - (swapped_b ? 2 : 1));
    for (int32_t i = 0; i < b->rank - 2; i++)
        p.products *= view_size(b, i);
    p.m = fmax(view->out_elements / fmax(p.n * p.products, 1), 1);
    return p;
}

void integer_matmul_describe(const struct op_view *view, struct features *out) {
    const struct tensor *b = right_of(view);
    struct integer_product p = product_of(view, b);
    double *t = out->terms, right_bytes = p.k * p.n * p.products;
    bool quantises = view->in0 && view->in0->dtype == DTYPE_FLOAT32;
    snprintf(out->key, sizeof out->key, "%s.%s.%s", view->op->type,
             is_weight(b) ? "weights" : "batched", b ? dtype_name(b->dtype) : "");
    t[1] = out->flops;
    t[2] = padded_flops(view, &p);
    t[3] = is_weight(b) ? right_bytes : 0;
    t[4] = is_weight(b) ? 0 : right_bytes;
    t[5] = p.products * p.m * p.k * ceil(p.n / 128);
    t[6] = 4 * view->out_elements;
    t[7] = p.products;
    t[8] = quantises ? view->in_elements : 0;
    out->division = division_products(p.products, p.m, p.n, p.k);
}
