#include "collectors/emit/emit.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

_Static_assert((int)ASSAY_HOOKS_TENSORS_MAX == (int)HOOKS_TENSORS_MAX, "one limit");
_Static_assert((int)ASSAY_HOOKS_RANK_MAX == (int)HOOKS_RANK_MAX, "one limit");

static _Thread_local struct lane *own;

void hooks_forget_lane(void) {
    own = NULL;
}

/* Nobody asked for a recording: the least that a call can cost. */
static inline bool is_off(void) {
    return !emit.page;
}

/* The thread's lane with room for a record. NULL: nothing is recorded. */
static inline struct lane *lane_ready(void) {
    struct lane *lane = own;
    if (__builtin_expect(
            !lane || !atomic_load_explicit(&emit.page->recording, memory_order_relaxed), 0))
        lane = own = lane_enter();
    if (lane && __builtin_expect(lane->at > lane->limit, 0) && !lane_turn(lane))
        return NULL;
    return lane;
}

static inline void lane_finish(struct lane *lane, uint64_t *at, uint64_t *end, uint64_t head) {
    lane->at = end;
    publish(at, head);
    if (__builtin_expect(end > lane->ask, 0))
        lane_ask(lane);
}

/* HOOKS_COUNTED when the thread counts, and where the counters end. */
static inline uint32_t put_counters(const struct lane *lane, uint64_t **end) {
    if (__builtin_expect(lane->counters < 0, 1))
        return 0;
    uint32_t words = counters_put(lane, *end);
    *end += words;
    return words ? HOOKS_COUNTED : 0;
}

enum { TENSOR_WORDS_MAX = HOOKS_TENSORS_MAX * (1 + HOOKS_RANK_MAX) };

static inline uint64_t *put_tensors(uint64_t *at, const assay_hooks_tensor *tensors,
                                    uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = tensors[i].rank < HOOKS_RANK_MAX ? tensors[i].rank : HOOKS_RANK_MAX;
        *at++ = tensors[i].dtype | (uint64_t)rank << 32;
        for (uint32_t d = 0; d < rank; d++)
            *at++ = (uint64_t)tensors[i].dims[d];
    }
    return at;
}

/* ---- tensors told before -----------------------------------------------------------------------
 */

enum { PLACES_TRIED = 2 };

static inline uint64_t hash_words(const uint64_t *words, uint64_t count) {
    uint64_t hash = count, factor = 0x9e3779b97f4a7c15u;
    for (uint64_t i = 0; i < count; i++, factor += 0x3c6ef372fe94f82au)
        hash += words[i] * factor; /* independent of one another, so they overlap */
    return hash ^ hash >> 32;
}

static inline bool same_words(const struct told *told, const uint64_t *words, uint64_t count) {
    return told->count == count && memcmp(told->words, words, count * 8) == 0;
}

static void tell(struct lane *lane, uint32_t number, const uint64_t *words, uint64_t count,
                 uint32_t tensor_count) {
    uint64_t *at = lane->at;
    lane->told[number].count = count;
    memcpy(lane->told[number].words, words, count * 8);
    at[1] = clock_ticks();
    memcpy(at + 2, words, count * 8);
    lane->at = at + 2 + count;
    publish(at, hooks_record_word(HOOKS_SHAPES, tensor_count, 2 + count, 0) |
                    hooks_shapes_word(number));
}

/* The number of these tensors in the lane, told now when they are new and a place is free; 0: they
 * have none. */
static inline uint32_t told_number(struct lane *lane, const uint64_t *words, uint64_t count,
                                   uint32_t tensor_count) {
    if (count > TOLD_WORDS_MAX || !lane->told)
        return 0;
    uint64_t hash = hash_words(words, count);
    for (uint32_t i = 0; i < PLACES_TRIED; i++) {
        uint32_t number = 1 + (uint32_t)((hash + i) % HOOKS_SHAPES_MAX);
        if (same_words(&lane->told[number], words, count))
            return number;
        if (lane->told[number].count == 0) {
            tell(lane, number, words, count, tensor_count);
            return number;
        }
    }
    return 0;
}

static void count_lost(void) {
    if (atomic_load(&emit.page->recording))
        __atomic_fetch_add(&emit.header->lost, 1, __ATOMIC_RELAXED);
}

EXPORT uint32_t assay_hooks_abi(void) {
    return ASSAY_HOOKS_ABI;
}

EXPORT uint32_t assay_hooks_kind(enum assay_hooks_sort sort, const char *name,
                                 const char *category) {
    return kind_number(sort, name, category);
}

/* The clock is read last, so that what writing costs is not the operator's. */
EXPORT void assay_hooks_begin(uint32_t kind, const assay_hooks_tensor *tensors, uint32_t count) {
    if (is_off())
        return;
    struct lane *lane = lane_ready();
    if (!lane) {
        count_lost();
        return;
    }
    uint64_t words[TENSOR_WORDS_MAX], length = 0, shapes = 0;
    if (count > 0) {
        count = count < HOOKS_TENSORS_MAX ? count : HOOKS_TENSORS_MAX;
        length = (uint64_t)(put_tensors(words, tensors, count) - words);
        shapes = hooks_shapes_word(told_number(lane, words, length, count));
        if (shapes)
            length = count = 0;
    }
    uint64_t *at = lane->at, *end = at + 2;
    uint32_t counted = put_counters(lane, &end);
    if (length > 0)
        memcpy(end, words, length * 8);
    end += length;
    lane->depth++;
    at[1] = clock_ticks();
    lane_finish(lane, at, end,
                hooks_record_word(HOOKS_BEGIN, count | counted, (uint64_t)(end - at), kind) |
                    shapes);
}

EXPORT void assay_hooks_end(void) {
    if (is_off() || !own)
        return;
    uint64_t ticks = clock_ticks();
    struct lane *lane = lane_ready();
    if (!lane)
        return;
    if (lane->depth == 0) {
        __atomic_fetch_add(&emit.header->unmatched, 1, __ATOMIC_RELAXED);
        return;
    }
    lane->depth--;
    uint64_t *at = lane->at, *end = at + 2;
    at[1] = ticks;
    uint32_t counted = put_counters(lane, &end);
    lane_finish(lane, at, end, hooks_record_word(HOOKS_END, counted, (uint64_t)(end - at), 0));
}

EXPORT uint64_t assay_hooks_start(uint32_t kind, const assay_hooks_tensor *tensors,
                                  uint32_t count) {
    if (is_off())
        return 0;
    struct lane *lane = lane_ready();
    if (!lane) {
        count_lost();
        return 0;
    }
    if (count > HOOKS_TENSORS_MAX)
        count = HOOKS_TENSORS_MAX;
    uint64_t *at = lane->at, *end = put_tensors(at + 3, tensors, count);
    uint64_t range = (uint64_t)lane->number << 40 | ++lane->ranges;
    at[2] = range;
    at[1] = clock_ticks();
    lane_finish(lane, at, end, hooks_record_word(HOOKS_START, count, (uint64_t)(end - at), kind));
    return range;
}

EXPORT void assay_hooks_stop(uint64_t started) {
    uint64_t ticks = started ? clock_ticks() : 0;
    struct lane *lane = started ? lane_ready() : NULL;
    if (!lane)
        return;
    uint64_t *at = lane->at;
    at[1] = ticks;
    at[2] = started;
    lane_finish(lane, at, at + 3, hooks_record_word(HOOKS_STOP, 0, 3, 0));
}

EXPORT void assay_hooks_thread(const char *name) {
    uint32_t kind = kind_number(ASSAY_HOOKS_ANNOTATION, name, "thread");
    struct lane *lane = kind ? lane_ready() : NULL;
    if (!lane)
        return;
    uint64_t *at = lane->at;
    at[1] = clock_ticks();
    lane_finish(lane, at, at + 2, hooks_record_word(HOOKS_NAME, 0, 2, kind));
}

EXPORT const char *assay_hooks_stream(void) {
    if (!emit.page || atomic_load(&emit.failed))
        return NULL;
    if (!atomic_load(&emit.page->recording)) {
        stream_lock();
        if (!atomic_load(&emit.page->recording))
            stream_open();
        stream_unlock();
    }
    return atomic_load(&emit.failed) ? NULL : emit.path;
}
