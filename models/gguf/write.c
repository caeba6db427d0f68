#include "models/gguf/write.h"

#include "base/file.h"
#include "models/gguf/random.h"

#include <assert.h>
#include <string.h>

static const char zeros[GGUF_ALIGNMENT];

enum { VERSION = 3, PIECE_BYTES = 1 << 20 };

/* ---- numbers and texts -----------------------------------------------------------------------
 */

static void put(struct strbuf *out, unsigned bytes, uint64_t value) {
    for (unsigned i = 0; i < bytes; i++) {
        char byte = (char)(unsigned char)(value >> (8 * i));
        strbuf_add(out, &byte, 1);
    }
}

static void put_text(struct strbuf *out, const char *text) {
    put(out, 8, strlen(text));
    strbuf_puts(out, text);
}

static void put_key(struct gguf_writer *writer, const char *key, enum gguf_type type) {
    put_text(&writer->pairs, key);
    put(&writer->pairs, 4, type);
    writer->pair_count++;
}

void gguf_writer_init(struct gguf_writer *writer, struct arena *arena) {
    *writer = (struct gguf_writer){.arena = arena};
    strbuf_init(&writer->pairs);
}

void gguf_writer_done(struct gguf_writer *writer) {
    strbuf_done(&writer->pairs);
}

void gguf_put_text(struct gguf_writer *writer, const char *key, const char *value) {
    put_key(writer, key, GGUF_STRING);
    put_text(&writer->pairs, value);
}

void gguf_put_u32(struct gguf_writer *writer, const char *key, uint32_t value) {
    put_key(writer, key, GGUF_UINT32);
    put(&writer->pairs, 4, value);
}

void gguf_put_f32(struct gguf_writer *writer, const char *key, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(writer, key, GGUF_FLOAT32);
    put(&writer->pairs, 4, bits);
}

/* ---- weights ---------------------------------------------------------------------------------
 */

static uint32_t block_of(enum dtype dtype) {
    uint32_t block = dtype_info(dtype)->block;
    return block ? block : 1;
}

static const struct gguf_random *random_of(enum dtype dtype) {
    for (size_t i = 0; i < gguf_random_count; i++)
        if (gguf_randoms[i].dtype == dtype)
            return &gguf_randoms[i];
    return NULL;
}

const char *gguf_random_type(size_t index) {
    return index < gguf_random_count ? dtype_name(gguf_randoms[index].dtype) : NULL;
}

enum dtype gguf_dtype_for(enum dtype dtype, uint64_t row) {
    const struct gguf_random *random = random_of(dtype);
    while (row % block_of(random->dtype) != 0)
        random++; /* the last ones have no blocks */
    return random->dtype;
}

void gguf_add_weight(struct gguf_writer *writer, const struct gguf_weight *weight) {
    assert(random_of(weight->dtype) && weight->sizes[0] % block_of(weight->dtype) == 0);
    *ARENA_PUSH(writer->arena, writer->weights, writer->weight_count, writer->weight_capacity) =
        *weight;
}

static uint64_t elements_of(const struct gguf_weight *weight) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < weight->rank; i++)
        elements *= weight->sizes[i];
    return elements;
}

static uint64_t padding_of(uint64_t bytes) {
    return (GGUF_ALIGNMENT - bytes % GGUF_ALIGNMENT) % GGUF_ALIGNMENT;
}

/* ---- the file --------------------------------------------------------------------------------
 */

static void put_head(const struct gguf_writer *writer, struct strbuf *out) {
    uint64_t offset = 0;
    strbuf_add(out, "GGUF", 4);
    put(out, 4, VERSION);
    put(out, 8, writer->weight_count);
    put(out, 8, writer->pair_count);
    strbuf_add(out, writer->pairs.text, writer->pairs.length);
    for (uint32_t i = 0; i < writer->weight_count; i++) {
        const struct gguf_weight *weight = &writer->weights[i];
        put_text(out, weight->name);
        put(out, 4, weight->rank);
        for (uint32_t d = 0; d < weight->rank; d++)
            put(out, 8, weight->sizes[d]);
        put(out, 4, ggml_type_number(weight->dtype));
        put(out, 8, offset);
        offset += dtype_bytes(weight->dtype, elements_of(weight));
        offset += padding_of(offset);
    }
    strbuf_add(out, zeros, padding_of(out->length));
}

static int write_weight(struct file_writer *file, const struct gguf_weight *weight, struct rng *rng,
                        unsigned char *piece, struct err *err) {
    const struct gguf_random *random = random_of(weight->dtype);
    uint64_t bytes = dtype_bytes(weight->dtype, elements_of(weight));
    size_t block = (size_t)dtype_bytes(weight->dtype, block_of(weight->dtype)), filled = 0;
    int code = 0;
    for (uint64_t at = 0; at < bytes && !code; at += block) {
        random->fill(rng, weight->mean, weight->deviation, piece + filled);
        filled += block;
        if (filled + block <= PIECE_BYTES && at + block < bytes)
            continue;
        code = file_writer_add(file, piece, filled, err);
        filled = 0;
    }
    return code ? code : file_writer_add(file, zeros, padding_of(bytes), err);
}

static int write_all(const struct gguf_writer *writer, uint64_t seed, struct file_writer *file,
                     struct err *err) {
    struct strbuf head;
    strbuf_init(&head);
    put_head(writer, &head);
    int code = file_writer_add(file, head.text, head.length, err);
    strbuf_done(&head);
    unsigned char *piece = arena_alloc(writer->arena, PIECE_BYTES);
    for (uint32_t i = 0; i < writer->weight_count && !code; i++) {
        struct rng rng;
        rng_init(&rng, seed * UINT64_C(0x9e3779b97f4a7c15) + i);
        code = write_weight(file, &writer->weights[i], &rng, piece, err);
    }
    return code;
}

int gguf_write_file(const struct gguf_writer *writer, uint64_t seed, const char *path,
                    struct err *err) {
    struct file_writer file;
    int code = file_writer_open(&file, path, err);
    if (code)
        return code;
    code = write_all(writer, seed, &file, err);
    if (!code)
        return file_writer_commit(&file, err);
    file_writer_abandon(&file);
    return code;
}
