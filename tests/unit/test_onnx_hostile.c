/* Models no writer would write, and files that are none: each is refused, and the message says
 * what is wrong and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "models/onnx/read.h"
#include "tests/unit/onnx_bytes.h"

/* Every word of `words` ("a|b") must stand in the message. */
static void expect_words(const struct err *err, const char *words) {
    char copy[256];
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
        if (!strstr(err->message, word))
            fail_msg("'%s' is not in: %s", word, err->message);
}

static void expect_refusal_of(const void *bytes, size_t length, const char *words) {
    struct arena arena;
    struct err err = {0};
    struct graph *graph;
    arena_init(&arena);
    void *exact = malloc(length ? length : 1); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    int code = onnx_read_bytes(&arena, exact, length, "m.onnx", &graph, &err);
    free(exact);
    arena_done(&arena);
    if (code == 0)
        fail_msg("accepted, expected: %s", words);
    assert_int_equal(code, -ERR_INPUT);
    expect_words(&err, "m.onnx: ");
    expect_words(&err, words);
}

static void expect_refusal(struct strbuf model, const char *words) {
    expect_refusal_of(model.text, model.length, words);
    strbuf_done(&model);
}

/* ---- not a model ----------------------------------------------------------------------------- */

static void empty_file_is_named_so(void **state) {
    (void)state;
    expect_refusal_of("", 0, "not an ONNX model|the file is empty");
}

static void foreign_files_are_recognised(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *words;
    } cases[] = {
        {"\xff\xd8\xff\xe0\0\x10JFIF\0",                 11, "not an ONNX model|a JPEG picture"},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",                16, "a PNG picture"                   },
        {"PK\x03\x04\x14\0\0\0",                         8,  "a zip archive|.pt2"              },
        {"GGUF\x03\0\0\0",                               8,  "a GGUF model"                    },
        {"\x20\0\0\0TFL3",                               8,  "a TensorFlow Lite model"         },
        {"\x20\0\0\0ORTM",                               8,  "ONNX Runtime's own format"       },
        {"\x80\x02}q\0.",                                6,  "a Python pickle"                 },
        {"\x80\x04\x95\x0b\0\0\0\0\0\0\0",               11, "a Python pickle"                 },
        {"\x10\0\0\0\0\0\0\0{\"w\":{",                   14, "a safetensors file"              },
        {"<!DOCTYPE html><html>",                        21, "an HTML page"                    },
        {"version https://git-lfs.github.com/spec/v1\n", 43, "a git-lfs pointer"               },
        {"\x89HDF\r\n\x1a\n",                            8,  "an HDF5 file"                    },
        {"{\"model\": 1}",                               12, "a JSON document"                 },
        {"\x7f"
         "ELF\x02\x01",                         6,  "an ELF program"                  },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal_of(cases[i].bytes, cases[i].length, cases[i].words);
}

static void text_is_not_a_model(void **state) {
    (void)state;
    expect_refusal_of("hello, world\n", 13, "not an ONNX model|offset");
}

static void protobuf_without_a_graph_is_not_a_model(void **state) {
    (void)state;
    struct strbuf model = message();
    put_int(&model, ONNX_MODEL_IR_VERSION, 8);
    expect_refusal(model, "not an ONNX model|it has no graph");
}

static void two_graphs_are_refused(void **state) {
    (void)state;
    struct strbuf model = model_of(relu_graph());
    put_message(&model, ONNX_MODEL_GRAPH, relu_graph());
    expect_refusal(model, "offset|ModelProto.graph comes twice");
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void every_truncation_is_refused_with_its_offset(void **state) {
    (void)state;
    struct strbuf model = message(), graph = relu_graph();
    put_int(&model, ONNX_MODEL_IR_VERSION, 8);
    put_message(&model, ONNX_MODEL_GRAPH, graph);
    for (size_t length = 3; length < model.length; length++)
        expect_refusal_of(model.text, length, "offset |left in the file");
    strbuf_done(&model);
}

static void group_is_refused(void **state) {
    (void)state;
    expect_refusal_of("\x08\x08\x3b\x3c", 4, "offset 2|wire type 3 (field 7)");
}

static void field_number_zero_is_refused(void **state) {
    (void)state;
    expect_refusal_of("\x08\x08\x02\x00", 4, "offset 2|not the number of a field");
}

static void overlong_varint_is_refused(void **state) {
    (void)state;
    expect_refusal_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11,
                      "offset 1|longer than 64 bits");
}

static void length_beyond_the_file_is_refused(void **state) {
    (void)state;
    expect_refusal_of("\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13,
                      "offset 2|field 7 needs 18446744073709551615 bytes");
}

static void length_beyond_its_message_is_refused(void **state) {
    (void)state;
    struct strbuf model = message();
    put_int(&model, ONNX_MODEL_IR_VERSION, 8);
    put_bytes(&model, ONNX_MODEL_GRAPH, "\x0a\x05", 2);
    put_opset(&model, ONNX_MODEL_OPSET_IMPORT, "", 17);
    expect_refusal(model, "field 1 needs 5 bytes, but only 0 are left in the message around it");
}

static void wrong_wire_type_is_refused_by_field_name(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_int(&graph, ONNX_GRAPH_NODE, 1);
    expect_refusal(model_of(graph), "GraphProto.node should be bytes with a length|a varint");
}

static void name_that_is_not_utf8_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"\xff", "a\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                        "\xe2\x82"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct strbuf graph = message();
        put_node(&graph, "Relu", "r", "x", names[i]);
        expect_refusal(model_of(graph), "NodeProto.output is not UTF-8 text");
    }
    struct strbuf graph = message(), op = message();
    put_bytes(&op, ONNX_NODE_OP_TYPE, "Re\0lu", 5);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    expect_refusal(model_of(graph), "NodeProto.op_type is not UTF-8 text");
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void input_of_2_to_the_62_is_refused_by_name(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_input(&graph, "pixels", "1x4611686018427387904");
    expect_refusal(model_of(graph), "tensor 'pixels' has a dimension of 4611686018427387904");
}

static void negative_dimension_is_refused_by_name(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_input(&graph, "pixels", "-7x3");
    expect_refusal(model_of(graph), "tensor 'pixels' has a dimension of -7");
    graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("w", DTYPE_FLOAT32, 1, (int64_t[]){-1}, "", 0));
    expect_refusal(model_of(graph), "tensor 'w' has a dimension of -1");
}

static void product_of_dimensions_is_bounded(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_input(&graph, "x", "268435456x268435456x268435456");
    expect_refusal(model_of(graph), "tensor 'x' has more than 2^56 elements");
    graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("w", DTYPE_FLOAT32, 3, (int64_t[]){1 << 30, 1 << 30, 1 << 30}, "", 0));
    expect_refusal(model_of(graph), "tensor 'w' has more than 2^56 elements");
}

static void too_many_dimensions_are_refused(void **state) {
    (void)state;
    struct strbuf graph = message();
    char shape[80] = "1";
    for (int i = 0; i < 32; i++)
        strcat(shape, "x1");
    put_input(&graph, "x", shape);
    expect_refusal(model_of(graph), "tensor 'x' has more than 32 dimensions");
    int64_t dims[33] = {0};
    graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER, raw_tensor("w", DTYPE_FLOAT32, 33, dims, "", 0));
    expect_refusal(model_of(graph), "tensor 'w' has 33 dimensions, expected at most 32");
}

static void data_must_have_the_size_of_the_shape(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("w", DTYPE_FLOAT32, 1, (int64_t[]){3}, "12345678", 8));
    expect_refusal(model_of(graph), "tensor 'w' has 8 bytes of data|ask for 12");
    graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                tensor_header("w", DTYPE_INT64, 1, (int64_t[]){1 << 20}));
    expect_refusal(model_of(graph), "tensor 'w' has 0 values|ask for 1048576");
    graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                tensor_header("w", DTYPE_STRING, 1, (int64_t[]){2}));
    expect_refusal(model_of(graph), "tensor 'w' has 0 strings|ask for 2");
}

static void unknown_element_type_is_refused(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER, tensor_header("w", 63, 0, NULL));
    expect_refusal(model_of(graph), "tensor 'w' has element type 63");
    graph = message();
    put_value(&graph, ONNX_GRAPH_INPUT, "x", 63, "1");
    expect_refusal(model_of(graph), "tensor 'x' has element type 63");
}

static void external_data_needs_location_and_numbers(void **state) {
    (void)state;
    static const struct {
        const char *location, *offset, *length, *words;
    } cases[] = {
        {NULL,    NULL,                      NULL,  "tensor 'w' is external data without a location"   },
        {"w.bin", "-4",                      NULL,  "tensor 'w' has '-4' as offset"                    },
        {"w.bin", "99999999999999999999999", NULL,  "as offset of its external data"                   },
        {"w.bin", "0",                       "12x", "tensor 'w' has '12x' as length"                   },
        {"w.bin", "0",                       "7",   "tensor 'w' has 7 bytes of external data|ask for 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf graph = message();
        put_message(&graph, ONNX_GRAPH_INITIALIZER,
                    external_tensor("w", 1, (int64_t[]){2}, cases[i].location, cases[i].offset,
                                    cases[i].length));
        expect_refusal(model_of(graph), cases[i].words);
    }
}

/* ---- structure ------------------------------------------------------------------------------- */

static void cycle_is_refused_by_operator(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Add", "first", "x b", "a");
    put_node(&graph, "Relu", "second", "a", "b");
    put_input(&graph, "x", "2");
    put_output(&graph, "b", "2");
    expect_refusal(model_of(graph), "operator Add 'first' is part of a cycle");
}

static void cycle_through_a_subgraph_is_refused(void **state) {
    (void)state;
    struct strbuf graph = message(), branch = message(), op = node("If", "choose", "c", "y");
    put_node(&branch, "Relu", "inner", "y", "z");
    put_output(&branch, "z", NULL);
    put_graph_attribute(&op, "then_branch", branch);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_value(&graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    put_output(&graph, "y", NULL);
    expect_refusal(model_of(graph), "operator If 'choose' is part of a cycle");
}

static void undefined_input_is_refused_by_operator_and_tensor(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "r", "nowhere", "y");
    expect_refusal(model_of(graph), "operator Relu 'r' reads tensor 'nowhere'");
}

static void undefined_output_is_refused_by_name(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_output(&graph, "lost", "1");
    expect_refusal(model_of(graph), "graph output 'lost' is written by no operator");
}

static void duplicate_names_are_refused(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "r1", "x", "y");
    put_node(&graph, "Relu", "r2", "x", "y");
    put_input(&graph, "x", "2");
    expect_refusal(model_of(graph), "tensor 'y' is written twice, again by Relu 'r2'");
    graph = message();
    put_input(&graph, "x", "2");
    put_input(&graph, "x", "2");
    expect_refusal(model_of(graph), "two graph inputs are named 'x'");
    graph = message();
    for (int i = 0; i < 2; i++)
        put_message(&graph, ONNX_GRAPH_INITIALIZER, int64_tensor("w", 1, (int64_t[]){1}));
    expect_refusal(model_of(graph), "two initializers are named 'w'");
    graph = message();
    put_node(&graph, "Relu", "r", "x", "x");
    put_input(&graph, "x", "2");
    expect_refusal(model_of(graph), "tensor 'x' is written twice, again by Relu 'r'");
}

static void nameless_things_are_refused(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_message(&graph, ONNX_GRAPH_NODE, message());
    expect_refusal(model_of(graph), "node '' has no operator type");
    graph = message();
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor(NULL, DTYPE_INT64, 1, (int64_t[]){0}, "", 0));
    expect_refusal(model_of(graph), "an initializer without a name");
}

static struct strbuf nested(int depth) {
    struct strbuf graph = message();
    if (depth > 0) {
        struct strbuf op = node("If", "", "c", "");
        put_graph_attribute(&op, "then_branch", nested(depth - 1));
        put_message(&graph, ONNX_GRAPH_NODE, op);
    }
    return graph;
}

static struct strbuf nested_model(int depth) {
    struct strbuf graph = nested(depth);
    put_value(&graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    return model_of(graph);
}

static void subgraphs_nest_32_deep_and_no_deeper(void **state) {
    (void)state;
    struct strbuf model = nested_model(32);
    struct arena arena;
    struct err err = {0};
    struct graph *graph;
    arena_init(&arena);
    int code = onnx_read_bytes(&arena, model.text, model.length, "m", &graph, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, 0);
    assert_int_equal(graph_op_count(graph), 32);
    arena_done(&arena);
    strbuf_done(&model);
    expect_refusal(nested_model(33), "nest deeper than 32");
}

static void attribute_without_its_value_is_refused(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("If", "i", "", "y");
    put_message(&op, ONNX_NODE_ATTRIBUTE, attribute("then_branch", ONNX_ATTR_TYPE_GRAPH));
    put_message(&graph, ONNX_GRAPH_NODE, op);
    expect_refusal(model_of(graph), "attribute 'then_branch' should hold a graph");
    graph = message(), op = node("Constant", "c", "", "y");
    put_message(&op, ONNX_NODE_ATTRIBUTE, attribute("value", ONNX_ATTR_TYPE_TENSOR));
    put_message(&graph, ONNX_GRAPH_NODE, op);
    expect_refusal(model_of(graph), "attribute 'value' should hold a tensor");
    graph = message(), op = node("Relu", "c", "", "y");
    put_message(&op, ONNX_NODE_ATTRIBUTE, attribute("value", 77));
    put_message(&graph, ONNX_GRAPH_NODE, op);
    expect_refusal(model_of(graph), "attribute 'value' is of type 77");
}

/* ---- functions ------------------------------------------------------------------------------- */

static struct strbuf calling(const char *function) {
    struct strbuf graph = message(), call = node(function, "call", "x", "y");
    put_text(&call, ONNX_NODE_DOMAIN, "local");
    put_message(&graph, ONNX_GRAPH_NODE, call);
    put_input(&graph, "x", "2");
    put_output(&graph, "y", "2");
    return model_of(graph);
}

static void put_call(struct strbuf *function, const char *callee, const char *in, const char *out) {
    struct strbuf call = node(callee, "", in, out);
    put_text(&call, ONNX_NODE_DOMAIN, "local");
    put_message(function, ONNX_FUNCTION_NODE, call);
}

static void function_that_calls_itself_is_refused(void **state) {
    (void)state;
    struct strbuf model = calling("F"), f = function_named("local", "F", "a", "b");
    put_call(&f, "F", "a", "b");
    put_message(&model, ONNX_MODEL_FUNCTIONS, f);
    expect_refusal(model, "function 'F'|calls itself");
}

static void functions_that_multiply_are_refused(void **state) {
    (void)state;
    struct strbuf model = calling("F0");
    for (int i = 0; i < 30; i++) {
        char name[16], next[16];
        snprintf(name, sizeof name, "F%d", i);
        snprintf(next, sizeof next, "F%d", i + 1);
        struct strbuf f = function_named("local", name, "a", "b");
        put_call(&f, next, "a", "t");
        put_call(&f, next, "t", "b");
        put_message(&model, ONNX_MODEL_FUNCTIONS, f);
    }
    expect_refusal(model, "expand to too much");
}

static void function_that_does_not_write_its_output_is_refused(void **state) {
    (void)state;
    struct strbuf model = calling("F");
    put_message(&model, ONNX_MODEL_FUNCTIONS, function_named("local", "F", "a", "b"));
    expect_refusal(model, "graph output 'y' is written by no operator");
}

static void two_functions_of_one_name_are_refused(void **state) {
    (void)state;
    struct strbuf model = calling("F");
    for (int i = 0; i < 2; i++)
        put_message(&model, ONNX_MODEL_FUNCTIONS, function_named("local", "F", "a", "a"));
    expect_refusal(model, "two functions are named 'F'");
}

static void default_attribute_that_refers_to_itself_ends(void **state) {
    (void)state;
    struct strbuf model = calling("F"), f = function_named("local", "F", "a", "b");
    struct strbuf op = node("Softmax", "", "a", "b"), standard = attribute("k", 2);
    put_reference_attribute(&op, "axis", ONNX_ATTR_TYPE_INT, "k");
    put_message(&f, ONNX_FUNCTION_NODE, op);
    put_text(&standard, ONNX_ATTR_REF_ATTR_NAME, "k");
    put_message(&f, ONNX_FUNCTION_ATTRIBUTE_PROTO, standard);
    put_message(&model, ONNX_MODEL_FUNCTIONS, f);
    struct arena arena;
    struct err err = {0};
    struct graph *graph;
    arena_init(&arena);
    assert_int_equal(onnx_read_bytes(&arena, model.text, model.length, "m", &graph, &err), 0);
    arena_done(&arena);
    strbuf_done(&model);
}

static void attribute_reference_outside_a_function_is_refused(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("Softmax", "s", "x", "y");
    put_reference_attribute(&op, "axis", ONNX_ATTR_TYPE_INT, "k");
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_input(&graph, "x", "2");
    expect_refusal(model_of(graph), "attribute 'axis' refers to a function's attribute");
}

/* ---- volume ---------------------------------------------------------------------------------- */

static void hundred_thousand_names_take_linear_time(void **state) {
    (void)state;
    struct strbuf graph = message();
    struct arena arena;
    struct err err = {0};
    struct graph *read;
    for (int i = 0; i < 100000; i++) {
        char name[16], shape[16];
        snprintf(name, sizeof name, "x%d", i);
        snprintf(shape, sizeof shape, "n%d", i);
        put_input(&graph, name, shape);
        put_output(&graph, name, shape);
    }
    struct strbuf model = model_of(graph);
    arena_init(&arena);
    arena.limit_bytes = (size_t)256 << 20;
    assert_int_equal(onnx_read_bytes(&arena, model.text, model.length, "m", &read, &err), 0);
    assert_int_equal(read->symbol_count, 100000);
    assert_int_equal(read->output_count, 100000);
    arena_done(&arena);
    strbuf_done(&model);
}

static void hundred_thousand_attributes_take_linear_memory(void **state) {
    (void)state;
    struct strbuf graph = message(), op = node("Relu", "r", "", "y");
    struct arena arena;
    struct err err = {0};
    struct graph *read;
    for (int i = 0; i < 100000; i++)
        put_int_attribute(&op, "a", i);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    struct strbuf model = model_of(graph);
    arena_init(&arena);
    arena.limit_bytes = (size_t)64 << 20;
    assert_int_equal(onnx_read_bytes(&arena, model.text, model.length, "m", &read, &err), 0);
    assert_int_equal(read->ops[0].attribute_count, 100000);
    arena_done(&arena);
    strbuf_done(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_file_is_named_so),
        cmocka_unit_test(foreign_files_are_recognised),
        cmocka_unit_test(text_is_not_a_model),
        cmocka_unit_test(protobuf_without_a_graph_is_not_a_model),
        cmocka_unit_test(two_graphs_are_refused),
        cmocka_unit_test(every_truncation_is_refused_with_its_offset),
        cmocka_unit_test(group_is_refused),
        cmocka_unit_test(field_number_zero_is_refused),
        cmocka_unit_test(overlong_varint_is_refused),
        cmocka_unit_test(length_beyond_the_file_is_refused),
        cmocka_unit_test(length_beyond_its_message_is_refused),
        cmocka_unit_test(wrong_wire_type_is_refused_by_field_name),
        cmocka_unit_test(name_that_is_not_utf8_is_refused),
        cmocka_unit_test(input_of_2_to_the_62_is_refused_by_name),
        cmocka_unit_test(negative_dimension_is_refused_by_name),
        cmocka_unit_test(product_of_dimensions_is_bounded),
        cmocka_unit_test(too_many_dimensions_are_refused),
        cmocka_unit_test(data_must_have_the_size_of_the_shape),
        cmocka_unit_test(unknown_element_type_is_refused),
        cmocka_unit_test(external_data_needs_location_and_numbers),
        cmocka_unit_test(cycle_is_refused_by_operator),
        cmocka_unit_test(cycle_through_a_subgraph_is_refused),
        cmocka_unit_test(undefined_input_is_refused_by_operator_and_tensor),
        cmocka_unit_test(undefined_output_is_refused_by_name),
        cmocka_unit_test(duplicate_names_are_refused),
        cmocka_unit_test(nameless_things_are_refused),
        cmocka_unit_test(subgraphs_nest_32_deep_and_no_deeper),
        cmocka_unit_test(attribute_without_its_value_is_refused),
        cmocka_unit_test(function_that_calls_itself_is_refused),
        cmocka_unit_test(functions_that_multiply_are_refused),
        cmocka_unit_test(function_that_does_not_write_its_output_is_refused),
        cmocka_unit_test(two_functions_of_one_name_are_refused),
        cmocka_unit_test(default_attribute_that_refers_to_itself_ends),
        cmocka_unit_test(attribute_reference_outside_a_function_is_refused),
        cmocka_unit_test(hundred_thousand_names_take_linear_time),
        cmocka_unit_test(hundred_thousand_attributes_take_linear_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
