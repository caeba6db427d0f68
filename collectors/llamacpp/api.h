/* libllama and ggml, bound by the names of their functions (llama.h, ggml.h, ggml-backend.h). */
#ifndef ASSAY_COLLECTORS_LLAMACPP_API_H
#define ASSAY_COLLECTORS_LLAMACPP_API_H

#include "base/arena.h"
#include "base/err.h"
#include "collectors/llamacpp/foreign.h"
#include "collectors/llamacpp/tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct llama_model;
struct llama_context;
struct llama_memory;
struct ggml_context;
struct ggml_threadpool;

/* Called with ask true before a node is computed: whether to compute up to it and call again with
 * ask false. */
typedef bool eval_callback(struct ggml_tensor *node, bool ask, void *data);
typedef void log_callback(int level, const char *text, void *data);

/* The head of llama_batch, checked when the library is loaded. */
struct llama_batch_head {
    int32_t count;
    int32_t *tokens;
    float *embeddings;
    int32_t *positions;
    int32_t *sequence_counts;
    int32_t **sequences;
    int8_t *outputs;
};

struct ggml_init_params {
    size_t bytes;
    void *buffer;
    bool no_alloc;
};

struct llama_api {
    void *library;
    struct params_layout params;
    struct tensor_layout tensor;
    struct foreign model_defaults, context_defaults;

    const char *(*ggml_version)(void);
    const char *(*ggml_op_desc)(const struct ggml_tensor *tensor);
    const char *(*ggml_get_name)(const struct ggml_tensor *tensor);
    size_t (*ggml_nbytes)(const struct ggml_tensor *tensor);
    struct ggml_context *(*ggml_init)(struct ggml_init_params params);
    void (*ggml_free)(struct ggml_context *context);
    struct ggml_tensor *(*ggml_new_tensor_4d)(struct ggml_context *context, int type, int64_t n0,
                                              int64_t n1, int64_t n2, int64_t n3);
    struct ggml_tensor *(*ggml_mul_mat)(struct ggml_context *context, struct ggml_tensor *a,
                                        struct ggml_tensor *b);
    struct ggml_tensor *(*ggml_add)(struct ggml_context *context, struct ggml_tensor *a,
                                    struct ggml_tensor *b);
    void (*ggml_backend_load_all_from_path)(const char *folder);
    size_t (*ggml_backend_dev_count)(void);
    void *(*ggml_backend_reg_by_name)(const char *name);
    void *(*ggml_backend_reg_get_proc_address)(void *reg, const char *name);
    void *ggml_threadpool_params_default;

    void (*llama_log_set)(log_callback *callback, void *data);
    void (*ggml_log_set)(log_callback *callback, void *data);
    void (*llama_backend_init)(void);
    void *llama_model_default_params;
    void *llama_context_default_params;
    void *llama_batch_init;
    struct llama_model *(*llama_model_load_from_file)(const char *path, struct foreign params);
    struct llama_context *(*llama_init_from_model)(struct llama_model *model,
                                                   struct foreign params);
    void (*llama_free)(struct llama_context *context);
    const void *(*llama_model_get_vocab)(const struct llama_model *model);
    int32_t (*llama_vocab_n_tokens)(const void *vocab);
    uint32_t (*llama_n_ctx)(const struct llama_context *context);
    uint32_t (*llama_n_batch)(const struct llama_context *context);
    uint32_t (*llama_n_seq_max)(const struct llama_context *context);
    void (*llama_set_n_threads)(struct llama_context *context, int32_t threads,
                                int32_t batch_threads);
    void (*llama_attach_threadpool)(struct llama_context *context, struct ggml_threadpool *pool,
                                    struct ggml_threadpool *batch_pool);
    struct llama_memory *(*llama_get_memory)(const struct llama_context *context);
    bool (*llama_memory_seq_rm)(struct llama_memory *memory, int32_t sequence, int32_t from,
                                int32_t to);
    int32_t (*llama_decode)(struct llama_context *context, struct foreign batch);
    void (*llama_synchronize)(struct llama_context *context);

    /* Of newer releases; NULL: not there. */
    const char *(*llama_version)(void);
};

/* Loads the library and the compute backends beside it, and learns the layouts. ERR_ENVIRONMENT
 * says what is missing. */
int llama_api_load(struct llama_api *api, const char *path, struct err *err);

/* "0.5.0", or "ggml 0.9.1" where only that is told. Lives in the arena or the library. */
const char *llama_api_version(const struct llama_api *api, struct arena *arena);

/* A batch for `tokens` tokens, each of one sequence. Never freed. */
int llama_api_batch(const struct llama_api *api, int32_t tokens, struct foreign *batch,
                    struct err *err);

#endif
