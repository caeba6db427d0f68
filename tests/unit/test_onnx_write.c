#include "models/onnx/raw.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"
#include "models/reader.h"
#include "models/zoo/zoo.h"

#include "base/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a graph as text, to compare two --------------------------------------------------------- */

enum { SHOWN_VALUES = 16 };

static void print_values(struct strbuf *out, const struct tensor *tensor) {
    if (!tensor->values || tensor->values->count > SHOWN_VALUES)
        return;
    for (uint64_t i = 0; i < tensor->values->count; i++)
        if (tensor->values->ints)
            strbuf_printf(out, " %lld", (long long)tensor->values->ints[i]);
        else
            strbuf_printf(out, " %.17g", tensor->values->floats[i]);
}

static void print_tensor(struct strbuf *out, const struct graph *graph, int32_t index) {
    if (index == GRAPH_NONE) {
        strbuf_puts(out, "  -\n");
        return;
    }
    const struct tensor *tensor = &graph->tensors[index];
    unsigned kept = TENSOR_INPUT | TENSOR_OUTPUT | TENSOR_INITIALIZER | TENSOR_CONSTANT |
                    TENSOR_OUTER | TENSOR_SPARSE;
    strbuf_printf(out, "  %s %s %s flags %x", tensor->name, dtype_name(tensor->dtype),
                  tensor_shape_text(graph->arena, graph, tensor), tensor->flags & kept);
    if (tensor->flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT))
        print_values(out, tensor);
    strbuf_puts(out, "\n");
}

static void print_graph(struct strbuf *out, const struct graph *graph);

static void print_attribute(struct strbuf *out, const struct graph *graph,
                            const struct attribute *a) {
    strbuf_printf(out, "  .%s kind %d count %u", a->name, (int)a->kind, a->count);
    switch (a->kind) {
    case ATTRIBUTE_INT:
        strbuf_printf(out, " %lld", (long long)a->i);
        break;
    case ATTRIBUTE_FLOAT:
        strbuf_printf(out, " %.9g", (double)a->f);
        break;
    case ATTRIBUTE_STRING:
        strbuf_printf(out, " '%s'", a->s);
        break;
    case ATTRIBUTE_INTS:
        for (uint32_t i = 0; i < a->count; i++)
            strbuf_printf(out, " %lld", (long long)a->ints[i]);
        break;
    case ATTRIBUTE_FLOATS:
        for (uint32_t i = 0; i < a->count; i++)
            strbuf_printf(out, " %.9g", (double)a->floats[i]);
        break;
    case ATTRIBUTE_STRINGS:
        for (uint32_t i = 0; i < a->count; i++)
            strbuf_printf(out, " '%s'", a->strings[i]);
        break;
    case ATTRIBUTE_TENSOR: /* its name may be made up */
        strbuf_puts(out, tensor_shape_text(graph->arena, graph, &graph->tensors[a->tensor]));
        print_values(out, &graph->tensors[a->tensor]);
        break;
    case ATTRIBUTE_GRAPH:
        strbuf_puts(out, " {\n");
        print_graph(out, a->graph);
        strbuf_puts(out, "}");
        break;
    case ATTRIBUTE_OTHER:
        break;
    }
    strbuf_puts(out, "\n");
}

static void print_graph(struct strbuf *out, const struct graph *graph) {
    strbuf_printf(out, "graph %s %s ir %lld lowered %d\n", graph->name, graph->producer,
                  (long long)graph->ir_version, graph->lowered);
    for (uint32_t i = 0; i < graph->opset_count; i++)
        strbuf_printf(out, "opset '%s' %lld\n", graph->opsets[i].domain,
                      (long long)graph->opsets[i].version);
    for (uint32_t i = 0; i < graph->input_count; i++)
        print_tensor(out, graph, graph->inputs[i]);
    strbuf_puts(out, "->\n");
    for (uint32_t i = 0; i < graph->output_count; i++)
        print_tensor(out, graph, graph->outputs[i]);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        strbuf_printf(out, "%s:%s '%s'\n", op->domain, op->type, op->name);
        for (uint32_t k = 0; k < op->input_count; k++)
            print_tensor(out, graph, op->inputs[k]);
        strbuf_puts(out, "  ->\n");
        for (uint32_t k = 0; k < op->output_count; k++)
            print_tensor(out, graph, op->outputs[k]);
        for (uint32_t k = 0; k < op->attribute_count; k++)
            print_attribute(out, graph, &op->attributes[k]);
    }
}

static void assert_same_graph(const struct graph *a, const struct graph *b) {
    struct strbuf text_a, text_b;
    strbuf_init(&text_a);
    strbuf_init(&text_b);
    print_graph(&text_a, a);
    print_graph(&text_b, b);
    size_t same = 0, line = 0; /* cmocka would show only the beginning of texts this long */
    for (; text_a.text[same] && text_a.text[same] == text_b.text[same]; same++)
        if (text_a.text[same] == '\n')
            line = same + 1;
    if (text_a.text[same] != text_b.text[same])
        fail_msg("'%.*s' became '%.*s'", (int)strcspn(text_a.text + line, "\n"), text_a.text + line,
                 (int)strcspn(text_b.text + line, "\n"), text_b.text + line);
    strbuf_done(&text_a);
    strbuf_done(&text_b);
}

/* ---- a graph with everything ----------------------------------------------------------------- */

static const struct tensor_values *ints(struct arena *arena, uint64_t count,
                                        const int64_t *numbers) {
    struct tensor_values *values = ARENA_NEW(arena, struct tensor_values);
    *values = (struct tensor_values){count, arena_grow(arena, numbers, count, count, 8), NULL};
    return values;
}

static const struct tensor_values *floats(struct arena *arena, uint64_t count,
                                          const double *numbers) {
    struct tensor_values *values = ARENA_NEW(arena, struct tensor_values);
    *values = (struct tensor_values){count, NULL, arena_grow(arena, numbers, count, count, 8)};
    return values;
}

static int32_t add(struct graph *graph, const char *name, enum dtype dtype, int32_t rank,
                   int64_t size, uint32_t flags) {
    int32_t t = graph_add_tensor(graph, name, dtype);
    int64_t sizes[] = {size, size, size};
    graph_set_shape(graph, t, rank, sizes);
    graph->tensors[t].flags |= flags;
    return t;
}

/* A branch that adds an outer tensor to a weight of its own. */
static struct graph *branch(struct graph *parent, const char *name, int32_t outer) {
    struct graph *graph = graph_new(parent->arena, name);
    graph->parent = parent;
    graph->producer = parent->producer;
    graph->ir_version = parent->ir_version;
    graph->lowered = parent->lowered;
    int32_t x = graph_add_tensor(graph, parent->tensors[outer].name, parent->tensors[outer].dtype);
    graph_set_shape(graph, x, 1, &parent->tensors[outer].dims[0].size);
    graph->tensors[x].flags |= TENSOR_OUTER;
    graph->tensors[x].outer = outer;
    int32_t w = add(graph, "w", DTYPE_FLOAT32, 1, 4, TENSOR_INITIALIZER);
    int32_t y = add(graph, arena_printf(graph->arena, "%s_y", name), DTYPE_FLOAT32, 1, 4, 0);
    int32_t op = graph_add_op(graph, "inner", "Add", "");
    graph_set_inputs(graph, op, 2, (int32_t[]){x, w});
    graph_set_outputs(graph, op, 1, (int32_t[]){y});
    graph_add_output(graph, y);
    return graph;
}

static int32_t add_constants(struct graph *graph) {
    static const struct {
        const char *name;
        enum dtype dtype;
        int64_t count;
        int64_t ints[3];
        double floats[3];
    } rows[] = {
        {"i64",  DTYPE_INT64,    3, {-1, INT64_MAX, INT64_MIN}, {0}                    },
        {"i32",  DTYPE_INT32,    2, {-7, INT32_MAX},            {0}                    },
        {"u8",   DTYPE_UINT8,    2, {0, 255},                   {0}                    },
        {"i8",   DTYPE_INT8,     2, {-128, 127},                {0}                    },
        {"bool", DTYPE_BOOL,     2, {1, 0},                     {0}                    },
        {"f32",  DTYPE_FLOAT32,  3, {0},                        {1.5, -0.25, 0x1p100}  },
        {"f64",  DTYPE_FLOAT64,  2, {0},                        {3.141592653589793, -0}},
        {"f16",  DTYPE_FLOAT16,  3, {0},                        {65504, -0.5, 0x1p-24} },
        {"bf16", DTYPE_BFLOAT16, 2, {0},                        {256, -0.0078125}      },
    };
    int32_t last = GRAPH_NONE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        last = add(graph, rows[i].name, rows[i].dtype, 1, rows[i].count, TENSOR_INITIALIZER);
        bool is_float = rows[i].dtype == DTYPE_FLOAT32 || rows[i].dtype == DTYPE_FLOAT64 ||
                        rows[i].dtype == DTYPE_FLOAT16 || rows[i].dtype == DTYPE_BFLOAT16;
        uint64_t count = (uint64_t)rows[i].count;
        graph->tensors[last].values = is_float ? floats(graph->arena, count, rows[i].floats)
                                               : ints(graph->arena, count, rows[i].ints);
        int32_t y = add(graph, arena_printf(graph->arena, "id_%s", rows[i].name), rows[i].dtype, 1,
                        rows[i].count, 0);
        int32_t op = graph_add_op(graph, rows[i].name, "Identity", "");
        graph_set_inputs(graph, op, 1, &last);
        graph_set_outputs(graph, op, 1, &y);
    }
    return last;
}

static void add_attributes(struct graph *graph, int32_t op, int32_t outer) {
    graph_set_int(graph, op, "int", -5);
    graph_set_float(graph, op, "float", 0.1f);
    graph_set_string(graph, op, "string", "text");
    graph_set_string(graph, op, "empty", "");
    graph_set_ints(graph, op, "ints", 3, (int64_t[]){INT64_MIN, 0, 300});
    graph_set_ints(graph, op, "no_ints", 0, NULL);
    static const float some[] = {1.5f, -2};
    struct attribute *a = graph_add_attribute(graph, op, "floats", ATTRIBUTE_FLOATS);
    a->floats = some;
    a->count = 2;
    static const char *const texts[] = {"a", "", "c"};
    a = graph_add_attribute(graph, op, "strings", ATTRIBUTE_STRINGS);
    a->strings = texts;
    a->count = 3;
    graph_add_attribute(graph, op, "other", ATTRIBUTE_OTHER);
    graph_add_attribute(graph, op, "then_branch", ATTRIBUTE_GRAPH)->graph =
        branch(graph, "then", outer);
    graph_add_attribute(graph, op, "else_branch", ATTRIBUTE_GRAPH)->graph =
        branch(graph, "else", outer);
    int32_t tensor = add(graph, "kernel", DTYPE_INT64, 1, 2, TENSOR_CONSTANT);
    graph->tensors[tensor].values = ints(graph->arena, 2, (int64_t[]){9, -9});
    graph_add_attribute(graph, op, "tensor", ATTRIBUTE_TENSOR)->tensor = tensor;
}

static struct graph *everything(struct arena *arena) {
    struct graph *graph = graph_new(arena, "everything");
    graph->producer = "some exporter 2.4.0";
    graph->ir_version = 8;
    graph->lowered = true;
    graph_add_opset(graph, "", 17);
    graph_add_opset(graph, "com.microsoft.nchwc", 1);
    int32_t x = add(graph, "x", DTYPE_FLOAT32, 3, 4, 0);
    graph->tensors[x].dims[0] = (struct dim){GRAPH_DIM_UNKNOWN, graph_symbol(graph, "batch")};
    graph->tensors[x].dims[1] = (struct dim){GRAPH_DIM_UNKNOWN, GRAPH_NO_SYMBOL};
    graph_add_input(graph, x);
    int32_t condition = add(graph, "condition", DTYPE_BOOL, 0, 0, 0);
    graph_add_input(graph, condition);
    int32_t weight = add(graph, "weight", DTYPE_FLOAT16, 2, 64, TENSOR_INITIALIZER);
    int32_t sparse = add(graph, "sparse", DTYPE_FLOAT32, 2, 8, TENSOR_INITIALIZER | TENSOR_SPARSE);
    int32_t unranked = graph_add_tensor(graph, "unranked", DTYPE_INT32);
    int32_t untyped = graph_add_tensor(graph, "untyped", DTYPE_UNDEFINED);
    int32_t y = add(graph, "y", DTYPE_FLOAT32, 1, 4, 0);
    int32_t constant = add(graph, "constant", DTYPE_FLOAT32, 0, 0, TENSOR_CONSTANT);
    graph->tensors[constant].values = floats(arena, 1, (double[]){2.5});
    int32_t op = graph_add_op(graph, "constant_op", "Constant", "");
    graph_set_outputs(graph, op, 1, &constant);
    graph_add_attribute(graph, op, "value", ATTRIBUTE_TENSOR)->tensor = constant;
    int32_t last = add_constants(graph);
    op = graph_add_op(graph, "", "Conv", "com.microsoft.nchwc");
    graph_set_inputs(graph, op, 5, (int32_t[]){x, GRAPH_NONE, weight, sparse, constant});
    graph_set_outputs(graph, op, 3, (int32_t[]){unranked, GRAPH_NONE, untyped});
    op = graph_add_op(graph, "choice", "If", "");
    graph_set_inputs(graph, op, 2, (int32_t[]){condition, unranked});
    graph_set_outputs(graph, op, 1, &y);
    add_attributes(graph, op, last);
    graph_add_output(graph, y);
    return graph;
}

static struct strbuf write_bytes(const struct graph *graph, const struct onnx_weights *weights) {
    struct strbuf bytes;
    struct err err = {0};
    strbuf_init(&bytes);
    if (onnx_write_bytes(graph, weights, &bytes, &err))
        fail_msg("%s", err.message);
    return bytes;
}

static struct graph *read_back(struct arena *arena, const struct strbuf *bytes) {
    struct graph *graph = NULL;
    struct err err = {0};
    if (onnx_read_bytes(arena, bytes->text, bytes->length, "memory", &graph, &err))
        fail_msg("%s", err.message);
    return graph;
}

static const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};

/* ---- what is written is what is read --------------------------------------------------------- */

static void test_a_graph_with_everything_comes_back_equal(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct graph *graph = everything(&arena);
    struct strbuf bytes = write_bytes(graph, &omitted);
    assert_same_graph(graph, read_back(&arena, &bytes));
    strbuf_done(&bytes);
    arena_done(&arena);
}

static void test_the_same_graph_gives_the_same_bytes(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct strbuf first = write_bytes(everything(&arena), &omitted);
    struct strbuf second = write_bytes(everything(&arena), &omitted);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.text, second.text, first.length);
    strbuf_done(&first);
    strbuf_done(&second);
    arena_done(&arena);
}

static void test_what_was_written_and_read_is_written_the_same_again(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct zoo_model model;
    struct err err = {0};
    assert_int_equal(zoo_build(&arena, "bert_tiny", NULL, &model, &err), 0);
    struct strbuf first = write_bytes(model.graph, &omitted);
    struct strbuf second = write_bytes(read_back(&arena, &first), &omitted);
    struct strbuf third = write_bytes(read_back(&arena, &second), &omitted);
    assert_int_equal(second.length, third.length);
    assert_memory_equal(second.text, third.text, second.length);
    strbuf_done(&first);
    strbuf_done(&second);
    strbuf_done(&third);
    arena_done(&arena);
}

static void test_every_zoo_model_comes_back_equal_and_small(void **state) {
    (void)state;
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t i = 0; i < zoo_families[f]->count; i++) {
            struct arena arena;
            struct zoo_model model;
            struct err err = {0};
            arena_init(&arena);
            const char *name = zoo_families[f]->rows[i].name;
            assert_int_equal(zoo_build(&arena, name, NULL, &model, &err), 0);
            struct strbuf bytes = write_bytes(model.graph, &omitted);
            assert_same_graph(model.graph, read_back(&arena, &bytes));
            assert_true(bytes.length < 3 << 20);
            strbuf_done(&bytes);
            arena_done(&arena);
        }
}

static void compare_development_model(struct arena *arena, const char *path) {
    struct model model;
    struct err err = {0};
    if (model_read(arena, path, NULL, &model, &err))
        fail_msg("%s", err.message);
    struct strbuf bytes = write_bytes(model.graph, &omitted);
    assert_same_graph(model.graph, read_back(arena, &bytes));
    strbuf_done(&bytes);
}

static void test_exported_models_come_back_equal(void **state) {
    static const char *const names[] = {"resnet50",          "mobilenet_v2",    "bert_base",
                                        "llama_s",           "efficientnet_b0", "light_squeezenet",
                                        "light_bvlc_alexnet"};
    (void)state;
    const char *data = getenv("ASSAY_SHARED_DATA");
    struct arena arena;
    arena_init(&arena);
    const char *folder = arena_printf(&arena, "%s/models", data ? data : "../shared/data");
    if (access(folder, R_OK) != 0) {
        printf("skip: %s is not here\n", folder);
        arena_done(&arena);
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        compare_development_model(&arena, arena_printf(&arena, "%s/%s.onnx", folder, names[i]));
    arena_done(&arena);
}

/* ---- weights --------------------------------------------------------------------------------- */

static void test_omitted_weights_keep_shapes_and_name_no_file(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct strbuf bytes = write_bytes(everything(&arena), &omitted);
    struct graph *graph = read_back(&arena, &bytes);
    const struct tensor *weight = &graph->tensors[graph_find_tensor(graph, "weight")];
    assert_true(weight->flags & TENSOR_EXTERNAL);
    assert_string_equal(weight->external->location, ONNX_OMITTED_LOCATION);
    assert_int_equal(tensor_bytes(weight), 2 * 64 * 64);
    const struct tensor *known = &graph->tensors[graph_find_tensor(graph, "i64")];
    assert_false(known->flags & TENSOR_EXTERNAL);
    strbuf_done(&bytes);
    arena_done(&arena);
}

struct asked {
    uint64_t next_offset;
    int pieces, fail_at; /* fail_at: the piece that cannot be had; 0: none */
};

static unsigned char pattern(int32_t tensor, uint64_t offset) {
    return (unsigned char)((uint64_t)tensor * 31 + offset * 7 + (offset >> 12));
}

static int fill_pattern(void *context, const struct graph *graph, int32_t tensor,
                        uint64_t offset_bytes, void *bytes, size_t length, struct err *err) {
    struct asked *asked = context;
    (void)graph;
    assert_true(offset_bytes == 0 || offset_bytes == asked->next_offset);
    assert_int_equal(offset_bytes % ONNX_PIECE_BYTES, 0);
    assert_in_range(length, 1, ONNX_PIECE_BYTES);
    asked->next_offset = offset_bytes + length;
    if (++asked->pieces == asked->fail_at)
        return err_set(err, ERR_INPUT, "the weights ended");
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)bytes)[i] = pattern(tensor, offset_bytes + i);
    return 0;
}

/* Two weights, the second of more than two pieces, and a small one. */
static struct graph *weighted(struct arena *arena) {
    struct graph *graph = graph_new(arena, "weighted");
    graph_add_opset(graph, "", 17);
    int32_t tensors[] = {
        add(graph, "a", DTYPE_FLOAT32, 1, 1000, TENSOR_INITIALIZER),
        add(graph, "b", DTYPE_INT8, 1, 2 * ONNX_PIECE_BYTES + 5, TENSOR_INITIALIZER),
        add(graph, "c", DTYPE_FLOAT32, 1, 3, TENSOR_INITIALIZER),
        add(graph, "y", DTYPE_FLOAT32, 0, 0, 0)};
    int32_t op = graph_add_op(graph, "op", "Something", "example");
    graph_set_inputs(graph, op, 3, tensors);
    graph_set_outputs(graph, op, 1, &tensors[3]);
    graph_add_output(graph, tensors[3]);
    return graph;
}

static void assert_pattern(const unsigned char *bytes, int32_t tensor, uint64_t length) {
    for (uint64_t i = 0; i < length; i++)
        if (bytes[i] != pattern(tensor, i))
            fail_msg("byte %llu of tensor %d is wrong", (unsigned long long)i, tensor);
}

static void test_inline_weights_stand_where_the_reader_finds_them(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct asked asked = {0};
    struct onnx_weights weights = {ONNX_WEIGHTS_INLINE, fill_pattern, &asked};
    struct graph *graph = weighted(&arena);
    struct err err = {0};
    struct strbuf bytes = write_bytes(graph, &weights);
    assert_int_equal(bytes.length, onnx_write_size(graph, &err));
    assert_int_equal(asked.pieces, 5);
    struct graph *back = read_back(&arena, &bytes);
    for (int32_t t = 0; t < 3; t++) {
        const struct tensor *tensor =
            &back->tensors[graph_find_tensor(back, graph->tensors[t].name)];
        assert_true(tensor->file_offset > 0);
        assert_pattern((const unsigned char *)bytes.text + tensor->file_offset, t,
                       tensor_bytes(tensor));
    }
    strbuf_done(&bytes);
    arena_done(&arena);
}

static void test_weights_beside_the_model_are_aligned_and_complete(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char folder[] = "/tmp/assay-write-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(&arena, "%s/m.onnx", folder);
    const char *side = arena_printf(&arena, "%s/m.onnx.data", folder);
    struct asked asked = {0};
    struct onnx_weights weights = {ONNX_WEIGHTS_BESIDE, fill_pattern, &asked};
    struct graph *graph = weighted(&arena);
    struct err err = {0};
    assert_int_equal(onnx_write_file(graph, &weights, path, &err), 0);
    struct model model;
    assert_int_equal(model_read(&arena, path, NULL, &model, &err), 0);
    struct file_map map;
    assert_int_equal(file_map_open(&map, side, &err), 0);
    for (int32_t t = 0; t < 2; t++) {
        const struct external_data *external =
            model.graph->tensors[graph_find_tensor(model.graph, graph->tensors[t].name)].external;
        assert_string_equal(external->location, "m.onnx.data");
        assert_int_equal(external->offset_bytes % 65536, 0);
        assert_true(external->offset_bytes + external->length_bytes <= map.size);
        assert_pattern(map.bytes + external->offset_bytes, t, external->length_bytes);
    }
    assert_false(model.graph->tensors[graph_find_tensor(model.graph, "c")].flags & TENSOR_EXTERNAL);
    file_map_close(&map);
    unlink(path);
    unlink(side);
    rmdir(folder);
    arena_done(&arena);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void test_an_inline_model_above_2_gib_is_refused_before_a_byte_is_asked_for(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct graph *graph = graph_new(&arena, "large");
    add(graph, "w", DTYPE_FLOAT32, 2, 1 << 15, TENSOR_INITIALIZER); /* 4 GiB */
    struct asked asked = {0};
    struct onnx_weights weights = {ONNX_WEIGHTS_INLINE, fill_pattern, &asked};
    struct strbuf bytes;
    struct err err = {0};
    strbuf_init(&bytes);
    assert_int_equal(onnx_write_bytes(graph, &weights, &bytes, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "2 GiB"));
    assert_true(err.hint[0]);
    assert_int_equal(asked.pieces, 0);
    assert_int_equal(bytes.length, 0);
    strbuf_done(&bytes);
    arena_done(&arena);
}

static void test_data_of_unknown_size_is_refused_by_name(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct graph *graph = graph_new(&arena, "unsized");
    add(graph, "lost", DTYPE_FLOAT32, 1, GRAPH_DIM_UNKNOWN, TENSOR_INITIALIZER);
    struct err err = {0};
    assert_int_equal(onnx_write_size(graph, &err), 0);
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.message, "'lost'"));
    arena_done(&arena);
}

static void test_a_file_whose_weights_fail_never_appears(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char folder[] = "/tmp/assay-write-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(&arena, "%s/m.onnx", folder);
    struct asked asked = {.fail_at = 3};
    struct onnx_weights weights = {ONNX_WEIGHTS_INLINE, fill_pattern, &asked};
    struct err err = {0};
    assert_int_equal(onnx_write_file(weighted(&arena), &weights, path, &err), -ERR_INPUT);
    assert_string_equal(err.message, "the weights ended");
    assert_int_equal(rmdir(folder), 0); /* nothing was left in it */
    arena_done(&arena);
}

/* ---- raw data -------------------------------------------------------------------------------- */

static void test_small_floats_are_rounded_to_even(void **state) {
    static const struct {
        enum dtype dtype;
        double value;
        unsigned expected; /* bits, computed by hand from IEEE 754 */
    } rows[] = {
        {DTYPE_FLOAT16,    1,               0x3c00},
        {DTYPE_FLOAT16,    -2,              0xc000},
        {DTYPE_FLOAT16,    65504,           0x7bff},
        {DTYPE_FLOAT16,    65520,           0x7c00}, /* halfway to 2^16: up, to infinity */
        {DTYPE_FLOAT16,    65519,           0x7bff},
        {DTYPE_FLOAT16,    1 + 0x1p-11,     0x3c00}, /* halfway, even below */
        {DTYPE_FLOAT16,    1 + 3 * 0x1p-11, 0x3c02}, /* halfway, even above */
        {DTYPE_FLOAT16,    0x1p-24,         0x0001}, /* the smallest subnormal */
        {DTYPE_FLOAT16,    0x1p-25,         0x0000},
        {DTYPE_FLOAT16,    0x1.ffcp-15,     0x0400}, /* subnormals round up to normal */
        {DTYPE_FLOAT16,    -0.0,            0x8000},
        {DTYPE_FLOAT16,    INFINITY,        0x7c00},
        {DTYPE_BFLOAT16,   1,               0x3f80},
        {DTYPE_BFLOAT16,   1 + 0x1p-8,      0x3f80},
        {DTYPE_BFLOAT16,   3.4e38,          0x7f80}, /* rounds to infinity */
        {DTYPE_FLOAT8E5M2, 1,               0x3c  },
        {DTYPE_FLOAT8E5M2, 57344,           0x7b  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tensor_values values = {1, NULL, &rows[i].value};
        struct tensor tensor = {.dtype = rows[i].dtype, .rank = 0, .values = &values};
        struct strbuf bytes;
        strbuf_init(&bytes);
        assert_true(raw_is_complete(&tensor));
        raw_append(&bytes, &tensor);
        unsigned bits = 0;
        for (size_t k = 0; k < bytes.length; k++)
            bits |= (unsigned)(unsigned char)bytes.text[k] << 8 * k;
        if (bits != rows[i].expected)
            fail_msg("row %zu: %x, expected %x", i, bits, rows[i].expected);
        strbuf_done(&bytes);
    }
}

static void test_nibbles_are_packed_low_first(void **state) {
    (void)state;
    static const int64_t numbers[] = {1, -2, 7};
    struct tensor_values values = {3, numbers, NULL};
    struct dim dim = {3, GRAPH_NO_SYMBOL};
    struct tensor tensor = {.dtype = DTYPE_INT4, .rank = 1, .dims = &dim, .values = &values};
    struct strbuf bytes;
    strbuf_init(&bytes);
    raw_append(&bytes, &tensor);
    assert_int_equal(bytes.length, 2);
    assert_memory_equal(bytes.text, "\xe1\x07", 2);
    strbuf_done(&bytes);
}

static void test_partial_values_are_not_taken_for_the_tensor(void **state) {
    (void)state;
    static const double number = 1;
    struct tensor_values values = {1, NULL, &number};
    struct dim dim = {2, GRAPH_NO_SYMBOL};
    struct tensor tensor = {.dtype = DTYPE_FLOAT32, .rank = 1, .dims = &dim, .values = &values};
    assert_false(raw_is_complete(&tensor));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_graph_with_everything_comes_back_equal),
        cmocka_unit_test(test_the_same_graph_gives_the_same_bytes),
        cmocka_unit_test(test_what_was_written_and_read_is_written_the_same_again),
        cmocka_unit_test(test_every_zoo_model_comes_back_equal_and_small),
        cmocka_unit_test(test_exported_models_come_back_equal),
        cmocka_unit_test(test_omitted_weights_keep_shapes_and_name_no_file),
        cmocka_unit_test(test_inline_weights_stand_where_the_reader_finds_them),
        cmocka_unit_test(test_weights_beside_the_model_are_aligned_and_complete),
        cmocka_unit_test(test_an_inline_model_above_2_gib_is_refused_before_a_byte_is_asked_for),
        cmocka_unit_test(test_data_of_unknown_size_is_refused_by_name),
        cmocka_unit_test(test_a_file_whose_weights_fail_never_appears),
        cmocka_unit_test(test_small_floats_are_rounded_to_even),
        cmocka_unit_test(test_nibbles_are_packed_low_first),
        cmocka_unit_test(test_partial_values_are_not_taken_for_the_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
