/* A model made ready: sizes bound or refused, weights and inputs described. The runtime need not be
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "jobs/subject.h"
#include "models/onnx/write.h"
#include "models/zoo/zoo.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;
static char folder[] = "/tmp/assay-subject-XXXXXX";
static const char *path;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    path = arena_printf(&arena, "%s/m.onnx", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    arena_done(&arena);
    return 0;
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

/* y = Relu(x): x has a symbol, an axis without a name, and a size. */
static void write_free_model(void) {
    struct graph *graph = graph_new(&arena, "free");
    struct err err = {0};
    graph->ir_version = 8;
    graph_add_opset(graph, "", 17);
    int32_t x = graph_add_tensor(graph, "x.in", DTYPE_FLOAT32);
    graph_set_shape(graph, x, 3, (int64_t[]){GRAPH_DIM_UNKNOWN, GRAPH_DIM_UNKNOWN, 8});
    graph->tensors[x].dims[0].symbol = graph_symbol(graph, "batch");
    int32_t y = graph_add_tensor(graph, "y", DTYPE_FLOAT32);
    graph_set_shape(graph, y, 3, (int64_t[]){GRAPH_DIM_UNKNOWN, GRAPH_DIM_UNKNOWN, 8});
    int32_t op = graph_add_op(graph, "relu", "Relu", "");
    graph_set_inputs(graph, op, 1, &x);
    graph_set_outputs(graph, op, 1, &y);
    graph_add_input(graph, x);
    graph_add_output(graph, y);
    const struct onnx_weights none = {.mode = ONNX_WEIGHTS_OMITTED};
    if (onnx_write_file(graph, &none, path, &err))
        fail_msg("%s", err.message);
}

static struct subject_request request(void) {
    return (struct subject_request){
        .model_path = path, .collector = "replay", .threads = 1, .seed = 1};
}

static struct subject opened(const struct subject_request *wish) {
    struct subject subject;
    struct err err = {0};
    if (subject_open(&arena, NULL, wish, &subject, &err))
        fail_msg("%s", err.message);
    return subject;
}

static void expect_refused(const struct subject_request *wish, enum err_code code,
                           const char *text) {
    struct subject subject;
    struct err err = {0};
    assert_int_equal(subject_open(&arena, NULL, wish, &subject, &err), -(int)code);
    if (!strstr(err.message, text))
        fail_msg("no '%s' in: %s", text, err.message);
}

static void expect_shape(const struct subject *subject, int64_t a, int64_t b) {
    const struct graph *graph = subject->graph;
    const int32_t ends[] = {graph->inputs[0], graph->outputs[0]};
    for (int i = 0; i < 2; i++) {
        const struct tensor *tensor = &graph->tensors[ends[i]];
        assert_int_equal(tensor->rank, 3);
        assert_int_equal(tensor->dims[0].size, a);
        assert_int_equal(tensor->dims[1].size, b);
        assert_int_equal(tensor->dims[2].size, 8);
    }
}

/* As many inputs as a file has room for, each with a symbol and an axis of its own, each an index.
 */
static void write_wide_model(int count) {
    struct graph *graph = graph_new(&arena, "wide");
    struct err err = {0};
    graph->ir_version = 8;
    graph_add_opset(graph, "", 17);
    int32_t table = graph_add_tensor(graph, "table", DTYPE_FLOAT32);
    graph_set_shape(graph, table, 2, (int64_t[]){40, 8});
    graph->tensors[table].flags |= TENSOR_INITIALIZER;
    for (int i = 0; i < count; i++) {
        int32_t x = graph_add_tensor(graph, arena_printf(&arena, "x%d", i), DTYPE_INT64);
        graph_set_shape(graph, x, 2, (int64_t[]){GRAPH_DIM_UNKNOWN, GRAPH_DIM_UNKNOWN});
        graph->tensors[x].dims[0].symbol = graph_symbol(graph, arena_printf(&arena, "s%d", i));
        graph_add_input(graph, x);
        int32_t y = graph_add_tensor(graph, arena_printf(&arena, "y%d", i), DTYPE_FLOAT32);
        int32_t op = graph_add_op(graph, "", "Gather", "");
        graph_set_inputs(graph, op, 2, (int32_t[]){table, x});
        graph_set_outputs(graph, op, 1, &y);
        graph_add_output(graph, y);
    }
    const struct onnx_weights none = {.mode = ONNX_WEIGHTS_OMITTED};
    if (onnx_write_file(graph, &none, path, &err))
        fail_msg("%s", err.message);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void thousands_of_axes_are_sized(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    const struct dim_binding dims[] = {
        {"s17", 5}
    };
    struct subject_request wish = request();
    wish.dims = dims;
    wish.dim_count = 1;
    write_wide_model(COUNT);
    struct subject subject = opened(&wish);
    assert_int_equal(subject.conditions.dim_count, 2 * COUNT);
    assert_int_equal(subject.note_count, 2 * COUNT - 1);
    assert_int_equal(subject.config.input_count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        const struct tensor *x = &subject.graph->tensors[subject.graph->inputs[i]];
        assert_int_equal(x->dims[0].size, i == 17 ? 5 : 1);
        assert_int_equal(x->dims[1].size, 1);
        assert_true(subject.config.inputs[i].upper == 39);
    }
}

static void axes_that_nobody_sizes_are_one_and_that_is_said(void **state) {
    (void)state;
    write_free_model();
    struct subject_request wish = request();
    struct subject subject = opened(&wish);
    expect_shape(&subject, 1, 1);
    assert_int_equal(subject.note_count, 2);
    assert_non_null(strstr(subject.notes[0], "--dim batch=N"));
    assert_non_null(strstr(subject.notes[1], "--shape x.in="));
    assert_int_equal(subject.conditions.dim_count, 2);
    subject_close(&subject);
}

static void a_shape_sizes_symbols_and_axes_without_one(void **state) {
    (void)state;
    write_free_model();
    const struct wished_shape shape = {
        "x.in", 3, {4, 6, 8}
    };
    struct subject_request wish = request();
    wish.shapes = &shape;
    wish.shape_count = 1;
    struct subject subject = opened(&wish);
    expect_shape(&subject, 4, 6);
    assert_int_equal(subject.note_count, 0);
    /* Conditions name them, sorted, so that runs of other sizes are other runs. */
    assert_int_equal(subject.conditions.dim_count, 2);
    assert_string_equal(subject.conditions.dims[0].symbol, "batch");
    assert_int_equal(subject.conditions.dims[0].size, 4);
    assert_string_equal(subject.conditions.dims[1].symbol, "x.in.1");
    assert_int_equal(subject.conditions.dims[1].size, 6);
    assert_ptr_equal(subject.config.dims, subject.conditions.dims);
    subject_close(&subject);
}

static void dims_and_shapes_may_agree_and_not_contradict(void **state) {
    (void)state;
    write_free_model();
    struct wished_shape shape = {
        "x.in", 3, {4, 6, 8}
    };
    const struct dim_binding four = {"batch", 4}, five = {"batch", 5}, other = {"heads", 5};
    struct subject_request wish = request();
    wish.shapes = &shape;
    wish.shape_count = wish.dim_count = 1;
    wish.dims = &four;
    struct subject subject = opened(&wish);
    expect_shape(&subject, 4, 6);
    subject_close(&subject);
    wish.dims = &five;
    expect_refused(&wish, ERR_USAGE, "batch");
    wish.dims = &other;
    expect_refused(&wish, ERR_USAGE, "heads");
    wish.dim_count = 0;
    shape.sizes[2] = 9;
    expect_refused(&wish, ERR_USAGE, "axis 2");
    shape.rank = 2;
    expect_refused(&wish, ERR_USAGE, "2 sizes");
    shape.input = "z";
    expect_refused(&wish, ERR_USAGE, "'z'");
}

static void a_batch_binds_the_leading_symbol(void **state) {
    (void)state;
    write_free_model();
    const struct dim_binding five = {"batch", 5};
    struct subject_request wish = request();
    wish.batch = 3;
    struct subject subject = opened(&wish);
    expect_shape(&subject, 3, 1);
    assert_int_equal(subject.conditions.batch, 3);
    assert_null(subject.temporary);
    subject_close(&subject);
    wish.dims = &five;
    wish.dim_count = 1;
    expect_refused(&wish, ERR_USAGE, "--batch");
}

static void a_fixed_batch_makes_a_copy_that_is_removed(void **state) {
    (void)state;
    struct err err = {0};
    if (zoo_write("resnet8", NULL, path, &err))
        fail_msg("%s", err.message);
    struct subject_request wish = request();
    wish.batch = 4;
    struct subject subject = opened(&wish);
    assert_non_null(subject.temporary);
    assert_int_equal(access(subject.temporary, R_OK), 0);
    assert_string_equal(subject.config.model_path, subject.temporary);
    assert_int_equal(subject.graph->tensors[subject.graph->inputs[0]].dims[0].size, 4);
    const char *copy = subject.temporary;
    subject_close(&subject);
    assert_int_equal(access(copy, F_OK), -1);
    subject_close(&subject); /* twice does no harm */
}

static void what_cannot_be_opened_is_named(void **state) {
    (void)state;
    write_free_model();
    struct subject_request wish = request();
    wish.collector = "crystal-ball";
    expect_refused(&wish, ERR_USAGE, "crystal-ball");
    wish = request();
    wish.model_path = "/nonexistent/model.onnx";
    struct subject subject;
    struct err err = {0};
    assert_true(subject_open(&arena, NULL, &wish, &subject, &err) < 0);
    assert_non_null(strstr(err.message, "/nonexistent/model.onnx"));
}

/* ---- weights --------------------------------------------------------------------------------- */

static int32_t add_external(struct graph *graph, const char *name, int32_t rank,
                            const int64_t *sizes, uint64_t offset) {
    int32_t tensor = graph_add_tensor(graph, name, DTYPE_FLOAT32);
    struct external_data *external = ARENA_NEW(&arena, struct external_data);
    *external = (struct external_data){"w.bin", offset, 0};
    graph_set_shape(graph, tensor, rank, sizes);
    graph->tensors[tensor].flags |= TENSOR_INITIALIZER | TENSOR_EXTERNAL;
    graph->tensors[tensor].external = external;
    return tensor;
}

static void weights_are_scaled_by_what_feeds_them(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t x = graph_add_tensor(graph, "x", DTYPE_FLOAT32);
    int32_t filter = add_external(graph, "filter", 4, (int64_t[]){64, 16, 3, 3}, 0);
    int32_t scale = add_external(graph, "scale", 1, (int64_t[]){64}, 36864);
    int32_t shift = add_external(graph, "shift", 1, (int64_t[]){64}, 37120);
    int32_t mean = add_external(graph, "mean", 1, (int64_t[]){64}, 37376);
    int32_t variance = add_external(graph, "variance", 1, (int64_t[]){64}, 37632);
    int32_t conv = graph_add_op(graph, "conv", "Conv", "");
    graph_set_inputs(graph, conv, 2, (int32_t[]){x, filter});
    int32_t norm = graph_add_op(graph, "norm", "BatchNormalization", "");
    graph_set_inputs(graph, norm, 5, (int32_t[]){x, scale, shift, mean, variance});
    /* One more in a subgraph. */
    struct graph *branch = graph_new(&arena, "then_branch");
    int32_t choice = graph_add_op(graph, "if", "If", "");
    branch->parent = graph;
    graph_add_attribute(graph, choice, "then_branch", ATTRIBUTE_GRAPH)->graph = branch;
    add_external(branch, "matrix", 2, (int64_t[]){100, 400}, 40000);
    uint32_t count;
    const struct weight_slot *slots = weight_slots(&arena, graph, &count);
    static const struct {
        uint64_t offset, elements;
        double scale;
    } rows[] = {
        {0,     9216,  1.0 / 12}, /* 16 x 9 inputs */
        {36864, 64,    0       }, /* multiplies: 1 */
        {37120, 64,    0.02    },
        {37376, 64,    0.02    },
        {37632, 64,    0       }, /* a variance: 1 */
        {40000, 40000, 0.1     },
    };
    assert_int_equal(count, sizeof rows / sizeof *rows);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(slots[i].offset_bytes, rows[i].offset);
        assert_int_equal(slots[i].elements, rows[i].elements);
        assert_int_equal(slots[i].length_bytes, 4 * rows[i].elements);
        assert_string_equal(slots[i].location, "w.bin");
        if (fabs(slots[i].scale - rows[i].scale) > 1e-9)
            fail_msg("slot %u: scale %g, not %g", i, slots[i].scale, rows[i].scale);
    }
    weight_slots(&arena, graph_new(&arena, "empty"), &count);
    assert_int_equal(count, 0);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static int32_t add_input(struct graph *graph, const char *name, enum dtype dtype) {
    int32_t tensor = graph_add_tensor(graph, name, dtype);
    graph_set_shape(graph, tensor, 2, (int64_t[]){1, 16});
    graph_add_input(graph, tensor);
    return tensor;
}

static void add_gather(struct graph *graph, int64_t rows, int64_t axis, int32_t indices) {
    int32_t table = graph_add_tensor(graph, "table", DTYPE_FLOAT32);
    graph_set_shape(graph, table, 2, (int64_t[]){rows, 64});
    int32_t op = graph_add_op(graph, "", "Gather", "");
    graph_set_int(graph, op, "axis", axis);
    graph_set_inputs(graph, op, 2, (int32_t[]){table, indices});
}

static void token_ids_stay_below_the_smallest_table(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t ids = add_input(graph, "input_ids", DTYPE_INT64);
    int32_t mask = add_input(graph, "attention_mask", DTYPE_INT64);
    int32_t sound = add_input(graph, "sound", DTYPE_FLOAT32);
    int32_t types = add_input(graph, "token_type_ids", DTYPE_INT64);
    int32_t given = add_input(graph, "sr", DTYPE_INT64);
    int32_t wild = add_input(graph, "wild", DTYPE_INT64);
    int32_t cast = graph_add_tensor(graph, "cast", DTYPE_INT32);
    int32_t view = graph_add_op(graph, "", "Cast", "");
    (void)mask, (void)sound;
    graph_set_inputs(graph, view, 1, &ids);
    graph_set_outputs(graph, view, 1, &cast);
    add_gather(graph, 30522, 0, ids);
    add_gather(graph, 512, 0, cast); /* through a view */
    add_gather(graph, 2, -2, types);
    add_gather(graph, 7, 0, given);
    add_gather(graph, 7, -9, wild); /* an axis that the table does not have */
    const struct input_value sr = {"sr", 16000, 16000};
    uint32_t count;
    const struct input_value *values = input_values(&arena, graph, &sr, 1, &count);
    static const struct input_value rows[] = {
        {"sr",             16000, 16000},
        {"input_ids",      0,     511  },
        {"attention_mask", 1,     1    },
        {"token_type_ids", 0,     1    },
    };
    assert_int_equal(count, 4);
    for (uint32_t i = 0; i < count; i++) {
        assert_string_equal(values[i].input, rows[i].input);
        assert_true(values[i].value == rows[i].value && values[i].upper == rows[i].upper);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(axes_that_nobody_sizes_are_one_and_that_is_said),
        TEST(thousands_of_axes_are_sized),
        TEST(a_shape_sizes_symbols_and_axes_without_one),
        TEST(dims_and_shapes_may_agree_and_not_contradict),
        TEST(a_batch_binds_the_leading_symbol),
        TEST(a_fixed_batch_makes_a_copy_that_is_removed),
        TEST(what_cannot_be_opened_is_named),
        TEST(weights_are_scaled_by_what_feeds_them),
        TEST(token_ids_stay_below_the_smallest_table),
    };
#undef TEST
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
