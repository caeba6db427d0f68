#include "models/onnx/wire.h"

#include <stdio.h>
#include <string.h>

enum { VARINT_BYTES_MAX = 10 };

struct wire wire_open(const void *file, uint64_t size, struct err *err) {
    return (struct wire){file, 0, size, size, err};
}

static unsigned long long ull(uint64_t value) {
    return value;
}

static int ends_early(const struct wire *wire, uint64_t at, const char *what, uint64_t needed) {
    err_set(wire->err, ERR_INPUT, "offset %llu: %s needs %llu bytes, but only %llu are left%s",
            ull(at), what, ull(needed), ull(wire->end - wire->at),
            wire->end == wire->file_size ? " in the file" : " in the message around it");
    if (wire->end == wire->file_size)
        err_hint(wire->err, "the file looks truncated: fetch or export it again");
    return -ERR_INPUT;
}

static int read_varint(struct wire *wire, uint64_t *value) {
    uint64_t start = wire->at, result = 0;
    for (int i = 0; i < VARINT_BYTES_MAX; i++) {
        if (wire->at == wire->end)
            return ends_early(wire, start, "a varint", (uint64_t)i + 1);
        unsigned char byte = wire->file[wire->at++];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1)
            break;
        result |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *value = result;
            return 0;
        }
    }
    return err_set(wire->err, ERR_INPUT, "offset %llu: a varint is longer than 64 bits",
                   ull(start));
}

static int read_fixed(struct wire *wire, unsigned size, uint64_t *value) {
    if (wire->end - wire->at < size)
        return ends_early(wire, wire->at, "a fixed-size number", size);
    uint64_t result = 0;
    for (unsigned i = 0; i < size; i++)
        result |= (uint64_t)wire->file[wire->at + i] << (8 * i);
    wire->at += size;
    *value = result;
    return 0;
}

static int read_bytes(struct wire *wire, struct wire_field *field) {
    if (read_varint(wire, &field->value))
        return -ERR_INPUT;
    if (field->value > wire->end - wire->at) {
        char what[24];
        snprintf(what, sizeof what, "field %u", field->number);
        return ends_early(wire, field->tag_offset, what, field->value);
    }
    field->offset = wire->at;
    wire->at += field->value;
    return 0;
}

int wire_next(struct wire *wire, struct wire_field *field) {
    if (wire->at == wire->end)
        return 0;
    *field = (struct wire_field){.tag_offset = wire->at};
    uint64_t tag;
    if (read_varint(wire, &tag))
        return -ERR_INPUT;
    if (tag > UINT32_MAX || tag >> 3 == 0)
        return err_set(wire->err, ERR_INPUT, "offset %llu: %llu is not the number of a field",
                       ull(field->tag_offset), ull(tag >> 3));
    field->number = (uint32_t)(tag >> 3);
    field->type = (enum wire_type)(tag & 7);
    int code;
    switch (field->type) {
    case WIRE_VARINT:
        code = read_varint(wire, &field->value);
        break;
    case WIRE_FIXED64:
        code = read_fixed(wire, 8, &field->value);
        break;
    case WIRE_FIXED32:
        code = read_fixed(wire, 4, &field->value);
        break;
    case WIRE_BYTES:
        code = read_bytes(wire, field);
        break;
    default:
        code = err_set(wire->err, ERR_INPUT,
                       "offset %llu: wire type %d (field %u), which ONNX does not use",
                       ull(field->tag_offset), (int)(tag & 7), field->number);
    }
    return code ? code : 1;
}

static const char *type_name(enum wire_type type) {
    static const char *const names[] = {
        [WIRE_VARINT] = "a varint",
        [WIRE_FIXED64] = "8 fixed bytes",
        [WIRE_BYTES] = "bytes with a length",
        [WIRE_FIXED32] = "4 fixed bytes",
    };
    return names[type];
}

static int expect(const struct wire *wire, const struct wire_field *field, enum wire_type type,
                  const char *what) {
    if (field->type == type)
        return 0;
    return err_set(wire->err, ERR_INPUT, "offset %llu: %s should be %s, but is %s",
                   ull(field->tag_offset), what, type_name(type), type_name(field->type));
}

int wire_next_of(struct wire *wire, uint32_t number, const char *what, struct wire_field *field) {
    int more;
    while ((more = wire_next(wire, field)) > 0)
        if (field->number == number) {
            int code = expect(wire, field, WIRE_BYTES, what);
            return code ? code : 1;
        }
    return more;
}

struct wire wire_inside(const struct wire *wire, const struct wire_field *field) {
    return (struct wire){wire->file, field->offset, field->offset + field->value, wire->file_size,
                         wire->err};
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Length of the UTF-8 sequence at `p` (RFC 3629), 0 when it is malformed. */
static size_t utf8_length(const unsigned char *p, size_t left) {
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] > 0xf4 || length > left || length == 0)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool too_high = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : length;
}

int wire_name(const struct wire *wire, const struct wire_field *field, const char *what,
              struct wire_text *text) {
    if (expect(wire, field, WIRE_BYTES, what))
        return -ERR_INPUT;
    const unsigned char *bytes = wire->file + field->offset;
    for (size_t i = 0; i < field->value;) {
        size_t length = utf8_length(bytes + i, (size_t)field->value - i);
        if (length == 0 || bytes[i] == 0)
            return err_set(wire->err, ERR_INPUT, "offset %llu: %s is not UTF-8 text",
                           ull(field->offset + i), what);
        i += length;
    }
    *text = (struct wire_text){(const char *)bytes, (size_t)field->value};
    return 0;
}

bool wire_text_is(struct wire_text text, const char *other) {
    return text.length == strlen(other) &&
           (text.length == 0 || memcmp(text.bytes, other, text.length) == 0);
}

/* ---- messages by table ----------------------------------------------------------------------- */

static int store_message(const struct wire *wire, const struct wire_field *field,
                         const struct wire_row *row, void *out) {
    int code = expect(wire, field, WIRE_BYTES, row->name);
    if (code)
        return code;
    struct wire inner = wire_inside(wire, field);
    if (row->kind == WIRE_TO_EACH)
        return row->each(out, inner);
    struct wire *body = (struct wire *)((char *)out + row->at);
    if (body->file)
        return err_set(wire->err, ERR_INPUT, "offset %llu: %s comes twice", ull(field->tag_offset),
                       row->name);
    *body = inner;
    return 0;
}

static int store(const struct wire *wire, const struct wire_field *field,
                 const struct wire_row *row, void *out) {
    void *value = (char *)out + row->at;
    int code = 0;
    switch (row->kind) {
    case WIRE_TO_INT:
        code = expect(wire, field, WIRE_VARINT, row->name);
        if (!code)
            *(int64_t *)value = (int64_t)field->value;
        return code;
    case WIRE_TO_FLOAT:
        code = expect(wire, field, WIRE_FIXED32, row->name);
        if (!code)
            memcpy(value, &(uint32_t){(uint32_t)field->value}, 4);
        return code;
    case WIRE_TO_NAME:
        return wire_name(wire, field, row->name, value);
    case WIRE_TO_BYTES:
        code = expect(wire, field, WIRE_BYTES, row->name);
        if (!code)
            *(struct wire_text *)value =
                (struct wire_text){(const char *)wire->file + field->offset, (size_t)field->value};
        return code;
    case WIRE_TO_COUNT:
        ++*(uint32_t *)value;
        return 0;
    case WIRE_TO_BODY:
    case WIRE_TO_EACH:
        break;
    }
    return store_message(wire, field, row, out);
}

int wire_read(struct wire message, const struct wire_row *rows, size_t count, void *out) {
    struct wire_field field;
    int more;
    while ((more = wire_next(&message, &field)) > 0)
        for (size_t i = 0; i < count; i++)
            if (rows[i].number == field.number) {
                int code = store(&message, &field, &rows[i], out);
                if (code)
                    return code;
                break;
            }
    return more;
}

/* ---- repeated numbers ------------------------------------------------------------------------ */

static const struct {
    enum wire_type type;
    unsigned size; /* 0: varint */
    const char *what;
} number_kinds[] = {
    [WIRE_NUMBER_VARINT] = {WIRE_VARINT,  0, "an integer"     },
    [WIRE_NUMBER_32] = {WIRE_FIXED32, 4, "a 32-bit number"},
    [WIRE_NUMBER_64] = {WIRE_FIXED64, 8, "a 64-bit number"},
};

static int count_packed(const struct wire *message, const struct wire_field *field, unsigned size,
                        uint64_t *count) {
    if (size) {
        *count += field->value / size;
        return field->value % size == 0
                   ? 0
                   : err_set(message->err, ERR_INPUT,
                             "offset %llu: %llu bytes are no whole number of %u-byte values",
                             ull(field->offset), ull(field->value), size);
    }
    const unsigned char *bytes = message->file + field->offset;
    for (uint64_t i = 0; i < field->value; i++)
        *count += bytes[i] < 0x80;
    if (field->value && bytes[field->value - 1] >= 0x80)
        return err_set(message->err, ERR_INPUT, "offset %llu: a varint has no end",
                       ull(field->offset + field->value - 1));
    return 0;
}

int wire_count_numbers(struct wire message, uint32_t number, enum wire_number kind,
                       uint64_t *count) {
    struct wire_field field;
    int more;
    *count = 0;
    while ((more = wire_next(&message, &field)) > 0) {
        if (field.number != number)
            continue;
        int code = 0;
        if (field.type == WIRE_BYTES)
            code = count_packed(&message, &field, number_kinds[kind].size, count);
        else if (!(code =
                       expect(&message, &field, number_kinds[kind].type, number_kinds[kind].what)))
            ++*count;
        if (code)
            return code;
    }
    return more;
}

int wire_get_numbers(struct wire message, uint32_t number, enum wire_number kind, uint64_t *values,
                     uint64_t count) {
    struct wire_field field;
    uint64_t done = 0;
    int more = 1;
    while (done < count && (more = wire_next(&message, &field)) > 0) {
        if (field.number != number)
            continue;
        if (field.type != WIRE_BYTES) {
            values[done++] = field.value;
            continue;
        }
        struct wire packed = wire_inside(&message, &field);
        while (done < count && packed.at < packed.end) {
            unsigned size = number_kinds[kind].size;
            int code = size ? read_fixed(&packed, size, &values[done])
                            : read_varint(&packed, &values[done]);
            if (code)
                return code;
            done++;
        }
    }
    return more < 0 ? more : 0;
}
