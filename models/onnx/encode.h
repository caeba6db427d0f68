/* Protobuf wire format, writing side (protobuf.dev, "Encoding"): fields appended to one buffer,
 * message lengths inserted when a message ends, large byte fields left as holes that are streamed
 * when the buffer goes out. What is buffered is therefore the structure alone, never the weights.
 */
#ifndef ASSAY_MODELS_ONNX_ENCODE_H
#define ASSAY_MODELS_ONNX_ENCODE_H

#include "base/arena.h"
#include "base/strbuf.h"

#include <stdint.h>

/* A byte field whose bytes come later: `length` bytes stand before bytes.text[at]. */
struct encoder_hole {
    size_t at;
    uint64_t length;
    const void *owner; /* the writer's, with `id`: where the bytes come from */
    int32_t id;
};

struct encoder {
    struct arena arena;
    struct strbuf bytes;
    struct encoder_hole *holes; /* ascending `at` */
    size_t hole_count, hole_capacity;
    uint64_t hole_bytes; /* sum of lengths */
};

/* An open message; ends in the order opposite to begins. */
struct encoder_message {
    size_t start, first_hole;
    uint64_t hole_bytes;
};

void encoder_init(struct encoder *encoder);
void encoder_done(struct encoder *encoder);
uint64_t encoder_size(const struct encoder *encoder); /* bytes, holes included */

struct encoder_message encode_begin(struct encoder *encoder, uint32_t field);
void encode_end(struct encoder *encoder, struct encoder_message message);

void encode_int(struct encoder *encoder, uint32_t field, int64_t value);
void encode_float(struct encoder *encoder, uint32_t field, float value);
void encode_bytes(struct encoder *encoder, uint32_t field, const void *bytes, size_t length);
void encode_text(struct encoder *encoder, uint32_t field, const char *text);
/* As encode_text, nothing when the text is empty or NULL. */
void encode_optional(struct encoder *encoder, uint32_t field, const char *text);
void encode_hole(struct encoder *encoder, uint32_t field, uint64_t length, const void *owner,
                 int32_t id);

#endif
