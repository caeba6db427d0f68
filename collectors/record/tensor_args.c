#include "collectors/record/tensor_args.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXTS_BYTES = 16 << 20, TEXT_SIZE = 512, RANK_MAX = 5 };

/* By c10::ScalarType; without a name: what no tensor of ours has. */
static const char *const dtype_names[] = {
    "uint8",     "int8",      "int16",      "int32", "int64", "float16", "float32", "float64",
    "complex32", "complex64", "complex128", "bool",  "qint8", "quint8",  "qint32",  "bfloat16",
};

enum { DTYPES = sizeof dtype_names / sizeof *dtype_names };

int tensor_args_open(struct tensor_args *args, struct err *err) {
    *args = (struct tensor_args){.texts = intern_open(TEXTS_BYTES)};
    return args->texts ? 0 : err_set(err, ERR_ENVIRONMENT, "out of memory");
}

void tensor_args_close(struct tensor_args *args) {
    intern_close(args->texts);
    args->texts = NULL;
}

bool tensor_args_trusted(const struct tensor_args *args) {
    /* Wrapped and sparse tensors may not fit together; they are few. */
    return args->unsound < 20 || args->unsound < args->sound / 20;
}

static bool is_sound(const struct probe_tensor *tensor) {
    __extension__ typedef __int128 wide;
    wide elements = 1;
    if (tensor->rank > RANK_MAX || tensor->elements < 0)
        return false;
    for (uint64_t i = 0; i < tensor->rank; i++) {
        if (tensor->sizes[i] < 0 || tensor->sizes[i] > INT64_C(1) << 40)
            return false;
        elements *= tensor->sizes[i];
        if (elements > INT64_MAX)
            return false;
    }
    return elements == tensor->elements;
}

static void add(char out[TEXT_SIZE], const char *before, const char *text) {
    size_t length = strlen(out);
    snprintf(out + length, TEXT_SIZE - length, "%s%s", before, text);
}

static void add_shape(char out[TEXT_SIZE], const struct probe_tensor *tensor) {
    char number[24];
    if (tensor->rank == 0)
        add(out, "", "scalar");
    for (uint64_t i = 0; i < tensor->rank; i++) {
        snprintf(number, sizeof number, "%" PRId64, tensor->sizes[i]);
        add(out, i ? "x" : "", number);
    }
}

static uint32_t keep(struct tensor_args *args, const char *text) {
    return intern(args->texts, text, strlen(text));
}

struct tensor_texts tensor_args_take(struct tensor_args *args, const struct probe_tensor *tensors,
                                     uint32_t count) {
    static const struct tensor_texts nothing = {INTERN_FULL, INTERN_FULL};
    char shapes[TEXT_SIZE] = "", dtypes[TEXT_SIZE] = "";
    bool sound = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        bool one = is_sound(&tensors[i]);
        bool defined = tensors[i].dtype < DTYPES;
        args->sound += one;
        args->unsound += !one && tensors[i].rank <= RANK_MAX;
        sound &= one;
        add(shapes, "", i ? " " : "");
        add(dtypes, i ? " " : "", defined ? dtype_names[tensors[i].dtype] : "-");
        if (one && defined)
            add_shape(shapes, &tensors[i]);
        else
            add(shapes, "", "-");
    }
    if (!sound || !tensor_args_trusted(args))
        return nothing;
    return (struct tensor_texts){keep(args, shapes), keep(args, dtypes)};
}

const char *tensor_args_text(const struct tensor_args *args, uint32_t number) {
    return number == INTERN_FULL ? NULL : intern_key(args->texts, number);
}
