#include "collectors/memory/holdings.h"

#include "collectors/memory/smaps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int holdings_open(struct holdings *holdings, const struct heap_link *heap, struct err *err) {
    holdings->heap = heap;
    holdings->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    holdings->smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    holdings->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = readlink("/proc/self/exe", holdings->program, sizeof holdings->program - 1);
    holdings->program[length > 0 ? length : 0] = '\0';
    if (holdings->smaps < 0 || holdings->statm < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot open /proc/self/smaps and statm");
    return 0;
}

double holdings_resident(struct holdings *holdings) {
    char text[128];
    ssize_t length = pread(holdings->statm, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    const char *second = strchr(text, ' ');
    return second ? (double)strtoull(second, NULL, 10) * (double)holdings->page_bytes : 0;
}

/* ---- blocks -----------------------------------------------------------------------------------
 */

/* Pages of a block that are in memory. Small blocks were written by whoever asked for them. */
static double block_resident(struct holdings *holdings, const struct block *block) {
    uintptr_t page = holdings->page_bytes;
    uintptr_t from = block->at / page * page, end = (block->at + block->bytes) / page * page;
    if (block->bytes < HEAP_RELEASED_BYTES)
        return (double)block->bytes;
    double resident = 0;
    while (from < end) {
        size_t count = (end - from) / page;
        count = count < sizeof holdings->pages ? count : sizeof holdings->pages;
        if (mincore((void *)from, count * page, holdings->pages)) /* NOLINT: an address */
            return resident;
        for (size_t i = 0; i < count; i++)
            resident += (double)((holdings->pages[i] & 1) * page);
        from += count * page;
    }
    return resident;
}

static enum memory_part block_part(const struct block *block) {
    if (block->purpose == HEAP_ARENA)
        return MEMORY_ARENA;
    if (block->purpose == HEAP_LOADING && block->aligned)
        return MEMORY_WEIGHTS;
    return block->bytes >= HEAP_RELEASED_BYTES ? MEMORY_LARGE : MEMORY_HEAP;
}

void holdings_split(struct holdings *holdings, struct memory_parts *out) {
    struct smaps smaps = {.program = holdings->program, .part = MEMORY_HEAP};
    off_t at = 0;
    ssize_t length;
    while ((length = pread(holdings->smaps, holdings->text, sizeof holdings->text, at)) > 0) {
        smaps_take(&smaps, holdings->text, (size_t)length);
        at += length;
    }
    double *resident = smaps.parts.resident_bytes, *shared = smaps.parts.proportional_bytes;
    for (uint32_t i = 0; i < HEAP_BLOCKS; i++) {
        const struct block *block = &holdings->heap->blocks.blocks[i];
        enum memory_part part = block->at ? block_part(block) : MEMORY_HEAP;
        if (part == MEMORY_HEAP)
            continue;
        double bytes = block_resident(holdings, block);
        resident[part] += bytes;
        resident[MEMORY_HEAP] -= bytes;
        shared[part] += bytes;
        shared[MEMORY_HEAP] -= bytes;
    }
    *out = smaps.parts;
}

void holdings_arena(struct holdings *holdings, double *reserved_bytes, double *written_bytes) {
    *reserved_bytes = *written_bytes = 0;
    for (uint32_t i = 0; i < HEAP_BLOCKS; i++) {
        const struct block *block = &holdings->heap->blocks.blocks[i];
        if (!block->at || block->purpose != HEAP_ARENA)
            continue;
        *reserved_bytes += (double)block->bytes;
        *written_bytes += block_resident(holdings, block);
    }
}
