#include "models/onnx/encode.h"

#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { VARINT_MAX = 10 };

void encoder_init(struct encoder *encoder) {
    *encoder = (struct encoder){0};
    arena_init(&encoder->arena);
    strbuf_init(&encoder->bytes);
}

void encoder_done(struct encoder *encoder) {
    strbuf_done(&encoder->bytes);
    arena_done(&encoder->arena);
    *encoder = (struct encoder){0};
}

uint64_t encoder_size(const struct encoder *encoder) {
    return encoder->bytes.length + encoder->hole_bytes;
}

static size_t varint(uint64_t value, char out[static VARINT_MAX]) {
    size_t length = 0;
    for (; value >= 0x80; value >>= 7)
        out[length++] = (char)(unsigned char)(value | 0x80);
    out[length++] = (char)value;
    return length;
}

static void put_varint(struct encoder *encoder, uint64_t value) {
    char out[VARINT_MAX];
    strbuf_add(&encoder->bytes, out, varint(value, out));
}

static void put_tag(struct encoder *encoder, uint32_t field, enum wire_type type) {
    put_varint(encoder, (uint64_t)field << 3 | type);
}

struct encoder_message encode_begin(struct encoder *encoder, uint32_t field) {
    put_tag(encoder, field, WIRE_BYTES);
    return (struct encoder_message){encoder->bytes.length, encoder->hole_count,
                                    encoder->hole_bytes};
}

/* The length goes before the content: the content moves by the length's one to ten bytes. */
void encode_end(struct encoder *encoder, struct encoder_message message) {
    struct strbuf *bytes = &encoder->bytes;
    size_t content = bytes->length - message.start;
    char prefix[VARINT_MAX];
    size_t length = varint(content + encoder->hole_bytes - message.hole_bytes, prefix);
    strbuf_add(bytes, prefix, length); /* makes room */
    memmove(bytes->text + message.start + length, bytes->text + message.start, content);
    memcpy(bytes->text + message.start, prefix, length);
    for (size_t i = message.first_hole; i < encoder->hole_count; i++)
        encoder->holes[i].at += length;
}

void encode_int(struct encoder *encoder, uint32_t field, int64_t value) {
    put_tag(encoder, field, WIRE_VARINT);
    put_varint(encoder, (uint64_t)value);
}

void encode_float(struct encoder *encoder, uint32_t field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    char out[4];
    for (int i = 0; i < 4; i++)
        out[i] = (char)(bits >> 8 * i & 0xff);
    put_tag(encoder, field, WIRE_FIXED32);
    strbuf_add(&encoder->bytes, out, sizeof out);
}

void encode_bytes(struct encoder *encoder, uint32_t field, const void *bytes, size_t length) {
    put_tag(encoder, field, WIRE_BYTES);
    put_varint(encoder, length);
    strbuf_add(&encoder->bytes, length ? bytes : "", length);
}

void encode_text(struct encoder *encoder, uint32_t field, const char *text) {
    encode_bytes(encoder, field, text, strlen(text));
}

void encode_optional(struct encoder *encoder, uint32_t field, const char *text) {
    if (text && *text)
        encode_text(encoder, field, text);
}

void encode_hole(struct encoder *encoder, uint32_t field, uint64_t length, const void *owner,
                 int32_t id) {
    put_tag(encoder, field, WIRE_BYTES);
    put_varint(encoder, length);
    *ARENA_PUSH(&encoder->arena, encoder->holes, encoder->hole_count, encoder->hole_capacity) =
        (struct encoder_hole){encoder->bytes.length, length, owner, id};
    encoder->hole_bytes += length;
}
