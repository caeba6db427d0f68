#include "base/intern.h"

#include "base/siphash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 256, ALIGNMENT = 8 };

struct entry {
    uint32_t offset, length; /* of its bytes; the offset in units of ALIGNMENT */
    uint32_t hash;
};

struct intern {
    size_t most_bytes;
    unsigned char *bytes;
    size_t used, capacity;
    struct entry *entries;
    uint32_t count, entry_capacity;
    uint32_t *slots; /* number + 1 of an entry; 0: free; a power of two, at most half full */
    uint32_t slot_count;
    struct siphash_key secret; /* keys come from strangers */
};

static uint32_t hash_of(const struct intern *in, const void *key, size_t length) {
    uint64_t hash = siphash(&in->secret, key, length);
    return (uint32_t)(hash >> 32 ^ hash);
}

struct intern *intern_open(size_t most_bytes) {
    struct intern *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->most_bytes = most_bytes;
    in->slot_count = SLOTS_AT_FIRST;
    in->secret = siphash_draw();
    in->slots = calloc(in->slot_count, sizeof *in->slots);
    if (in->slots)
        return in;
    intern_close(in);
    return NULL;
}

/* Where the key stands, or would stand. */
static uint32_t *find_slot(const struct intern *in, const void *key, size_t length, uint32_t hash) {
    for (uint32_t at = hash;; at++) {
        uint32_t *slot = &in->slots[at & (in->slot_count - 1)];
        if (*slot == 0)
            return slot;
        const struct entry *entry = &in->entries[*slot - 1];
        if (entry->hash == hash && entry->length == length &&
            memcmp(intern_key(in, *slot - 1), key, length) == 0)
            return slot;
    }
}

static bool grow_slots(struct intern *in) {
    uint32_t count = 2 * in->slot_count;
    uint32_t *slots = count ? calloc(count, sizeof *slots) : NULL;
    if (!slots)
        return false;
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t at = in->entries[i].hash;
        while (slots[at & (count - 1)])
            at++;
        slots[at & (count - 1)] = i + 1;
    }
    free(in->slots);
    in->slots = slots;
    in->slot_count = count;
    return true;
}

static bool grow_entries(struct intern *in) {
    uint32_t capacity = in->entry_capacity ? 2 * in->entry_capacity : SLOTS_AT_FIRST;
    struct entry *entries = realloc(in->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    in->entries = entries;
    in->entry_capacity = capacity;
    return true;
}

static bool grow_bytes(struct intern *in, size_t least) {
    size_t capacity = in->capacity ? in->capacity + in->capacity / 2 : 4096;
    if (capacity > in->most_bytes)
        capacity = in->most_bytes;
    if (capacity < least)
        capacity = least;
    unsigned char *bytes = realloc(in->bytes, capacity);
    if (!bytes)
        return false;
    in->bytes = bytes;
    in->capacity = capacity;
    return true;
}

static uint32_t add(struct intern *in, const void *key, size_t length, uint32_t hash) {
    if (length >= in->most_bytes)
        return INTERN_FULL;
    size_t room = (length + ALIGNMENT) / ALIGNMENT * ALIGNMENT; /* a NUL at least */
    if (room > in->most_bytes - in->used)
        return INTERN_FULL;
    if (in->used + room > in->capacity && !grow_bytes(in, in->used + room))
        return INTERN_FULL;
    if (in->count == in->entry_capacity && !grow_entries(in))
        return INTERN_FULL;
    if (2 * in->count >= in->slot_count && !grow_slots(in))
        return INTERN_FULL;
    memset(in->bytes + in->used + room - ALIGNMENT, 0, ALIGNMENT);
    memcpy(in->bytes + in->used, key, length);
    in->entries[in->count] =
        (struct entry){(uint32_t)(in->used / ALIGNMENT), (uint32_t)length, hash};
    in->used += room;
    *find_slot(in, key, length, hash) = in->count + 1;
    return in->count++;
}

uint32_t intern(struct intern *in, const void *key, size_t length) {
    uint32_t hash = hash_of(in, key, length);
    uint32_t number = *find_slot(in, key, length, hash);
    return number ? number - 1 : add(in, key, length, hash);
}

uint32_t intern_find(const struct intern *in, const void *key, size_t length) {
    uint32_t number = *find_slot(in, key, length, hash_of(in, key, length));
    return number ? number - 1 : INTERN_FULL;
}

const void *intern_key(const struct intern *in, uint32_t number) {
    return in->bytes + (size_t)in->entries[number].offset * ALIGNMENT;
}

uint32_t intern_count(const struct intern *in) {
    return in->count;
}

void intern_close(struct intern *in) {
    if (!in)
        return;
    free(in->bytes);
    free(in->entries);
    free(in->slots);
    free(in);
}
