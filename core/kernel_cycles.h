/* How long the inner kernels of a matrix product or a convolution in NCHWc layout take where
 * nothing else holds them up, in processor cycles. They are written for registers: a tile of so
 * many vectors by so many outputs is summed up at a time, one multiply-add per cell and step of the
 * depth. A full tile keeps both multipliers busy; a small one waits for its own sums, which take
 * four cycles each. Edges of a picture and what is left of a size after the full tiles run in small
 * ones.
 *
 * Tile sizes are those of MLAS, the kernels of ONNX Runtime, for AVX-512 (blocks of 16) and for
 * AVX2 (blocks of 8).
 */
#ifndef ASSAY_CORE_KERNEL_CYCLES_H
#define ASSAY_CORE_KERNEL_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_cycles {
    double busy;  /* multiply-adds of whole vectors, two per cycle */
    double waits; /* for sums that are not ready */
};

/* m x k by k x n. */
struct kernel_cycles gemm_cycles(uint32_t block, double m, double n, double k);

/* How often a product goes over its other operands while it walks slices of the right-hand matrix:
 * packed ahead they are 256 deep and 128 wide; packed on the way 128 by 128, deeper when the matrix
 * is narrow and wider when it is shallow. */
struct gemm_passes {
    double left; /* over the left-hand matrix */
    double sums; /* over the result */
};

struct gemm_passes gemm_passes(double n, double k, bool packed_ahead);

/* One axis of a convolution's window. */
struct window_axis {
    double in, out, kernel, stride, dilation, pad; /* pad: in front */
};

/* One image and group. With one channel in and out per group it is a depthwise kernel over vectors
 * of `block` channels: `in_channels` 1, `out_channels` all of them. */
struct nchwc_conv {
    struct window_axis rows, columns;
    double in_channels, out_channels;
    uint32_t block;
    enum { NCHWC_WINDOW, NCHWC_POINTWISE, NCHWC_DEPTHWISE } kernel;
};

struct kernel_cycles nchwc_conv_cycles(const struct nchwc_conv *conv);

#endif
