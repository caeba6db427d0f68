/* Blocks of memory by their address: open addressing, nothing left behind where one is taken out.
 * Inline, since libassay-heap.so is one file. Callers lock. */
#ifndef ASSAY_COLLECTORS_MEMORY_BLOCK_TABLE_H
#define ASSAY_COLLECTORS_MEMORY_BLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
    uintptr_t at; /* 0: free */
    size_t bytes;
    uint8_t purpose;
    bool aligned; /* asked for by alignment, as runtimes do for tensors */
};

struct block_table {
    struct block *blocks;
    uint32_t mask;  /* size - 1; the size is a power of 2 */
    uint32_t count; /* at most three quarters of the size */
};

static inline uint32_t block_slot(const struct block_table *table, uintptr_t at) {
    return (uint32_t)(((uint64_t)at >> 4) * 0x9e3779b97f4a7c15u >> 40) & table->mask;
}

/* False: it is full. */
static inline bool block_put(struct block_table *table, const struct block *block) {
    if (table->count > table->mask - table->mask / 4)
        return false;
    uint32_t slot = block_slot(table, block->at);
    while (table->blocks[slot].at)
        slot = (slot + 1) & table->mask;
    table->blocks[slot] = *block;
    table->count++;
    return true;
}

/* Takes a block out; its bytes, 0 when it is not there. */
static inline size_t block_take(struct block_table *table, uintptr_t at) {
    uint32_t slot = block_slot(table, at);
    while (table->blocks[slot].at != at) {
        if (!table->blocks[slot].at)
            return 0;
        slot = (slot + 1) & table->mask;
    }
    size_t bytes = table->blocks[slot].bytes;
    /* What follows moves up unless it would get in front of its own place. */
    for (uint32_t next = (slot + 1) & table->mask; table->blocks[next].at;
         next = (next + 1) & table->mask) {
        uint32_t home = block_slot(table, table->blocks[next].at);
        if (((next - home) & table->mask) < ((next - slot) & table->mask))
            continue;
        table->blocks[slot] = table->blocks[next];
        slot = next;
    }
    table->blocks[slot].at = 0;
    table->count--;
    return bytes;
}

#endif
