#include "collectors/record/probe_wish.h"

#include <stdlib.h>
#include <string.h>

/* Those in which networks spend their time, whatever calls what. */
static const char *const torch_foremost[] = {
    "at::_ops::conv2d::call",
    "at::_ops::linear::call",
    "at::_ops::matmul::call",
    "at::_ops::addmm::call",
    "at::_ops::bmm::call",
    "at::_ops::mm::call",
    "at::_ops::batch_norm::call",
    "at::_ops::layer_norm::call",
    "at::_ops::scaled_dot_product_attention::call",
    "at::_ops::softmax_int::call",
    "at::_ops::relu::call",
    "at::_ops::relu_::call",
    "at::_ops::gelu::call",
    "at::_ops::silu::call",
    "at::_ops::max_pool2d::call",
    "at::_ops::adaptive_avg_pool2d::call",
    "at::_ops::add_Tensor::call",
    "at::_ops::add__Tensor::call",
    "at::_ops::mul_Tensor::call",
    "at::_ops::embedding::call",
    "at::_ops::cat::call",
    "at::_ops::lstm_input::call",
    "at::_ops::conv1d::call",
    "at::_ops::conv3d::call",
    "at::_ops::conv_transpose2d_input::call",
    "at::_ops::group_norm::call",
    "at::_ops::copy_::call",
    "at::_ops::clone::call",
    "at::_ops::contiguous::call",
    "at::_ops::index_Tensor::call",
    NULL,
};

const struct probe_wish probe_wishes[] = {
    {"torch",             "operators of PyTorch: at::_ops in libtorch_cpu", "libtorch_cpu.so*",
     "_ZN2at4_ops*4callE*", "aten", SPAN_OPERATOR, torch_foremost, true, false},
    {0},
};

/* The kernel tells of files by the paths that links lead to. */
static const char *true_path(struct arena *arena, const char *library) {
    char *path = strchr(library, '/') ? realpath(library, NULL) : NULL;
    const char *copy = path ? arena_strdup(arena, path) : library;
    free(path);
    return copy;
}

int probe_wish_parse(struct arena *arena, const char *text, struct probe_wish *out,
                     struct err *err) {
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || !colon[1]) {
        err_set(err, ERR_USAGE, "'%s' does not name functions of a library", text);
        return err_hint(err, "LIBRARY:SYMBOL, with * where anything may stand: "
                             "'libggml*.so*:ggml_compute_*'");
    }
    *out = (struct probe_wish){
        .name = text,
        .help = "",
        .library = true_path(arena, arena_strndup(arena, text, (size_t)(colon - text))),
        .symbol = arena_strdup(arena, colon + 1),
        .category = "probe",
        .kind = SPAN_OPERATOR,
        .asked = true,
    };
    return 0;
}
