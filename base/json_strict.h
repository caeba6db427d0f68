/* JSON of strangers, checked before it is read: RFC 8259 to the letter (libyajl), whole, nested no
 * deeper and holding no more than a limit says, every key of an object once, every number finite
 * as a double. */
#ifndef ASSAY_BASE_JSON_STRICT_H
#define ASSAY_BASE_JSON_STRICT_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct json_limits {
    uint32_t depth;    /* of objects and arrays in one another */
    uint64_t values;   /* of the document, keys not counted */
    size_t text_bytes; /* of one string, key or number */
};

/* ERR_INPUT with the offset or the key. `what` names the document in messages. Scratch lives in the
 * arena. */
int json_check_strict(struct arena *arena, const void *text, size_t length,
                      const struct json_limits *limits, const char *what, struct err *err);

#endif
