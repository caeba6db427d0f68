/* Masks of windows in model files: what they bar by decides what a barred pair costs. */
#include "base/file.h"
#include "core/features.h"
#include "core/mask.h"
#include "models/infer.h"
#include "models/mask_least.h"
#include "models/onnx/read.h"
#include "models/zoo/layers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WINDOWS = 4, HEADS = 2, TOKENS = 9, WIDTH = 8, CELLS = WINDOWS * TOKENS * TOKENS };

static struct arena arena;
static char path[] = "/tmp/assay-mask-XXXXXX";

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return unlink(path);
}

/* Attention in windows; every fifth pair is barred by `config`. */
static void attention(struct zoo_builder *b, const void *config) {
    static double values[CELLS];
    for (int i = 0; i < CELLS; i++)
        values[i] = i % 5 == 0 ? *(const double *)config : 0;
    int32_t scores =
        zoo_input(b, "scores", DTYPE_FLOAT32, ZOO_SHAPE(WINDOWS, HEADS, TOKENS, TOKENS));
    int32_t right = zoo_input(b, "values", DTYPE_FLOAT32, ZOO_SHAPE(WINDOWS, HEADS, TOKENS, WIDTH));
    int32_t mask = zoo_table(b, "mask", values, ZOO_SHAPE(WINDOWS, 1, TOKENS, TOKENS));
    int32_t weights = zoo_softmax(b, zoo_add(b, scores, mask));
    zoo_output(b, zoo_matmul(b, NULL, weights, right), "output");
}

/* Written to `path` and read back. */
static struct graph *file_barred_by(double least) {
    const struct zoo_row row = {
        .name = "attention", .help = "", .build = attention, .config = &least};
    const struct zoo_options options = {.batch = 1, .opset = 17, .seed = 1};
    struct zoo_model model;
    struct file_map map = {0};
    struct graph *graph = NULL;
    struct err err = {0};
    if (zoo_build_row(&arena, &row, &options, &model, &err))
        fail_msg("%s", err.message);
    const struct onnx_weights weights = zoo_weights(&model, ONNX_WEIGHTS_INLINE);
    if (onnx_write_file(model.graph, &weights, path, &err) || file_map_open(&map, path, &err) ||
        onnx_read_bytes(&arena, map.bytes, map.size, path, &graph, &err) ||
        infer_shapes(graph, &err))
        fail_msg("%s", err.message);
    file_map_close(&map);
    return graph;
}

static const struct op *op_of(const struct graph *graph, const char *type) {
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (strcmp(graph->ops[i].type, type) == 0)
            return &graph->ops[i];
    return NULL;
}

static const char *class_of(const struct graph *graph, const char *type, double *barred) {
    const struct feature_target target = {.block = 16, .threads = 1};
    struct features *features = ARENA_NEW(&arena, struct features);
    struct err err = {0};
    if (features_of(graph, op_of(graph, type), &target, features, &err))
        fail_msg("%s", err.message);
    *barred = barred_windows(graph, op_input(graph, op_of(graph, type), 0));
    return features->key;
}

static void what_a_mask_bars_by_is_read_from_the_file(void **state) {
    (void)state;
    static const struct {
        double least;
        bool denormal;
    } rows[] = {
        {-100,      true },
        {-103,      true },
        {-10000,    false},
        {-INFINITY, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct graph *graph = file_barred_by(rows[i].least);
        double barred;
        assert_string_equal(class_of(graph, "Softmax", &barred), "Softmax.windows");
        mask_least_note(graph, graph, path);
        mask_least_note(graph, graph, path); /* once is enough */
        const struct op *add = op_of(graph, "Add");
        assert_int_equal(add->attribute_count, 1);
        assert_true((double)op_float(add, MASK_LEAST, 0) == rows[i].least);
        assert_string_equal(class_of(graph, "Softmax", &barred),
                            rows[i].denormal ? "Softmax.windows" : "Softmax.masked");
        class_of(graph, "MatMul", &barred);
        assert_true(barred == (rows[i].denormal ? sqrt(WINDOWS) - 1 + 0.75 : 0));
    }
}

static void a_file_that_has_shrunk_or_gone_tells_nothing(void **state) {
    (void)state;
    struct graph *graph = file_barred_by(-10000);
    assert_int_equal(truncate(path, 400), 0);
    mask_least_note(graph, graph, path);
    mask_least_note(graph, graph, "/nowhere.onnx");
    assert_int_equal(op_of(graph, "Add")->attribute_count, 0);
}

static void a_mask_of_another_name_or_type_tells_nothing(void **state) {
    (void)state;
    struct graph *written = file_barred_by(-10000), *lowered = file_barred_by(-10000);
    int32_t mask = graph_find_tensor(written, "mask");
    assert_true(mask >= 0);
    written->tensors[mask].dtype = DTYPE_INT32;
    mask_least_note(lowered, written, path);
    written->tensors[mask].dtype = DTYPE_FLOAT32;
    written->tensors[mask].name = "another";
    mask_least_note(lowered, written, path);
    assert_int_equal(op_of(lowered, "Add")->attribute_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_mask_bars_by_is_read_from_the_file),
        cmocka_unit_test(a_file_that_has_shrunk_or_gone_tells_nothing),
        cmocka_unit_test(a_mask_of_another_name_or_type_tells_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
