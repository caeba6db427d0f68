/* Writes GGUF 3 files: pairs and tensors are declared first, then the data is drawn from seeds. */
#ifndef ASSAY_MODELS_GGUF_WRITE_H
#define ASSAY_MODELS_GGUF_WRITE_H

#include "base/strbuf.h"
#include "models/gguf/gguf.h"

struct gguf_weight {
    const char *name; /* borrowed */
    enum dtype dtype;
    uint32_t rank;
    uint64_t sizes[GGUF_RANK_MAX]; /* innermost first */
    double mean, deviation;        /* of its values */
};

struct gguf_writer {
    struct arena *arena;
    struct strbuf pairs;
    uint64_t pair_count;
    struct gguf_weight *weights;
    uint32_t weight_count, weight_capacity;
};

void gguf_writer_init(struct gguf_writer *writer, struct arena *arena);
void gguf_writer_done(struct gguf_writer *writer);

void gguf_put_text(struct gguf_writer *writer, const char *key, const char *value);
void gguf_put_u32(struct gguf_writer *writer, const char *key, uint32_t value);
void gguf_put_f32(struct gguf_writer *writer, const char *key, float value);

/* The types that values can be drawn for, by name: NULL ends the list. */
const char *gguf_random_type(size_t index);
/* `dtype`, or the next wider one whose blocks fill rows of this length. */
enum dtype gguf_dtype_for(enum dtype dtype, uint64_t row);
/* Its dtype must be one of those, and its rows whole blocks. */
void gguf_add_weight(struct gguf_writer *writer, const struct gguf_weight *weight);

/* The same seed and declarations give the same bytes on every machine. */
int gguf_write_file(const struct gguf_writer *writer, uint64_t seed, const char *path,
                    struct err *err);

#endif
