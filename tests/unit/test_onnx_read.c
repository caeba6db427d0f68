/* What the reader makes of models: tensors, operators, attributes, constants, subgraphs, functions,
 * and files, large ones included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "models/onnx/read.h"
#include "models/reader.h"
#include "tests/unit/onnx_bytes.h"

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Ends `model`. */
static struct graph *read_ok(struct strbuf model) {
    struct err err = {0};
    struct graph *graph = NULL;
    void *exact = malloc(model.length);
    assert_non_null(exact);
    memcpy(exact, model.text, model.length);
    int code = onnx_read_bytes(&arena, exact, model.length, "m.onnx", &graph, &err);
    free(exact);
    strbuf_done(&model);
    if (code)
        fail_msg("%s", err.message);
    return graph;
}

static const struct tensor *tensor_named(const struct graph *graph, const char *name) {
    int32_t index = graph_find_tensor(graph, name);
    if (index == GRAPH_NONE)
        fail_msg("no tensor '%s'", name);
    return &graph->tensors[index];
}

static const struct op *op_named(const struct graph *graph, const char *name) {
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (strcmp(graph->ops[i].name, name) == 0)
            return &graph->ops[i];
    fail_msg("no operator '%s'", name);
    return NULL;
}

static void assert_shape(const struct graph *graph, const struct tensor *tensor,
                         const char *expected) {
    assert_string_equal(tensor_shape_text(&arena, graph, tensor), expected);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void model_header_is_kept(void **state) {
    (void)state;
    struct strbuf model = model_with(7, relu_graph());
    put_opset(&model, ONNX_MODEL_OPSET_IMPORT, "com.microsoft", 1);
    struct graph *graph = read_ok(model);
    assert_string_equal(graph->producer, "test 1.0");
    assert_string_equal(graph->name, "g");
    assert_int_equal(graph->ir_version, 7);
    assert_int_equal(graph_opset_version(graph, ""), 17);
    assert_int_equal(graph_opset_version(graph, "com.microsoft"), 1);
    assert_false(graph->lowered);
}

static void lowered_models_are_marked(void **state) {
    (void)state;
    struct strbuf model = model_of(relu_graph());
    put_entry(&model, ONNX_MODEL_METADATA_PROPS, "assay.lowered", "1");
    assert_true(read_ok(model)->lowered);
}

static void domain_ai_onnx_is_the_default_domain(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("Relu", "r", "x", "y");
    put_text(&op, ONNX_NODE_DOMAIN, "ai.onnx");
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_input(&graph, "x", "2");
    struct strbuf model = message();
    put_int(&model, ONNX_MODEL_IR_VERSION, 8);
    put_opset(&model, ONNX_MODEL_OPSET_IMPORT, "ai.onnx", 13);
    put_message(&model, ONNX_MODEL_GRAPH, graph);
    struct graph *read = read_ok(model);
    assert_true(op_is(&read->ops[0], "", "Relu"));
    assert_int_equal(graph_opset_version(read, ""), 13);
}

static void symbolic_and_unknown_dimensions_are_kept(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_input(&graph, "x", "batchx3x?x-1xbatch");
    put_input(&graph, "s", "");
    put_input(&graph, "u", NULL);
    struct graph *read = read_ok(model_of(graph));
    assert_shape(read, tensor_named(read, "x"), "batchx3x?x?xbatch");
    assert_int_equal(read->symbol_count, 1);
    assert_int_equal(tensor_named(read, "s")->rank, 0);
    assert_int_equal(tensor_named(read, "u")->rank, GRAPH_RANK_UNKNOWN);
    assert_int_equal(graph_bind_symbol(read, "batch", 8), 2);
    assert_shape(read, tensor_named(read, "x"), "8x3x?x?x8");
}

static void initializer_is_described_and_not_an_input(void **state) {
    (void)state;
    for (int64_t ir = 3; ir <= 8; ir += 5) {
        struct strbuf graph = message();
        static const float weights[100] = {1};
        put_input(&graph, "x", "4");
        put_input(&graph, "w", "100");
        put_message(&graph, ONNX_GRAPH_INITIALIZER,
                    raw_tensor("w", DTYPE_FLOAT32, 1, (int64_t[]){100}, weights, sizeof weights));
        struct strbuf model = model_with(ir, graph);
        const char *data = memmem(model.text, model.length, weights, sizeof weights);
        uint64_t offset = (uint64_t)(data - model.text);
        struct graph *read = read_ok(model);
        const struct tensor *w = tensor_named(read, "w");
        assert_int_equal(read->input_count, 1);
        assert_string_equal(read->tensors[read->inputs[0]].name, "x");
        assert_int_equal(w->flags, TENSOR_INITIALIZER);
        assert_int_equal(w->file_offset, offset);
        assert_null(w->values);
        assert_int_equal(graph_parameters(read), 100);
        assert_int_equal(graph_weight_bytes(read), 400);
    }
}

static void external_data_is_noted_and_not_opened(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                external_tensor("a", 1, (int64_t[]){3}, "w.bin", "4096", "12"));
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                external_tensor("b", 1, (int64_t[]){3}, "sub/w.bin", NULL, NULL));
    struct graph *read = read_ok(model_of(graph));
    const struct tensor *a = tensor_named(read, "a"), *b = tensor_named(read, "b");
    assert_int_equal(a->flags, TENSOR_INITIALIZER | TENSOR_EXTERNAL);
    assert_string_equal(a->external->location, "w.bin");
    assert_int_equal(a->external->offset_bytes, 4096);
    assert_int_equal(a->external->length_bytes, 12);
    assert_int_equal(b->external->offset_bytes, 0);
    assert_int_equal(b->external->length_bytes, 12);
    assert_null(a->values);
}

static void small_integers_are_kept_from_raw_and_typed_data(void **state) {
    (void)state;
    struct strbuf graph = message(), typed = tensor_header("t", DTYPE_INT32, 1, (int64_t[]){3});
    put_message(&graph, ONNX_GRAPH_INITIALIZER, int64_tensor("r", 2, (int64_t[]){-1, 1 << 20}));
    put_int(&typed, ONNX_TENSOR_INT32_DATA, 7); /* not packed */
    put_bytes(&typed, ONNX_TENSOR_INT32_DATA, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    put_message(&graph, ONNX_GRAPH_INITIALIZER, typed);
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("b", DTYPE_BOOL, 1, (int64_t[]){2}, "\0\x02", 2));
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("u", DTYPE_UINT8, 1, (int64_t[]){1}, "\xff", 1));
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("i", DTYPE_INT8, 1, (int64_t[]){1}, "\xff", 1));
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("n", DTYPE_INT4, 1, (int64_t[]){3}, "\xf1\x07", 2));
    struct graph *read = read_ok(model_of(graph));
    static const struct {
        const char *name;
        uint64_t count;
        int64_t values[3];
    } expected[] = {
        {"r", 2, {-1, 1 << 20}},
        {"t", 3, {7, 8, -1}   },
        {"b", 2, {0, 1}       },
        {"u", 1, {255}        },
        {"i", 1, {-1}         },
        {"n", 3, {1, -1, 7}   }
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct tensor_values *values = tensor_named(read, expected[i].name)->values;
        assert_non_null(values);
        assert_int_equal(values->count, expected[i].count);
        assert_memory_equal(values->ints, expected[i].values, values->count * sizeof(int64_t));
    }
}

static void small_floats_are_kept(void **state) {
    (void)state;
    struct strbuf graph = message(), typed = tensor_header("t", DTYPE_FLOAT32, 0, NULL);
    put_float(&typed, ONNX_TENSOR_FLOAT_DATA, 0.5f);
    put_message(&graph, ONNX_GRAPH_INITIALIZER, typed);
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("h", DTYPE_FLOAT16, 1, (int64_t[]){4},
                           "\x00\x3c\x00\xc0\x01\x00\x00\x7c", 8)); /* 1, -2, 2^-24, inf */
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("b", DTYPE_BFLOAT16, 0, NULL, "\xc0\x3f", 2)); /* 1.5 */
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("d", DTYPE_FLOAT64, 0, NULL, &(double){0.1}, 8));
    struct graph *read = read_ok(model_of(graph));
    assert_true(tensor_named(read, "t")->values->floats[0] == 0.5);
    assert_true(tensor_named(read, "b")->values->floats[0] == 1.5);
    assert_true(tensor_named(read, "d")->values->floats[0] == 0.1);
    const double *half = tensor_named(read, "h")->values->floats;
    assert_true(half[0] == 1 && half[1] == -2 && half[2] == ldexp(1, -24) && isinf(half[3]));
}

static void large_tensors_keep_no_values(void **state) {
    (void)state;
    struct strbuf graph = message();
    int64_t *values = calloc(4097, sizeof *values);
    put_message(&graph, ONNX_GRAPH_INITIALIZER, int64_tensor("kept", 4096, values));
    put_message(&graph, ONNX_GRAPH_INITIALIZER, int64_tensor("large", 4097, values));
    free(values);
    struct graph *read = read_ok(model_of(graph));
    assert_int_equal(tensor_named(read, "kept")->values->count, 4096);
    assert_null(tensor_named(read, "large")->values);
}

static void sparse_initializer_has_the_dense_shape(void **state) {
    (void)state;
    struct strbuf graph = message(), sparse = message();
    put_message(&sparse, ONNX_SPARSE_VALUES,
                raw_tensor("w", DTYPE_FLOAT32, 1, (int64_t[]){1}, "\0\0\0\0", 4));
    put_message(&sparse, ONNX_SPARSE_INDICES, int64_tensor("", 1, (int64_t[]){5}));
    put_int(&sparse, ONNX_SPARSE_DIMS, 10);
    put_int(&sparse, ONNX_SPARSE_DIMS, 20);
    put_message(&graph, ONNX_GRAPH_SPARSE_INITIALIZER, sparse);
    struct graph *read = read_ok(model_of(graph));
    const struct tensor *w = tensor_named(read, "w");
    assert_int_equal(w->flags, TENSOR_INITIALIZER | TENSOR_SPARSE);
    assert_shape(read, w, "10x20");
}

/* ---- operators ------------------------------------------------------------------------------- */

static void operators_come_in_topological_order(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "last", "b", "y");
    put_node(&graph, "Relu", "first", "x", "a");
    put_node(&graph, "Relu", "middle", "a", "b");
    put_input(&graph, "x", "2");
    put_output(&graph, "y", "2");
    struct graph *read = read_ok(model_of(graph));
    assert_string_equal(read->ops[0].name, "first");
    assert_string_equal(read->ops[2].name, "last");
    assert_int_equal(tensor_named(read, "y")->producer, 2);
    assert_int_equal(tensor_named(read, "y")->flags, TENSOR_OUTPUT);
}

static void omitted_operands_are_none(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Clip", "c", "x - x", "- y");
    put_input(&graph, "x", "2");
    struct graph *read = read_ok(model_of(graph));
    assert_int_equal(read->ops[0].input_count, 3);
    assert_int_equal(read->ops[0].inputs[1], GRAPH_NONE);
    assert_int_equal(read->ops[0].outputs[0], GRAPH_NONE);
    assert_int_equal(tensor_named(read, "y")->producer, 0);
}

static void second_operator_of_a_name_goes_without(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "same", "x", "a");
    put_node(&graph, "Relu", "same", "x", "b");
    put_input(&graph, "x", "2");
    struct graph *read = read_ok(model_of(graph));
    assert_string_equal(read->ops[0].name, "same");
    assert_string_equal(read->ops[1].name, "");
}

static void value_info_gives_shapes_and_stale_entries_are_ignored(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "a", "x", "t");
    put_input(&graph, "x", "2");
    put_value(&graph, ONNX_GRAPH_VALUE_INFO, "t", DTYPE_FLOAT32, "nx7");
    put_value(&graph, ONNX_GRAPH_VALUE_INFO, "gone", DTYPE_FLOAT32, "1");
    struct graph *read = read_ok(model_of(graph));
    assert_shape(read, tensor_named(read, "t"), "nx7");
    assert_int_equal(graph_find_tensor(read, "gone"), GRAPH_NONE);
}

static void attributes_of_all_kinds_are_read(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("Custom", "c", "x", "y");
    struct strbuf f = attribute("f", ONNX_ATTR_TYPE_FLOAT), s = attribute("s", 3),
                  fs = attribute("fs", ONNX_ATTR_TYPE_FLOATS), ss = attribute("ss", 8),
                  type = attribute("type", ONNX_ATTR_TYPE_TYPE_PROTO);
    put_int_attribute(&op, "i", -5);
    put_ints_attribute(&op, "is", 3, (int64_t[]){1, -2, 3});
    put_float(&f, ONNX_ATTR_F, 1.5f);
    put_message(&op, ONNX_NODE_ATTRIBUTE, f);
    put_text(&s, ONNX_ATTR_S, "SAME_UPPER");
    put_message(&op, ONNX_NODE_ATTRIBUTE, s);
    put_float(&fs, ONNX_ATTR_FLOATS, 1);
    put_bytes(&fs, ONNX_ATTR_FLOATS, (float[]){2, 3}, 8); /* packed */
    put_message(&op, ONNX_NODE_ATTRIBUTE, fs);
    put_names(&ss, ONNX_ATTR_STRINGS, "one two");
    put_message(&op, ONNX_NODE_ATTRIBUTE, ss);
    put_message(&op, ONNX_NODE_ATTRIBUTE, type);
    put_tensor_attribute(&op, "t", int64_tensor(NULL, 1, (int64_t[]){9}));
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_input(&graph, "x", "2");
    struct graph *read = read_ok(model_of(graph));
    const struct op *c = &read->ops[0];
    assert_int_equal(c->attribute_count, 8);
    assert_int_equal(op_int(c, "i", 0), -5);
    assert_true(op_float(c, "f", 0) == 1.5f);
    assert_string_equal(op_string(c, "s", ""), "SAME_UPPER");
    assert_int_equal(op_attribute(c, "is")->count, 3);
    assert_int_equal(op_attribute(c, "is")->ints[1], -2);
    assert_int_equal(op_attribute(c, "fs")->count, 3);
    assert_true(op_attribute(c, "fs")->floats[2] == 3);
    assert_string_equal(op_attribute(c, "ss")->strings[1], "two");
    assert_int_equal(op_attribute(c, "type")->kind, ATTRIBUTE_OTHER);
    const struct tensor *t = &read->tensors[op_attribute(c, "t")->tensor];
    assert_int_equal(t->flags, TENSOR_CONSTANT);
    assert_int_equal(t->values->ints[0], 9);
}

static void attribute_type_is_guessed_when_absent(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("Custom", "c", "", "y"), a = message();
    put_text(&a, ONNX_ATTR_NAME, "axis");
    put_int(&a, ONNX_ATTR_I, 3);
    put_message(&op, ONNX_NODE_ATTRIBUTE, a);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    struct graph *read = read_ok(model_with(1, graph));
    assert_int_equal(op_int(&read->ops[0], "axis", 0), 3);
}

/* ---- Constant -------------------------------------------------------------------------------- */

static struct graph *read_constant(struct strbuf value) {
    struct strbuf graph = message(), op = node("Constant", "c", "", "y");
    put_message(&op, ONNX_NODE_ATTRIBUTE, value);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_value(&graph, ONNX_GRAPH_OUTPUT, "y", DTYPE_INT64, NULL);
    return read_ok(model_of(graph));
}

static void constant_tensor_describes_its_output(void **state) {
    (void)state;
    struct strbuf value = attribute("value", ONNX_ATTR_TYPE_TENSOR);
    put_message(&value, ONNX_ATTR_T, int64_tensor(NULL, 2, (int64_t[]){4, -1}));
    struct graph *graph = read_constant(value);
    const struct tensor *y = tensor_named(graph, "y");
    assert_int_equal(y->flags, TENSOR_CONSTANT | TENSOR_OUTPUT);
    assert_int_equal(y->dtype, DTYPE_INT64);
    assert_shape(graph, y, "2");
    assert_int_equal(y->values->ints[1], -1);
    assert_int_equal(op_attribute(&graph->ops[0], "value")->tensor, graph_find_tensor(graph, "y"));
    assert_int_equal(graph_parameters(graph), 0);
}

static void constant_numbers_describe_their_output(void **state) {
    (void)state;
    struct strbuf i = attribute("value_int", ONNX_ATTR_TYPE_INT);
    put_int(&i, ONNX_ATTR_I, 12);
    struct graph *graph = read_constant(i);
    assert_shape(graph, tensor_named(graph, "y"), "scalar");
    assert_int_equal(tensor_named(graph, "y")->values->ints[0], 12);
    struct strbuf is = attribute("value_ints", ONNX_ATTR_TYPE_INTS);
    put_int(&is, ONNX_ATTR_INTS, 1);
    put_int(&is, ONNX_ATTR_INTS, 2);
    graph = read_constant(is);
    assert_shape(graph, tensor_named(graph, "y"), "2");
    assert_int_equal(tensor_named(graph, "y")->values->ints[1], 2);
    struct strbuf f = attribute("value_float", ONNX_ATTR_TYPE_FLOAT);
    put_float(&f, ONNX_ATTR_F, 0.25f);
    graph = read_constant(f);
    assert_int_equal(tensor_named(graph, "y")->dtype, DTYPE_FLOAT32);
    assert_true(tensor_named(graph, "y")->values->floats[0] == 0.25);
    struct strbuf fs = attribute("value_floats", ONNX_ATTR_TYPE_FLOATS);
    put_float(&fs, ONNX_ATTR_FLOATS, 0.75f);
    graph = read_constant(fs);
    assert_shape(graph, tensor_named(graph, "y"), "1");
    struct strbuf s = attribute("value_strings", ONNX_ATTR_TYPE_STRINGS);
    put_names(&s, ONNX_ATTR_STRINGS, "a b c");
    graph = read_constant(s);
    assert_int_equal(tensor_named(graph, "y")->dtype, DTYPE_STRING);
    assert_shape(graph, tensor_named(graph, "y"), "3");
}

static void constant_with_two_values_has_the_last(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("Constant", "c", "", "y");
    int64_t *many = calloc(4097, sizeof *many);
    put_tensor_attribute(&op, "value", int64_tensor(NULL, 2, (int64_t[]){4, -1}));
    put_ints_attribute(&op, "value_ints", 4097, many);
    free(many);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    struct graph *read = read_ok(model_of(graph));
    assert_shape(read, tensor_named(read, "y"), "4097");
    assert_null(tensor_named(read, "y")->values);
    assert_int_equal(tensor_named(read, "y")->file_offset, 0);
}

/* ---- subgraphs ------------------------------------------------------------------------------- */

static void outer_tensors_chain_through_enclosing_graphs(void **state) {
    (void)state;
    struct strbuf graph = message(), middle = message(), inner = message();
    struct strbuf outer_if = node("If", "outer", "c", "y"), inner_if = node("If", "in", "c", "m");
    put_node(&inner, "Relu", "relu", "x", "z"); /* x is two graphs away */
    put_output(&inner, "z", NULL);
    put_graph_attribute(&inner_if, "then_branch", inner);
    put_message(&middle, ONNX_GRAPH_NODE, inner_if);
    put_output(&middle, "m", NULL);
    put_graph_attribute(&outer_if, "then_branch", middle);
    put_message(&graph, ONNX_GRAPH_NODE, outer_if);
    put_node(&graph, "Relu", "before", "in", "x"); /* written later in the file */
    put_input(&graph, "in", "batchx3");
    put_value(&graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    put_value(&graph, ONNX_GRAPH_VALUE_INFO, "x", DTYPE_FLOAT32, "batchx3");
    put_output(&graph, "y", NULL);
    struct graph *read = read_ok(model_of(graph));
    assert_string_equal(read->ops[0].name, "before");
    const struct graph *m = op_attribute(op_named(read, "outer"), "then_branch")->graph;
    const struct graph *i = op_attribute(op_named(m, "in"), "then_branch")->graph;
    assert_ptr_equal(i->parent, m);
    assert_ptr_equal(m->parent, read);
    const struct tensor *x = tensor_named(i, "x");
    assert_int_equal(x->flags, TENSOR_OUTER);
    assert_shape(i, x, "batchx3");
    const struct tensor *through = &m->tensors[x->outer];
    assert_string_equal(through->name, "x");
    assert_int_equal(through->flags, TENSOR_OUTER);
    assert_string_equal(read->tensors[through->outer].name, "x");
    assert_int_equal(graph_bind_symbol(read, "batch", 4), 4);
    assert_int_equal(graph_op_count(read), 4);
    assert_int_equal(graph_opset_version(i, ""), 17);
}

static void own_names_hide_outer_ones(void **state) {
    (void)state;
    struct strbuf graph = message(), body = message(), loop = node("Loop", "l", "n - x", "y");
    put_value(&body, ONNX_GRAPH_INPUT, "i", DTYPE_INT64, "");
    put_value(&body, ONNX_GRAPH_INPUT, "go", DTYPE_BOOL, "");
    put_input(&body, "x", "7");
    put_node(&body, "Relu", "r", "x", "z");
    put_value(&body, ONNX_GRAPH_OUTPUT, "go", DTYPE_BOOL, "");
    put_output(&body, "z", "7");
    put_graph_attribute(&loop, "body", body);
    put_message(&graph, ONNX_GRAPH_NODE, loop);
    put_value(&graph, ONNX_GRAPH_INPUT, "n", DTYPE_INT64, "");
    put_input(&graph, "x", "3");
    put_output(&graph, "y", NULL);
    struct graph *read = read_ok(model_of(graph));
    const struct graph *inner = op_attribute(&read->ops[0], "body")->graph;
    assert_int_equal(tensor_named(inner, "x")->flags, TENSOR_INPUT);
    assert_shape(inner, tensor_named(inner, "x"), "7");
    assert_int_equal(inner->input_count, 3);
}

/* ---- functions ------------------------------------------------------------------------------- */

static void put_call(struct strbuf *graph, const char *callee, const char *name, const char *in,
                     const char *out, int64_t axis) {
    struct strbuf call = node(callee, name, in, out);
    put_text(&call, ONNX_NODE_DOMAIN, "local");
    if (axis)
        put_int_attribute(&call, "k", axis);
    put_message(graph, ONNX_GRAPH_NODE, call);
}

static struct strbuf softmax_function(void) {
    struct strbuf f = function_named("local", "F", "a unused", "b"), standard = attribute("k", 2);
    struct strbuf relu = node("Relu", "relu", "a", "t"), soft = node("Softmax", "soft", "t", "b");
    put_reference_attribute(&soft, "axis", ONNX_ATTR_TYPE_INT, "k");
    put_message(&f, ONNX_FUNCTION_NODE, relu);
    put_message(&f, ONNX_FUNCTION_NODE, soft);
    put_int(&standard, ONNX_ATTR_I, -1);
    put_message(&f, ONNX_FUNCTION_ATTRIBUTE_PROTO, standard);
    return f;
}

static void function_calls_are_expanded(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_call(&graph, "F", "one", "x", "m", 0);
    put_call(&graph, "F", "two", "m", "y", 5);
    put_input(&graph, "x", "2");
    put_output(&graph, "y", "2");
    struct strbuf model = model_of(graph);
    put_message(&model, ONNX_MODEL_FUNCTIONS, softmax_function());
    struct graph *read = read_ok(model);
    assert_int_equal(read->op_count, 4);
    assert_int_equal(op_int(op_named(read, "one/soft"), "axis", 0), -1);
    assert_int_equal(op_int(op_named(read, "two/soft"), "axis", 0), 5);
    assert_string_equal(op_input(read, op_named(read, "one/soft"), 0)->name, "one/t");
    assert_string_equal(op_input(read, op_named(read, "two/relu"), 0)->name, "m");
    assert_string_equal(op_output(read, op_named(read, "two/soft"), 0)->name, "y");
}

static void functions_call_functions_and_pass_inputs_through(void **state) {
    (void)state;
    struct strbuf graph = message(), outer = function_named("local", "G", "a", "b a");
    struct strbuf call = node("F", "f", "a", "b");
    put_text(&call, ONNX_NODE_DOMAIN, "local");
    put_message(&outer, ONNX_FUNCTION_NODE, call);
    put_call(&graph, "G", "g", "x", "y same", 0);
    put_input(&graph, "x", "2");
    put_output(&graph, "y", "2");
    put_output(&graph, "same", "2");
    struct strbuf model = model_of(graph);
    put_message(&model, ONNX_MODEL_FUNCTIONS, outer);
    put_message(&model, ONNX_MODEL_FUNCTIONS, softmax_function());
    struct graph *read = read_ok(model);
    assert_int_equal(read->op_count, 3);
    assert_non_null(op_named(read, "g/f/soft"));
    assert_string_equal(read->ops[tensor_named(read, "same")->producer].type, "Identity");
}

/* What is inside carries the name of what is around: it must not be long. */
static void long_names_of_operators_are_cut_between_characters(void **state) {
    (void)state;
    char name[1002];
    for (int i = 0; i < 500; i++)
        memcpy(name + 2 * i + 1, "\xC3\xA9", 2);
    name[0] = 'x';
    name[1001] = '\0';
    struct strbuf graph = message();
    put_node(&graph, "Relu", name, "x", "y");
    put_input(&graph, "x", "2");
    put_output(&graph, "y", "2");
    struct graph *read = read_ok(model_of(graph));
    assert_int_equal(strlen(read->ops[0].name), 255);
    assert_memory_equal(read->ops[0].name, name, 255);
}

static void names_of_expanded_bodies_do_not_collide(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "r", "x", "one/t");
    put_call(&graph, "F", "one", "one/t", "y", 0);
    put_input(&graph, "x", "2");
    put_output(&graph, "y", "2");
    struct strbuf model = model_of(graph);
    put_message(&model, ONNX_MODEL_FUNCTIONS, softmax_function());
    struct graph *read = read_ok(model);
    const char *name = op_input(read, op_named(read, "one/soft"), 0)->name;
    assert_true(strncmp(name, "one/t#", 6) == 0 && name[6] != '\0');
}

static void function_body_may_hold_subgraphs_with_references(void **state) {
    (void)state;
    struct strbuf graph = message(), f = function_named("local", "F", "a c", "b");
    struct strbuf choose = node("If", "if", "c", "b"), branch = message();
    struct strbuf soft = node("Softmax", "soft", "a", "z");
    put_reference_attribute(&soft, "axis", ONNX_ATTR_TYPE_INT, "k");
    put_message(&branch, ONNX_GRAPH_NODE, soft);
    put_output(&branch, "z", NULL);
    put_graph_attribute(&choose, "then_branch", branch);
    put_message(&f, ONNX_FUNCTION_NODE, choose);
    put_call(&graph, "F", "call", "x c", "y", 3);
    put_input(&graph, "x", "2");
    put_value(&graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    put_output(&graph, "y", NULL);
    struct strbuf model = model_of(graph);
    put_message(&model, ONNX_MODEL_FUNCTIONS, f);
    struct graph *read = read_ok(model);
    const struct graph *inner = op_attribute(op_named(read, "call/if"), "then_branch")->graph;
    assert_int_equal(op_int(&inner->ops[0], "axis", 0), 3);
    assert_string_equal(op_input(inner, &inner->ops[0], 0)->name, "x");
    assert_int_equal(op_input(inner, &inner->ops[0], 0)->flags, TENSOR_OUTER);
}

/* ---- files ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/assay-onnx-read-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *path_in(const char *name) {
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void write_file(const char *path, struct strbuf bytes) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.text, bytes.length), (ssize_t)bytes.length);
    close(fd);
    strbuf_done(&bytes);
}

static void file_gives_identity_and_stem(void **state) {
    (void)state;
    const char *path = path_in("tiny.v2.onnx");
    struct model model;
    struct err err = {0};
    struct strbuf bytes = model_of(relu_graph());
    size_t length = bytes.length;
    write_file(path, bytes);
    assert_int_equal(model_read(&arena, path, NULL, &model, &err), 0);
    assert_string_equal(model.name, "tiny.v2");
    assert_string_equal(model.path, path);
    assert_string_equal(model.format, "onnx");
    assert_int_equal(model.file_bytes, length);
    assert_int_equal(strlen(model.sha256), 64);
    assert_int_equal(model_read(&arena, path, "mine", &model, &err), 0);
    assert_string_equal(model.name, "mine");
    unlink(path);
}

static void refusal_names_the_file(void **state) {
    (void)state;
    const char *path = path_in("photo.onnx");
    struct model model;
    struct strbuf bytes = message();
    strbuf_add(&bytes, "\xff\xd8\xff\xe0JFIF", 8);
    write_file(path, bytes);
    struct err err = {0};
    assert_int_equal(model_read(&arena, path, NULL, &model, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "a JPEG picture"));
    unlink(path);
    err = (struct err){0};
    assert_int_equal(model_read(&arena, path, NULL, &model, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "No such file"));
    err = (struct err){0};
    assert_int_equal(model_read(&arena, folder, NULL, &model, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "not a regular file"));
}

/* A sparse file: 3 GiB of raw data that is a hole. Without reading it, as the hash would. */
static void files_over_2_gib_are_read(void **state) {
    (void)state;
    const char *path = path_in("large.onnx");
    const uint64_t data = UINT64_C(3) << 30;
    struct strbuf head = message(), tail = message(), tensor, model = message();
    tensor = tensor_header("w", DTYPE_FLOAT32, 2, (int64_t[]){3 << 10, 256 << 10});
    put_varint(&tensor, ONNX_TENSOR_RAW_DATA << 3 | 2);
    put_varint(&tensor, data);
    put_node(&tail, "Relu", "r", "w", "y");
    put_output(&tail, "y", NULL);
    put_varint(&head, ONNX_GRAPH_INITIALIZER << 3 | 2);
    put_varint(&head, tensor.length + data);
    strbuf_add(&head, tensor.text, tensor.length);
    put_int(&model, ONNX_MODEL_IR_VERSION, 8);
    put_varint(&model, ONNX_MODEL_GRAPH << 3 | 2);
    put_varint(&model, head.length + data + tail.length);
    strbuf_add(&model, head.text, head.length);
    uint64_t offset = model.length;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, model.text, model.length), (ssize_t)model.length);
    if (pwrite(fd, tail.text, tail.length, (off_t)(offset + data)) != (ssize_t)tail.length) {
        close(fd);
        unlink(path);
        print_message("skip: no sparse files of 3 GiB in /tmp\n");
        skip();
    }
    close(fd);
    struct file_map map;
    struct err err = {0};
    struct graph *graph;
    assert_int_equal(file_map_open(&map, path, &err), 0);
    assert_int_equal(onnx_read_bytes(&arena, map.bytes, map.size, path, &graph, &err), 0);
    assert_int_equal(graph->tensors[0].file_offset, offset);
    assert_int_equal(graph_weight_bytes(graph), data);
    assert_true(arena.used_bytes < 1 << 20);
    file_map_close(&map);
    unlink(path);
    strbuf_done(&head), strbuf_done(&tail), strbuf_done(&tensor), strbuf_done(&model);
}

/* ---- real models ----------------------------------------------------------------------------- */

static const char *shared_models(void) {
    const char *shared = getenv("ASSAY_SHARED_DATA");
    return arena_printf(&arena, "%s/models", shared ? shared : "../shared/data");
}

static void published_exports_have_their_published_size(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint64_t ops, parameters;
    } expected[] = {
        {"resnet50",     169, 25507944 },
        {"mobilenet_v2", 209, 3475008  },
        {"vgg11",        33,  132857448},
        {"bert_base",    800, 109150464},
        {"llama_s",      558, 51753472 },
    };
    if (access(shared_models(), R_OK) != 0) {
        print_message("skip: no shared model files\n");
        skip();
    }
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct model model;
        struct err err = {0};
        const char *path = arena_printf(&arena, "%s/%s.onnx", shared_models(), expected[i].name);
        if (model_read(&arena, path, NULL, &model, &err))
            fail_msg("%s", err.message);
        assert_int_equal(graph_op_count(model.graph), expected[i].ops);
        assert_int_equal(graph_parameters(model.graph), expected[i].parameters);
        assert_int_equal(model.graph->input_count, 1);
    }
}

static void every_model_of_the_operator_corpus_is_read(void **state) {
    (void)state;
    const char *root = "/usr/share/libonnx-testdata/data/node";
    DIR *tests = opendir(root);
    unsigned count = 0;
    if (!tests) {
        print_message("skip: libonnx-testdata is not installed\n");
        skip();
    }
    for (struct dirent *entry; (entry = readdir(tests));) {
        const char *path = arena_printf(&arena, "%s/%s/model.onnx", root, entry->d_name);
        struct model model;
        struct err err = {0};
        if (access(path, R_OK) != 0)
            continue;
        if (model_read(&arena, path, NULL, &model, &err))
            fail_msg("%s", err.message);
        count++;
    }
    closedir(tests);
    assert_true(count > 800);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(model_header_is_kept),
        TEST(lowered_models_are_marked),
        TEST(domain_ai_onnx_is_the_default_domain),
        TEST(symbolic_and_unknown_dimensions_are_kept),
        TEST(initializer_is_described_and_not_an_input),
        TEST(external_data_is_noted_and_not_opened),
        TEST(small_integers_are_kept_from_raw_and_typed_data),
        TEST(small_floats_are_kept),
        TEST(large_tensors_keep_no_values),
        TEST(sparse_initializer_has_the_dense_shape),
        TEST(operators_come_in_topological_order),
        TEST(omitted_operands_are_none),
        TEST(second_operator_of_a_name_goes_without),
        TEST(value_info_gives_shapes_and_stale_entries_are_ignored),
        TEST(attributes_of_all_kinds_are_read),
        TEST(attribute_type_is_guessed_when_absent),
        TEST(constant_tensor_describes_its_output),
        TEST(constant_numbers_describe_their_output),
        TEST(constant_with_two_values_has_the_last),
        TEST(outer_tensors_chain_through_enclosing_graphs),
        TEST(own_names_hide_outer_ones),
        TEST(function_calls_are_expanded),
        TEST(functions_call_functions_and_pass_inputs_through),
        TEST(names_of_expanded_bodies_do_not_collide),
        TEST(long_names_of_operators_are_cut_between_characters),
        TEST(function_body_may_hold_subgraphs_with_references),
        TEST(file_gives_identity_and_stem),
        TEST(refusal_names_the_file),
        TEST(files_over_2_gib_are_read),
        TEST(published_exports_have_their_published_size),
        TEST(every_model_of_the_operator_corpus_is_read),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
