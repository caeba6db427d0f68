/* GGUF files: pairs of keys and values, a table of tensors, and their data.
 *
 *     "GGUF" | u32 version | u64 tensors | u64 pairs
 *     pairs:   text key | u32 type | value; an array is u32 type | u64 count | elements
 *     tensors: text name | u32 rank | u64 size of each dimension, innermost first | u32 type |
 *              u64 offset in the data
 *     padding to general.alignment | data, each tensor padded to it
 *
 * A text is a u64 length and bytes. All numbers are little-endian. Versions 2 and 3 are read; what
 * llama.cpp refuses is refused, and what the specification forbids: keys that are not ASCII,
 * booleans other than 0 and 1. Everything read is borrowed from the file's bytes.
 *
 * Source: ggml/docs/gguf.md; ggml/src/gguf.cpp for the limits.
 */
#ifndef ASSAY_MODELS_GGUF_GGUF_H
#define ASSAY_MODELS_GGUF_GGUF_H

#include "base/arena.h"
#include "base/err.h"
#include "core/ggml_type.h"
#include "models/onnx/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum { GGUF_RANK_MAX = 4, GGUF_NAME_MAX = 63, GGUF_ALIGNMENT = 32 };

enum gguf_type {
    GGUF_UINT8,
    GGUF_INT8,
    GGUF_UINT16,
    GGUF_INT16,
    GGUF_UINT32,
    GGUF_INT32,
    GGUF_FLOAT32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_UINT64,
    GGUF_INT64,
    GGUF_FLOAT64,
    GGUF_TYPE_COUNT
};

struct gguf_pair {
    struct wire_text key;
    enum gguf_type type; /* of the value, or of each element */
    bool array;
    uint64_t count;        /* elements of an array, else 1 */
    uint64_t offset;       /* of the first element in the file */
    struct wire_text text; /* of a string that is no element */
};

struct gguf_tensor {
    struct wire_text name;
    enum dtype dtype;
    uint32_t rank;
    uint64_t sizes[GGUF_RANK_MAX]; /* innermost first */
    uint64_t offset;               /* in the file */
    uint64_t bytes;
};

struct gguf {
    const unsigned char *file;
    uint64_t file_size;
    uint32_t version, alignment;
    struct gguf_pair *pairs;
    struct gguf_tensor *tensors;
    uint32_t pair_count, tensor_count;
    uint64_t data_offset;
};

/* Tables live in the arena. ERR_INPUT names the offset and what was expected. */
int gguf_parse(struct arena *arena, const void *bytes, uint64_t length, struct gguf *out,
               struct err *err);

/* NULL: there is none. */
const struct gguf_pair *gguf_find(const struct gguf *gguf, const char *key);
/* False: the value is no whole number of at least 0, or there are fewer than i + 1. */
bool gguf_number(const struct gguf *gguf, const struct gguf_pair *pair, uint64_t i,
                 uint64_t *number);

#endif
