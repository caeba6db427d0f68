/* A mutator that keeps protobuf messages whole: it changes, drops, doubles or moves one field,
 * somewhere in the tree, and writes the lengths above it anew. Bytes that merely could be a message
 * are taken for one most of the time. Every fourth call is left to libFuzzer's own mutations. */
#ifndef ASSAY_TESTS_PROTO_MUTATE_H
#define ASSAY_TESTS_PROTO_MUTATE_H

#include "base/rng.h"
#include "models/onnx/encode.h"
#include "models/onnx/wire.h"

#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t max_length);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t max_length, unsigned int seed);

enum { MUTATE_DEPTH_MAX = 48, MUTATE_BYTES_MAX = 512 };

static inline uint64_t count_fields(struct wire message) {
    struct err err = {0};
    struct wire_field field;
    uint64_t count = 0;
    int more;
    message.err = &err;
    while ((more = wire_next(&message, &field)) > 0)
        count++;
    return more < 0 ? 0 : count;
}

static inline void copy_field(struct encoder *out, const struct wire *walk,
                              const struct wire_field *field) {
    strbuf_add(&out->bytes, (const char *)walk->file + field->tag_offset,
               (size_t)(walk->at - field->tag_offset));
}

static inline int64_t mutate_int(struct rng *rng, uint64_t value) {
    static const int64_t telling[] = {
        0, 1, -1, 2, 3, 7, 8, 16, 32, 33, INT64_C(1) << 48, INT64_C(1) << 62, INT64_MIN, INT64_MAX};
    switch (rng_below(rng, 3)) {
    case 0:
        return telling[rng_below(rng, sizeof telling / sizeof *telling)];
    case 1:
        return (int64_t)(value + rng_below(rng, 5) - 2);
    default:
        return (int64_t)rng_below(rng, 24);
    }
}

static inline void mutate_bytes(struct encoder *out, const struct wire *walk,
                                const struct wire_field *field) {
    uint8_t buffer[MUTATE_BYTES_MAX];
    size_t length = field->value < MUTATE_BYTES_MAX ? (size_t)field->value : MUTATE_BYTES_MAX;
    memcpy(buffer, walk->file + field->offset, length);
    length = LLVMFuzzerMutate(buffer, length, sizeof buffer);
    encode_bytes(out, field->number, buffer, length);
}

static inline void mutate_message(struct encoder *out, struct wire message, struct rng *rng,
                                  int depth);

static inline void mutate_field(struct encoder *out, const struct wire *walk,
                                const struct wire_field *field, struct rng *rng, int depth) {
    if (field->type != WIRE_BYTES) {
        encode_int(out, field->number, mutate_int(rng, field->value));
        return;
    }
    struct wire inner = wire_inside(walk, field);
    if (depth < MUTATE_DEPTH_MAX && count_fields(inner) > 0 && rng_below(rng, 8) > 0) {
        struct encoder_message open = encode_begin(out, field->number);
        mutate_message(out, inner, rng, depth + 1);
        encode_end(out, open);
    } else {
        mutate_bytes(out, walk, field);
    }
}

enum { MUTATE_DROP, MUTATE_DOUBLE, MUTATE_RENUMBER, MUTATE_INSIDE };

static inline void mutate_message(struct encoder *out, struct wire message, struct rng *rng,
                                  int depth) {
    uint64_t count = count_fields(message), target = rng_below(rng, count);
    uint64_t action = rng_below(rng, 12);
    struct wire_field field;
    for (uint64_t i = 0; wire_next(&message, &field) > 0; i++) {
        if (i != target || action == MUTATE_DOUBLE)
            copy_field(out, &message, &field);
        if (i != target || action == MUTATE_DROP)
            continue;
        if (action == MUTATE_RENUMBER)
            field.number = 1 + (uint32_t)rng_below(rng, 25);
        mutate_field(out, &message, &field, rng, depth);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t max_length,
                               unsigned int seed) {
    struct rng rng;
    struct err err = {0};
    struct wire message = wire_open(bytes, length, &err);
    rng_init(&rng, seed);
    if (rng_below(&rng, 4) == 0 || count_fields(message) == 0)
        return LLVMFuzzerMutate(bytes, length, max_length);
    struct encoder out;
    encoder_init(&out);
    mutate_message(&out, message, &rng, 0);
    size_t result = out.bytes.length;
    if (result == 0 || result > max_length)
        result = LLVMFuzzerMutate(bytes, length, max_length);
    else
        memcpy(bytes, out.bytes.text, result);
    encoder_done(&out);
    return result;
}

#endif
