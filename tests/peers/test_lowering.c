/* Our lowering rules and our shape inference against ONNX Runtime's own lowering: type, domain and
 * all shapes of every operator, as a multiset. */
#include "collectors/collector.h"
#include "core/flat.h"
#include "jobs/subject.h"
#include "models/infer.h"
#include "models/lower.h"
#include "models/onnx/write.h"
#include "models/reader.h"
#include "models/zoo/zoo.h"

#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct subject_row {
    const char *name;
    double floor; /* share of operators that must agree */
    struct zoo_quantisation quantisation;
};

#define FORM(how, channels, products)                                                              \
    { .form = how, .per_channel = channels, .products_only = products }

static const struct subject_row files[] = {
    {"bert_base",          1, FORM(ZOO_FLOAT32, false, false)},
    {"efficientnet_b0",    1, FORM(ZOO_FLOAT32, false, false)},
    {"light_bvlc_alexnet", 1, FORM(ZOO_FLOAT32, false, false)},
    {"light_inception_v1", 1, FORM(ZOO_FLOAT32, false, false)},
    {"light_resnet50",     1, FORM(ZOO_FLOAT32, false, false)},
    {"light_squeezenet",   1, FORM(ZOO_FLOAT32, false, false)},
    {"llama_s",            1, FORM(ZOO_FLOAT32, false, false)},
    {"mobilenet_v2",       1, FORM(ZOO_FLOAT32, false, false)},
    {"regnet_x_800mf",     1, FORM(ZOO_FLOAT32, false, false)},
    {"resnet18",           1, FORM(ZOO_FLOAT32, false, false)},
    {"resnet50",           1, FORM(ZOO_FLOAT32, false, false)},
    {"squeezenet1_1",      1, FORM(ZOO_FLOAT32, false, false)},
    {"vgg11",              1, FORM(ZOO_FLOAT32, false, false)},
};

static const struct subject_row built[] = {
    {"mobilenet_v3_small",   1,    FORM(ZOO_FLOAT32,   false, false)},
    {"shufflenet_v2_x0_5",   1,    FORM(ZOO_FLOAT32,   false, false)},
    {"densenet121",          1,    FORM(ZOO_FLOAT32,   false, false)},
    {"bert_tiny",            1,    FORM(ZOO_FLOAT32,   false, false)},
    {"distilgpt2",           1,    FORM(ZOO_FLOAT32,   false, false)},
    {"llama_tiny",           1,    FORM(ZOO_FLOAT32,   false, false)},
    {"swin_t",               1,    FORM(ZOO_FLOAT32,   false, false)},
    {"convnext_tiny",        1,    FORM(ZOO_FLOAT32,   false, false)},
    {"whisper_tiny_encoder", 1,    FORM(ZOO_FLOAT32,   false, false)},
    {"lstm_medium",          1,    FORM(ZOO_FLOAT32,   false, false)},
    {"unet",                 1,    FORM(ZOO_FLOAT32,   false, false)},
    {"resnet8",              1,    FORM(ZOO_FLOAT32,   false, false)},
    {"resnet18",             1,    FORM(ZOO_QDQ,       true,  false)},
    {"mobilenet_v2",         1,    FORM(ZOO_QDQ,       false, false)},
    {"mobilenet_v3_small",   1,    FORM(ZOO_QDQ,       false, false)},
    {"efficientnet_b0",      1,    FORM(ZOO_QDQ,       false, false)},
    {"squeezenet1_1",        1,    FORM(ZOO_QDQ,       false, false)},
    {"densenet121",          0.78, FORM(ZOO_QDQ,       false, false)},
    {"googlenet",            1,    FORM(ZOO_OPERATORS, false, false)},
    {"shufflenet_v2_x0_5",   0.95, FORM(ZOO_OPERATORS, false, false)},
    {"unet",                 0.98, FORM(ZOO_QDQ,       false, false)},
    {"resnet18",             0.87, FORM(ZOO_QDQ,       false, true) },
    {"bert_tiny",            1,    FORM(ZOO_QDQ,       false, false)},
    {"deit_tiny",            0.9,  FORM(ZOO_QDQ,       false, true) },
    {"bert_tiny",            1,    FORM(ZOO_DYNAMIC,   false, false)},
    {"llama_tiny",           0.99, FORM(ZOO_DYNAMIC,   false, false)},
    {"resnet18",             1,    FORM(ZOO_DYNAMIC,   false, false)},
    {"lstm_medium",          1,    FORM(ZOO_DYNAMIC,   false, false)},
    {"resnet18",             0.07, FORM(ZOO_FLOAT16,   false, false)},
    {"bert_tiny",            0.36, FORM(ZOO_FLOAT16,   false, false)},
};

/* ---- graphs as sorted lines ------------------------------------------------------------------ */

static const char *describe(struct arena *arena, const struct flat_op *f) {
    struct strbuf text;
    strbuf_init(&text);
    strbuf_printf(&text, "%s:%s", f->op->domain, f->op->type);
    for (uint32_t k = 0; k < f->op->input_count; k++) {
        const struct tensor *t = op_input(f->graph, f->op, k);
        bool weight = t && t->flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
        strbuf_printf(&text, " %s%s", t ? tensor_shape_text(arena, f->graph, t) : "-",
                      weight ? "w" : "");
    }
    strbuf_puts(&text, " ->");
    for (uint32_t k = 0; k < f->op->output_count; k++) {
        const struct tensor *t = op_output(f->graph, f->op, k);
        strbuf_printf(&text, " %s", t ? tensor_shape_text(arena, f->graph, t) : "-");
    }
    const char *line = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return line;
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **describe_all(struct arena *arena, const struct graph *graph, uint32_t *count) {
    struct flat_graph flat;
    struct err err = {0};
    assert_int_equal(flat_graph_build(arena, graph, &flat, &err), 0);
    const char **lines = ARENA_ARRAY(arena, flat.count, const char *);
    for (uint32_t i = 0; i < flat.count; i++)
        lines[i] = describe(arena, &flat.ops[i]);
    *count = flat.count;
    return lines;
}

static uint32_t count_common(const char **a, uint32_t a_count, const char **b, uint32_t b_count) {
    uint32_t i = 0, k = 0, same = 0;
    qsort(a, a_count, sizeof *a, compare_lines);
    qsort(b, b_count, sizeof *b, compare_lines);
    while (i < a_count && k < b_count) {
        int order = strcmp(a[i], b[k]);
        same += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return same;
}

/* ---- one model ------------------------------------------------------------------------------- */

static struct graph *lower_exactly(struct arena *arena, const char *path,
                                   const struct graph *model) {
    struct err err = {0};
    struct graph *exact = NULL;
    struct collect_config config = {.model_path = path, .threads = 1, .seed = 1};
    config.slots = weight_slots(arena, model, &config.slot_count);
    config.weights = config.slot_count ? WEIGHTS_ZERO_PAGES : WEIGHTS_FROM_FILES;
    if (collector_by_name("onnxruntime")->lower(arena, &config, &exact, &err))
        fail_msg("%s: %s", path, err.message);
    return exact;
}

/* What the runtime says about shapes, forgotten and inferred again, must be the same. */
static void infer_again(struct arena *arena, struct graph *exact, const char *name) {
    struct err err = {0};
    uint32_t count;
    const char **before = describe_all(arena, exact, &count);
    infer_forget(exact);
    if (infer_shapes(exact, &err))
        fail_msg("%s: %s", name, err.message);
    const char **after = describe_all(arena, exact, &count);
    for (uint32_t i = 0; i < count; i++)
        assert_string_equal(after[i], before[i]);
}

/* AVX-512 gives blocks of 16; what the runtime chose here shows in its weights. */
static int64_t block_of(const struct graph *exact) {
    int64_t block = 16;
    for (uint32_t i = 0; i < exact->op_count; i++) {
        const struct op *op = &exact->ops[i];
        const struct tensor *w =
            op_is(op, "com.microsoft.nchwc", "Conv") ? op_input(exact, op, 1) : NULL;
        if (w && w->dims[0].size % 16 == 8)
            block = 8;
    }
    return block;
}

static void compare_model(const char *path, const struct subject_row *row) {
    struct arena arena;
    struct err err = {0};
    struct model model;
    struct graph *ours = NULL;
    uint32_t our_count, exact_count;
    arena_init(&arena);
    if (model_read(&arena, path, NULL, &model, &err) || infer_shapes(model.graph, &err))
        fail_msg("%s: %s", path, err.message);
    struct graph *exact = lower_exactly(&arena, path, model.graph);
    struct lower_target target = {block_of(exact)};
    if (lower_by_rules(&arena, model.graph, &target, &ours, &err))
        fail_msg("%s: %s", path, err.message);
    infer_again(&arena, exact, row->name);
    const char **a = describe_all(&arena, ours, &our_count);
    const char **b = describe_all(&arena, exact, &exact_count);
    uint32_t same = count_common(a, our_count, b, exact_count);
    double share = 2.0 * same / (our_count + exact_count);
    printf("lowering %-22s rules %4u exact %4u alike %4u (%.1f %%)\n", row->name, our_count,
           exact_count, same, 100 * share);
    if (share < row->floor)
        fail_msg("%s: %.3f of the operators agree, %.3f did before", row->name, share, row->floor);
    arena_done(&arena);
}

static void need_runtime(void) {
    struct err err = {0};
    if (collector_by_name("onnxruntime")->available(&err)) {
        printf("skip: %s\n", err.message);
        skip();
    }
}

static void exported_models_are_lowered_as_the_runtime_does(void **state) {
    const char *root = getenv("ASSAY_SHARED_DATA");
    char path[512];
    (void)state;
    need_runtime();
    snprintf(path, sizeof path, "%s/models/resnet18.onnx", root ? root : "../shared/data");
    if (access(path, R_OK) != 0) {
        printf("skip: the shared model files are not here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/models/%s.onnx", root ? root : "../shared/data",
                 files[i].name);
        compare_model(path, &files[i]);
    }
}

static void built_models_are_lowered_as_the_runtime_does(void **state) {
    (void)state;
    need_runtime();
    char folder[] = "/tmp/assay-lowering-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof built / sizeof *built; i++) {
        struct arena arena;
        struct err err = {0};
        struct zoo_model model;
        arena_init(&arena);
        snprintf(path, sizeof path, "%s/model.onnx", folder);
        const struct zoo_options options = {.quantisation = built[i].quantisation};
        if (zoo_build(&arena, built[i].name, &options, &model, &err))
            fail_msg("%s: %s", built[i].name, err.message);
        struct onnx_weights weights = zoo_weights(&model, ONNX_WEIGHTS_OMITTED);
        if (onnx_write_file(model.graph, &weights, path, &err))
            fail_msg("%s: %s", built[i].name, err.message);
        compare_model(path, &built[i]);
        unlink(path);
        arena_done(&arena);
    }
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exported_models_are_lowered_as_the_runtime_does),
        cmocka_unit_test(built_models_are_lowered_as_the_runtime_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
