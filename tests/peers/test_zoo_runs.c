/* The zoo under ONNX Runtime: small variants load, run, have the shapes that the builder says and
 * finite outputs; the older spelling of an architecture computes the same as the newer one. */
#include "collectors/onnxruntime/api.h"
#include "collectors/onnxruntime/feeds.h"
#include "collectors/onnxruntime/locate.h"
#include "models/random/random.h"
#include "models/zoo/zoo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct runtime {
    struct arena arena;
    struct api api;
    struct ort_env *env;
    struct ort_options *options;
    const char *reason; /* NULL when it is there */
    bool any_size;      /* of outputs */
};

static int start(void **state) {
    struct runtime *rt = test_calloc(1, sizeof *rt);
    struct location location;
    struct err err = {0};
    *state = rt;
    arena_init(&rt->arena);
    if (locate(&rt->arena, &location, &err) || api_load(&rt->api, location.library, &err) ||
        api_check(&rt->api, rt->api.CreateEnv(ORT_LOG_ERROR, "test", &rt->env), ERR_ENVIRONMENT,
                  "environment", &err) ||
        api_check(&rt->api, rt->api.CreateSessionOptions(&rt->options), ERR_ENVIRONMENT, "options",
                  &err) ||
        api_check(&rt->api, rt->api.SetIntraOpNumThreads(rt->options, 1), ERR_ENVIRONMENT,
                  "threads", &err))
        rt->reason = arena_strdup(&rt->arena, err.message);
    return 0;
}

static int stop(void **state) {
    struct runtime *rt = *state;
    if (rt->options)
        rt->api.ReleaseSessionOptions(rt->options);
    arena_done(&rt->arena);
    test_free(rt);
    return 0;
}

/* ---- one model ------------------------------------------------------------------------------- */

enum { OUTPUT_KEPT = 4096 };

struct result {
    size_t count; /* first elements of the first output */
    float values[OUTPUT_KEPT];
};

static void check(struct runtime *rt, struct ort_status *status, const char *name) {
    struct err err = {0};
    if (api_check(&rt->api, status, ERR_INPUT, name, &err))
        fail_msg("%s", err.message);
}

static void check_output(struct runtime *rt, const struct zoo_model *model, uint32_t index,
                         struct ort_value *value, struct result *result) {
    const struct tensor *expected = &model->graph->tensors[model->graph->outputs[index]];
    struct ort_tensor_info *info = NULL;
    size_t rank = 0;
    int64_t sizes[GRAPH_RANK_MAX];
    float *values = NULL;
    check(rt, rt->api.GetTensorTypeAndShape(value, &info), expected->name);
    check(rt, rt->api.GetDimensionsCount(info, &rank), expected->name);
    assert_int_equal(rank, expected->rank);
    check(rt, rt->api.GetDimensions(info, sizes, rank), expected->name);
    for (size_t i = 0; i < rank; i++)
        assert_int_equal(sizes[i], expected->dims[i].size);
    rt->api.ReleaseTensorTypeAndShapeInfo(info);
    check(rt, rt->api.GetTensorMutableData(value, (void **)&values), expected->name);
    size_t count = (size_t)tensor_elements(expected);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)values[i] * (double)values[i];
    double size = sqrt(squares / (double)count);
    if (!rt->any_size && !(size > 1e-4 && size < 1e4))
        fail_msg("%s: output %s has size %g", model->row->name, expected->name, size);
    if (index > 0)
        return;
    result->count = count < OUTPUT_KEPT ? count : OUTPUT_KEPT;
    memcpy(result->values, values, result->count * sizeof *values);
}

static void run_file(struct runtime *rt, const char *path, const struct zoo_model *model,
                     struct result *result) {
    struct collect_config config = {.model_path = path, .threads = 1, .seed = 7};
    struct ort_session *session = NULL;
    struct feeds feeds = {0};
    struct err err = {0};
    check(rt, rt->api.CreateSession(rt->env, path, rt->options, &session), model->row->name);
    assert_int_equal(feeds_open(&feeds, &rt->arena, &rt->api, session, &config, &err), 0);
    assert_int_equal(feeds.output_count, model->graph->output_count);
    check(rt,
          rt->api.Run(session, NULL, feeds.input_names,
                      (const struct ort_value *const *)feeds.inputs, feeds.input_count,
                      feeds.output_names, feeds.output_count, feeds.outputs),
          model->row->name);
    for (uint32_t i = 0; i < feeds.output_count; i++)
        check_output(rt, model, i, feeds.outputs[i], result);
    feeds_release_outputs(&feeds, &rt->api);
    feeds_close(&feeds, &rt->api);
    rt->api.ReleaseSession(session);
}

static void run_built(struct runtime *rt, struct arena *arena, const struct zoo_model *model,
                      enum onnx_weights_mode mode, struct result *result) {
    struct err err = {0};
    char folder[] = "/tmp/assay-zoo-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(arena, "%s/m.onnx", folder);
    struct onnx_weights weights = zoo_weights(model, mode);
    if (onnx_write_file(model->graph, &weights, path, &err))
        fail_msg("%s", err.message);
    run_file(rt, path, model, result);
    unlink(path);
    unlink(arena_printf(arena, "%s.data", path));
    rmdir(folder);
}

static void run_model(struct runtime *rt, const char *name, const struct zoo_options *options,
                      enum onnx_weights_mode mode, struct result *result) {
    struct arena arena;
    struct zoo_model model;
    struct err err = {0};
    arena_init(&arena);
    if (zoo_build(&arena, name, options, &model, &err))
        fail_msg("%s", err.message);
    run_built(rt, &arena, &model, mode, result);
    arena_done(&arena);
}

static void need(struct runtime *rt) {
    if (!rt->reason)
        return;
    printf("skip: %s\n", rt->reason);
    skip();
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* Every family but the large plain one, as small as it goes. */
static const struct {
    const char *name;
    struct zoo_options options;
} variants[] = {
    {"resnet18",             {.image_size = 64}  },
    {"resnet50",             {.image_size = 64}  },
    {"resnext50_32x4d",      {.image_size = 64}  },
    {"squeezenet1_1",        {.image_size = 64}  },
    {"mobilenet_v2",         {.image_size = 64}  },
    {"mobilenet_v3_small",   {.image_size = 64}  },
    {"mnasnet1_0",           {.image_size = 64}  },
    {"efficientnet_b0",      {.image_size = 64}  },
    {"shufflenet_v2_x0_5",   {.image_size = 64}  },
    {"densenet121",          {.image_size = 64}  },
    {"googlenet",            {.image_size = 64}  },
    {"inception_v3",         {.image_size = 107} },
    {"regnet_y_400mf",       {.image_size = 64}  },
    {"deit_tiny",            {.image_size = 32}  },
    {"convnext_tiny",        {.image_size = 32}  },
    {"swin_t",               {0}                 },
    {"bert_tiny",            {.sequence = 8}     },
    {"bert_mini",            {.sequence = 8}     },
    {"llama_stories260k",    {.sequence = 8}     },
    {"llama_tiny",           {.sequence = 8}     },
    {"whisper_tiny_encoder", {.sequence = 20}    },
    {"unet",                 {.image_size = 32}  },
    {"lstm_medium",          {.sequence = 4}     },
    {"m11_audio",            {.image_size = 4000}},
    {"resnet8",              {0}                 },
    {"ds_cnn",               {0}                 },
    {"mobilenet_v1_025",     {0}                 },
    {"autoencoder",          {0}                 },
    {"mlp",                  {0}                 },
};

static void test_models_run_with_finite_outputs_of_the_built_shapes(void **state) {
    struct runtime *rt = *state;
    struct result result;
    need(rt);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        run_model(rt, variants[i].name, &variants[i].options, ONNX_WEIGHTS_INLINE, &result);
}

static void assert_close(const char *name, const struct result *a, const struct result *b) {
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        if (fabsf(a->values[i] - b->values[i]) > 1e-3f * (1 + fabsf(a->values[i])))
            fail_msg("%s: element %zu is %g and %g", name, i, (double)a->values[i],
                     (double)b->values[i]);
}

static void test_every_opset_computes_the_same(void **state) {
    static const struct {
        const char *name;
        struct zoo_options options;
    } rows[] = {
        {"mobilenet_v3_small", {.image_size = 32}},
        {"shufflenet_v2_x0_5", {.image_size = 32}},
        {"bert_tiny",          {.sequence = 8}   },
        {"llama_stories260k",  {.sequence = 8}   },
        {"deit_tiny",          {.image_size = 32}},
    };
    struct runtime *rt = *state;
    need(rt);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zoo_options options = rows[i].options;
        struct result newest, older;
        options.opset = ZOO_OPSET_MAX;
        run_model(rt, rows[i].name, &options, ONNX_WEIGHTS_INLINE, &newest);
        for (options.opset = ZOO_OPSET_MIN; options.opset < ZOO_OPSET_MAX; options.opset++) {
            run_model(rt, rows[i].name, &options, ONNX_WEIGHTS_INLINE, &older);
            assert_close(rows[i].name, &newest, &older);
        }
    }
}

static void test_weights_beside_the_model_compute_the_same(void **state) {
    struct runtime *rt = *state;
    struct zoo_options options = {.image_size = 32};
    struct result inside, beside;
    need(rt);
    run_model(rt, "mobilenet_v3_small", &options, ONNX_WEIGHTS_INLINE, &inside);
    run_model(rt, "mobilenet_v3_small", &options, ONNX_WEIGHTS_BESIDE, &beside);
    assert_close("mobilenet_v3_small", &inside, &beside);
}

static void test_unfolded_batch_normalisation_runs(void **state) {
    struct runtime *rt = *state;
    struct zoo_options options = {.image_size = 32, .keep_batch_norm = true};
    struct result result;
    need(rt);
    run_model(rt, "resnet18", &options, ONNX_WEIGHTS_INLINE, &result);
    run_model(rt, "unet", &options, ONNX_WEIGHTS_INLINE, &result);
    run_model(rt, "autoencoder", &(struct zoo_options){.keep_batch_norm = true},
              ONNX_WEIGHTS_INLINE, &result);
}

static void test_other_numbers_run(void **state) {
    static const char *const names[] = {"resnet8",   "mobilenet_v1_025",  "shufflenet_v2_x0_5",
                                        "bert_tiny", "llama_stories260k", "lstm_medium"};
    struct runtime *rt = *state;
    struct result result;
    need(rt);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int form = ZOO_QDQ; form < ZOO_FORM_COUNT; form++)
            run_model(rt, names[i],
                      &(struct zoo_options){
                          .quantisation = {.form = (enum zoo_number_form)form,
                                           .per_channel = i % 2 == 0,
                                           .signed_activations = i == 1}
            },
                      ONNX_WEIGHTS_INLINE, &result);
}

/* What comes out of random layers may be of any size. */
static void test_every_recipe_runs(void **state) {
    struct runtime *rt = *state;
    need(rt);
    rt->any_size = true;
    for (size_t i = 0; i < random_recipe_count; i++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct arena arena;
            struct zoo_model model;
            struct err err = {0};
            arena_init(&arena);
            if (random_network(&arena, &random_recipes[i], seed, 1, &model, &err))
                fail_msg("%s", err.message);
            run_built(rt, &arena, &model, ONNX_WEIGHTS_INLINE, &(struct result){0});
            arena_done(&arena);
        }
    rt->any_size = false;
}

static void test_batches_run(void **state) {
    static const char *const names[] = {"resnet8",           "autoencoder", "bert_tiny",
                                        "llama_stories260k", "lstm_medium", "shufflenet_v2_x0_5"};
    struct runtime *rt = *state;
    struct result result;
    need(rt);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        run_model(rt, names[i], &(struct zoo_options){.batch = 2}, ONNX_WEIGHTS_INLINE, &result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_run_with_finite_outputs_of_the_built_shapes),
        cmocka_unit_test(test_every_opset_computes_the_same),
        cmocka_unit_test(test_weights_beside_the_model_compute_the_same),
        cmocka_unit_test(test_unfolded_batch_normalisation_runs),
        cmocka_unit_test(test_batches_run),
        cmocka_unit_test(test_other_numbers_run),
        cmocka_unit_test(test_every_recipe_runs),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
