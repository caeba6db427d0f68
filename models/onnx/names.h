/* Names to numbers: a hash with open addressing. Keys are borrowed; slots live in the arena. */
#ifndef ASSAY_MODELS_ONNX_NAMES_H
#define ASSAY_MODELS_ONNX_NAMES_H

#include "base/arena.h"
#include "base/siphash.h"
#include "models/onnx/wire.h"

struct names_slot {
    struct wire_text key;
    uint64_t hash; /* 0: the slot is free */
    int32_t value;
};

struct names {
    struct arena *arena;
    struct names_slot *slots;
    uint32_t count, capacity; /* capacity is 0 or a power of two */
    struct siphash_key secret;
};

/* The value of a name, or NULL. Valid until the next names_add(). */
int32_t *names_find(const struct names *names, struct wire_text key);
/* False, and nothing changes, when the name is there already. */
bool names_add(struct names *names, struct wire_text key, int32_t value);

#endif
