/* How work grows with a hostile file: for each pattern a model of n parts and one of 2n, read,
 * shapes inferred, lowered, memory predicted. Prints the larger one's milliseconds, its bytes, and
 * how many times the smaller one's time that is: 2 is in proportion, 4 goes with the square.
 *   hostile_models [PARTS [FOLDER]]    models go to FOLDER/PATTERN.onnx too */
#include "tests/fuzz/predict_graph.h"
#include "tests/unit/onnx_bytes.h"

#include <time.h>

enum { PARTS = 20000, REPEATS = 3 };

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* ---- parts ----------------------------------------------------------------------------------- */

struct text {
    char text[64];
};

static struct text numbered(const char *format, int i) {
    struct text out;
    snprintf(out.text, sizeof out.text, format, i, i, i, i);
    return out;
}

static void weight(struct strbuf *graph, const char *name, int32_t rank, const int64_t *dims) {
    put_message(graph, ONNX_GRAPH_INITIALIZER,
                external_tensor(name, rank, dims, "w.bin", "0", NULL));
}

static void outside(struct strbuf *graph, const char *name, const char *location) {
    put_message(graph, ONNX_GRAPH_INITIALIZER,
                external_tensor(name, 1, (const int64_t[]){1000}, location, "0", NULL));
}

/* One operator per part. In `inputs` and `outputs` %d is its number, in `inputs` of a chain %d is
 * the one before. */
static void fan(struct strbuf *graph, int n, const char *type, const char *inputs) {
    for (int i = 0; i < n; i++) {
        struct text out = numbered("y%d", i);
        put_node(graph, type, "", numbered(inputs, i).text, out.text);
        put_output(graph, out.text, NULL);
    }
}

static void chain(struct strbuf *graph, int n, const char *type, const char *more) {
    put_node(graph, "Sin", "", "x", "y0");
    for (int i = 1; i < n; i++) {
        char inputs[96];
        snprintf(inputs, sizeof inputs, "y%d%s", i - 1, more);
        put_node(graph, type, "", inputs, numbered("y%d", i).text);
    }
    put_output(graph, numbered("y%d", n - 1).text, NULL);
}

#define FAN(name, type, inputs)                                                                    \
    static void name(struct strbuf *graph, int n) {                                                \
        fan(graph, n, type, inputs);                                                               \
    }
#define CHAIN(name, type, more)                                                                    \
    static void name(struct strbuf *graph, int n) {                                                \
        chain(graph, n, type, more);                                                               \
    }

FAN(relu_fan, "Relu", "x")
FAN(identity_fan, "Identity", "x")
FAN(conv_fan, "Conv", "x w")
FAN(transposed_fan, "ConvTranspose", "x h")
FAN(matmul_fan, "MatMul", "x m")
FAN(shape_fan, "Shape", "x")
FAN(flatten_fan, "Flatten", "x")
FAN(cast_like_fan, "CastLike", "x x")
CHAIN(relu_chain, "Relu", "")
CHAIN(conv_chain, "Conv", " w")
CHAIN(add_chain, "Add", " y0")
CHAIN(flatten_chain, "Flatten", "")
CHAIN(transpose_chain, "Transpose", "")
CHAIN(matmul_chain, "MatMul", " m")

static void pool_chain(struct strbuf *graph, int n) {
    const int64_t one[] = {1, 1};
    put_node(graph, "Conv", "", "x w", "y0");
    for (int i = 1; i < n; i++) {
        struct strbuf op = node(i % 2 ? "MaxPool" : "HardSwish", "", numbered("y%d", i - 1).text,
                                numbered("y%d", i).text);
        if (i % 2)
            put_ints_attribute(&op, "kernel_shape", 2, one);
        put_message(graph, ONNX_GRAPH_NODE, op);
    }
    put_output(graph, numbered("y%d", n - 1).text, NULL);
}

static void sizes(struct strbuf *graph, int n) {
    for (int i = 0; i < n; i++)
        outside(graph, numbered("w%d", i).text, "w.bin");
    for (int i = 0; i < n; i++) {
        const int64_t repeats[] = {1 + (i * 7919) % n};
        put_message(graph, ONNX_GRAPH_INITIALIZER,
                    int64_tensor(numbered("r%d", i).text, 1, repeats));
        put_node(graph, "Sin", "", numbered("w%d", i).text, numbered("s%d", i).text);
        put_node(graph, "Tile", "", numbered("s%d r%d", i).text, numbered("y%d", i).text);
    }
    for (int i = 0; i < n; i++) {
        struct text out = numbered("z%d", i);
        put_node(graph, "Cos", "", numbered("y%d", i).text, out.text);
        put_output(graph, out.text, NULL);
    }
}

static void large_weights(struct strbuf *graph, int n) {
    const int64_t dims[] = {INT64_C(1) << 40};
    put_node(graph, "Flatten", "", "x", "y0");
    for (int i = 1; i < n; i++) {
        weight(graph, numbered("w%d", i).text, 1, dims);
        put_node(graph, "Gather", "", numbered("w%d i", i).text, numbered("g%d", i).text);
        put_output(graph, numbered("g%d", i).text, NULL);
    }
}

static void inputs(struct strbuf *graph, int n) {
    for (int i = 0; i < n; i++) {
        struct text name = numbered("in%d", i);
        put_input(graph, name.text, numbered("s%dx1x2", i).text);
        put_node(graph, "Relu", "", name.text, numbered("y%d", i).text);
        put_output(graph, numbered("y%d", i).text, NULL);
    }
}

static void files(struct strbuf *graph, int n) {
    for (int i = 0; i < n; i++)
        outside(graph, numbered("w%d", i).text, numbered("file%d", i).text);
}

static void attributes(struct strbuf *graph, int n) {
    for (int k = 0; k < 2; k++) {
        struct strbuf op = node("Relu", "", "x", numbered("y%d", k).text);
        for (int i = 0; i < n; i++)
            put_int_attribute(&op, numbered("a%d", i).text, i + (k && i == n - 1));
        put_message(graph, ONNX_GRAPH_NODE, op);
        put_output(graph, numbered("y%d", k).text, NULL);
    }
}

static void many_operands(struct strbuf *graph, int n) {
    struct strbuf op = message(), split = message();
    for (int i = 0; i < n; i++)
        put_text(&op, ONNX_NODE_INPUT, "x");
    put_text(&op, ONNX_NODE_OUTPUT, "joined");
    put_text(&op, ONNX_NODE_OP_TYPE, "Concat");
    put_int_attribute(&op, "axis", 1);
    put_message(graph, ONNX_GRAPH_NODE, op);
    put_text(&split, ONNX_NODE_INPUT, "joined");
    put_text(&split, ONNX_NODE_OP_TYPE, "Split");
    put_int_attribute(&split, "axis", 1);
    for (int i = 0; i < n; i++)
        put_text(&split, ONNX_NODE_OUTPUT, numbered("y%d", i).text);
    put_message(graph, ONNX_GRAPH_NODE, split);
    put_output(graph, "y0", NULL);
}

static struct strbuf branch(int i, const char *extra) {
    struct strbuf out = message();
    put_node(&out, "Relu", "", extra, numbered("b%d", i).text);
    put_output(&out, numbered("b%d", i).text, NULL);
    return out;
}

static void choices(struct strbuf *graph, int n) {
    for (int i = 0; i < n / 2; i++) {
        struct strbuf op = node("If", "", "c", numbered("y%d", i).text);
        put_graph_attribute(&op, "then_branch", branch(2 * i, "x"));
        put_graph_attribute(&op, "else_branch", branch(2 * i + 1, "x"));
        put_message(graph, ONNX_GRAPH_NODE, op);
        put_output(graph, numbered("y%d", i).text, NULL);
    }
}

static void branches(struct strbuf *graph, int n) {
    put_value(graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    choices(graph, n);
}

/* Branches within one branch, which reads many tensors around it. */
static void captures(struct strbuf *graph, int n) {
    struct strbuf op = node("If", "", "c", "y"), inner = message();
    put_value(graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    for (int i = 0; i < n / 2; i++)
        put_node(graph, "Sin", "", "x", numbered("s%d", i).text);
    for (int i = 0; i < n / 2; i++) {
        struct strbuf nested = node("If", "", "c", numbered("y%d", i).text);
        put_graph_attribute(&nested, "then_branch", branch(2 * i, numbered("s%d", i).text));
        put_graph_attribute(&nested, "else_branch", branch(2 * i + 1, numbered("s%d", i / 2).text));
        put_message(&inner, ONNX_GRAPH_NODE, nested);
    }
    put_output(&inner, "y0", NULL);
    put_graph_attribute(&op, "then_branch", inner);
    put_graph_attribute(&op, "else_branch", branch(n, "x"));
    put_message(graph, ONNX_GRAPH_NODE, op);
    put_output(graph, "y", NULL);
}

static void opened_branches(struct strbuf *graph, int n) {
    const bool yes = true;
    put_message(graph, ONNX_GRAPH_INITIALIZER, raw_tensor("c", DTYPE_BOOL, 0, NULL, &yes, 1));
    choices(graph, n);
}

static void slices(struct strbuf *graph, int n) {
    put_message(graph, ONNX_GRAPH_INITIALIZER, int64_tensor("b", 1, (const int64_t[]){0}));
    put_message(graph, ONNX_GRAPH_INITIALIZER, int64_tensor("e", 1, (const int64_t[]){5}));
    put_message(graph, ONNX_GRAPH_INITIALIZER, int64_tensor("a", 1, (const int64_t[]){1}));
    fan(graph, n, "Slice", "x b e a");
}

static void norm_readers(struct strbuf *graph, int n) {
    put_node(graph, "LayerNormalization", "", "x s", "l");
    for (int i = 0; i < n / 2; i++) {
        struct text out = numbered("y%d", i);
        put_node(graph, "MatMul", "", "l m", numbered("p%d", i).text);
        put_node(graph, "Add", "", numbered("p%d s", i).text, out.text);
        put_output(graph, out.text, NULL);
        put_node(graph, "Shape", "", "l", numbered("q%d", i).text);
        put_output(graph, numbered("q%d", i).text, NULL);
    }
}

static void fills(struct strbuf *graph, int n) {
    put_message(graph, ONNX_GRAPH_INITIALIZER, int64_tensor("b", 1, (const int64_t[]){3}));
    put_value(graph, ONNX_GRAPH_INPUT, "len", DTYPE_INT64, "1");
    fan(graph, n, "ConstantOfShape", "len");
}

static void dequantised(struct strbuf *graph, int n) {
    const float scale = 1;
    put_message(graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor("sc", DTYPE_FLOAT32, 0, NULL, &scale, sizeof scale));
    put_message(graph, ONNX_GRAPH_INITIALIZER, raw_tensor("z", DTYPE_UINT8, 0, NULL, "\x80", 1));
    put_node(graph, "QuantizeLinear", "", "x sc z", "q");
    put_node(graph, "DequantizeLinear", "", "q sc z", "d");
    for (int i = 0; i < n / 2; i++) {
        struct text out = numbered("y%d", i);
        put_node(graph, i % 2 ? "Sigmoid" : "Conv", "", i % 2 ? "d" : "d w",
                 numbered("p%d", i).text);
        put_node(graph, "QuantizeLinear", "", numbered("p%d sc z", i).text, out.text);
        put_output(graph, out.text, NULL);
    }
}

/* Each layer joins all of the one before: paths are as many as layers to the power of their width.
 */
static void joined_layers(struct strbuf *graph, int n) {
    enum { LAYERS = 8 };
    int width = (int)sqrt(n / LAYERS) + 1;
    for (int layer = 0; layer < LAYERS; layer++)
        for (int i = 0; i < width; i++) {
            struct strbuf op = message();
            for (int k = 0; k < (layer ? width : 1); k++) {
                char name[32] = "x";
                if (layer)
                    snprintf(name, sizeof name, "y%d_%d", layer - 1, k);
                put_text(&op, ONNX_NODE_INPUT, name);
            }
            char out[32];
            snprintf(out, sizeof out, "y%d_%d", layer, i);
            put_text(&op, ONNX_NODE_OUTPUT, out);
            put_text(&op, ONNX_NODE_OP_TYPE, layer ? "Sum" : "Conv");
            if (!layer)
                put_text(&op, ONNX_NODE_INPUT, "w");
            put_message(graph, ONNX_GRAPH_NODE, op);
            if (layer == LAYERS - 1)
                put_output(graph, out, NULL);
        }
}

static void folded(struct strbuf *graph, int n) {
    put_node(graph, "Sin", "", "h", "y0");
    for (int i = 1; i < n; i++)
        put_node(graph, i % 2 ? "Cos" : "Sin", "", numbered("y%d", i - 1).text,
                 numbered("y%d", i).text);
    put_output(graph, numbered("y%d", n - 1).text, NULL);
}

static void loops(struct strbuf *graph, int n) {
    put_message(graph, ONNX_GRAPH_INITIALIZER, int64_tensor("t", 1, (const int64_t[]){3}));
    put_value(graph, ONNX_GRAPH_INPUT, "c", DTYPE_BOOL, "");
    for (int i = 0; i < n / 4; i++) {
        struct strbuf body = message(), op = node("Loop", "", "t c x", numbered("y%d", i).text);
        put_value(&body, ONNX_GRAPH_INPUT, "i", DTYPE_INT64, "");
        put_value(&body, ONNX_GRAPH_INPUT, "go", DTYPE_BOOL, "");
        put_input(&body, "state", "1x16x8x8");
        put_node(&body, "Add", "", "state x", "next");
        put_value(&body, ONNX_GRAPH_OUTPUT, "go", DTYPE_BOOL, "");
        put_output(&body, "next", NULL);
        put_graph_attribute(&op, "body", body);
        put_message(graph, ONNX_GRAPH_NODE, op);
        put_output(graph, numbered("y%d", i).text, NULL);
    }
}

static void calls(struct strbuf *graph, int n) {
    for (int i = 0; i < n; i++) {
        struct strbuf op = node("F", "", "x", numbered("y%d", i).text);
        put_text(&op, ONNX_NODE_DOMAIN, "l");
        put_message(graph, ONNX_GRAPH_NODE, op);
        put_output(graph, numbered("y%d", i).text, NULL);
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

#define ROW(pattern)                                                                               \
    { #pattern, pattern }

static const struct pattern {
    const char *name;
    void (*build)(struct strbuf *graph, int n);
} patterns[] = {
    ROW(relu_fan),      ROW(identity_fan),    ROW(conv_fan),    ROW(transposed_fan),
    ROW(matmul_fan),    ROW(shape_fan),       ROW(flatten_fan), ROW(cast_like_fan),
    ROW(relu_chain),    ROW(conv_chain),      ROW(add_chain),   ROW(flatten_chain),
    ROW(matmul_chain),  ROW(transpose_chain), ROW(pool_chain),  ROW(sizes),
    ROW(large_weights), ROW(inputs),          ROW(files),       ROW(attributes),
    ROW(many_operands), ROW(branches),        ROW(captures),    ROW(opened_branches),
    ROW(slices),        ROW(norm_readers),    ROW(fills),       ROW(dequantised),
    ROW(joined_layers), ROW(folded),          ROW(loops),       ROW(calls),
};

/* What patterns share: an image x, filters w and h (a very large one), a matrix m, a scale s, an
 * index i, a function F. */
static struct strbuf model_of_pattern(const struct pattern *pattern, int n) {
    struct strbuf graph = message(), f = function_named("l", "F", "a", "b");
    put_input(&graph, "x", "1x16x8x8");
    weight(&graph, "w", 4, (const int64_t[]){16, 16, 1, 1});
    weight(&graph, "h", 4, (const int64_t[]){16, 1 << 20, 8, 8});
    weight(&graph, "m", 2, (const int64_t[]){8, 8});
    weight(&graph, "s", 1, (const int64_t[]){8});
    put_message(&graph, ONNX_GRAPH_INITIALIZER, int64_tensor("i", 1, (const int64_t[]){0}));
    pattern->build(&graph, n);
    struct strbuf model = model_of(graph);
    put_message(&f, ONNX_FUNCTION_NODE, node("Relu", "", "a", "b"));
    put_message(&model, ONNX_MODEL_FUNCTIONS, f);
    put_opset(&model, ONNX_MODEL_OPSET_IMPORT, "l", 1);
    return model;
}

static double once_ms(const struct strbuf *model) {
    struct arena arena;
    struct graph *graph;
    struct err err = {0};
    double start = now_ms();
    arena_init(&arena);
    if (onnx_read_bytes(&arena, model->text, model->length, "hostile", &graph, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    fuzz_predict(&arena, graph, model->length / 12 * 12 + 2); /* the same target for all */
    arena_done(&arena);
    return now_ms() - start;
}

static void save(const char *folder, const char *name, const struct strbuf *model) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(model->text, 1, model->length, file) != model->length)
        perror(path);
    if (file)
        fclose(file);
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : PARTS;
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        double best[2] = {INFINITY, INFINITY};
        size_t bytes = 0;
        for (int k = 0; k < 2; k++) {
            struct strbuf model = model_of_pattern(&patterns[p], n << k);
            for (int r = 0; r < REPEATS; r++)
                best[k] = fmin(best[k], once_ms(&model));
            bytes = model.length;
            if (argc > 2)
                save(argv[2], patterns[p].name, &model);
            strbuf_done(&model);
        }
        printf("%s\t%.4g\t%zu bytes, %.2f times that of half as many parts\n", patterns[p].name,
               best[1], bytes, best[1] / best[0]);
        fflush(stdout);
    }
    return 0;
}
