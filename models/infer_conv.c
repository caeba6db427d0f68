/* Convolutions, and the sliding window they share with pooling.
 *
 * Spatial size (ONNX Conv, MaxPool): floor or ceil of
 *   (in + pad_begin + pad_end - ((kernel - 1) * dilation + 1)) / stride + 1;
 * auto_pad SAME_*: ceil(in / stride); VALID: no pads. */
#include "models/infer_ops.h"

#include <string.h>

typedef __int128 wide;

static int64_t at(const struct int_list *list, int32_t i, int64_t absent) {
    return i >= 0 && (uint32_t)i < list->count ? list->values[i] : absent;
}

struct window {
    struct int_list strides, dilations, pads;
    const char *auto_pad;
    bool ceil;
};

static struct window read_window(const struct infer *run, bool ceil) {
    struct window w = {.auto_pad = op_string(run->op, "auto_pad", "NOTSET"), .ceil = ceil};
    infer_ints(run, "strides", -1, &w.strides);
    infer_ints(run, "dilations", -1, &w.dilations);
    infer_ints(run, "pads", -1, &w.pads);
    return w;
}

static int window_size(struct infer *run, const struct window *w, int32_t i, int32_t spatial,
                       struct dim in, struct dim kernel, struct dim *out) {
    int64_t stride = at(&w->strides, i, 1), dilation = at(&w->dilations, i, 1);
    if (stride < 1 || dilation < 1)
        return infer_fail(run, "strides and dilations must be positive");
    *out = infer_unknown_dim;
    if (!dim_known(in))
        return 0;
    if (strncmp(w->auto_pad, "SAME", 4) == 0) {
        *out = dim_div_up(in, stride);
        return 0;
    }
    if (!dim_known(kernel))
        return 0;
    bool padded = strcmp(w->auto_pad, "VALID") != 0;
    wide begin = padded ? at(&w->pads, i, 0) : 0, end = padded ? at(&w->pads, i + spatial, 0) : 0;
    wide extent = (wide)(kernel.size - 1) * dilation + 1;
    wide room = (wide)in.size + begin + end - extent;
    if (room < 0)
        return infer_fail(run, "a kernel of %lld (dilation %lld) passes the padded input of %lld",
                          (long long)kernel.size, (long long)dilation, (long long)in.size);
    wide size = room / stride + 1;
    /* Rounding up may not add a window that starts behind the input. */
    if (w->ceil && room % stride != 0 && size * stride < (wide)in.size + begin)
        size++;
    if (size > (wide)1 << 62)
        run->overflow = true;
    else
        *out = infer_dim((int64_t)size);
    return 0;
}

int infer_window(struct infer *run, const struct dim *in, const struct dim *kernel, int32_t spatial,
                 bool ceil, struct dim *out) {
    struct window w = read_window(run, ceil);
    for (int32_t i = 0; i < spatial; i++)
        if (window_size(run, &w, i, spatial, in[i], kernel[i], &out[i]))
            return -(int)run->err->code;
    return 0;
}

/* The kernel's sizes: by attribute, else from the weight (M x C/group x k1 x k2 ...). */
static void read_kernel(const struct infer *run, const struct shape *w, int32_t spatial,
                        struct dim *kernel) {
    struct int_list attribute;
    enum list_state state = infer_ints(run, "kernel_shape", -1, &attribute);
    for (int32_t i = 0; i < spatial; i++) {
        kernel[i] = w->rank == spatial + 2 ? w->dims[i + 2] : infer_unknown_dim;
        if (!dim_known(kernel[i]) && state == LIST_KNOWN)
            kernel[i] = infer_dim(at(&attribute, i, GRAPH_DIM_UNKNOWN));
    }
}

static int check_conv(struct infer *run, const struct shape *x, const struct shape *w) {
    int64_t group = op_int(run->op, "group", 1);
    if (x->rank >= 0 && x->rank < 3)
        return infer_fail(run, "the input must have rank 3 or more");
    if (group < 1)
        return infer_fail(run, "group must be positive");
    if (x->rank < 0 || w->rank < 0)
        return 0;
    if (x->rank != w->rank)
        return infer_fail(run, "input and weight must have one rank");
    struct dim expected = dim_mul(run, w->dims[1], infer_dim(group));
    if (dim_differ(x->dims[1], expected))
        return infer_fail(run, "the input has %lld channels, the weight expects %lld",
                          (long long)x->dims[1].size, (long long)expected.size);
    if (dim_known(w->dims[0]) && w->dims[0].size % group != 0)
        return infer_fail(run, "%lld output channels cannot be split into %lld groups",
                          (long long)w->dims[0].size, (long long)group);
    return 0;
}

int infer_conv_like(struct infer *run, const struct shape *x, const struct shape *w,
                    struct shape *y) {
    if (check_conv(run, x, w))
        return -(int)run->err->code;
    *y = infer_shape_of_rank(x->rank >= 0 ? x->rank : w->rank);
    if (y->rank < 3)
        return 0;
    struct dim kernel[GRAPH_RANK_MAX];
    struct shape from = x->rank >= 0 ? *x : *y;
    read_kernel(run, w, y->rank - 2, kernel);
    y->dims[0] = from.dims[0];
    if (w->rank >= 0)
        y->dims[1] = w->dims[0];
    return infer_window(run, from.dims + 2, kernel, y->rank - 2, false, y->dims + 2);
}

static int put_conv(struct infer *run, uint32_t x_input, uint32_t w_input, enum dtype dtype) {
    struct shape x = infer_in(run, x_input), w = infer_in(run, w_input), y;
    if (infer_conv_like(run, &x, &w, &y))
        return -(int)run->err->code;
    infer_put(run, 0, dtype, &y);
    return 0;
}

static int infer_conv(struct infer *run) {
    return put_conv(run, 0, 1, infer_dtype(run, 0));
}

static int infer_conv_integer(struct infer *run) {
    return put_conv(run, 0, 1, DTYPE_INT32);
}

/* x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B */
static int infer_qlinear_conv(struct infer *run) {
    enum dtype dtype = infer_has(run, 7) ? infer_dtype(run, 7) : infer_dtype(run, 0);
    if (!op_int(run->op, "channels_last", 0))
        return put_conv(run, 0, 3, dtype);
    struct shape x = infer_in(run, 0), w = infer_in(run, 3), y;
    for (int32_t i = x.rank - 1; i > 1; i--) {
        struct dim swapped = x.dims[i];
        x.dims[i] = x.dims[i - 1];
        x.dims[i - 1] = swapped;
    }
    if (infer_conv_like(run, &x, &w, &y))
        return -(int)run->err->code;
    for (int32_t i = 1; i + 1 < y.rank; i++) {
        struct dim swapped = y.dims[i];
        y.dims[i] = y.dims[i + 1];
        y.dims[i + 1] = swapped;
    }
    infer_put(run, 0, dtype, &y);
    return 0;
}

/* NhwcConv, NhwcFusedConv: the activations have their channels last, the weight as in Conv. */
static int infer_nhwc_conv(struct infer *run) {
    struct shape x = infer_in(run, 0), w = infer_in(run, 1), y;
    if (x.rank < 3) {
        infer_put(run, 0, infer_dtype(run, 0), NULL);
        return 0;
    }
    struct dim channels = x.dims[x.rank - 1];
    memmove(x.dims + 2, x.dims + 1, (size_t)(x.rank - 2) * sizeof *x.dims);
    x.dims[1] = channels;
    if (infer_conv_like(run, &x, &w, &y))
        return -(int)run->err->code;
    channels = y.dims[1];
    memmove(y.dims + 1, y.dims + 2, (size_t)(y.rank - 2) * sizeof *y.dims);
    y.dims[y.rank - 1] = channels;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* ---- transposed ------------------------------------------------------------------------------ */

static struct dim transposed_size(struct infer *run, const struct window *w, int32_t i,
                                  int32_t spatial, struct dim in, struct dim kernel) {
    struct int_list extra;
    infer_ints(run, "output_padding", -1, &extra);
    wide stride = at(&w->strides, i, 1);
    if (!dim_known(in))
        return infer_unknown_dim;
    wide size = (wide)in.size * stride;
    if (strncmp(w->auto_pad, "SAME", 4) != 0) {
        if (!dim_known(kernel))
            return infer_unknown_dim;
        size = ((wide)in.size - 1) * stride + at(&extra, i, 0) +
               (wide)(kernel.size - 1) * at(&w->dilations, i, 1) + 1;
        if (strcmp(w->auto_pad, "VALID") != 0)
            size -= (wide)at(&w->pads, i, 0) + at(&w->pads, i + spatial, 0);
    }
    if (size > (wide)1 << 62)
        run->overflow = true;
    return size < 0 || size > (wide)1 << 62 ? infer_unknown_dim : infer_dim((int64_t)size);
}

static int check_transposed(struct infer *run, const struct shape *x, const struct shape *w) {
    if ((x->rank >= 0 && x->rank < 3) || op_int(run->op, "group", 1) < 1)
        return infer_fail(run, "the input must have rank 3 or more, and group be positive");
    if (x->rank >= 0 && w->rank >= 0 && x->rank != w->rank)
        return infer_fail(run, "input and weight must have one rank");
    if (x->rank >= 0 && w->rank >= 0 && dim_differ(x->dims[1], w->dims[0]))
        return infer_fail(run, "the input has %lld channels, the weight expects %lld",
                          (long long)x->dims[1].size, (long long)w->dims[0].size);
    return 0;
}

static int infer_conv_transpose(struct infer *run) {
    struct shape x = infer_in(run, 0), w = infer_in(run, 1);
    if (check_transposed(run, &x, &w))
        return -(int)run->err->code;
    struct shape y = infer_shape_of_rank(x.rank);
    if (y.rank > 0) {
        struct window window = read_window(run, false);
        struct int_list given;
        enum list_state state = infer_ints(run, "output_shape", -1, &given);
        struct dim kernel[GRAPH_RANK_MAX];
        read_kernel(run, &w, x.rank - 2, kernel);
        y.dims[0] = x.dims[0];
        if (w.rank >= 0)
            y.dims[1] = dim_mul(run, w.dims[1], infer_dim(op_int(run->op, "group", 1)));
        /* output_shape may or may not list batch and channels. */
        int32_t skip = (int32_t)given.count == x.rank ? 2 : 0;
        for (int32_t i = 0; i < x.rank - 2; i++)
            y.dims[i + 2] = state == LIST_KNOWN ? infer_dim(at(&given, i + skip, GRAPH_DIM_UNKNOWN))
                                                : transposed_size(run, &window, i, x.rank - 2,
                                                                  x.dims[i + 2], kernel[i]);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* Col2Im: columns N x C*prod(block) x L back to an image N x C x image_shape. */
static int infer_col2im(struct infer *run) {
    struct shape x = infer_in(run, 0), y;
    struct int_list image, block;
    enum list_state has_image = infer_ints(run, NULL, 1, &image);
    enum list_state has_block = infer_ints(run, NULL, 2, &block);
    if (has_image != LIST_KNOWN || image.count + 2 > GRAPH_RANK_MAX) {
        infer_put(run, 0, infer_dtype(run, 0), NULL);
        return 0;
    }
    y = infer_shape_of_rank((int32_t)image.count + 2);
    wide columns = 1;
    for (uint32_t i = 0; i < block.count && columns < (wide)1 << 62; i++)
        columns *= block.values[i] > 0 ? block.values[i] : 1;
    if (x.rank == 3) {
        y.dims[0] = x.dims[0];
        if (has_block == LIST_KNOWN && columns < (wide)1 << 62)
            y.dims[1] = dim_div(x.dims[1], (int64_t)columns);
    }
    for (uint32_t i = 0; i < image.count; i++)
        y.dims[i + 2] = infer_dim(image.values[i]);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

const struct infer_row infer_conv_rows[] = {
    {ONNX,                   "Conv",          infer_conv,           NULL, 0, 0},
    {ONNX,                   "ConvTranspose", infer_conv_transpose, NULL, 0, 0},
    {ONNX,                   "ConvInteger",   infer_conv_integer,   NULL, 0, 0},
    {ONNX,                   "QLinearConv",   infer_qlinear_conv,   NULL, 0, 0},
    {ONNX,                   "DeformConv",    infer_conv,           NULL, 0, 0},
    {ONNX,                   "Col2Im",        infer_col2im,         NULL, 0, 0},
    {MICROSOFT,              "FusedConv",     infer_conv,           NULL, 0, 0},
    {MICROSOFT,              "QLinearConv",   infer_qlinear_conv,   NULL, 0, 0},
    {MICROSOFT,              "NhwcConv",      infer_nhwc_conv,      NULL, 0, 0},
    {MICROSOFT,              "NhwcFusedConv", infer_nhwc_conv,      NULL, 0, 0},
    {"com.ms.internal.nhwc", "Conv",          infer_nhwc_conv,      NULL, 0, 0},
    {NULL,                   NULL,            NULL,                 NULL, 0, 0},
};
