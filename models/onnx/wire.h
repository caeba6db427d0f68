/* Protocol buffers wire format, bounded and without copies.
 *
 * A cursor walks one message inside a file held in memory and never leaves it; offsets are those
 * of the file, so every error says where it is. Messages are read by tables: a row names a field,
 * its kind and where its value goes, or the function that takes each occurrence. Fields without a
 * row are skipped, whatever they hold. Groups, which ONNX does not have, are refused.
 *
 * Source: protobuf.dev, "Encoding".
 */
#ifndef ASSAY_MODELS_ONNX_WIRE_H
#define ASSAY_MODELS_ONNX_WIRE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire {
    const unsigned char *file; /* first byte of the file; borrowed */
    uint64_t at, end;          /* offsets into it: next byte, end of this message */
    uint64_t file_size;
    struct err *err;
};

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t tag_offset;
    uint64_t value;  /* varint, the bits of a fixed, or the length of WIRE_BYTES */
    uint64_t offset; /* WIRE_BYTES: where they begin */
};

/* Bytes of the file, not terminated. */
struct wire_text {
    const char *bytes;
    size_t length;
};

static inline struct wire_text wire_text_of(const char *string) {
    return (struct wire_text){string, strlen(string)};
}

struct wire wire_open(const void *file, uint64_t size, struct err *err);

/* 1: a field was read, 0: the message is at its end, negative: an error. */
int wire_next(struct wire *wire, struct wire_field *field);
/* The next field of that number, of type WIRE_BYTES (else an error naming `what`). */
int wire_next_of(struct wire *wire, uint32_t number, const char *what, struct wire_field *field);
/* A cursor over a WIRE_BYTES field. */
struct wire wire_inside(const struct wire *wire, const struct wire_field *field);
/* A name: UTF-8 without NUL. */
int wire_name(const struct wire *wire, const struct wire_field *field, const char *what,
              struct wire_text *text);

bool wire_text_is(struct wire_text text, const char *other);

/* For "%.*s" in messages: a hostile name must not push the rest out of them. */
#define WIRE_SHOWN_MAX 100
#define WIRE_SHOWN(text_)                                                                          \
    (int)((text_).length < WIRE_SHOWN_MAX ? (text_).length : WIRE_SHOWN_MAX),                      \
        (text_).length ? (text_).bytes : ""

/* ---- messages by table ---- */

enum wire_kind {
    WIRE_TO_INT,   /* int64_t */
    WIRE_TO_FLOAT, /* float */
    WIRE_TO_NAME,  /* struct wire_text, checked as wire_name() does */
    WIRE_TO_BYTES, /* struct wire_text, any bytes */
    WIRE_TO_BODY,  /* struct wire over a message; refused when it comes twice */
    WIRE_TO_COUNT, /* uint32_t: how often it comes */
    WIRE_TO_EACH,  /* function `each`, called with the message */
};

struct wire_row {
    uint32_t number;
    enum wire_kind kind;
    const char *name; /* "GraphProto.node" */
    size_t at;        /* offset of the value in the struct that is filled */
    int (*each)(void *out, struct wire message); /* 0 or a negative code */
};

/* Reads one message; `out` must be zeroed before. */
int wire_read(struct wire message, const struct wire_row *rows, size_t count, void *out);

/* ---- repeated numbers, packed or not ---- */

enum wire_number { WIRE_NUMBER_VARINT, WIRE_NUMBER_32, WIRE_NUMBER_64 };

/* How many values field `number` of a message has. */
int wire_count_numbers(struct wire message, uint32_t number, enum wire_number kind,
                       uint64_t *count);
/* Writes the raw bits of the first `count` values. */
int wire_get_numbers(struct wire message, uint32_t number, enum wire_number kind, uint64_t *values,
                     uint64_t count);

#endif
