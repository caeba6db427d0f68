#include "models/gguf/gguf.h"

#include "models/onnx/names.h"

#include <inttypes.h>
#include <string.h>

enum { KEY_BYTES_MAX = 65535, LEAST_PAIR = 8 + 1 + 4 + 1, LEAST_TENSOR = 8 + 4 + 4 + 8 };
static const uint64_t ELEMENTS_MAX = UINT64_C(1) << 30;

static const struct type_row {
    const char *name;
    unsigned bytes; /* 0: a text or an array */
} types[GGUF_TYPE_COUNT] = {
    [GGUF_UINT8] = {"uint8",   1},
      [GGUF_INT8] = {"int8",    1},
      [GGUF_UINT16] = {"uint16",  2},
    [GGUF_INT16] = {"int16",   2},
      [GGUF_UINT32] = {"uint32",  4},
      [GGUF_INT32] = {"int32",   4},
    [GGUF_FLOAT32] = {"float32", 4},
      [GGUF_BOOL] = {"bool",    1},
      [GGUF_STRING] = {"string",  0},
    [GGUF_ARRAY] = {"array",   0},
      [GGUF_UINT64] = {"uint64",  8},
      [GGUF_INT64] = {"int64",   8},
    [GGUF_FLOAT64] = {"float64", 8},
};

struct parsing {
    struct gguf *out;
    uint64_t at;
    struct arena *arena;
    struct err *err;
};

/* ---- the cursor ------------------------------------------------------------------------------
 */

static uint64_t left(const struct parsing *p) {
    return p->out->file_size - p->at;
}

static int ends(const struct parsing *p, const char *what) {
    return err_set(p->err, ERR_INPUT, "offset %" PRIu64 ": the file ends in %s", p->at, what);
}

static int get(struct parsing *p, unsigned bytes, const char *what, uint64_t *value) {
    *value = 0;
    if (bytes > left(p))
        return ends(p, what);
    for (unsigned i = 0; i < bytes; i++)
        *value |= (uint64_t)p->out->file[p->at + i] << (8 * i);
    p->at += bytes;
    return 0;
}

static int get_u32(struct parsing *p, const char *what, uint32_t *value) {
    uint64_t wide;
    int code = get(p, 4, what, &wide);
    *value = (uint32_t)wide;
    return code;
}

static int get_text(struct parsing *p, const char *what, struct wire_text *text) {
    uint64_t start = p->at, length;
    if (get(p, 8, what, &length))
        return -(int)p->err->code;
    if (length > left(p))
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": %s has %" PRIu64 " bytes, %" PRIu64 " are left", start,
                       what, length, left(p));
    *text = (struct wire_text){(const char *)p->out->file + p->at, (size_t)length};
    p->at += length;
    return 0;
}

/* ---- pairs -----------------------------------------------------------------------------------
 */

static int check_key(const struct parsing *p, uint64_t at, struct wire_text key) {
    if (key.length == 0 || key.length > KEY_BYTES_MAX)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": a key of %zu bytes, expected 1 to %d", at, key.length,
                       KEY_BYTES_MAX);
    for (size_t i = 0; i < key.length; i++)
        if ((unsigned char)key.bytes[i] <= ' ' || (unsigned char)key.bytes[i] > '~')
            return err_set(p->err, ERR_INPUT,
                           "offset %" PRIu64 ": a key holds byte 0x%02x, expected printable ASCII",
                           at, (unsigned char)key.bytes[i]);
    return 0;
}

static int get_type(struct parsing *p, struct wire_text key, enum gguf_type *type) {
    uint32_t number;
    uint64_t at = p->at;
    if (get_u32(p, "the type of a value", &number))
        return -(int)p->err->code;
    if (number >= GGUF_TYPE_COUNT)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": key '%.*s' has type %u, expected 0 to %d", at,
                       WIRE_SHOWN(key), number, GGUF_TYPE_COUNT - 1);
    *type = (enum gguf_type)number;
    return 0;
}

static int get_count(struct parsing *p, struct gguf_pair *pair) {
    uint64_t at = p->at;
    if (get_type(p, pair->key, &pair->type) || get(p, 8, "the length of an array", &pair->count))
        return -(int)p->err->code;
    if (pair->type == GGUF_ARRAY)
        return err_set(p->err, ERR_INPUT, "offset %" PRIu64 ": key '%.*s' is an array of arrays",
                       at, WIRE_SHOWN(pair->key));
    unsigned least = types[pair->type].bytes ? types[pair->type].bytes : 8;
    if (pair->count > ELEMENTS_MAX || pair->count > left(p) / least)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": key '%.*s' has %" PRIu64
                       " elements of type %s, %" PRIu64 " bytes are left",
                       at, WIRE_SHOWN(pair->key), pair->count, types[pair->type].name, left(p));
    return 0;
}

static int skip_elements(struct parsing *p, struct gguf_pair *pair) {
    unsigned bytes = types[pair->type].bytes;
    pair->offset = p->at;
    if (bytes && pair->count > left(p) / bytes)
        return ends(p, "a value");
    for (uint64_t i = 0; pair->type == GGUF_BOOL && i < pair->count; i++)
        if (p->out->file[p->at + i] > 1)
            return err_set(p->err, ERR_INPUT,
                           "offset %" PRIu64 ": key '%.*s' has %u for a boolean, expected 0 or 1",
                           p->at + i, WIRE_SHOWN(pair->key), p->out->file[p->at + i]);
    p->at += bytes * pair->count;
    struct wire_text text = {NULL, 0};
    for (uint64_t i = 0; !bytes && i < pair->count; i++)
        if (get_text(p, "a text", &text))
            return -(int)p->err->code;
    if (!pair->array)
        pair->text = text;
    return 0;
}

static int get_pair(struct parsing *p, struct names *names, struct gguf_pair *pair) {
    uint64_t at = p->at;
    if (get_text(p, "a key", &pair->key) || check_key(p, at, pair->key))
        return -(int)p->err->code;
    if (!names_add(names, pair->key, 0))
        return err_set(p->err, ERR_INPUT, "offset %" PRIu64 ": key '%.*s' stands twice", at,
                       WIRE_SHOWN(pair->key));
    pair->count = 1;
    if (get_type(p, pair->key, &pair->type))
        return -(int)p->err->code;
    pair->array = pair->type == GGUF_ARRAY;
    if (pair->array && get_count(p, pair))
        return -(int)p->err->code;
    return skip_elements(p, pair);
}

static int get_pairs(struct parsing *p, uint32_t count) {
    struct names names = {.arena = p->arena};
    p->out->pairs = ARENA_ARRAY(p->arena, count, struct gguf_pair);
    for (uint32_t i = 0; i < count; i++, p->out->pair_count++)
        if (get_pair(p, &names, &p->out->pairs[i]))
            return -(int)p->err->code;
    return 0;
}

static int get_alignment(struct parsing *p) {
    const struct gguf_pair *pair = gguf_find(p->out, "general.alignment");
    uint64_t alignment = GGUF_ALIGNMENT;
    if (pair && (pair->type != GGUF_UINT32 || pair->array))
        return err_set(p->err, ERR_INPUT, "general.alignment is not a uint32");
    if (pair)
        gguf_number(p->out, pair, 0, &alignment);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0)
        return err_set(p->err, ERR_INPUT,
                       "general.alignment is %" PRIu64 ", expected a power of two", alignment);
    p->out->alignment = (uint32_t)alignment;
    return 0;
}

/* ---- tensors ---------------------------------------------------------------------------------
 */

static int get_shape(struct parsing *p, struct gguf_tensor *tensor, uint64_t *elements) {
    if (get_u32(p, "the rank of a tensor", &tensor->rank))
        return -(int)p->err->code;
    if (tensor->rank > GGUF_RANK_MAX)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": tensor '%.*s' has %u dimensions, expected at most %d",
                       p->at - 4, WIRE_SHOWN(tensor->name), tensor->rank, GGUF_RANK_MAX);
    *elements = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (get(p, 8, "the sizes of a tensor", &tensor->sizes[i]))
            return -(int)p->err->code;
        if (tensor->sizes[i] > INT64_MAX ||
            __builtin_mul_overflow(*elements, tensor->sizes[i], elements) ||
            *elements > INT64_MAX / 8)
            return err_set(p->err, ERR_INPUT,
                           "offset %" PRIu64 ": tensor '%.*s' has more elements than can be",
                           p->at - 8, WIRE_SHOWN(tensor->name));
    }
    return 0;
}

static int get_dtype(struct parsing *p, struct gguf_tensor *tensor, uint64_t elements) {
    uint32_t number;
    if (get_u32(p, "the type of a tensor", &number))
        return -(int)p->err->code;
    tensor->dtype = ggml_type_dtype(number);
    const struct dtype_info *info = dtype_info(tensor->dtype);
    if (!info || !info->bits)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": tensor '%.*s' has type %u, which ggml does not have",
                       p->at - 4, WIRE_SHOWN(tensor->name), number);
    uint64_t row = tensor->rank ? tensor->sizes[0] : 1;
    if (info->block && row % info->block != 0)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": tensor '%.*s' has rows of %" PRIu64
                       " elements, which blocks of %u (%s) do not fill",
                       p->at - 4, WIRE_SHOWN(tensor->name), row, info->block, info->name);
    tensor->bytes = dtype_bytes(tensor->dtype, elements);
    return 0;
}

static int get_tensor(struct parsing *p, struct names *names, struct gguf_tensor *tensor) {
    uint64_t at = p->at, elements = 0;
    if (get_text(p, "the name of a tensor", &tensor->name))
        return -(int)p->err->code;
    if (tensor->name.length > GGUF_NAME_MAX ||
        (tensor->name.length && memchr(tensor->name.bytes, 0, tensor->name.length)))
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": the name of a tensor has %zu bytes or a NUL among "
                       "them, expected at most %d without",
                       at, tensor->name.length, GGUF_NAME_MAX);
    if (!names_add(names, tensor->name, 0))
        return err_set(p->err, ERR_INPUT, "offset %" PRIu64 ": tensor '%.*s' stands twice", at,
                       WIRE_SHOWN(tensor->name));
    if (get_shape(p, tensor, &elements) || get_dtype(p, tensor, elements))
        return -(int)p->err->code;
    return get(p, 8, "the offset of a tensor", &tensor->offset);
}

/* Data follows the tables at once, tensor after tensor, each padded. */
static int place_tensors(struct parsing *p) {
    struct gguf *out = p->out;
    uint64_t mask = out->alignment - 1, expected = 0;
    out->data_offset = (p->at + mask) & ~mask;
    for (uint32_t i = 0; i < out->tensor_count; i++) {
        struct gguf_tensor *tensor = &out->tensors[i];
        if (tensor->offset != expected)
            return err_set(p->err, ERR_INPUT,
                           "tensor '%.*s' begins at %" PRIu64 " of the data, expected %" PRIu64,
                           WIRE_SHOWN(tensor->name), tensor->offset, expected);
        tensor->offset += out->data_offset;
        if (tensor->offset > out->file_size || tensor->bytes > out->file_size - tensor->offset)
            return err_set(p->err, ERR_INPUT,
                           "tensor '%.*s' has %" PRIu64 " bytes at offset %" PRIu64
                           ", but the file ends at %" PRIu64,
                           WIRE_SHOWN(tensor->name), tensor->bytes, tensor->offset, out->file_size);
        expected += (tensor->bytes + mask) & ~mask;
    }
    return 0;
}

static int get_tensors(struct parsing *p, uint32_t count) {
    struct names names = {.arena = p->arena};
    p->out->tensors = ARENA_ARRAY(p->arena, count, struct gguf_tensor);
    for (uint32_t i = 0; i < count; i++, p->out->tensor_count++)
        if (get_tensor(p, &names, &p->out->tensors[i]))
            return -(int)p->err->code;
    return place_tensors(p);
}

/* ---- the file --------------------------------------------------------------------------------
 */

static int get_version(struct parsing *p) {
    if (p->out->file_size < 4 || memcmp(p->out->file, "GGUF", 4) != 0)
        return err_set(p->err, ERR_INPUT, "offset 0: expected \"GGUF\"");
    p->at = 4;
    if (get_u32(p, "the version", &p->out->version))
        return -(int)p->err->code;
    uint32_t version = p->out->version;
    if (version != 0 && (version & 0xffff) == 0)
        return err_set(p->err, ERR_INPUT, "the file is big-endian; little-endian ones are read");
    if (version == 2 || version == 3)
        return 0;
    err_set(p->err, ERR_INPUT, "GGUF version %u; 2 and 3 are read", version);
    return version == 1 ? err_hint(p->err, "convert the model anew") : -(int)p->err->code;
}

static int get_many(struct parsing *p, const char *what, unsigned least, uint32_t *count) {
    uint64_t many;
    if (get(p, 8, what, &many))
        return -(int)p->err->code;
    if (many > left(p) / least || many > INT32_MAX)
        return err_set(p->err, ERR_INPUT,
                       "offset %" PRIu64 ": %" PRIu64 " %s, %" PRIu64 " bytes are left", p->at - 8,
                       many, what, left(p));
    *count = (uint32_t)many;
    return 0;
}

int gguf_parse(struct arena *arena, const void *bytes, uint64_t length, struct gguf *out,
               struct err *err) {
    *out = (struct gguf){.file = bytes, .file_size = length};
    struct parsing p = {.out = out, .arena = arena, .err = err};
    uint32_t tensors = 0, pairs = 0;
    if (get_version(&p) || get_many(&p, "tensors", LEAST_TENSOR, &tensors) ||
        get_many(&p, "pairs", LEAST_PAIR, &pairs) || get_pairs(&p, pairs) || get_alignment(&p))
        return -(int)err->code;
    return get_tensors(&p, tensors);
}

const struct gguf_pair *gguf_find(const struct gguf *gguf, const char *key) {
    for (uint32_t i = 0; i < gguf->pair_count; i++)
        if (wire_text_is(gguf->pairs[i].key, key))
            return &gguf->pairs[i];
    return NULL;
}

bool gguf_number(const struct gguf *gguf, const struct gguf_pair *pair, uint64_t i,
                 uint64_t *number) {
    unsigned bytes = types[pair->type].bytes;
    if (!bytes || i >= pair->count || pair->type == GGUF_FLOAT32 || pair->type == GGUF_FLOAT64 ||
        pair->type == GGUF_BOOL)
        return false;
    uint64_t value = 0;
    for (unsigned b = 0; b < bytes; b++)
        value |= (uint64_t)gguf->file[pair->offset + i * bytes + b] << (8 * b);
    bool is_signed = pair->type == GGUF_INT8 || pair->type == GGUF_INT16 ||
                     pair->type == GGUF_INT32 || pair->type == GGUF_INT64;
    if (is_signed && value >> (8 * bytes - 1))
        return false;
    *number = value;
    return true;
}
