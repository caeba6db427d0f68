/* Operators that sample images: Resize, Upsample, GridSample, cropping. */
#include "models/infer_ops.h"

#include <math.h>
#include <string.h>

/* Scales and sizes may name only some axes (attribute axes, opset 18). */
static int axis_at(struct infer *run, const struct int_list *axes, uint32_t i, int32_t rank,
                   int32_t *axis) {
    return infer_axis(run, axes->count ? axes->values[i] : (int64_t)i, rank, axis);
}

static struct dim scaled(struct infer *run, struct dim in, double scale) {
    if (scale == 1.0)
        return in;
    double size = floor((double)in.size * scale);
    if (!dim_known(in) || !(size >= 0))
        return infer_unknown_dim;
    if (size > 0x1p62) {
        run->overflow = true;
        return infer_unknown_dim;
    }
    return infer_dim((int64_t)size);
}

static int resize_by_scales(struct infer *run, const struct constant *scales,
                            const struct int_list *axes, struct shape *y) {
    uint32_t count = axes->count ? axes->count : (uint32_t)y->rank;
    if (scales->count != count)
        return infer_fail(run, "%u scales for %u axes", scales->count, count);
    for (uint32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        if (axis_at(run, axes, i, y->rank, &axis))
            return -(int)run->err->code;
        /* the multiplication is done in single precision, as the definition's type says */
        y->dims[axis] = scales->elements[i].known && scales->floating
                            ? scaled(run, y->dims[axis], (double)(float)scales->elements[i].f)
                            : infer_unknown_dim;
    }
    return 0;
}

/* keep_aspect_ratio_policy: one scale for all axes named, the smallest or the largest. */
static bool common_scale(const struct infer *run, const struct constant *sizes,
                         const struct int_list *axes, const struct shape *x, double *scale) {
    const char *policy = op_string(run->op, "keep_aspect_ratio_policy", "stretch");
    bool smaller = strcmp(policy, "not_larger") == 0;
    if (!smaller && strcmp(policy, "not_smaller") != 0)
        return false;
    *scale = smaller ? HUGE_VAL : 0;
    for (uint32_t i = 0; i < sizes->count; i++) {
        int64_t axis = axes->count ? axes->values[i] : (int64_t)i;
        axis += axis < 0 ? x->rank : 0;
        if (axis < 0 || axis >= x->rank || x->dims[axis].size <= 0 || !sizes->elements[i].known)
            return false;
        double own = (double)sizes->elements[i].i / (double)x->dims[axis].size;
        *scale = smaller ? fmin(*scale, own) : fmax(*scale, own);
    }
    return true;
}

static int resize_to_sizes(struct infer *run, const struct constant *sizes,
                           const struct int_list *axes, struct shape *y) {
    uint32_t count = axes->count ? axes->count : (uint32_t)y->rank;
    if (sizes->count != count)
        return infer_fail(run, "%u sizes for %u axes", sizes->count, count);
    double scale = 0;
    bool common = common_scale(run, sizes, axes, y, &scale);
    for (uint32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        const struct element *e = &sizes->elements[i];
        if (axis_at(run, axes, i, y->rank, &axis))
            return -(int)run->err->code;
        if (common)
            y->dims[axis] =
                infer_dim((int64_t)fmin(floor((double)y->dims[axis].size * scale + 0.5), 0x1p61));
        else
            y->dims[axis] = e->known ? infer_dim(e->i) : (struct dim){-1, e->symbol};
    }
    return 0;
}

/* Opset 10: X, scales. Opset 11 on: X, roi, scales, sizes. */
static int infer_resize(struct infer *run) {
    struct shape y = infer_in(run, 0);
    uint32_t scales_at = run->opset < 11 ? 1 : 2;
    const struct constant *scales = infer_constant(run, scales_at);
    const struct constant *sizes = infer_constant(run, 3);
    struct int_list axes;
    infer_ints(run, "axes", -1, &axes);
    int status = 0;
    if (y.rank >= 0 && sizes && !sizes->floating && sizes->count)
        status = resize_to_sizes(run, sizes, &axes, &y);
    else if (y.rank >= 0 && scales && scales->count)
        status = resize_by_scales(run, scales, &axes, &y);
    else
        y = infer_shape_of_rank(y.rank);
    if (status)
        return status;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* Scales as attribute (opset 7) or input (9), or height_scale and width_scale (1). */
static int infer_upsample(struct infer *run) {
    struct shape y = infer_in(run, 0);
    const struct attribute *scales = op_attribute(run->op, "scales");
    const struct constant *given = infer_constant(run, 1);
    struct int_list no_axes = {0, NULL};
    if (y.rank >= 0 && scales && scales->kind == ATTRIBUTE_FLOATS) {
        if (scales->count != (uint32_t)y.rank)
            return infer_fail(run, "%u scales for rank %d", scales->count, y.rank);
        for (int32_t i = 0; i < y.rank; i++)
            y.dims[i] = scaled(run, y.dims[i], (double)scales->floats[i]);
    } else if (y.rank >= 0 && given) {
        if (resize_by_scales(run, given, &no_axes, &y))
            return -(int)run->err->code;
    } else if (y.rank == 4 && op_attribute(run->op, "height_scale")) {
        y.dims[2] = scaled(run, y.dims[2], (double)op_float(run->op, "height_scale", 1));
        y.dims[3] = scaled(run, y.dims[3], (double)op_float(run->op, "width_scale", 1));
    } else {
        y = infer_shape_of_rank(y.rank);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* X: N x C x ..., grid: N x out... x spatial rank. */
static int infer_grid_sample(struct infer *run) {
    struct shape x = infer_in(run, 0), grid = infer_in(run, 1);
    if (x.rank >= 0 && grid.rank >= 0 && (x.rank != grid.rank || x.rank < 3))
        return infer_fail(run, "input and grid must have one rank, 3 or more");
    struct shape y = infer_shape_of_rank(x.rank >= 0 ? x.rank : grid.rank);
    for (int32_t i = 0; i < y.rank; i++)
        y.dims[i] = i < 2 ? (x.rank >= 0 ? x.dims[i] : infer_unknown_dim)
                          : (grid.rank >= 0 ? grid.dims[i - 1] : infer_unknown_dim);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* theta: N x 2 x 3 (3 x 4), size: N, C, H, W (D, H, W) -> grid N x H x W x 2 (D x H x W x 3). */
static int infer_affine_grid(struct infer *run) {
    struct int_list size;
    struct shape y;
    if (infer_ints(run, NULL, 1, &size) != LIST_KNOWN || size.count < 3 || size.count > 8) {
        infer_put(run, 0, infer_dtype(run, 0), NULL);
        return 0;
    }
    y = infer_shape_of_rank((int32_t)size.count);
    y.dims[0] = infer_dim(size.values[0]);
    for (uint32_t i = 2; i < size.count; i++)
        y.dims[i - 1] = infer_dim(size.values[i]);
    y.dims[y.rank - 1] = infer_dim((int64_t)size.count - 2);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_center_crop_pad(struct infer *run) {
    struct shape y = infer_in(run, 0);
    struct int_list sizes, axes;
    enum list_state known = infer_ints(run, NULL, 1, &sizes);
    infer_ints(run, "axes", -1, &axes);
    if (y.rank >= 0 && known != LIST_KNOWN)
        y = infer_shape_of_rank(y.rank);
    uint32_t count = axes.count ? axes.count : y.rank >= 0 ? (uint32_t)y.rank : 0;
    if (known == LIST_KNOWN && y.rank >= 0 && sizes.count != count)
        return infer_fail(run, "%u sizes for %u axes", sizes.count, count);
    for (uint32_t i = 0; known == LIST_KNOWN && i < count && y.rank >= 0; i++) {
        int32_t axis = 0;
        if (axis_at(run, &axes, i, y.rank, &axis))
            return -(int)run->err->code;
        y.dims[axis] = infer_dim(sizes.values[i]);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

const struct infer_row infer_resize_rows[] = {
    {ONNX,      "Resize",        infer_resize,          NULL, 0, 0},
    {ONNX,      "Upsample",      infer_upsample,        NULL, 0, 0},
    {ONNX,      "GridSample",    infer_grid_sample,     NULL, 0, 0},
    {ONNX,      "AffineGrid",    infer_affine_grid,     NULL, 0, 0},
    {ONNX,      "CenterCropPad", infer_center_crop_pad, NULL, 0, 0},
    {MICROSOFT, "GridSample",    infer_grid_sample,     NULL, 0, 0},
    {NULL,      NULL,            NULL,                  NULL, 0, 0},
};
