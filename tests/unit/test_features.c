/* FLOPs, bytes and kernel classes against numbers worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/features.h"
#include "core/op_kind.h"
#include "models/infer.h"
#include "models/zoo/zoo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* ---- one operator at a time ------------------------------------------------------------------ */

enum { DIMS_MAX = 5, TENSORS_MAX = 4 };

/* A shape ends with 0; -1 is a size that depends on data. */
struct shape {
    int64_t dims[DIMS_MAX + 1];
    bool weight;
};

struct scene {
    const char *domain, *type;
    struct shape inputs[TENSORS_MAX], output;
    struct {
        const char *name;
        int64_t values[5]; /* ends with INT64_MIN when it is a list; one value: an integer */
        int count;
        const char *text;
    } attributes[3];
};

static int32_t add_shape(struct graph *graph, const char *name, const struct shape *shape) {
    int32_t tensor = graph_add_tensor(graph, name, DTYPE_FLOAT32), rank = 0;
    while (shape->dims[rank] != 0)
        rank++;
    graph_set_shape(graph, tensor, rank, shape->dims);
    if (shape->weight)
        graph->tensors[tensor].flags |= TENSOR_INITIALIZER;
    return tensor;
}

static struct graph *stage(const struct scene *scene) {
    struct graph *graph = graph_new(&arena, "scene");
    int32_t inputs[TENSORS_MAX], op;
    uint32_t count = 0;
    while (count < TENSORS_MAX && scene->inputs[count].dims[0]) {
        char name[16];
        snprintf(name, sizeof name, "in%u", count);
        inputs[count] = add_shape(graph, name, &scene->inputs[count]);
        count++;
    }
    int32_t output = add_shape(graph, "out", &scene->output);
    op = graph_add_op(graph, "it", scene->type, scene->domain ? scene->domain : "");
    graph_set_inputs(graph, op, count, inputs);
    graph_set_outputs(graph, op, 1, &output);
    for (int i = 0; i < 3 && scene->attributes[i].name; i++)
        if (scene->attributes[i].text)
            graph_set_string(graph, op, scene->attributes[i].name, scene->attributes[i].text);
        else if (scene->attributes[i].count)
            graph_set_ints(graph, op, scene->attributes[i].name,
                           (uint32_t)scene->attributes[i].count, scene->attributes[i].values);
        else
            graph_set_int(graph, op, scene->attributes[i].name, scene->attributes[i].values[0]);
    return graph;
}

static struct features features_at(const struct scene *scene) {
    const struct feature_target target = {.block = 16};
    struct graph *graph = stage(scene);
    struct features features;
    struct err err = {0};
    if (features_of(graph, &graph->ops[0], &target, &features, &err))
        fail_msg("%s", err.message);
    return features;
}

struct expectation {
    const char *what;
    struct scene scene;
    double flops;
    double in, weights, out; /* elements; every element is a float here */
    const char *key;
    enum kernel_family family;
};

#define WEIGHT(...)                                                                                \
    { {__VA_ARGS__}, true }
#define VALUE(...)                                                                                 \
    { {__VA_ARGS__}, false }

/* clang-format off */
static const struct expectation expectations[] = {
    {"the first convolution of ResNet-50, 118,013,952 multiply-adds",
     {NULL, "Conv", {VALUE(1, 3, 224, 224), WEIGHT(64, 3, 7, 7), WEIGHT(64)}, VALUE(1, 64, 112, 112),
      {{"strides", {2, 2}, 2, NULL}}},
     2. * 118013952, 150528, 9408 + 64, 802816, "conv.plain.dense", FAMILY_CONV_PLAIN},
    {"a pointwise convolution",
     {NULL, "Conv", {VALUE(2, 64, 7, 9), WEIGHT(32, 64, 1, 1)}, VALUE(2, 32, 7, 9), {{0}}},
     2. * 2 * 32 * 63 * 64, 2 * 64 * 63, 2048, 2 * 32 * 63, "conv.plain.pointwise", FAMILY_CONV_PLAIN},
    {"a pointwise convolution with a stride copies first",
     {NULL, "Conv", {VALUE(1, 64, 8, 8), WEIGHT(32, 64, 1, 1)}, VALUE(1, 32, 4, 4),
      {{"strides", {2, 2}, 2, NULL}}},
     2. * 32 * 16 * 64, 4096, 2048, 512, "conv.plain.dense", FAMILY_CONV_PLAIN},
    {"a grouped convolution sees only its own channels",
     {NULL, "Conv", {VALUE(1, 64, 14, 14), WEIGHT(128, 16, 3, 3)}, VALUE(1, 128, 14, 14),
      {{"group", {4}, 0, NULL}, {"pads", {1, 1, 1, 1}, 4, NULL}}},
     2. * 128 * 196 * 16 * 9, 64 * 196, 128 * 16 * 9, 128 * 196, "conv.plain.grouped", FAMILY_CONV_PLAIN},
    {"a grouped one that is pointwise gathers no columns",
     {NULL, "Conv", {VALUE(1, 64, 14, 14), WEIGHT(128, 16, 1, 1)}, VALUE(1, 128, 14, 14),
      {{"group", {4}, 0, NULL}}},
     2. * 128 * 196 * 16, 64 * 196, 128 * 16, 128 * 196, "conv.plain.grouped.pointwise", FAMILY_CONV_PLAIN},
    {"a depthwise convolution",
     {NULL, "Conv", {VALUE(1, 96, 14, 14), WEIGHT(96, 1, 3, 3)}, VALUE(1, 96, 14, 14),
      {{"group", {96}, 0, NULL}}},
     2. * 96 * 196 * 9, 96 * 196, 96 * 9, 96 * 196, "conv.plain.depthwise", FAMILY_CONV_PLAIN},
    {"a convolution along one axis",
     {NULL, "Conv", {VALUE(1, 80, 3000), WEIGHT(384, 80, 3)}, VALUE(1, 384, 3000), {{0}}},
     2. * 384 * 3000 * 80 * 3, 240000, 92160, 1152000, "conv.plain.dense", FAMILY_CONV_PLAIN},
    {"a convolution through a volume",
     {NULL, "Conv", {VALUE(1, 3, 8, 16, 16), WEIGHT(8, 3, 3, 3, 3)}, VALUE(1, 8, 6, 14, 14), {{0}}},
     2. * 8 * 6 * 14 * 14 * 3 * 27, 3 * 2048, 8 * 81, 8 * 1176, "conv.plain.dense", FAMILY_CONV_PLAIN},
    {"blocked channels",
     {"com.microsoft.nchwc", "Conv", {VALUE(1, 64, 56, 56), WEIGHT(64, 64, 3, 3)}, VALUE(1, 64, 56, 56),
      {{"pads", {1, 1, 1, 1}, 4, NULL}}},
     2. * 115605504, 200704, 36864, 200704, "conv.nchwc.dense", FAMILY_CONV_BLOCKED},
    {"blocked channels, one filter each",
     {"com.microsoft.nchwc", "Conv", {VALUE(1, 96, 14, 14), WEIGHT(96, 1, 3, 3)}, VALUE(1, 96, 14, 14),
      {{"group", {96}, 0, NULL}}},
     2. * 96 * 196 * 9, 96 * 196, 96 * 9, 96 * 196, "conv.nchwc.depthwise", FAMILY_CONV_DEPTHWISE},
    {"blocked channels from a picture",
     {"com.microsoft.nchwc", "Conv", {VALUE(1, 3, 32, 32), WEIGHT(32, 3, 3, 3)}, VALUE(1, 32, 30, 30), {{0}}},
     2. * 32 * 900 * 27, 3072, 864, 28800, "conv.nchwc.stem", FAMILY_CONV_BLOCKED},
    {"a transposed convolution: every input meets every weight of its group",
     {NULL, "ConvTranspose", {VALUE(1, 64, 16, 16), WEIGHT(64, 32, 2, 2)}, VALUE(1, 32, 32, 32),
      {{"strides", {2, 2}, 2, NULL}}},
     2. * 64 * 256 * 32 * 4, 16384, 8192, 32768, "ConvTranspose", FAMILY_CONV_PLAIN},
    {"a grouped transposed convolution",
     {NULL, "ConvTranspose", {VALUE(1, 64, 16, 16), WEIGHT(64, 1, 4, 4)}, VALUE(1, 64, 34, 34),
      {{"strides", {2, 2}, 2, NULL}, {"group", {64}, 0, NULL}}},
     2. * 64 * 256 * 16, 16384, 1024, 64 * 1156, "ConvTranspose.depthwise", FAMILY_CONV_PLAIN},
    {"an integer convolution",
     {NULL, "ConvInteger", {VALUE(1, 16, 8, 8), WEIGHT(32, 16, 3, 3)}, VALUE(1, 32, 6, 6), {{0}}},
     2. * 32 * 36 * 144, 1024, 4608, 1152, "ConvInteger.dense.float32", FAMILY_CONV_INTEGER},

    {"a linear layer, its weights lying as PyTorch has them",
     {NULL, "Gemm", {VALUE(4, 2048), WEIGHT(1000, 2048), WEIGHT(1000)}, VALUE(4, 1000),
      {{"transB", {1}, 0, NULL}}},
     2. * 4 * 1000 * 2048, 8192, 2048000 + 1000, 4000, "matmul.weights", FAMILY_MATMUL},
    {"a linear layer of one row",
     {NULL, "Gemm", {VALUE(1, 2048), WEIGHT(2048, 1000)}, VALUE(1, 1000), {{0}}},
     2. * 1000 * 2048, 2048, 2048000, 1000, "matvec.weights", FAMILY_MATVEC},
    {"a linear layer of a transposed left side",
     {NULL, "Gemm", {VALUE(512, 16), WEIGHT(512, 10)}, VALUE(16, 10), {{"transA", {1}, 0, NULL}}},
     2. * 16 * 10 * 512, 8192, 5120, 160, "matmul.weights", FAMILY_MATMUL},
    {"tokens times weights are one product",
     {NULL, "MatMul", {VALUE(2, 128, 768), WEIGHT(768, 3072)}, VALUE(2, 128, 3072), {{0}}},
     2. * 2 * 128 * 768 * 3072, 196608, 2359296, 786432, "matmul.weights", FAMILY_MATMUL},
    {"attention scores, head by head",
     {NULL, "MatMul", {VALUE(1, 12, 128, 64), VALUE(1, 12, 64, 128)}, VALUE(1, 12, 128, 128), {{0}}},
     2. * 12 * 128 * 128 * 64, 2 * 98304, 0, 196608, "matmul.batched", FAMILY_MATMUL},
    {"a left side broadcast over batches",
     {NULL, "MatMul", {VALUE(5, 7), VALUE(3, 7, 11)}, VALUE(3, 5, 11), {{0}}},
     2. * 3 * 5 * 11 * 7, 35 + 231, 0, 165, "matmul.batched", FAMILY_MATMUL},
    {"a vector from the right",
     {NULL, "MatMul", {VALUE(6, 5, 4), VALUE(4)}, VALUE(6, 5), {{0}}},
     2. * 30 * 4, 124, 0, 30, "matmul.batched", FAMILY_MATMUL},
    {"a vector from the left",
     {NULL, "MatMul", {VALUE(4), WEIGHT(4, 9)}, VALUE(9), {{0}}},
     2. * 9 * 4, 4, 36, 9, "matvec.weights", FAMILY_MATVEC},
    {"two transposed matrices in one",
     {"com.microsoft", "FusedMatMul", {VALUE(3, 8, 5), VALUE(3, 6, 8)}, VALUE(3, 5, 6),
      {{"transA", {1}, 0, NULL}, {"transB", {1}, 0, NULL}}},
     2. * 3 * 5 * 6 * 8, 120 + 144, 0, 90, "matmul.batched", FAMILY_MATMUL},
    {"products whose batch stands in the middle",
     {"com.microsoft", "FusedMatMul", {VALUE(9, 3, 5), VALUE(7, 3, 5)}, VALUE(3, 9, 7),
      {{"transB", {1}, 0, NULL}, {"transBatchA", {1}, 0, NULL}, {"transBatchB", {1}, 0, NULL}}},
     2. * 3 * 9 * 7 * 5, 135 + 105, 0, 189, "matmul.batched", FAMILY_MATMUL},
    {"an Einstein sum of attention",
     {NULL, "Einsum", {VALUE(2, 4, 8, 16), VALUE(2, 4, 10, 16)}, VALUE(2, 4, 8, 10),
      {{"equation", {0}, 0, "bhqd,bhkd->bhqk"}}},
     2. * 2 * 4 * 8 * 10 * 16, 1024 + 1280, 0, 640, "Einsum", FAMILY_MATMUL},
    {"an Einstein sum without an arrow keeps the labels that stand once",
     {NULL, "Einsum", {VALUE(3, 4), VALUE(4, 5)}, VALUE(3, 5), {{"equation", {0}, 0, "ij, jk"}}},
     2. * 3 * 4 * 5, 32, 0, 15, "Einsum", FAMILY_MATMUL},
    {"an Einstein sum with an ellipsis",
     {NULL, "Einsum", {VALUE(2, 7, 3, 4), VALUE(2, 7, 4, 5)}, VALUE(2, 7, 3, 5),
      {{"equation", {0}, 0, "...ij,...jk->...ik"}}},
     2. * 14 * 3 * 4 * 5, 14 * 12 + 14 * 20, 0, 14 * 15, "Einsum", FAMILY_MATMUL},

    {"an LSTM: four gates, from the input and from the state",
     {NULL, "LSTM", {VALUE(20, 2, 64), WEIGHT(1, 512, 64), WEIGHT(1, 512, 128), WEIGHT(1, 1024)},
      VALUE(20, 1, 2, 128), {{"hidden_size", {128}, 0, NULL}}},
     2. * 20 * 2 * 512 * (64 + 128), 2560, 32768 + 65536 + 1024, 5120, "LSTM", FAMILY_RECURRENT},
    {"a GRU in both directions",
     {NULL, "GRU", {VALUE(10, 1, 32), WEIGHT(2, 48, 32), WEIGHT(2, 48, 16)}, VALUE(10, 2, 1, 16),
      {{"hidden_size", {16}, 0, NULL}}},
     2. * 10 * 2 * 48 * (32 + 16), 320, 3072 + 1536, 320, "GRU", FAMILY_RECURRENT},

    {"pooling: one operation per element of the window",
     {NULL, "MaxPool", {VALUE(1, 64, 112, 112)}, VALUE(1, 64, 56, 56),
      {{"kernel_shape", {3, 3}, 2, NULL}, {"strides", {2, 2}, 2, NULL}}},
     9. * 200704, 802816, 0, 200704, "MaxPool", FAMILY_POOL},
    {"pooling whole pictures",
     {NULL, "GlobalAveragePool", {VALUE(2, 32, 7, 7)}, VALUE(2, 32, 1, 1), {{0}}},
     2. * 32 * 49, 3136, 0, 64, "GlobalAveragePool", FAMILY_POOL},
    {"an addition counts the larger side",
     {NULL, "Add", {VALUE(2, 3, 1), VALUE(1, 3, 5)}, VALUE(2, 3, 5), {{0}}},
     30, 21, 0, 30, "Add", FAMILY_ELEMENTWISE},
    {"a layer normalisation: 7 per element",
     {NULL, "LayerNormalization", {VALUE(1, 128, 768), WEIGHT(768), WEIGHT(768)}, VALUE(1, 128, 768),
      {{"axis", {-1}, 0, NULL}}},
     7. * 98304, 98304, 1536, 98304, "LayerNormalization", FAMILY_ROWS},
    {"a softmax: 4 per element",
     {NULL, "Softmax", {VALUE(12, 128, 128)}, VALUE(12, 128, 128), {{"axis", {-1}, 0, NULL}}},
     4. * 196608, 196608, 0, 196608, "Softmax", FAMILY_ROWS},
    {"softmax along the axis before the last: one axis moves there and back",
     {NULL, "Softmax", {VALUE(12, 128, 128)}, VALUE(12, 128, 128), {{"axis", {1}, 0, NULL}}},
     4. * 196608, 196608, 0, 196608, "Softmax.axis", FAMILY_ROWS},
    {"softmax along an axis further in front: two axes change places",
     {NULL, "Softmax", {VALUE(1, 16, 4, 8400)}, VALUE(1, 16, 4, 8400), {{"axis", {1}, 0, NULL}}},
     4. * 537600, 537600, 0, 537600, "Softmax.swapped", FAMILY_ROWS},
    {"a mean over the last axis",
     {NULL, "ReduceMean", {VALUE(4, 8, 16)}, VALUE(4, 8, 1), {{0}}},
     512, 512, 0, 32, "ReduceMean.inner", FAMILY_ROWS},
    {"a mean over an outer axis",
     {NULL, "ReduceMean", {VALUE(4, 8, 16)}, VALUE(4, 1, 16), {{0}}},
     512, 512, 0, 64, "ReduceMean.outer", FAMILY_ROWS},
    {"a look-up moves, it does not compute",
     {NULL, "Gather", {WEIGHT(30522, 768), VALUE(1, 128)}, VALUE(1, 128, 768), {{0}}},
     0, 128, 30522. * 768, 98304, "Gather", FAMILY_MOVE},
    {"a transposition that keeps the last axis",
     {NULL, "Transpose", {VALUE(1, 128, 12, 64)}, VALUE(1, 12, 128, 64), {{"perm", {0, 2, 1, 3}, 4, NULL}}},
     0, 98304, 0, 98304, "Transpose.axis.block", FAMILY_MOVE},
    {"a transposition of pairs, each moved as one word of eight bytes",
     {NULL, "Transpose", {VALUE(1536, 2, 16, 2)}, VALUE(1536, 16, 2, 2), {{"perm", {0, 2, 1, 3}, 4, NULL}}},
     0, 98304, 0, 98304, "Transpose.axis.word", FAMILY_MOVE},
    {"a transposition that scatters",
     {NULL, "Transpose", {VALUE(128, 64)}, VALUE(64, 128), {{"perm", {1, 0}, 2, NULL}}},
     0, 8192, 0, 8192, "Transpose.axis.strided", FAMILY_MOVE},
    {"a transposition that only moves axes of one element is a copy",
     {NULL, "Transpose", {VALUE(1, 128, 64)}, VALUE(128, 1, 64), {{"perm", {1, 0, 2}, 3, NULL}}},
     0, 8192, 0, 8192, "Transpose.axis.block", FAMILY_MOVE},
    {"a transposition that moves two axes",
     {NULL, "Transpose", {VALUE(2, 3, 4, 5)}, VALUE(5, 4, 3, 2), {{"perm", {3, 2, 1, 0}, 4, NULL}}},
     0, 120, 0, 120, "Transpose.strided", FAMILY_MOVE},
    {"a view costs its call",
     {NULL, "Reshape", {VALUE(2, 3, 4)}, VALUE(6, 4), {{0}}}, 0, 24, 0, 24, "Reshape", FAMILY_METADATA},
};
/* clang-format on */

static void known_operators_have_the_numbers_of_the_book(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const struct expectation *e = &expectations[i];
        struct features f = features_at(&e->scene);
        if (f.flops != e->flops)
            fail_msg("%s: %.0f FLOPs, not %.0f", e->what, f.flops, e->flops);
        if (f.bytes_in != 4 * e->in || f.bytes_weights != 4 * e->weights ||
            f.bytes_out != 4 * e->out)
            fail_msg("%s: bytes %.0f + %.0f -> %.0f, not %.0f + %.0f -> %.0f", e->what, f.bytes_in,
                     f.bytes_weights, f.bytes_out, 4 * e->in, 4 * e->weights, 4 * e->out);
        if (strcmp(f.key, e->key) != 0 || f.family != e->family)
            fail_msg("%s: class %s of %s, not %s", e->what, f.key, family_info(f.family)->name,
                     e->key);
        assert_false(f.guessed);
        assert_true(f.terms[0] == 1);
    }
}

/* ---- what holds for all ---------------------------------------------------------------------- */

static void terms_are_finite_and_stand_where_they_have_a_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        struct features f = features_at(&expectations[i].scene);
        const struct family_info *family = family_info(f.family);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++) {
            assert_true(isfinite(f.terms[t]) && f.terms[t] >= 0);
            if (f.terms[t] > 0 && !family->terms[t])
                fail_msg("%s: %s has no term %d", expectations[i].what, family->name, t);
        }
    }
}

/* Twice the images: twice the FLOPs, and no term shrinks. */
static void a_larger_batch_never_costs_less(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        struct scene twice = expectations[i].scene;
        if (expectations[i].family == FAMILY_MATVEC || strstr(twice.type, "MatMul") ||
            twice.inputs[0].weight || strcmp(twice.type, "Add") == 0 ||
            strcmp(twice.type, "Einsum") == 0 || expectations[i].family == FAMILY_RECURRENT ||
            strcmp(twice.type, "Transpose") == 0 || op_kind_find("", twice.type) == NULL ||
            (strcmp(twice.type, "Gemm") == 0 && twice.attributes[0].values[0] == 1 &&
             strcmp(twice.attributes[0].name, "transA") == 0))
            continue;
        twice.inputs[0].dims[0] *= 2;
        twice.output.dims[0] *= 2;
        struct features one = features_at(&expectations[i].scene), two = features_at(&twice);
        if (two.flops != 2 * one.flops)
            fail_msg("%s: %.0f FLOPs at twice the batch", expectations[i].what, two.flops);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            if (two.terms[t] < one.terms[t])
                fail_msg("%s: %s shrinks", expectations[i].what, family_info(two.family)->terms[t]);
    }
}

static void a_size_that_depends_on_data_is_guessed(void **state) {
    (void)state;
    const struct scene scene = {NULL, "Relu", {VALUE(4, -1)}, VALUE(4, -1), {{0}}};
    struct features f = features_at(&scene);
    assert_true(f.guessed);
    assert_true(f.flops == 4 && f.bytes_in == 16);
    struct graph *graph = stage(&scene);
    assert_true(op_flops(graph, &graph->ops[0]) == 0); /* not known */
    graph->tensors[0].rank = graph->tensors[1].rank = GRAPH_RANK_UNKNOWN;
    const struct feature_target target = {.block = 16};
    struct err err = {0};
    assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
    assert_true(f.guessed);
}

static void shapes_that_make_no_sense_do_no_harm(void **state) {
    (void)state;
    static const struct scene scenes[] = {
        {NULL,                        "Gather",    {VALUE(2, 3), VALUE(4)}, VALUE(4,                                        3),                                                                        {{"axis", {-9}, 0, NULL}}},
        {NULL,                           "Gather",                                   {VALUE(2, 3), VALUE(4)},                        VALUE(4,             3),                                                        {{"axis", {9}, 0, NULL}}},
        {NULL,   "Softmax",              {VALUE(2, 3)},                                  VALUE(2,                                                                     3),                                                             {{"axis", {4294967294}, 0, NULL}}},
        {NULL,                         "Softmax",   {VALUE(2, 3)},                          VALUE(2, 3),{{"axis", {2147483647}, 0, NULL}}},
        {NULL,                    "Transpose",                             {VALUE(2, 3)},VALUE(2,                                        3),                                                                                                                                  {{"perm", {0, 1, 2}, 3, NULL}}},
        {NULL,              "Transpose",{VALUE(2, 3)},                  VALUE(2,3),{{"perm", {0, 1}, 2, NULL}}},
        {NULL,   "Softmax",            {VALUE(2, 3)},           VALUE(2,                                                             3),                                                                                                                                                                         {{"axis", {-9}, 0, NULL}}},
        {NULL,                        "LayerNormalization",                        {VALUE(2, 3)},                       VALUE(2,                                                    3),                                                               {{"axis", {-9}, 0, NULL}}},
        {NULL,                           "Conv",                                   {VALUE(2), WEIGHT(3)},               VALUE(2),                         {{"group", {0}, 0, NULL}}                                                                    },
        {NULL,  "Conv",             {VALUE(2, 3)},                                 VALUE(2),                                               {{"group", {-5}, 0, NULL}}  },
        {"com.microsoft.nchwc",  "Conv",             {VALUE(2), WEIGHT(3)},                                 VALUE(2),                                                {{"group", {0}, 0, NULL}}                           },
        {NULL, "ConvTranspose",            {VALUE(2, 3, 4)},               VALUE(2),        {{"group", {0}, 0, NULL}}                                             },
        {NULL,  "MatMul",             {VALUE(2)},                                 VALUE(2),                 {{0}}                                   },
        {NULL,  "Transpose",             {VALUE(2, 3)},                                 VALUE(2,                                                               3),                                                                     {{"perm", {7, -7}, 2, NULL}}},
        {NULL,                      "Einsum",                                 {VALUE(2, 3)},                                                     VALUE(2,                                                                       3),                                                                                    {{"equation", {0}, 0, "abcdefgh...,,,->..z"}}},
        {NULL,                         "LSTM",        {VALUE(2)},                               VALUE(2),            {{0}}},
        {NULL,                    "Attention",                             {VALUE(2)},VALUE(2),{{0}}},
        {NULL,                 "MaxPool",             {VALUE(2)}, VALUE(2),                                    {{0}}                                                                                                                      },
    };
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct features f = features_at(&scenes[i]);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            if (!isfinite(f.terms[t]))
                fail_msg("scene %zu, %s: term %d is %g", i, scenes[i].type, t, f.terms[t]);
        assert_true(isfinite(f.flops));
    }
}

static void every_type_stands_outputs_and_inputs_omitted(void **state) {
    (void)state;
    for (uint32_t i = 0; i < op_kind_count(); i++) {
        const struct op_kind *kind = op_kind_at(i);
        const struct scene scene = {
            kind->domain ? kind->domain : "", kind->type, {{{0}, 0}},
                  {{0},      0},
                  {{0}       }
        };
        struct graph *graph = stage(&scene);
        graph->ops[0].input_count = graph->ops[0].output_count = 0;
        const struct feature_target target = {.block = 8};
        struct features f;
        struct err err = {0};
        assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            if (!isfinite(f.terms[t]))
                fail_msg("%s without inputs: term %d is %g", kind->type, t, f.terms[t]);
    }
}

static void an_unknown_type_is_refused_by_name(void **state) {
    (void)state;
    const struct scene scene = {"my.house", "Frobnicate", {VALUE(2)}, VALUE(2), {{0}}};
    const struct feature_target target = {.block = 16};
    struct graph *graph = stage(&scene);
    struct features f;
    struct err err = {0};
    assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "my.house.Frobnicate"));
}

static void the_element_type_is_part_of_the_class(void **state) {
    (void)state;
    const struct scene scene = {
        NULL, "Gather", {VALUE(9), VALUE(2)},
          VALUE(2), {{0}       }
    };
    const struct feature_target target = {.block = 16};
    struct graph *graph = stage(&scene);
    struct features f;
    struct err err = {0};
    graph->tensors[0].dtype = DTYPE_INT64;
    assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
    assert_string_equal(f.key, "Gather/int64");
    assert_true(f.bytes_in == 9 * 8 + 2 * 4);
}

/* The weights of quantised products stand at input 3; input 1 is a scale. */
static void quantised_products_find_their_weights(void **state) {
    (void)state;
    static const char *const types[] = {"QLinearMatMul", "QGemm"};
    for (size_t i = 0; i < 2; i++) {
        struct graph *graph = graph_new(&arena, "q");
        int32_t x = add_shape(graph, "x", &(struct shape)VALUE(8, 64));
        int32_t w = add_shape(graph, "w", &(struct shape)WEIGHT(64, 32));
        int32_t y = add_shape(graph, "y", &(struct shape)VALUE(8, 32));
        int32_t scale = graph_add_tensor(graph, "scale", DTYPE_FLOAT32);
        graph_set_shape(graph, scale, 0, NULL);
        int32_t op = graph_add_op(graph, "it", types[i], i ? "com.microsoft" : "");
        graph_set_inputs(graph, op, 6, (int32_t[]){x, scale, scale, w, scale, scale});
        graph_set_outputs(graph, op, 1, &y);
        assert_true(op_flops(graph, &graph->ops[0]) == 2. * 8 * 64 * 32);
    }
}

static double term(const struct features *features, const char *name) {
    const char *const *terms = family_info(features->family)->terms;
    for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++)
        if (strcmp(terms[i], name) == 0)
            return features->terms[i];
    return NAN;
}

/* 2 + 2 + 16 of 20: three blocks a row, two of them shorter than a vector. */
static void what_is_joined_moves_piece_by_piece(void **state) {
    (void)state;
    static const struct scene join = {
        NULL,
        "Concat",
        {VALUE(5, 7, 2), VALUE(5, 7, 2), VALUE(5, 7, 16)},
        VALUE(5, 7, 20),
        {{"axis", {-1}, 0, NULL}    }
    };
    const struct feature_target target = {.block = 16};
    struct features f;
    struct err err = {0};
    const struct graph *graph = stage(&join);
    assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
    assert_true(term(&f, "blocks") == 3 * 35);
    assert_true(term(&f, "strided_elements") == 4 * 35);
}

/* A cubic Resize brings each row of its input to the new width, then mixes four of them. */
static void a_cubic_resize_widens_rows_first(void **state) {
    (void)state;
    struct scene scene = {NULL,
                          "Resize",
                          {VALUE(1, 3, 240, 200)},
                          VALUE(1, 3, 224, 150),
                          {{"mode", {0}, 0, "cubic"}}};
    struct features cubic = features_at(&scene);
    assert_string_equal(cubic.key, "Resize.cubic");
    assert_true(cubic.terms[1] == 4. * 3 * 240 * 150);
    scene.attributes[0].text = "linear";
    assert_true(features_at(&scene).terms[1] == 4. * 3 * 224 * 150);
}

/* Down the rows of the input, 16 bytes of each: lines that a cache cannot hold are fetched again.
 */
static void transposing_walks_down_the_rows_of_its_input(void **state) {
    (void)state;
    static const struct {
        struct scene scene;
        bool thrown, crowded; /* out of the first cache, and out of the second */
    } cases[] = {
  /* 64 rows of 196 floats: nothing crowds */
        {{NULL,
          "Transpose",
          {VALUE(1, 64, 196)},
          VALUE(1, 196, 64),
          {{"perm", {0, 2, 1}, 3, NULL}}},
         false, false},
 /* 256 rows, 50176 bytes apart; the same the other way round */
        {{NULL,
          "Transpose",
          {VALUE(1, 256, 12544)},
          VALUE(1, 12544, 256),
          {{"perm", {0, 2, 1}, 3, NULL}}},
         true,  false},
 /* 256 rows, 64 KiB apart: in two sets of the second cache */
        {{NULL,
          "Transpose",
          {VALUE(1, 256, 16384)},
          VALUE(1, 16384, 256),
          {{"perm", {0, 2, 1}, 3, NULL}}},
         true,  true },
 /* the last axis to the front: 16384 rows, 1 KiB apart */
        {{NULL,
          "Transpose",
          {VALUE(1, 128, 128, 256)},
          VALUE(1, 256, 128, 128),
          {{"perm", {0, 3, 1, 2}, 4, NULL}}},
         true,  true },
 /* rows that are a part of a line are read one after the other */
        {{NULL,
          "Transpose",
          {VALUE(1, 196, 196, 4)},
          VALUE(1, 4, 196, 196),
          {{"perm", {0, 3, 1, 2}, 4, NULL}}},
         false, false},
    };
    const struct feature_target target = {.block = 16, .cache_bytes = 2 << 20};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct features f;
        struct err err = {0};
        const struct graph *graph = stage(&cases[i].scene);
        assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
        assert_string_equal(f.key, "Transpose.axis.strided");
        assert_int_equal(term(&f, "thrown_elements") > 0, cases[i].thrown);
        assert_int_equal(term(&f, "crowded_elements") > 0, cases[i].crowded);
    }
}

static int32_t add_integers(struct graph *graph, enum dtype dtype, const struct shape *shape) {
    int32_t tensor = add_shape(graph, "", shape);
    graph->tensors[tensor].dtype = dtype;
    return tensor;
}

/* Channels last: 12 x 10 pixels of 64 channels to 96; rows are pixels, columns filters. */
static void integer_convolutions_stand_channels_last(void **state) {
    (void)state;
    const struct feature_target target = {.block = 16, .integer_depth = 64};
    struct graph *graph = graph_new(&arena, "q");
    struct features f;
    struct err err = {0};
    int32_t x = add_integers(graph, DTYPE_UINT8, &(struct shape)VALUE(1, 12, 10, 64));
    int32_t w = add_integers(graph, DTYPE_INT8, &(struct shape)WEIGHT(96, 64, 3, 3));
    int32_t y = add_integers(graph, DTYPE_UINT8, &(struct shape)VALUE(1, 10, 8, 96));
    int32_t scale = graph_add_tensor(graph, "scale", DTYPE_FLOAT32);
    graph_set_shape(graph, scale, 0, NULL);
    int32_t op = graph_add_op(graph, "it", "QLinearConv", "com.microsoft");
    graph_set_inputs(graph, op, 6, (int32_t[]){x, scale, scale, w, scale, scale});
    graph_set_outputs(graph, op, 1, &y);
    graph_set_int(graph, op, "channels_last", 1);
    assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
    assert_string_equal(f.key, "QLinearConv.dense.int8/uint8");
    assert_true(f.flops == 2. * 80 * 96 * 576);
    assert_true(f.terms[2] == f.flops);   /* nothing to pad */
    assert_true(f.terms[3] == 80. * 576); /* a byte each */
    graph->ops[0].attribute_count = 0;    /* the sizes are another image's, then */
    assert_int_equal(features_of(graph, &graph->ops[0], &target, &f, &err), 0);
    assert_non_null(strstr(f.key, ".transposed."));
}

/* ---- the table ------------------------------------------------------------------------------- */

static void no_row_stands_twice(void **state) {
    (void)state;
    for (uint32_t i = 0; i < op_kind_count(); i++) {
        const struct op_kind *kind = op_kind_at(i);
        assert_true(kind->family < FAMILY_COUNT);
        /* The row is found under its own name: no row before it hides it. */
        if (op_kind_find(kind->domain ? kind->domain : "", kind->type) != kind)
            fail_msg("the row of %s is hidden by an earlier one", kind->type);
    }
}

static void family_names_are_distinct_and_terms_begin_with_the_call(void **state) {
    (void)state;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        const struct family_info *info = family_info((enum kernel_family)f);
        assert_string_equal(info->terms[0], "call");
        for (int g = 0; g < f; g++)
            assert_string_not_equal(info->name, family_info((enum kernel_family)g)->name);
    }
}

/* Types that shape inference knows and no cost model does, each for a reason. */
static const struct {
    const char *types, *why;
} without_a_row[] = {
    {"StringConcat StringSplit RegexFullMatch StringNormalizer TfIdfVectorizer",
     "what they cost depends on the texts"                                                                                                            },
    {"Adagrad Adam Momentum Gradient",                                           "training"                                                           },
    {"BiasAdd BiasDropout BitmaskDropout GemmFloat8 GemmFastGelu LongformerAttention NhwcConv "
     "RelativePositionBias SkipGroupNorm",                                  "no CPU kernel in ONNX Runtime"                                      },
    {"Inverse",                                                                  "cubic in a matrix's side; no model has it"                          },
    {"SequenceMap",                                                              "runs its body as often as the sequence is long, which no shape says"},
};

static bool is_excepted(const char *type) {
    size_t length = strlen(type);
    for (size_t i = 0; i < sizeof without_a_row / sizeof *without_a_row; i++)
        for (const char *at = without_a_row[i].types; (at = strstr(at, type)); at++)
            if ((at == without_a_row[i].types || at[-1] == ' ') &&
                (at[length] == '\0' || at[length] == ' '))
                return true;
    return false;
}

static void every_type_that_has_shapes_has_a_cost_or_a_reason(void **state) {
    (void)state;
    const char *domain, *type;
    uint32_t known = 0, missing = 0;
    for (uint32_t i = 0; infer_known_at(i, &domain, &type); i++) {
        bool row = op_kind_find(domain, type) != NULL;
        known++;
        if (row && is_excepted(type))
            fail_msg("%s has a row by now: take it off the list", type);
        if (row || is_excepted(type))
            continue;
        print_message("no row: %s %s\n", domain, type);
        missing++;
    }
    for (size_t i = 0; i < sizeof without_a_row / sizeof *without_a_row; i++)
        print_message("refused by name, %s: %s\n", without_a_row[i].why, without_a_row[i].types);
    assert_true(known > 150);
    assert_int_equal(missing, 0);
}

/* ---- published figures ----------------------------------------------------------------------- */

static double product_flops(const struct graph *graph) {
    double sum = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op_kind *kind = op_kind_find(graph->ops[i].domain, graph->ops[i].type);
        bool product = kind && (kind->family <= FAMILY_MATVEC || kind->family == FAMILY_RECURRENT);
        sum += product ? op_flops(graph, &graph->ops[i]) : 0;
    }
    return sum;
}

static void convolutions_and_products_add_up_to_the_published_figures(void **state) {
    (void)state;
    uint32_t judged = 0;
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t k = 0; k < zoo_families[f]->count; k++) {
            const struct zoo_row *row = &zoo_families[f]->rows[k];
            struct arena scratch;
            struct zoo_model model;
            struct err err = {0};
            if (row->gmacs.step <= 0)
                continue;
            arena_init(&scratch);
            if (zoo_build(&scratch, row->name, NULL, &model, &err))
                fail_msg("%s: %s", row->name, err.message);
            double products = product_flops(model.graph), all = graph_flops(model.graph);
            arena_done(&scratch);
            if (fabs(products / 2e9 - row->gmacs.value) > row->gmacs.step / 2 * 1.0001)
                fail_msg("%s: %.5f G multiply-adds, published %g", row->name, products / 2e9,
                         row->gmacs.value);
            assert_true(all >= products && all < 1.25 * products);
            judged++;
        }
    print_message("%u architectures with published multiply-adds\n", judged);
    assert_true(judged >= 20);
}

/* ---- far bytes ------------------------------------------------------------------------------- */

enum { FAR_WEIGHT_BYTES = 3, FAR_DATA_BYTES = 5, FAR_CALLS = 1, UNTOUCHED = -1 };

static double far_amount_of(const char *term, const char *prefix) {
    size_t length = strlen(prefix);
    if (strncmp(term, prefix, length) != 0)
        return UNTOUCHED;
    if (strcmp(term + length, "calls") == 0)
        return FAR_CALLS;
    return strcmp(term + length, "weight_bytes") == 0 ? FAR_WEIGHT_BYTES : FAR_DATA_BYTES;
}

static void what_is_stale_gets_the_terms_of_that_name(void **state) {
    (void)state;
    for (int family = 0; family < FAMILY_COUNT; family++) {
        struct features features = {.family = (enum kernel_family)family};
        features.reuse.weights[0] = FAR_WEIGHT_BYTES;
        features.reuse.data[1] = FAR_DATA_BYTES;
        features.reuse.call = FAR_CALLS;
        for (int i = 0; i < FEATURE_TERMS_MAX; i++)
            features.terms[i] = UNTOUCHED;
        features_forget(&features, 1);
        const char *const *terms = family_info((enum kernel_family)family)->terms;
        for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++)
            assert_true(features.terms[i] == far_amount_of(terms[i], "stale_"));
    }
}

static void every_stale_term_follows_its_cold_one(void **state) {
    (void)state;
    for (int family = 0; family < FAMILY_COUNT; family++) {
        const char *const *terms = family_info((enum kernel_family)family)->terms;
        for (int i = 1; i < FEATURE_TERMS_MAX && terms[i]; i++)
            if (strncmp(terms[i], "stale_", 6) == 0)
                assert_true(strncmp(terms[i - 1], "cold_", 5) == 0 &&
                            strcmp(terms[i - 1] + 5, terms[i] + 6) == 0);
    }
}

static void far_terms_are_known_by_kind(void **state) {
    (void)state;
    for (int family = 0; family < FAMILY_COUNT; family++) {
        const char *const *terms = family_info((enum kernel_family)family)->terms;
        for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++) {
            bool far = strncmp(terms[i], "cold_", 5) == 0 || strncmp(terms[i], "stale_", 6) == 0;
            bool call = far && strstr(terms[i], "calls");
            assert_int_equal(family_far_kind((enum kernel_family)family, i), call  ? FAR_CALL
                                                                             : far ? FAR_BYTES
                                                                                   : FAR_NONE);
        }
    }
}

/* ---- several threads ------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct scene scene;
    uint32_t threads;
    double share, forks;
} dealt[] = {
  /* clang-format off */
    {"two sets of filters by seven rows are fourteen pieces",
     {"com.microsoft.nchwc", "Conv", {VALUE(1, 64, 7, 7), WEIGHT(128, 64, 3, 3)}, VALUE(1, 128, 7, 7),
      {{"pads", {1, 1, 1, 1}, 4, NULL}}}, 4, 4. / 14, 1},
    {"one filter each: a row of a block of channels is a piece",
     {"com.microsoft.nchwc", "Conv", {VALUE(1, 32, 5, 5), WEIGHT(32, 1, 3, 3)}, VALUE(1, 32, 5, 5),
      {{"group", {32}, 0, NULL}, {"pads", {1, 1, 1, 1}, 4, NULL}}}, 4, 3. / 10, 1},
    {"groups go to threads whole",
     {NULL, "Conv", {VALUE(1, 48, 14, 14), WEIGHT(48, 16, 3, 3)}, VALUE(1, 48, 14, 14),
      {{"group", {3}, 0, NULL}, {"pads", {1, 1, 1, 1}, 4, NULL}}}, 2, 2. / 3, 1},
    {"a batch of three small products",
     {NULL, "MatMul", {VALUE(3, 8, 8), VALUE(3, 8, 8)}, VALUE(3, 8, 8), {{0}}}, 2, 2. / 3, 1},
    {"a tiny product is not worth a second thread",
     {NULL, "MatMul", {VALUE(8, 8), WEIGHT(8, 8)}, VALUE(8, 8), {{0}}}, 2, 1, 0},
    {"nor is a short sum",
     {NULL, "Add", {VALUE(88000), VALUE(88000)}, VALUE(88000), {{0}}}, 2, 1, 0},
    {"rows that are normalised, however short",
     {NULL, "LayerNormalization", {VALUE(5, 8), WEIGHT(8), WEIGHT(8)}, VALUE(5, 8), {{0}}}, 2, 3. / 5, 1},
    {"16,384 elements of a softmax are worth a thread more",
     {NULL, "Softmax", {VALUE(128, 128)}, VALUE(128, 128), {{0}}}, 4, 0.5, 1},
    {"a mean over everything",
     {NULL, "ReduceMean", {VALUE(1000, 1000)}, VALUE(1, 1), {{0}}}, 4, 1, 0},
    {"a matrix is transposed row by row",
     {NULL, "Transpose", {VALUE(10, 6, 8)}, VALUE(10, 8, 6), {{"perm", {0, 2, 1}, 3, NULL}}}, 4, 2. / 6, 10},
    {"any other order is one thread's work",
     {NULL, "Transpose", {VALUE(10, 6, 8)}, VALUE(8, 6, 10), {{"perm", {2, 1, 0}, 3, NULL}}}, 4, 1, 0},
    {"filters by sixteens do not matter where pixels are dealt out",
     {NULL, "QLinearConv", {VALUE(1, 64, 7, 7), WEIGHT(1), WEIGHT(1), WEIGHT(512, 64, 3, 3)},
      VALUE(1, 512, 7, 7), {{"pads", {1, 1, 1, 1}, 4, NULL}}}, 4, 1. / 4, 1},
    {"images that are convolved backwards, one after the other",
     {NULL, "ConvTranspose", {VALUE(3, 64, 16, 16), WEIGHT(64, 32, 2, 2)}, VALUE(3, 32, 32, 32),
      {{"strides", {2, 2}, 2, NULL}}}, 4, 1. / 4, 3},
    {"planes of a pool",
     {NULL, "MaxPool", {VALUE(1, 3, 8, 8)}, VALUE(1, 3, 4, 4), {{"kernel_shape", {2, 2}, 2, NULL}}}, 2, 2. / 3, 1},
    {"rows of blocks of a pool",
     {"com.microsoft.nchwc", "MaxPool", {VALUE(1, 16, 8, 8)}, VALUE(1, 16, 3, 3),
      {{"kernel_shape", {2, 2}, 2, NULL}}}, 2, 2. / 3, 1},
    {"a formula goes by 4,096 elements",
     {NULL, "Gelu", {VALUE(3, 4096)}, VALUE(3, 4096), {{0}}}, 2, 2. / 3, 1},
    {"a broadcast goes by whole spans",
     {NULL, "Add", {VALUE(3, 100000), WEIGHT(100000)}, VALUE(3, 100000), {{0}}}, 2, 2. / 3, 1},
    {"a sum between two axes is cut along the first",
     {NULL, "ReduceSum", {VALUE(3, 100, 100)}, VALUE(3, 1, 100), {{0}}}, 2, 2. / 3, 1},
    {"a sum that drops its axis has as many results as it has",
     {NULL, "ReduceSum", {VALUE(8, 8, 1600)}, VALUE(8, 1600), {{0}}}, 2, 0.5, 1},
    {"channels that are put into blocks",
     {"com.microsoft.nchwc", "ReorderInput", {VALUE(1, 48, 8, 8)}, VALUE(1, 48, 8, 8), {{0}}}, 2, 2. / 3, 1},
    {"and taken out of them, when they are few",
     {"com.microsoft.nchwc", "ReorderOutput", {VALUE(1, 48, 4, 4)}, VALUE(1, 48, 4, 4), {{0}}}, 2, 1, 0},
    {"channels that are enlarged line by line",
     {NULL, "Resize", {VALUE(2, 3, 16, 16)}, VALUE(2, 3, 32, 32), {{"mode", {0}, 0, "linear"}}}, 2, 2. / 3, 2},
    {"nearest pixels are one thread's work",
     {NULL, "Resize", {VALUE(2, 3, 16, 16)}, VALUE(2, 3, 32, 32), {{"mode", {0}, 0, "nearest"}}}, 2, 1, 0},
    {"inputs that are joined, each of its own",
     {NULL, "Concat", {VALUE(1, 400000), VALUE(1, 400000)}, VALUE(1, 800000), {{"axis", {1}, 0, NULL}}}, 2, 0.5, 2},
    {"sequences of a batch through a recurrent layer",
     {NULL, "LSTM", {VALUE(10, 5, 32), WEIGHT(1, 256, 32), WEIGHT(1, 256, 64)}, VALUE(10, 1, 5, 64),
      {{"hidden_size", {64}, 0, NULL}}}, 2, 3. / 5, 2},
    {"a choice is one thread's work",
     {NULL, "Where", {VALUE(1000000), VALUE(1000000), VALUE(1000000)}, VALUE(1000000), {{0}}}, 4, 1, 0},
  /* clang-format on */
};

static void work_is_dealt_out_as_the_kernels_do(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof dealt / sizeof *dealt; i++) {
        struct features f = features_at(&dealt[i].scene);
        double share = division_share(&f.division, dealt[i].threads),
               forks = division_forks(&f.division, dealt[i].threads);
        if (fabs(share - dealt[i].share) > 1e-9 || forks != dealt[i].forks)
            fail_msg("%s: %g of it, %g forks", dealt[i].what, share, forks);
    }
}

static void expect_part(const struct features *one, const struct features *many, uint32_t threads) {
    const char *const *names = family_info(one->family)->terms;
    double share = division_share(&one->division, threads);
    assert_true(share <= 1 && share >= 1. / threads);
    for (int t = 0; t < FEATURE_TERMS_MAX && names[t]; t++) {
        bool whole = t == 0 || family_far_kind(one->family, t) == FAR_CALL;
        double expected = strcmp(names[t], "forks") == 0 ? division_forks(&one->division, threads)
                          : whole                        ? one->terms[t]
                                                         : share * one->terms[t];
        assert_true(fabs(many->terms[t] - expected) <= 1e-9 * expected);
    }
}

/* The busiest thread has a part of the work, and one thread all of it again. */
static void divided_terms_are_parts_of_the_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const struct features one = features_at(&expectations[i].scene);
        struct features back = one;
        for (uint32_t n = 2; n <= 64; n *= 2) {
            struct features many = one;
            features_divide(&many, 1, n);
            expect_part(&one, &many, n);
            features_divide(&many, n, 1);
            back = many;
        }
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            assert_true(fabs(back.terms[t] - one.terms[t]) <= 1e-9 * one.terms[t]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_operators_have_the_numbers_of_the_book),
        cmocka_unit_test(terms_are_finite_and_stand_where_they_have_a_name),
        cmocka_unit_test(a_larger_batch_never_costs_less),
        cmocka_unit_test(a_size_that_depends_on_data_is_guessed),
        cmocka_unit_test(shapes_that_make_no_sense_do_no_harm),
        cmocka_unit_test(every_type_stands_outputs_and_inputs_omitted),
        cmocka_unit_test(an_unknown_type_is_refused_by_name),
        cmocka_unit_test(the_element_type_is_part_of_the_class),
        cmocka_unit_test(integer_convolutions_stand_channels_last),
        cmocka_unit_test(quantised_products_find_their_weights),
        cmocka_unit_test(what_is_joined_moves_piece_by_piece),
        cmocka_unit_test(a_cubic_resize_widens_rows_first),
        cmocka_unit_test(transposing_walks_down_the_rows_of_its_input),
        cmocka_unit_test(no_row_stands_twice),
        cmocka_unit_test(family_names_are_distinct_and_terms_begin_with_the_call),
        cmocka_unit_test(every_type_that_has_shapes_has_a_cost_or_a_reason),
        cmocka_unit_test(what_is_stale_gets_the_terms_of_that_name),
        cmocka_unit_test(every_stale_term_follows_its_cold_one),
        cmocka_unit_test(far_terms_are_known_by_kind),
        cmocka_unit_test(work_is_dealt_out_as_the_kernels_do),
        cmocka_unit_test(divided_terms_are_parts_of_the_whole),
        cmocka_unit_test(convolutions_and_products_add_up_to_the_published_figures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
