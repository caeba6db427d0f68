#include "predictor/same_work.h"

#include <string.h>

/* Bytes between members may differ; then two operators are estimated where one would do. */
static uint64_t hash_of(const struct features *features) {
    uint64_t hash = 14695981039346656037u, word = 0;
    for (size_t at = 0; at < sizeof *features; at += sizeof word) {
        size_t left = sizeof *features - at;
        memcpy(&word, (const char *)features + at, left < sizeof word ? left : sizeof word);
        hash = (hash ^ word) * 1099511628211u;
    }
    return hash ^ hash >> 32;
}

const uint32_t *same_work(struct arena *arena, const struct features *features, uint32_t count) {
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t)count)
        slots *= 2;
    uint32_t *first = ARENA_ARRAY(arena, count + 1u, uint32_t);
    uint32_t *table = ARENA_ARRAY(arena, slots, uint32_t); /* index + 1; 0: free */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = hash_of(&features[i]) & (slots - 1);
        while (table[slot] &&
               memcmp(&features[table[slot] - 1], &features[i], sizeof *features) != 0)
            slot = (slot + 1) & (slots - 1);
        if (!table[slot])
            table[slot] = i + 1;
        first[i] = table[slot] - 1;
    }
    return first;
}
