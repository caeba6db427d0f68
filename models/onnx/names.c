#include "models/onnx/names.h"

#include <string.h>

enum { FIRST_CAPACITY = 16 };

/* Never 0. Names come from strangers, who must not be able to make them collide. */
static uint64_t hash_of(const struct names *names, struct wire_text key) {
    return siphash(&names->secret, key.bytes, key.length) | 1;
}

static struct names_slot *slot_of(const struct names *names, struct wire_text key, uint64_t hash) {
    uint32_t mask = names->capacity - 1;
    for (uint32_t i = (uint32_t)(hash >> 7) & mask;; i = (i + 1) & mask) {
        struct names_slot *slot = &names->slots[i];
        if (slot->hash == 0)
            return slot;
        if (slot->hash == hash && slot->key.length == key.length &&
            (key.length == 0 || memcmp(slot->key.bytes, key.bytes, key.length) == 0))
            return slot;
    }
}

static void make_room(struct names *names) {
    struct names old = *names;
    if (old.capacity == 0)
        names->secret = siphash_draw();
    names->capacity = old.capacity ? 2 * old.capacity : FIRST_CAPACITY;
    names->slots = ARENA_ARRAY(names->arena, names->capacity, struct names_slot);
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.slots[i].hash)
            *slot_of(names, old.slots[i].key, old.slots[i].hash) = old.slots[i];
}

int32_t *names_find(const struct names *names, struct wire_text key) {
    if (names->capacity == 0)
        return NULL;
    struct names_slot *slot = slot_of(names, key, hash_of(names, key));
    return slot->hash ? &slot->value : NULL;
}

bool names_add(struct names *names, struct wire_text key, int32_t value) {
    if (4 * (uint64_t)names->count >= 3 * (uint64_t)names->capacity)
        make_room(names);
    uint64_t hash = hash_of(names, key);
    struct names_slot *slot = slot_of(names, key, hash);
    if (slot->hash)
        return false;
    *slot = (struct names_slot){key, hash, value};
    names->count++;
    return true;
}
