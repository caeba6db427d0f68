/* The allocator that is played through, beside one that looks at every chunk and every page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/chunk_arena.h"

#include <string.h>

enum { PLAIN_CHUNKS = 4096, PLAIN_REGIONS = 16, PLAIN_PAGES = 1 << 15, PAGE = 4096, LIVE = 200 };

/* ---- the plain one --------------------------------------------------------------------------- */

struct plain_chunk {
    bool there, taken;
    uint32_t region;
    uint64_t offset, bytes;
};

static struct plain_chunk chunks[PLAIN_CHUNKS];
static uint8_t pages[PLAIN_REGIONS][PLAIN_PAGES];
static uint64_t next_bytes, touched, books;
static uint32_t regions;

static int add_chunk(struct plain_chunk chunk) {
    for (int i = 0; i < PLAIN_CHUNKS; i++)
        if (!chunks[i].there) {
            chunks[i] = chunk;
            return i;
        }
    fail_msg("too many chunks");
    return -1;
}

static bool fits_better(const struct plain_chunk *a, const struct plain_chunk *b) {
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes;
    return a->region != b->region ? a->region > b->region : a->offset < b->offset;
}

static int plain_region(uint64_t bytes) {
    bool enlarged = bytes > next_bytes;
    while (bytes > next_bytes)
        next_bytes *= 2;
    books += next_bytes / 256 * 8;
    int chunk = add_chunk((struct plain_chunk){true, false, regions++, 0, next_bytes});
    next_bytes *= enlarged ? 1 : 2;
    return chunk;
}

static int plain_take(uint64_t bytes) {
    uint64_t rounded = (bytes + 255) / 256 * 256;
    int best = -1;
    for (int i = 0; i < PLAIN_CHUNKS; i++)
        if (chunks[i].there && !chunks[i].taken && chunks[i].bytes >= rounded &&
            (best < 0 || fits_better(&chunks[i], &chunks[best])))
            best = i;
    best = best < 0 ? plain_region(rounded) : best;
    struct plain_chunk *c = &chunks[best];
    if (c->bytes >= 2 * rounded || c->bytes - rounded >= 128 << 20) {
        add_chunk(
            (struct plain_chunk){true, false, c->region, c->offset + rounded, c->bytes - rounded});
        c->bytes = rounded;
    }
    c->taken = true;
    for (uint64_t p = c->offset / PAGE; p <= (c->offset + bytes - 1) / PAGE; p++) {
        touched += pages[c->region][p] ? 0 : PAGE;
        pages[c->region][p] = 1;
    }
    return best;
}

static bool meet(const struct plain_chunk *a, const struct plain_chunk *b) {
    return a->there && b->there && !a->taken && !b->taken && a->region == b->region &&
           a->offset + a->bytes == b->offset;
}

static void plain_give(int chunk) {
    chunks[chunk].taken = false;
    for (int i = 0; i < PLAIN_CHUNKS; i++)
        if (meet(&chunks[chunk], &chunks[i])) {
            chunks[chunk].bytes += chunks[i].bytes;
            chunks[i].there = false;
        }
    for (int i = 0; i < PLAIN_CHUNKS; i++)
        if (meet(&chunks[i], &chunks[chunk])) {
            chunks[i].bytes += chunks[chunk].bytes;
            chunks[chunk].there = false;
        }
}

static void forget_all(void) {
    memset(chunks, 0, sizeof chunks);
    memset(pages, 0, sizeof pages);
    next_bytes = 1 << 20;
    touched = books = regions = 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

static void both_agree_whatever_is_taken_and_given(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct arena notes;
        struct chunk_arena a;
        struct chunk *held[LIVE] = {NULL};
        int plain[LIVE];
        struct rng rng;
        rng_init(&rng, seed);
        arena_init(&notes);
        chunk_arena_init(&a, &notes);
        forget_all();
        for (int round = 0; round < 1500; round++) {
            size_t i = rng_below(&rng, LIVE);
            if (held[i]) {
                chunk_arena_give(&a, held[i]);
                plain_give(plain[i]);
                held[i] = NULL;
            } else {
                uint64_t bytes = 1 + rng_below(&rng, UINT64_C(1) << (4 + rng_below(&rng, 16)));
                held[i] = chunk_arena_take(&a, bytes);
                plain[i] = plain_take(bytes);
                assert_int_equal(held[i]->offset, chunks[plain[i]].offset);
                assert_int_equal(held[i]->region, chunks[plain[i]].region);
            }
            assert_int_equal(a.touched_bytes, touched);
            assert_int_equal(a.book_bytes, books);
        }
        arena_done(&notes);
    }
}

/* As many as their file claims, each as large as can be meant. */
static void what_is_claimed_costs_no_memory_here(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    struct arena notes;
    struct chunk_arena a;
    arena_init(&notes);
    notes.limit_bytes = 32 << 20;
    chunk_arena_init(&a, &notes);
    for (int i = 0; i < COUNT; i++)
        assert_non_null(chunk_arena_take(&a, CHUNK_ARENA_REQUEST_MAX_BYTES - (uint64_t)i));
    assert_true((double)a.touched_bytes > (double)COUNT * 0x1p37);
    assert_null(chunk_arena_take(&a, CHUNK_ARENA_REQUEST_MAX_BYTES + 1));
    arena_done(&notes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_agree_whatever_is_taken_and_given),
        cmocka_unit_test(what_is_claimed_costs_no_memory_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
