/* A cursor over a FlatBuffer (https://flatbuffers.dev/internals/) that cannot pass its end. Every
 * position is checked against the buffer when it is followed; the buffer alone bounds a field,
 * since real files have fields behind what their vtable calls the table's size.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_FLATBUFFER_H
#define ASSAY_COLLECTORS_FOREIGN_FLATBUFFER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { FLAT_TEXT_MAX = 4096 };

struct flatbuffer {
    const unsigned char *bytes; /* borrowed */
    uint64_t size;
    const char *path; /* for messages */
};

struct flat_table {
    const struct flatbuffer *buffer; /* NULL: there is none */
    uint64_t at, vtable;
    uint16_t vtable_size;
};

struct flat_vector {
    const struct flatbuffer *buffer;
    uint64_t at; /* of the first element */
    uint32_t count;
};

/* All return ERR_INPUT with path and offset when a position is outside of the buffer. Fields that
 * are not there give the fallback, NULL, an empty vector, or a table without a buffer. */

/* The table whose offset stands at `origin`. */
int flat_root(const struct flatbuffer *buffer, uint64_t origin, struct flat_table *table,
              struct err *err);
/* A little-endian number of 1, 2, 4 or 8 bytes; sign-extended when `is_signed`. */
int flat_number(const struct flat_table *table, uint32_t field, uint32_t bytes, bool is_signed,
                int64_t fallback, int64_t *value, struct err *err);
int flat_table_of(const struct flat_table *table, uint32_t field, struct flat_table *out,
                  struct err *err);
/* UTF-8 inside the buffer, NUL-terminated; at most FLAT_TEXT_MAX bytes. */
int flat_text(const struct flat_table *table, uint32_t field, const char **text, struct err *err);
int flat_vector_of(const struct flat_table *table, uint32_t field, uint32_t element_bytes,
                   struct flat_vector *out, struct err *err);
/* Of a vector of tables; index < count. */
int flat_element(const struct flat_vector *vector, uint32_t index, struct flat_table *out,
                 struct err *err);
/* Of a vector of 4-byte numbers; index < count. */
int32_t flat_int_at(const struct flat_vector *vector, uint32_t index);

#endif
