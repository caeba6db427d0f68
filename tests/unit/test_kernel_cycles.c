/* Cycles of inner kernels against tiles counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/kernel_cycles.h"

#include <math.h>

static void a_full_tile_never_waits(void **state) {
    (void)state;
    struct kernel_cycles c = gemm_cycles(16, 12, 32, 100); /* 12 rows x 2 vectors, two per cycle */
    assert_true(c.busy == 12 * 100 && c.waits == 0);
    c = gemm_cycles(8, 6, 16, 100);
    assert_true(c.busy == 6 * 100 && c.waits == 0);
}

static void a_single_row_waits_for_its_sums(void **state) {
    (void)state;
    struct kernel_cycles c = gemm_cycles(16, 1, 32, 100); /* 2 sums: one cycle of four */
    assert_true(c.busy == 100 && c.waits == 300);
}

static void rows_that_are_left_run_in_smaller_tiles(void **state) {
    (void)state;
    /* 12 + 6 + 1 rows by two vectors, and by one for the 5 columns behind them */
    struct kernel_cycles c = gemm_cycles(16, 19, 37, 10);
    assert_true(c.busy == 10 * (12 + 6 + 1) + 10 * (6 + 3 + 0.5));
    assert_true(c.waits == 10 * 3 + 10 * (0 + 1 + 3.5));
}

static void narrow_products_go_over_their_operands_less_often(void **state) {
    (void)state;
    struct gemm_passes p = gemm_passes(512, 512, false);
    assert_true(p.left == 4 && p.sums == 4);
    p = gemm_passes(512, 512, true);
    assert_true(p.left == 4 && p.sums == 2);
    p = gemm_passes(16, 1024, false); /* 16 wide, 1024 deep */
    assert_true(p.left == 1 && p.sums == 1);
    p = gemm_passes(1024, 16, false); /* 1024 wide, 16 deep */
    assert_true(p.left == 1 && p.sums == 1);
}

static struct nchwc_conv conv_of(double size, double kernel, double stride, double pad) {
    struct window_axis axis = {.in = size,
                               .out = floor((size + 2 * pad - kernel) / stride) + 1,
                               .kernel = kernel,
                               .stride = stride,
                               .dilation = 1,
                               .pad = pad};
    return (struct nchwc_conv){axis, axis, 16, 64, 16, NCHWC_WINDOW};
}

static void without_padding_every_tap_counts(void **state) {
    (void)state;
    struct nchwc_conv conv = conv_of(8, 3, 1, 0); /* 6 x 6 outputs, one tile of six a row */
    struct kernel_cycles c = nchwc_conv_cycles(&conv);
    assert_true(c.busy == 6 * 9 * 16 * (4 * 6 / 2.0) && c.waits == 0);
}

static void outputs_at_the_edge_come_one_by_one_and_skip_what_is_outside(void **state) {
    (void)state;
    struct nchwc_conv conv = conv_of(8, 3, 1, 1); /* 8 x 8 outputs, six of each row inside */
    struct kernel_cycles c = nchwc_conv_cycles(&conv);
    double rows = (2 * 2 + 6 * 3) * 16; /* taps along the rows, times channels */
    assert_true(c.busy == rows * (3 * 4 * 6 / 2.0 + 2 * 2 * 4 / 2.0));
    assert_true(c.waits == rows * 2 * 2 * 2); /* four sums: two of four cycles */
}

static void a_wide_dilation_leaves_the_middle_tap_alone(void **state) {
    (void)state;
    struct nchwc_conv conv = conv_of(8, 3, 1, 1);
    conv.rows.dilation = conv.columns.dilation = 20;
    conv.rows.pad = conv.columns.pad = 20;
    struct kernel_cycles c = nchwc_conv_cycles(&conv);
    assert_true(c.busy == 8 * 8 * 16 * 4 / 2.0); /* one tap for each output */
}

static void pointwise_rows_are_one_row_unless_strided(void **state) {
    (void)state;
    struct nchwc_conv conv = conv_of(9, 1, 1, 0); /* 81 outputs: 13 tiles of six and three */
    conv.kernel = NCHWC_POINTWISE;
    struct kernel_cycles c = nchwc_conv_cycles(&conv);
    assert_true(c.busy == 16 * 81 * 4 / 2.0 && c.waits == 0);
    conv = conv_of(9, 1, 2, 0); /* 5 rows of three and two */
    conv.kernel = NCHWC_POINTWISE;
    c = nchwc_conv_cycles(&conv);
    assert_true(c.busy == 16 * 25 * 4 / 2.0 && c.waits == 0);
}

static void a_last_block_of_filters_waits_longer(void **state) {
    (void)state;
    struct nchwc_conv conv = conv_of(8, 3, 1, 0);
    conv.out_channels = 80; /* four blocks and one */
    struct kernel_cycles c = nchwc_conv_cycles(&conv);
    double steps = 6 * 9 * 16;
    assert_true(c.busy == steps * (12 + 3) && c.waits == steps);
}

/* Sizes of hostile files must not make the count long. */
static void huge_sizes_are_counted_at_once(void **state) {
    (void)state;
    struct nchwc_conv conv = conv_of(8, 3, 1, 1);
    conv.rows = conv.columns = (struct window_axis){1e15, 1e15, 1e15, 1, 1, 1e14};
    struct kernel_cycles c = nchwc_conv_cycles(&conv);
    assert_true(isfinite(c.busy) && isfinite(c.waits) && c.busy >= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_tile_never_waits),
        cmocka_unit_test(a_single_row_waits_for_its_sums),
        cmocka_unit_test(rows_that_are_left_run_in_smaller_tiles),
        cmocka_unit_test(narrow_products_go_over_their_operands_less_often),
        cmocka_unit_test(without_padding_every_tap_counts),
        cmocka_unit_test(outputs_at_the_edge_come_one_by_one_and_skip_what_is_outside),
        cmocka_unit_test(a_wide_dilation_leaves_the_middle_tap_alone),
        cmocka_unit_test(pointwise_rows_are_one_row_unless_strided),
        cmocka_unit_test(a_last_block_of_filters_waits_longer),
        cmocka_unit_test(huge_sizes_are_counted_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
