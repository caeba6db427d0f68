#include "core/kernel_cycles.h"

#include <math.h>
#include <stdbool.h>

static const double latency = 4; /* cycles until a sum can be added to again */
static const double multipliers = 2;
static const double taps_max = 1024; /* of an axis that are looked at one by one */

static struct kernel_cycles plus(struct kernel_cycles a, struct kernel_cycles b) {
    return (struct kernel_cycles){a.busy + b.busy, a.waits + b.waits};
}

/* `steps` of a tile with that many sums. */
static struct kernel_cycles tile(double sums, double steps) {
    double busy = sums / multipliers;
    return (struct kernel_cycles){steps * busy, steps * fmax(latency - busy, 0)};
}

/* ---- matrix products ------------------------------------------------------------------------- */

/* Rows at a time, most first; ends with 1. */
static const double rows_of_16[] = {12, 6, 5, 4, 3, 2, 1};
static const double rows_of_8[] = {6, 5, 4, 3, 2, 1};

static struct kernel_cycles row_tiles(const double *sizes, double m, double vectors, double steps) {
    struct kernel_cycles sum = {0};
    for (; m > 0; sizes++) {
        double tiles = floor(m / *sizes);
        m -= tiles * *sizes;
        sum = plus(sum, tile(*sizes * vectors, tiles * steps));
        if (*sizes == 1)
            break;
    }
    return sum;
}

/* Two vectors of columns at a time, one for what is left when it fits. */
struct kernel_cycles gemm_cycles(uint32_t block, double m, double n, double k) {
    const double *sizes = block == 16 ? rows_of_16 : rows_of_8;
    double pairs = floor(n / (2 * block)), left = n - pairs * 2 * block;
    double singles = left > 0 && left <= block;
    pairs += left > block;
    return plus(row_tiles(sizes, m, 2, pairs * k), row_tiles(sizes, m, 1, singles * k));
}

struct gemm_passes gemm_passes(double n, double k, bool packed_ahead) {
    double wide = 128, deep = packed_ahead ? 256 : 128;
    if (!packed_ahead && n >= k)
        for (; deep >= 2 && deep / 2 >= k; deep /= 2)
            wide *= 2;
    else if (!packed_ahead)
        for (; wide > 16 && wide / 2 >= n; wide /= 2)
            deep *= 2;
    return (struct gemm_passes){ceil(n / wide), ceil(k / deep)};
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* Outputs of an axis whose window lies inside the input, and those that reach over its edges. */
struct edges {
    double before, inside, after;
};

static struct edges edges_of(const struct window_axis *a) {
    double span = a->dilation * (a->kernel - 1) + 1;
    double inside = a->in >= span ? floor((a->in - span) / a->stride) + 1 : 0;
    double not_after =
        a->in + a->pad >= span ? floor((a->in + a->pad - span) / a->stride) + 1 : a->out;
    double before = not_after - inside;
    if (before == 0 && a->pad > 0) {
        before = 1;
        inside = fmax(inside - 1, 0);
    }
    return (struct edges){fmax(before, 0), inside, fmax(a->out - not_after, 0)};
}

/* Taps of the windows of outputs `from` to `to` (not included) that lie inside the input. */
static double taps_between(const struct window_axis *a, double from, double to) {
    double sum = 0, seen = fmin(a->kernel, taps_max);
    for (double k = 0; k < seen; k++) {
        double first = ceil((a->pad - k * a->dilation) / a->stride);
        double end = ceil((a->in + a->pad - k * a->dilation) / a->stride);
        sum += fmax(fmin(end, to) - fmax(first, from), 0);
    }
    return seen > 0 ? sum * (a->kernel / seen) : 0;
}

static double all_taps(const struct window_axis *a) {
    struct edges e = edges_of(a);
    return taps_between(a, 0, e.before) + e.inside * a->kernel +
           taps_between(a, a->out - e.after, a->out);
}

/* The outputs of a row by the size of their tile: `wide` at a time, three, two, one. */
struct row_calls {
    double wide, threes, twos, ones;
};

static struct row_calls calls_of(double outputs, double wide) {
    struct row_calls calls = {.wide = floor(outputs / wide)};
    double left = outputs - calls.wide * wide;
    calls.threes = floor(left / 3);
    left -= 3 * calls.threes;
    calls.twos = left >= 2;
    calls.ones = left - 2 * calls.twos;
    return calls;
}

/* One row of outputs for `vectors` blocks of output channels: `taps` for outputs inside, and
 * `edge_taps` in all for those at the edges, one at a time. */
static struct kernel_cycles row_cycles(const struct row_calls *calls, double wide, double vectors,
                                       double taps, double edge_taps) {
    struct kernel_cycles sum = tile(vectors * wide, taps * calls->wide);
    sum = plus(sum, tile(vectors * 3, taps * calls->threes));
    sum = plus(sum, tile(vectors * 2, taps * calls->twos));
    return plus(sum, tile(vectors, taps * calls->ones + edge_taps));
}

/* Blocks of output channels go by fours, what is left of them together. */
static struct kernel_cycles filter_cycles(const struct nchwc_conv *c, const struct row_calls *calls,
                                          double wide, double taps, double edge_taps) {
    double blocks = ceil(c->out_channels / c->block);
    double together = c->kernel == NCHWC_DEPTHWISE ? 1 : 4;
    double sets = floor(blocks / together), left = blocks - sets * together;
    struct kernel_cycles set = row_cycles(calls, wide, together, sets * taps, sets * edge_taps);
    return left > 0 ? plus(set, row_cycles(calls, wide, left, taps, edge_taps)) : set;
}

/* Without strides the rows of a pointwise convolution are one long row. */
static struct kernel_cycles pointwise_cycles(const struct nchwc_conv *c, double wide) {
    bool strided = c->rows.stride > 1 || c->columns.stride > 1;
    double rows = strided ? c->rows.out : 1;
    double outputs = strided ? c->columns.out : c->rows.out * c->columns.out;
    struct row_calls calls = calls_of(outputs, wide);
    return filter_cycles(c, &calls, wide, rows * c->in_channels, 0);
}

struct kernel_cycles nchwc_conv_cycles(const struct nchwc_conv *c) {
    double wide = c->block == 16 ? 6 : 3;
    if (c->kernel == NCHWC_POINTWISE)
        return pointwise_cycles(c, wide);
    struct edges e = edges_of(&c->columns);
    struct row_calls calls = calls_of(e.inside, wide);
    double rows = all_taps(&c->rows) * c->in_channels;
    double edge_taps = taps_between(&c->columns, 0, e.before) +
                       taps_between(&c->columns, c->columns.out - e.after, c->columns.out);
    return filter_cycles(c, &calls, wide, rows * c->columns.kernel, rows * edge_taps);
}
