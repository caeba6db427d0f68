/* Decoders: work, traffic and classes of ggml's operators, and the phases of a profile. */
#include "core/features.h"
#include "jobs/decoder_phases.h"
#include "models/zoo/gguf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;

static int start(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int stop(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

struct shape {
    enum dtype dtype;
    uint32_t flags;
    int32_t rank;
    int64_t sizes[4];
};

/* The last shape is the output. */
static struct features features_with(const char *type, uint32_t count, const struct shape *shapes) {
    struct graph *graph = graph_new(&arena, "g");
    int32_t tensors[5];
    for (uint32_t i = 0; i < count; i++) {
        char name[] = {(char)('a' + i), '\0'};
        tensors[i] = graph_add_tensor(graph, name, shapes[i].dtype);
        graph_set_shape(graph, tensors[i], shapes[i].rank, shapes[i].sizes);
        graph->tensors[tensors[i]].flags |= shapes[i].flags;
    }
    int32_t op = graph_add_op(graph, "op", type, "ggml");
    graph_set_inputs(graph, op, count - 1, tensors);
    graph_set_outputs(graph, op, 1, &tensors[count - 1]);
    const struct feature_target target = {.block = 16};
    struct features features;
    struct err err = {0};
    if (features_of(graph, &graph->ops[op], &target, &features, &err))
        fail_msg("%s", err.message);
    return features;
}

static void products_count_both_sides(void **state) {
    (void)state;
    const struct shape shapes[] = {
        {DTYPE_Q4_0,    TENSOR_INITIALIZER, 2, {96, 64}},
        {DTYPE_FLOAT32, 0,                  2, {7, 64} },
        {DTYPE_FLOAT32, 0,                  2, {7, 96} },
    };
    struct features f = features_with("MUL_MAT", 3, shapes);
    assert_true(f.flops == 2.0 * 7 * 96 * 64);
    assert_true(f.bytes_weights == 96 * 64 / 32 * 18);
    assert_true(f.bytes_in == 7 * 64 * 4 && f.bytes_out == 7 * 96 * 4);
    assert_string_equal(f.key, "ggml.matmul/q4_0");
    assert_int_equal(f.family, FAMILY_MATMUL);
}

static void one_row_is_a_class_of_its_own(void **state) {
    (void)state;
    const struct shape shapes[] = {
        {DTYPE_FLOAT16, TENSOR_INITIALIZER, 2, {96, 64}},
        {DTYPE_FLOAT32, 0,                  1, {64}    },
        {DTYPE_FLOAT32, 0,                  1, {96}    },
    };
    struct features f = features_with("MUL_MAT", 3, shapes);
    assert_true(f.flops == 2.0 * 96 * 64);
    assert_string_equal(f.key, "ggml.matvec/float16");
    assert_int_equal(f.family, FAMILY_MATVEC);
}

static void attention_counts_scores_and_values(void **state) {
    (void)state;
    const struct shape shapes[] = {
        {DTYPE_FLOAT32, 0, 3, {8, 5, 16}  }, /* 8 heads, 5 tokens */
        {DTYPE_FLOAT16, 0, 3, {2, 256, 16}}, /* 2 heads of keys, 256 cells */
        {DTYPE_FLOAT16, 0, 3, {2, 256, 32}},
        {DTYPE_FLOAT16, 0, 2, {5, 256}    },
        {DTYPE_FLOAT32, 0, 3, {5, 8, 32}  },
    };
    struct features f = features_with("FLASH_ATTN_EXT", 5, shapes);
    assert_true(f.flops == 2.0 * 8 * 5 * 256 * (16 + 32));
    assert_string_equal(f.key, "ggml.attention");
}

static void rows_of_a_table_cost_what_is_read_of_it(void **state) {
    (void)state;
    const struct shape get[] = {
        {DTYPE_Q8_0,    TENSOR_INITIALIZER, 2, {32000, 64}},
        {DTYPE_INT32,   0,                  1, {3}        },
        {DTYPE_FLOAT32, 0,                  2, {3, 64}    },
    };
    struct features f = features_with("GET_ROWS", 3, get);
    assert_true(f.bytes_weights == 3 * 64 / 32 * 34 && f.bytes_out == 3 * 64 * 4);
    const struct shape set[] = {
        {DTYPE_FLOAT32, 0, 2, {3, 64}   },
        {DTYPE_INT64,   0, 1, {3}       },
        {DTYPE_FLOAT16, 0, 2, {4096, 64}},
    };
    f = features_with("SET_ROWS", 3, set);
    assert_true(f.bytes_in == 3 * 64 * 4 && f.bytes_out == 3 * 64 * 2);
}

static void views_are_free(void **state) {
    (void)state;
    const struct shape shapes[] = {
        {DTYPE_FLOAT32, 0, 2, {3, 64}},
        {DTYPE_FLOAT32, 0, 2, {64, 3}},
    };
    struct features f = features_with("PERMUTE", 2, shapes);
    assert_true(f.free && features_bytes(&f) == 0 && f.flops == 0);
    assert_false(features_with("CONT", 2, shapes).free);
}

/* ---- prefill and decode ----------------------------------------------------------------------
 */

static int64_t size_of(const struct subject_request *request, const char *symbol) {
    for (uint32_t i = 0; i < request->dim_count; i++)
        if (strcmp(request->dims[i].symbol, symbol) == 0)
            return request->dims[i].size;
    return -1;
}

static void a_decoder_is_measured_in_two_phases_unless_one_is_asked_for(void **state) {
    (void)state;
    static const struct zoo_gguf_config small = {"s", 1, 32, 1, 1, 32, 4, 64, 1e4f, 0};
    char path[] = "/tmp/assay-phases-XXXXXX";
    struct err err = {0};
    struct decoder_phase phases[DECODER_PHASES_MAX];
    uint32_t count;
    close(mkstemp(path));
    assert_int_equal(zoo_write_gguf_of(&small, DTYPE_FLOAT16, 1, path, &err), 0);
    const struct dim_binding batch = {"batch", 4}, past = {"past", 9};
    struct subject_request request = {.model_path = path, .dims = &batch, .dim_count = 1};
    assert_int_equal(decoder_phases(&arena, &request, phases, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(phases[0].name, "prefill");
    assert_int_equal(size_of(&phases[0].request, "tokens"), PREFILL_TOKENS);
    assert_int_equal(size_of(&phases[0].request, "past"), 0);
    assert_int_equal(size_of(&phases[0].request, "batch"), 4);
    assert_string_equal(phases[1].name, "decode");
    assert_int_equal(size_of(&phases[1].request, "tokens"), 1);
    assert_int_equal(size_of(&phases[1].request, "past"), PREFILL_TOKENS);
    request.dims = &past;
    assert_int_equal(decoder_phases(&arena, &request, phases, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_string_equal(phases[0].name, "");
    unlink(path);
    assert_int_not_equal(decoder_phases(&arena, &request, phases, &count, &err), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(products_count_both_sides, start, stop),
        cmocka_unit_test_setup_teardown(one_row_is_a_class_of_its_own, start, stop),
        cmocka_unit_test_setup_teardown(attention_counts_scores_and_values, start, stop),
        cmocka_unit_test_setup_teardown(rows_of_a_table_cost_what_is_read_of_it, start, stop),
        cmocka_unit_test_setup_teardown(views_are_free, start, stop),
        cmocka_unit_test_setup_teardown(a_decoder_is_measured_in_two_phases_unless_one_is_asked_for,
                                        start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
