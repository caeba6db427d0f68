#include "collectors/llamacpp/api.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>

#define ROW(name)                                                                                  \
    { #name, offsetof(struct llama_api, name), true }

static const struct binding {
    const char *name;
    size_t at; /* of a pointer */
    bool needed;
} bindings[] = {
    ROW(ggml_version),
    ROW(ggml_op_desc),
    ROW(ggml_get_name),
    ROW(ggml_nbytes),
    ROW(ggml_init),
    ROW(ggml_free),
    ROW(ggml_new_tensor_4d),
    ROW(ggml_mul_mat),
    ROW(ggml_add),
    ROW(ggml_backend_load_all_from_path),
    ROW(ggml_backend_dev_count),
    ROW(ggml_backend_reg_by_name),
    ROW(ggml_backend_reg_get_proc_address),
    ROW(ggml_threadpool_params_default),
    ROW(ggml_log_set),
    ROW(llama_log_set),
    ROW(llama_backend_init),
    ROW(llama_model_default_params),
    ROW(llama_context_default_params),
    ROW(llama_batch_init),
    ROW(llama_model_load_from_file),
    ROW(llama_init_from_model),
    ROW(llama_free),
    ROW(llama_model_get_vocab),
    ROW(llama_vocab_n_tokens),
    ROW(llama_n_ctx),
    ROW(llama_n_batch),
    ROW(llama_n_seq_max),
    ROW(llama_set_n_threads),
    ROW(llama_attach_threadpool),
    ROW(llama_get_memory),
    ROW(llama_memory_seq_rm),
    ROW(llama_decode),
    ROW(llama_synchronize),
    {"llama_version", offsetof(struct llama_api, llama_version), false},
};

static int bind(struct llama_api *api, const char *path, struct err *err) {
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++) {
        void *symbol = dlsym(api->library, bindings[i].name);
        if (!symbol && bindings[i].needed)
            return err_set(err, ERR_ENVIRONMENT, "%s has no function %s", path, bindings[i].name);
        memcpy((char *)api + bindings[i].at, &symbol, sizeof symbol);
    }
    return 0;
}

static int open_library(struct llama_api *api, const char *path, struct err *err) {
    api->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (api->library)
        return 0;
    err_set(err, ERR_ENVIRONMENT, "cannot load llama.cpp: %s", dlerror());
    return err_hint(err, "`make deps` installs it; or name the library with ASSAY_LLAMA_LIBRARY");
}

/* Backends are plug-ins beside the library, unless it was built with them inside. */
static int load_backends(struct llama_api *api, struct err *err) {
    Dl_info info;
    char folder[PATH_MAX];
    void *symbol = dlsym(api->library, "llama_decode");
    if (dladdr(symbol, &info) && info.dli_fname && strlen(info.dli_fname) < sizeof folder) {
        strcpy(folder, info.dli_fname);
        api->ggml_backend_load_all_from_path(dirname(folder));
    }
    if (api->ggml_backend_dev_count() == 0)
        api->ggml_backend_load_all_from_path(NULL);
    if (api->ggml_backend_dev_count() > 0)
        return 0;
    err_set(err, ERR_ENVIRONMENT, "llama.cpp has no compute backend beside its library");
    return err_hint(err, "libggml-cpu*.so belong into the folder of libllama.so");
}

static int learn(struct llama_api *api, struct err *err) {
    struct foreign_pair pair;
    int code = foreign_fetch(api->llama_model_default_params, 0, 0, 0, &pair, err);
    if (!code && foreign_size(&pair) == 0)
        code = err_set(err, ERR_ENVIRONMENT, "llama.cpp: the parameters of a model are too large");
    api->model_defaults = pair.first;
    if (!code)
        code = foreign_fetch(api->llama_context_default_params, 0, 0, 0, &pair, err);
    if (!code)
        code = params_layout_find(&pair, &api->params, err);
    api->context_defaults = pair.first;
    if (!code)
        code = foreign_fetch(api->llama_batch_init, 1, 0, 1, &pair, err);
    if (!code)
        code = batch_layout_check(&pair, err);
    return code ? code : tensor_layout_learn(api, &api->tensor, err);
}

static void drop_log(int level, const char *text, void *data) {
    (void)level, (void)text, (void)data;
}

int llama_api_load(struct llama_api *api, const char *path, struct err *err) {
    int code = open_library(api, path, err);
    if (!code)
        code = bind(api, path, err);
    if (code)
        return code;
    api->ggml_log_set(drop_log, NULL);
    api->llama_log_set(drop_log, NULL);
    code = load_backends(api, err);
    if (code)
        return code;
    api->llama_backend_init();
    return learn(api, err);
}

const char *llama_api_version(const struct llama_api *api, struct arena *arena) {
    if (api->llama_version && api->llama_version())
        return api->llama_version();
    return arena_printf(arena, "ggml %s", api->ggml_version());
}

int llama_api_batch(const struct llama_api *api, int32_t tokens, struct foreign *batch,
                    struct err *err) {
    struct foreign_pair pair;
    int code = foreign_fetch(api->llama_batch_init, tokens, 0, 1, &pair, err);
    *batch = pair.first;
    return code ? code : batch_layout_check(&pair, err);
}
