/* "cpus=8,memory=32GiB,price=0.38": key=value lists as they stand on a command line. */
#ifndef ASSAY_BASE_PAIRS_H
#define ASSAY_BASE_PAIRS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct pair {
    const char *key;
    const char *value;
};

struct pairs {
    struct pair *items;
    uint32_t count;
};

/* Splits at commas and the first "=" of each part. Fails with ERR_USAGE on an empty key, a missing
 * "=" or a key given twice. All text lives in the arena. */
int pairs_parse(struct arena *arena, const char *text, struct pairs *pairs, struct err *err);

/* The value, or NULL when the key is absent. */
const char *pairs_find(const struct pairs *pairs, const char *key);

/* Fails with ERR_USAGE when a key is none of `known` (NULL-terminated), naming all of them. */
int pairs_only(const struct pairs *pairs, const char *const *known, struct err *err);

#endif
