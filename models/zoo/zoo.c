#include "models/zoo/zoo.h"

#include "base/rng.h"
#include "models/zoo/build.h"
#include "models/zoo/families.h"
#include "models/zoo/quantise.h"

#include <math.h>
#include <string.h>

const struct zoo_family *const zoo_families[] = {
    &zoo_resnet,   &zoo_plain,     &zoo_squeezenet, &zoo_mobile, &zoo_shufflenet,
    &zoo_densenet, &zoo_inception, &zoo_regnet,     &zoo_vit,    &zoo_bert,
    &zoo_gpt2,     &zoo_llama,     &zoo_convnext,   &zoo_swin,   &zoo_whisper,
    &zoo_segment,  &zoo_recurrent, &zoo_audio,      &zoo_tiny,
};
const size_t zoo_family_count = sizeof zoo_families / sizeof *zoo_families;

const struct zoo_row *zoo_find(const char *name) {
    for (size_t i = 0; i < zoo_family_count; i++)
        for (size_t k = 0; k < zoo_families[i]->count; k++)
            if (strcmp(zoo_families[i]->rows[k].name, name) == 0)
                return &zoo_families[i]->rows[k];
    return NULL;
}

/* ---- options --------------------------------------------------------------------------------- */

enum { SIZE_OPTION_MAX = 1 << 24 };

static int check_size(const char *name, const char *option, int64_t *size, int64_t absent,
                      struct err *err) {
    if (*size == 0)
        *size = absent;
    else if (*size < 0 || *size > SIZE_OPTION_MAX)
        return err_set(err, ERR_USAGE, "%s: %s %lld is not in 1 to %d", name, option,
                       (long long)*size, SIZE_OPTION_MAX);
    else if (absent == 0)
        return err_set(err, ERR_USAGE, "%s: has no %s to choose", name, option);
    return 0;
}

static int resolve(const struct zoo_row *row, const struct zoo_options *given,
                   struct zoo_options *options, struct err *err) {
    *options = given ? *given : (struct zoo_options){0};
    const struct zoo_options *absent = &row->defaults;
    if (check_size(row->name, "batch", &options->batch, 1, err) ||
        check_size(row->name, "image size", &options->image_size, absent->image_size, err) ||
        check_size(row->name, "sequence", &options->sequence, absent->sequence, err) ||
        check_size(row->name, "classes", &options->classes, absent->classes, err))
        return -(int)err->code;
    if (options->opset == 0)
        options->opset = ZOO_OPSET_DEFAULT;
    if (options->opset < ZOO_OPSET_MIN || options->opset > ZOO_OPSET_MAX)
        return err_set(err, ERR_USAGE, "%s: opset %d is not in %d to %d", row->name, options->opset,
                       ZOO_OPSET_MIN, ZOO_OPSET_MAX);
    if (options->seed == 0)
        options->seed = 1;
    return 0;
}

/* The IR version that came with an opset (onnx, docs/Versioning.md). */
static int64_t ir_version(int opset) {
    static const signed char versions[] = {
        [13] = 7, [14] = 7, [15] = 8, [16] = 8, [17] = 8, [18] = 8, [19] = 9, [20] = 9, [21] = 10,
    };
    return versions[opset];
}

/* ---- building -------------------------------------------------------------------------------- */

int zoo_build_row(struct arena *arena, const struct zoo_row *row, const struct zoo_options *options,
                  struct zoo_model *model, struct err *err) {
    struct zoo_builder b = {.graph = graph_new(arena, row->name), .scopes = {{"", ""}}};
    if (resolve(row, options, &b.options, err))
        return -(int)err->code;
    b.graph->producer = "assay-zoo 1"; /* the same bytes from every release of ours */
    b.graph->ir_version = ir_version(b.options.opset);
    graph_add_opset(b.graph, "", b.options.opset);
    row->build(&b, row->config);
    if (b.options.quantisation.form != ZOO_FLOAT32 && !b.problem)
        zoo_quantise(&b);
    if (b.problem)
        return err_set(err, ERR_USAGE, "%s: not possible with these sizes: %s", row->name,
                       b.problem);
    if (graph_sort(b.graph, err))
        return err_prefix(err, "%s", row->name);
    *model = (struct zoo_model){row, b.options, b.graph, b.weights, b.parameters};
    return 0;
}

int zoo_build(struct arena *arena, const char *name, const struct zoo_options *options,
              struct zoo_model *model, struct err *err) {
    const struct zoo_row *row = zoo_find(name);
    if (!row) {
        err_set(err, ERR_USAGE, "no model '%s' in the zoo", name);
        return err_hint(err, "`assay list zoo` prints the names");
    }
    return zoo_build_row(arena, row, options, model, err);
}

/* ---- weights --------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits. */
static uint64_t hash_text(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

#ifdef __clang__ /* gcc does not contract in ISO mode */
#pragma STDC FP_CONTRACT OFF
#endif

static void store_float32(void *bytes, size_t i, float value) {
    ((float *)bytes)[i] = value;
}

/* The bits of the nearest half-precision number; what is too small becomes 0. */
static void store_float16(void *bytes, size_t i, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = (bits & 0x7fffffff) + 0x1000;
    uint32_t least = (127 - 14) << 23, most = (127 + 16) << 23;
    uint32_t half = magnitude < least   ? 0
                    : magnitude >= most ? 0x7bff
                                        : (magnitude - ((127 - 15) << 23)) >> 13;
    ((uint16_t *)bytes)[i] = (uint16_t)(sign | half);
}

static float cut_off(float value, float low, float high) {
    return roundf(fminf(fmaxf(value, low), high));
}

static void store_int8(void *bytes, size_t i, float value) {
    ((int8_t *)bytes)[i] = (int8_t)cut_off(value, -128, 127);
}

static void store_uint8(void *bytes, size_t i, float value) {
    ((uint8_t *)bytes)[i] = (uint8_t)cut_off(value, 0, 255);
}

static void store_int32(void *bytes, size_t i, float value) {
    ((int32_t *)bytes)[i] = (int32_t)cut_off(value, -1e9f, 1e9f);
}

static const struct {
    size_t bytes;
    void (*store)(void *bytes, size_t i, float value);
} stores[DTYPE_COUNT] = {
    [DTYPE_FLOAT32] = {4, store_float32},
      [DTYPE_FLOAT16] = {2, store_float16},
    [DTYPE_INT8] = {1, store_int8   },
      [DTYPE_UINT8] = {1, store_uint8  },
    [DTYPE_INT32] = {4, store_int32  },
};

/* Two numbers of every 64 random bits; each piece has a stream of its own. */
static int fill(void *context, const struct graph *graph, int32_t tensor, uint64_t offset_bytes,
                void *bytes, size_t length, struct err *err) {
    const struct zoo_model *model = context;
    const struct zoo_weight *weight = &model->weights[tensor];
    enum dtype dtype = graph->tensors[tensor].dtype;
    if (!stores[dtype].store)
        return err_set(err, ERR_BUG, "%s: no numbers are drawn for %s", graph->tensors[tensor].name,
                       dtype_name(dtype));
    struct rng rng;
    rng_init(&rng, hash_text(graph->tensors[tensor].name) +
                       model->options.seed * 0x9e3779b97f4a7c15u + offset_bytes / ONNX_PIECE_BYTES);
    float width = 2 * sqrtf(3) * weight->deviation;
    uint64_t random = 0;
    for (size_t i = 0; i < length / stores[dtype].bytes; i++) {
        random = i % 2 == 0 ? rng_next(&rng) : random >> 32;
        float unit = (float)(random >> 8 & 0xffffff) * 0x1p-24f; /* [0, 1) */
        stores[dtype].store(bytes, i, weight->mean + width * (unit - 0.5f));
    }
    return 0;
}

struct onnx_weights zoo_weights(const struct zoo_model *model, enum onnx_weights_mode mode) {
    return (struct onnx_weights){mode, fill, (void *)(uintptr_t)model};
}

/* Room for the graph is left below the 2 GiB of protobuf. */
#define INLINE_MAX_BYTES UINT64_C(0x7f000000)

int zoo_write(const char *name, const struct zoo_options *options, const char *path,
              struct err *err) {
    struct arena arena;
    arena_init(&arena);
    struct zoo_model model;
    int result = zoo_build(&arena, name, options, &model, err);
    if (result == 0) {
        bool inside = graph_weight_bytes(model.graph) < INLINE_MAX_BYTES;
        struct onnx_weights weights =
            zoo_weights(&model, inside ? ONNX_WEIGHTS_INLINE : ONNX_WEIGHTS_BESIDE);
        result = onnx_write_file(model.graph, &weights, path, err);
    }
    arena_done(&arena);
    return result;
}
