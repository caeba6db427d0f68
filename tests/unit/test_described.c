/* Graphs described in JSON: the same graph as the ONNX file, or an error that says what is wrong.
 */
#include "base/json_strict.h"
#include "models/described.h"
#include "models/infer.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"
#include "models/zoo/zoo.h"
#include "tests/unit/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

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

/* The graph that the ONNX reader makes of the zoo's file without weights. */
static struct graph *through_onnx(const char *name) {
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    const struct zoo_options options = {0};
    struct zoo_model model;
    struct graph *graph = NULL;
    struct strbuf bytes;
    struct err err = {0};
    strbuf_init(&bytes);
    if (zoo_build(&arena, name, &options, &model, &err) ||
        onnx_write_bytes(model.graph, &omitted, &bytes, &err) ||
        onnx_read_bytes(&arena, bytes.text, bytes.length, name, &graph, &err) ||
        infer_shapes(graph, &err))
        fail_msg("%s", err.message);
    strbuf_done(&bytes);
    return graph;
}

static struct graph *through_description(const struct graph *graph) {
    struct strbuf text;
    struct graph *again = NULL;
    struct err err = {0};
    strbuf_init(&text);
    describe(graph, &text);
    if (described_read_bytes(&arena, text.text, text.length, "description", &again, &err) ||
        infer_shapes(again, &err))
        fail_msg("%s", err.message);
    strbuf_done(&text);
    again->producer = graph->producer;
    again->ir_version = graph->ir_version;
    return again;
}

static void a_described_model_is_the_one_in_the_file(void **state) {
    (void)state;
    static const char *const names[] = {"resnet8", "ds_cnn", "mobilenet_v2", "bert_mini",
                                        "shufflenet_v2_x1_0"};
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!zoo_find(names[i]))
            fail_msg("the zoo has no %s", names[i]);
        struct graph *file = through_onnx(names[i]), *description = through_description(file);
        struct strbuf a, b;
        struct err err = {0};
        strbuf_init(&a);
        strbuf_init(&b);
        if (onnx_write_bytes(file, &omitted, &a, &err) ||
            onnx_write_bytes(description, &omitted, &b, &err))
            fail_msg("%s", err.message);
        assert_true(graph_parameters(file) == graph_parameters(description));
        assert_int_equal(a.length, b.length);
        assert_memory_equal(a.text, b.text, a.length);
        strbuf_done(&a);
        strbuf_done(&b);
    }
}

#define GRAPH(inputs, initializers, ops, outputs)                                                  \
    "{\"assay_graph\":1,\"inputs\":[" inputs "],\"initializers\":[" initializers "],\"ops\":[" ops \
    "],\"outputs\":[" outputs "]}"
#define X    "{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[\"batch\",null,8]}"
#define W    "{\"name\":\"w\",\"dtype\":\"float32\",\"shape\":[8,4]}"
#define RELU "{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"]}"

static int read_text(const char *text, struct graph **graph, struct err *err) {
    *err = (struct err){0};
    return described_read_bytes(&arena, text, strlen(text), "d", graph, err);
}

static void numbers_tell_their_kind_by_a_point(void **state) {
    (void)state;
    struct graph *graph;
    struct err err;
    assert_int_equal(
        read_text(GRAPH(X, "",
                        "{\"type\":\"Odd\",\"domain\":\"my\",\"inputs\":[\"x\",\"\"],\"outputs\":"
                        "[\"y\"],\"attributes\":{\"i\":2,\"f\":2.0,\"e\":1e-3,\"s\":\"t\",\"is\":"
                        "[1,-2],\"fs\":[1,2.5],\"ss\":[\"a\"],\"none\":[],"
                        "\"end\":9223372036854775807}}",
                        "\"y\""),
                  &graph, &err),
        0);
    const struct op *op = &graph->ops[0];
    assert_true(op_int(op, "i", 0) == 2 && op_float(op, "f", 0) == 2 &&
                fabsf(op_float(op, "e", 0) - 1e-3f) < 1e-9f);
    assert_string_equal(op_string(op, "s", ""), "t");
    assert_int_equal(op_attribute(op, "is")->kind, ATTRIBUTE_INTS);
    assert_true(op_attribute(op, "is")->ints[1] == -2);
    assert_int_equal(op_attribute(op, "fs")->kind, ATTRIBUTE_FLOATS);
    assert_int_equal(op_attribute(op, "ss")->kind, ATTRIBUTE_STRINGS);
    assert_int_equal(op_attribute(op, "none")->count, 0);
    assert_true(op_int(op, "end", 0) == INT64_MAX);
    assert_int_equal(op->inputs[1], GRAPH_NONE);
    assert_true(graph_opset_version(graph, "") == 17);
    const struct tensor *x = &graph->tensors[graph->inputs[0]];
    assert_string_equal(graph->symbols[x->dims[0].symbol], "batch");
    assert_int_equal(x->dims[1].symbol, GRAPH_NO_SYMBOL);
}

static void constants_are_described_in_their_operator(void **state) {
    (void)state;
    struct graph *graph;
    struct err err;
    assert_int_equal(
        read_text(GRAPH(X, "",
                        "{\"type\":\"Constant\",\"inputs\":[],\"outputs\":[\"a\"],\"attributes\":{"
                        "\"value\":{\"dtype\":\"int64\",\"shape\":[2],\"values\":[0,-1]}}},"
                        "{\"type\":\"Constant\",\"inputs\":[],\"outputs\":[\"b\"],\"attributes\":{"
                        "\"value_ints\":[3,4]}},"
                        "{\"type\":\"ConstantOfShape\",\"inputs\":[\"b\"],\"outputs\":[\"c\"],"
                        "\"attributes\":{\"value\":{\"dtype\":\"float32\",\"shape\":[1],"
                        "\"values\":[1.5]}}},"
                        "{\"type\":\"Reshape\",\"inputs\":[\"x\",\"a\"],\"outputs\":[\"y\"]}",
                        "\"y\",\"c\""),
                  &graph, &err),
        0);
    assert_int_equal(infer_shapes(graph, &err), 0);
    const struct tensor *a = &graph->tensors[graph_find_tensor(graph, "a")];
    const struct tensor *b = &graph->tensors[graph_find_tensor(graph, "b")];
    const struct tensor *c = &graph->tensors[graph_find_tensor(graph, "c")];
    assert_true(a->values->ints[1] == -1 && b->values->ints[0] == 3);
    assert_true(tensor_elements(c) == 12 && c->dtype == DTYPE_FLOAT32);
}

static void operators_may_stand_in_any_order(void **state) {
    (void)state;
    struct graph *graph;
    struct err err;
    assert_int_equal(
        read_text(GRAPH(X, "", "{\"type\":\"Relu\",\"inputs\":[\"y\"],\"outputs\":[\"z\"]}," RELU,
                        "\"z\""),
                  &graph, &err),
        0);
    assert_string_equal(graph->tensors[graph->ops[0].outputs[0]].name, "y");
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"",                                                              "empty"                     },
        {"{",                                                             "not JSON"                  },
        {"[]",                                                            "expected an object"        },
        {"{}",                                                            "\"assay_graph\" is missing"},
        {"{\"assay_graph\":2,\"inputs\":[],\"ops\":[],\"outputs\":[]}",   "is not 1"                  },
        {"{\"assay_graph\":1.0,\"inputs\":[],\"ops\":[],\"outputs\":[]}", "is not 1"                  },
        {GRAPH("",                                                        "",                           "", ""), "without operators"},
        {GRAPH(X,                                                            "",                                                                     RELU, ""), "without operators or outputs"},
        {GRAPH(X "," X,                                                         "",                        RELU, "\"y\""), "stands twice"},
        {GRAPH(X,                                                            "",                                                          RELU "," RELU, "\"y\""), "stands twice"},
        {GRAPH(X,                                                   "",                     RELU, "\"q\""), "no tensor"},
        {GRAPH(X,                                                       "",                                                                     RELU, "\"y\",\"y\""), "stands twice"},
        {GRAPH(X,                                                         "",                        RELU, "1"), "name of a tensor"},
        {GRAPH("",                                                       "",                                                                     RELU, "\"y\""), "reads \"x\""},
        {GRAPH(X,                                                         "",                                 "{\"type\":\"Relu\",\"inputs\":[\"y\"],\"outputs\":[\"y\"]}", "\"y\""),
         "cycle"},
        {GRAPH(X,                                                       "",                                                                        "{\"type\":\"\",\"inputs\":[\"x\"],\"outputs\":[\"y\"]}", "\"y\""),
         "no \"type\""},
        {GRAPH(X,                                                         "",                             "{\"type\":\"Relu\",\"inputs\":[1],\"outputs\":[\"y\"]}", "\"y\""),
         "no text"},
        {GRAPH(X,                                                 "",                                                               "{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[2]}", "\"y\""),
         "no text"},
        {GRAPH(X,                                                         "",                           "{\"type\":\"Relu\",\"inputs\":[\"x\"]}", "\"y\""), "\"outputs\" is missing"},
        {GRAPH(X,                                                           "",                                                                     "{\"kind\":\"Relu\"}", "\"y\""), "no member \"kind\""},
        {GRAPH(X,                                                        "",
         "{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],\"attributes\":{\"a\":"
               "null}}", "\"y\""),
         "attribute \"a\""},
        {GRAPH(X,                                                       "",
         "{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],\"attributes\":{\"a\":"
               "[1,\"b\"]}}", "\"y\""),
         "attribute \"a\""},
        {GRAPH(X,                                                         "",
         "{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],\"attributes\":{\"a\":1,"
               "\"a\":2}}", "\"y\""),
         "stands twice in one object"},
        {GRAPH("{\"name\":\"x\",\"dtype\":\"float33\",\"shape\":[1]}",                                                       "",                                                                                       RELU, "\"y\""),
         "dtype \"float33\""},
        {GRAPH("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[-1]}",                                                         "",                             RELU, "\"y\""),
         "whole number"},
        {GRAPH("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[1.5]}",                                                       "",                                                                                 RELU, "\"y\""),
         "whole number"},
        {GRAPH("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[99999999999999999999]}",                                                         "",                           RELU,
         "\"y\""),
         "whole number"},
        {GRAPH("{\"name\":\"\",\"dtype\":\"float32\",\"shape\":[1]}",                                                       "",                                                                                     RELU, "\"y\""),
         "no name"},
        {GRAPH("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":4}",                                                         "",                                   RELU, "\"y\""),
         "\"shape\" is not an array"},
        {GRAPH("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[1],\"values\":[1]}",                                                       "",                                                                                     RELU,
         "\"y\""),
         "no member \"values\""},
        {GRAPH(X,                                                         "{\"name\":\"w\",\"dtype\":\"float32\",\"shape\":[\"n\"]}",                           RELU, "\"y\""),
         "shape is not known"},
        {GRAPH(X,                                                       "{\"name\":\"w\",\"dtype\":\"int64\",\"shape\":[2],\"values\":[1]}",                                                           RELU,
         "\"y\""),
         "1 values for 2"},
        {GRAPH(X,                                                         "{\"name\":\"w\",\"dtype\":\"int64\",\"shape\":[1],\"values\":[1.5]}",                         RELU,
         "\"y\""),
         "no whole number"},
        {GRAPH(X,                                                       W,                                                               RELU, "\"y\"") "x", "not JSON"},
        {"{\"assay_graph\":1,\"opsets\":{\"\":0},\"inputs\":[],\"ops\":[],\"outputs\":[]}",
         "opset"                           },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct graph *graph;
        struct err err;
        assert_int_equal(read_text(rows[i].text, &graph, &err), -ERR_INPUT);
        if (!strstr(err.message, rows[i].said))
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].text, err.message, rows[i].said);
    }
}

/* 10,000 operators, each reading the one before: names are found by hash. */
static void long_descriptions_are_read_in_linear_time(void **state) {
    (void)state;
    struct strbuf text;
    struct graph *graph;
    struct err err = {0};
    strbuf_init(&text);
    strbuf_puts(&text, "{\"assay_graph\":1,\"inputs\":[{\"name\":\"t0\",\"dtype\":\"float32\","
                       "\"shape\":[8]}],\"ops\":[");
    for (int i = 0; i < 10000; i++)
        strbuf_printf(&text, "%s{\"type\":\"Relu\",\"inputs\":[\"t%d\"],\"outputs\":[\"t%d\"]}",
                      i ? "," : "", i, i + 1);
    strbuf_puts(&text, "],\"outputs\":[\"t10000\"]}");
    assert_int_equal(described_read_bytes(&arena, text.text, text.length, "d", &graph, &err), 0);
    assert_int_equal(graph->op_count, 10000);
    strbuf_done(&text);
}

/* ---- strict JSON -----------------------------------------------------------------------------
 */

static void strict_json_is_the_standard_and_no_more(void **state) {
    (void)state;
    static const struct json_limits limits = {.depth = 4, .values = 20, .text_bytes = 30};
    static const char *const good[] = {"1", " {\"a\":[1,2.5e3,-0,true,null,\"\\u00e9\"]} ",
                                       "[[[[]]]]", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}"};
    static const char *const wrong[] = {
        "",
        "01",
        "1.",
        "+1",
        ".5",
        "nan",
        "Infinity",
        "1e999",
        "'a'",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "1 2",
        "[1}",
        "\357\273\2771",
        "\"\xff\"",
        "\"\x01\"",
        "// c\n1",
        "[[[[[]]]]]",
        "\"a\\u0000b\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]",
        "\"0123456789012345678901234567890\"",
    };
    struct err err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        err = (struct err){0};
        if (json_check_strict(&arena, good[i], strlen(good[i]), &limits, "it", &err))
            fail_msg("%s: %s", good[i], err.message);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (struct err){0};
        if (json_check_strict(&arena, wrong[i], strlen(wrong[i]), &limits, "it", &err) !=
            -ERR_INPUT)
            fail_msg("%s is taken", wrong[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_described_model_is_the_one_in_the_file),
        TEST(numbers_tell_their_kind_by_a_point),
        TEST(constants_are_described_in_their_operator),
        TEST(operators_may_stand_in_any_order),
        TEST(what_is_wrong_is_named),
        TEST(long_descriptions_are_read_in_linear_time),
        TEST(strict_json_is_the_standard_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
