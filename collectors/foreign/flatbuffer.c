#include "collectors/foreign/flatbuffer.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

enum { OFFSET_BYTES = 4, VTABLE_HEAD_BYTES = 4 };

static int outside(const struct flatbuffer *buffer, uint64_t at, const char *what,
                   struct err *err) {
    return err_set(err, ERR_INPUT, "%s: offset %llu: %s is outside of the %llu bytes", buffer->path,
                   (unsigned long long)at, what, (unsigned long long)buffer->size);
}

static bool inside(const struct flatbuffer *buffer, uint64_t at, uint64_t bytes) {
    return at <= buffer->size && bytes <= buffer->size - at;
}

static uint64_t number_at(const struct flatbuffer *buffer, uint64_t at, uint32_t bytes) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)buffer->bytes[at + i] << (8 * i);
    return value;
}

/* The table that begins at `at`. A signed offset at its beginning leads back to its vtable. */
static int open_table(const struct flatbuffer *buffer, uint64_t at, struct flat_table *table,
                      struct err *err) {
    if (!inside(buffer, at, OFFSET_BYTES))
        return outside(buffer, at, "a table", err);
    int64_t back = (int32_t)number_at(buffer, at, OFFSET_BYTES);
    int64_t vtable = (int64_t)at - back;
    if (vtable < 0 || !inside(buffer, (uint64_t)vtable, VTABLE_HEAD_BYTES))
        return outside(buffer, at, "the vtable of a table", err);
    uint16_t size = (uint16_t)number_at(buffer, (uint64_t)vtable, 2);
    if (size < VTABLE_HEAD_BYTES || !inside(buffer, (uint64_t)vtable, size))
        return outside(buffer, (uint64_t)vtable, "a vtable's end", err);
    *table = (struct flat_table){buffer, at, (uint64_t)vtable, size};
    return 0;
}

/* Follows the offset at `at`. Offsets are unsigned and never 0. */
static int follow(const struct flatbuffer *buffer, uint64_t at, uint64_t *target, struct err *err) {
    *target = 0;
    if (!inside(buffer, at, OFFSET_BYTES))
        return outside(buffer, at, "an offset", err);
    uint64_t offset = number_at(buffer, at, OFFSET_BYTES);
    *target = at + offset;
    return offset != 0 && inside(buffer, *target, OFFSET_BYTES)
               ? 0
               : outside(buffer, at, "what an offset leads to", err);
}

int flat_root(const struct flatbuffer *buffer, uint64_t origin, struct flat_table *table,
              struct err *err) {
    uint64_t at;
    if (follow(buffer, origin, &at, err))
        return -(int)err->code;
    return open_table(buffer, at, table, err);
}

/* Where a field's bytes are; 0: the table does not have it. */
static int field_at(const struct flat_table *table, uint32_t field, uint64_t bytes, uint64_t *at,
                    struct err *err) {
    uint64_t entry = VTABLE_HEAD_BYTES + 2 * (uint64_t)field;
    *at = 0;
    if (!table->buffer || entry + 2 > table->vtable_size)
        return 0;
    uint64_t offset = number_at(table->buffer, table->vtable + entry, 2);
    if (offset == 0)
        return 0;
    if (!inside(table->buffer, table->at + offset, bytes))
        return outside(table->buffer, table->at + offset, "a field", err);
    *at = table->at + offset;
    return 0;
}

int flat_number(const struct flat_table *table, uint32_t field, uint32_t bytes, bool is_signed,
                int64_t fallback, int64_t *value, struct err *err) {
    uint64_t at;
    assert(bytes >= 1 && bytes <= 8);
    if (field_at(table, field, bytes, &at, err))
        return -(int)err->code;
    *value = fallback;
    if (at == 0)
        return 0;
    uint64_t raw = number_at(table->buffer, at, bytes), sign = 1ULL << (8 * bytes - 1);
    *value = is_signed && (raw & sign) ? (int64_t)(raw | ~(sign | (sign - 1))) : (int64_t)raw;
    return 0;
}

/* Where a field's offset leads; 0: the table does not have it. */
static int target_of(const struct flat_table *table, uint32_t field, uint64_t *target,
                     struct err *err) {
    uint64_t at;
    *target = 0;
    if (field_at(table, field, OFFSET_BYTES, &at, err))
        return -(int)err->code;
    return at == 0 ? 0 : follow(table->buffer, at, target, err);
}

int flat_table_of(const struct flat_table *table, uint32_t field, struct flat_table *out,
                  struct err *err) {
    uint64_t target;
    *out = (struct flat_table){0};
    if (target_of(table, field, &target, err))
        return -(int)err->code;
    return target == 0 ? 0 : open_table(table->buffer, target, out, err);
}

/* The NUL behind the text is looked at first: it keeps a character from passing the end. */
static bool is_text(const unsigned char *bytes, uint64_t length) {
    if (bytes[length] != '\0')
        return false;
    for (uint64_t at = 0; at < length;) {
        size_t step = utf8_length(bytes + at);
        if (step == 0 || bytes[at] == '\0')
            return false;
        at += step;
    }
    return true;
}

int flat_text(const struct flat_table *table, uint32_t field, const char **text, struct err *err) {
    uint64_t target;
    *text = NULL;
    if (target_of(table, field, &target, err))
        return -(int)err->code;
    if (target == 0)
        return 0;
    uint64_t length = number_at(table->buffer, target, OFFSET_BYTES);
    target += OFFSET_BYTES;
    if (!inside(table->buffer, target, length + 1))
        return outside(table->buffer, target, "a text's end", err);
    if (length > FLAT_TEXT_MAX || !is_text(table->buffer->bytes + target, length))
        return err_set(err, ERR_INPUT,
                       "%s: offset %llu: not a text of UTF-8, at most %d bytes and a NUL",
                       table->buffer->path, (unsigned long long)target, FLAT_TEXT_MAX);
    *text = (const char *)table->buffer->bytes + target;
    return 0;
}

int flat_vector_of(const struct flat_table *table, uint32_t field, uint32_t element_bytes,
                   struct flat_vector *out, struct err *err) {
    uint64_t target;
    *out = (struct flat_vector){0};
    if (target_of(table, field, &target, err))
        return -(int)err->code;
    if (target == 0)
        return 0;
    uint32_t count = (uint32_t)number_at(table->buffer, target, OFFSET_BYTES);
    if (!inside(table->buffer, target + OFFSET_BYTES, (uint64_t)count * element_bytes))
        return outside(table->buffer, target, "a vector's end", err);
    *out = (struct flat_vector){table->buffer, target + OFFSET_BYTES, count};
    return 0;
}

int flat_element(const struct flat_vector *vector, uint32_t index, struct flat_table *out,
                 struct err *err) {
    uint64_t target;
    assert(index < vector->count);
    if (follow(vector->buffer, vector->at + (uint64_t)index * OFFSET_BYTES, &target, err))
        return -(int)err->code;
    return open_table(vector->buffer, target, out, err);
}

int32_t flat_int_at(const struct flat_vector *vector, uint32_t index) {
    assert(index < vector->count);
    return (int32_t)number_at(vector->buffer, vector->at + (uint64_t)index * 4, 4);
}
