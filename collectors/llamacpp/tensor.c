#include "collectors/llamacpp/tensor.h"

#include "collectors/llamacpp/api.h"

#include <string.h>

enum { POOL_BYTES = 1 << 16, SCANNED_MOST = 1 << 10 };

/* Tensors of known sizes, types and operands. Those of the first context lie before what it still
 * has room for, so that reading past the end of one stays inside. */
struct specimens {
    struct ggml_tensor *float_matrix, *half_matrix, *number_matrix, *product, *sum;
    size_t scanned; /* bytes that each has at least: up to its name, which stands behind the rest */
};

typedef bool is_there_fn(const struct specimens *s, size_t at);

static bool are_sizes(const struct specimens *s, size_t at) {
    static const uint64_t sizes[] = {3, 5, 7, 11};
    for (size_t i = 0; i < 4; i++)
        if (foreign_u64(s->float_matrix, at + 8 * i) != sizes[i])
            return false;
    return true;
}

static bool is_type(const struct specimens *s, size_t at) {
    return foreign_u32(s->float_matrix, at) == 0 && foreign_u32(s->half_matrix, at) == 1 &&
           foreign_u32(s->number_matrix, at) == 26 && foreign_u32(s->product, at) == 0;
}

static bool are_sources(const struct specimens *s, size_t at) {
    uint64_t a = (uintptr_t)s->float_matrix, b = (uintptr_t)s->half_matrix;
    return foreign_u64(s->product, at) == b && foreign_u64(s->product, at + 8) == a &&
           foreign_u64(s->product, at + 16) == 0 && foreign_u64(s->sum, at) == a &&
           foreign_u64(s->sum, at + 8) == a;
}

static int find(const struct specimens *s, const char *what, size_t step, size_t length,
                is_there_fn *is_there, size_t *out, struct err *err) {
    int found = 0;
    for (size_t at = 0; at + length <= s->scanned; at += step)
        if (is_there(s, at)) {
            *out = at;
            found++;
        }
    if (found == 1)
        return 0;
    err_set(err, ERR_ENVIRONMENT, "llama.cpp: %s stand at %d places of a tensor, expected 1", what,
            found);
    return err_hint(err, "this release arranges tensors in a way that Assay does not know; the one "
                         "that `make deps` installs works");
}

static bool make(const struct llama_api *api, struct ggml_context *context, struct specimens *s) {
    s->float_matrix = api->ggml_new_tensor_4d(context, 0, 3, 5, 7, 11);
    s->half_matrix = api->ggml_new_tensor_4d(context, 1, 3, 2, 7, 11);
    s->number_matrix = api->ggml_new_tensor_4d(context, 26, 3, 5, 7, 11);
    s->product = api->ggml_mul_mat(context, s->half_matrix, s->float_matrix);
    s->sum = api->ggml_add(context, s->float_matrix, s->float_matrix);
    uintptr_t name = (uintptr_t)api->ggml_get_name(s->float_matrix);
    s->scanned = name - (uintptr_t)s->float_matrix;
    return s->scanned < SCANNED_MOST;
}

int tensor_layout_learn(const struct llama_api *api, struct tensor_layout *out, struct err *err) {
    struct ggml_context *context =
        api->ggml_init((struct ggml_init_params){POOL_BYTES, NULL, true});
    struct specimens s = {0};
    if (!context || !make(api, context, &s))
        return err_set(err, ERR_ENVIRONMENT, "llama.cpp: the name of a tensor is not where it was");
    int code = find(&s, "the sizes", 8, 32, are_sizes, &out->sizes, err);
    if (!code)
        code = find(&s, "the type", 4, 4, is_type, &out->type, err);
    if (!code)
        code = find(&s, "the operands", 8, 24, are_sources, &out->sources, err);
    api->ggml_free(context);
    return code;
}

uint32_t tensor_type(const struct tensor_layout *layout, const struct ggml_tensor *tensor) {
    return foreign_u32(tensor, layout->type);
}

int64_t tensor_size(const struct tensor_layout *layout, const struct ggml_tensor *tensor, int i) {
    return (int64_t)foreign_u64(tensor, layout->sizes + 8 * (size_t)i);
}

const struct ggml_tensor *tensor_source(const struct tensor_layout *layout,
                                        const struct ggml_tensor *tensor, int i) {
    return (const struct ggml_tensor *)(uintptr_t)foreign_u64(tensor,
                                                              layout->sources + 8 * (size_t)i);
}
