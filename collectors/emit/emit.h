/* Inside of libassay-hooks.so: what runs in the program that is watched. It needs the C library
 * alone and keeps its state in one object, for the program it sits in hands it no context.
 *
 * Who may touch what: a lane's log belongs to the thread that has entered it. Everything else is
 * changed under `page->mutex`; kinds and lanes are put into their lists by one store, so a child
 * that was forked in the middle finds them whole. The page is wiped in a forked child: there
 * nothing is recorded, the mutex is free, and the next call opens a stream of the child's own.
 */
#ifndef ASSAY_COLLECTORS_EMIT_EMIT_H
#define ASSAY_COLLECTORS_EMIT_EMIT_H

#include "collectors/assay_hooks.h"
#include "collectors/hooks/format.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_VARIABLE   "ASSAY_HOOKS_STREAM"
#define COUNTERS_VARIABLE "ASSAY_HOOKS_COUNTERS"
#define LIMIT_VARIABLE    "ASSAY_HOOKS_LIMIT"

/* A text of the program's, known by its number. Never freed. */
struct kind {
    uint32_t number, sort;
    const char *name, *category;    /* behind one another in the same memory */
    _Atomic(struct kind *) younger; /* next by number */
    struct kind *bucket_next;
};

/* Tensors that a lane has told, so that they need not be told again: engines run the same shapes
 * over and over. Longer ones are always told. */
enum { TOLD_WORDS_MAX = 20 };

struct told {
    uint64_t count; /* words; 0: none yet */
    uint64_t words[TOLD_WORDS_MAX];
};

/* What a thread writes to. Never freed, but handed on when the thread ends. */
struct lane {
    uint64_t *at;    /* the next record */
    uint64_t *limit; /* a longest record fits before the end when `at` is not behind it */
    uint64_t *ask;   /* behind it the next segment is asked for */
    uint32_t depth;  /* operators begun and not ended */
    uint32_t number, thread;
    uint32_t segments; /* that it has had, the prepared one too */
    struct told *told; /* HOOKS_SHAPES_MAX + 1, by number; NULL: no memory */
    uint64_t ranges;   /* started so far */
    int counters;      /* descriptor of the group, -1: none */
    int members[HOOKS_COUNTERS_MAX];
    uint64_t *segment;           /* the one written to; NULL: there was no room */
    _Atomic(uint64_t *) next;    /* prepared */
    _Atomic(uint64_t *) written; /* full, to be unmapped */
    atomic_bool wanted;          /* a next one is asked for */
    struct lane *older;          /* all lanes */
    struct lane *next_free;      /* lanes whose thread has ended */
};

/* Wiped on fork. */
struct page {
    atomic_bool recording;
    pthread_mutex_t mutex; /* all zeros is free, as PTHREAD_MUTEX_INITIALIZER is */
};

enum { BUCKETS = 1 << 16, KINDS_MAX = 1 << 20 };

struct emit {
    struct page *page; /* NULL: recording was not asked for */
    atomic_bool failed;
    const char *wanted_path; /* ASSAY_HOOKS_STREAM */
    uint64_t limit_bytes;
    char *path; /* of the file that is written */
    int fd;
    struct hooks_header *header;
    uint64_t file_bytes;
    uint32_t clock; /* enum hooks_clock */
    uint32_t threads, lane_count;
    pthread_key_t leaving;
    struct lane *lanes, *free_lanes;
    struct lane kinds_lane;
    _Atomic(struct kind *) *buckets;
    struct kind *first_kind, *last_kind;
    uint32_t kind_count;
    sem_t ask;
};

extern struct emit emit;

/* ---- clock.c ---- */
uint32_t clock_choose(void);
uint64_t clock_monotonic_ns(void);
/* Both clocks at one moment. */
struct hooks_sync clock_sync(void);

static inline uint64_t clock_ticks(void) {
#if defined(__x86_64__)
    if (emit.clock == HOOKS_CLOCK_TSC)
        return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    if (emit.clock == HOOKS_CLOCK_CNTVCT) {
        uint64_t ticks;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
        return ticks;
    }
#endif
    return clock_monotonic_ns();
}

/* ---- stream.c: the file; all under the mutex ---- */
/* Makes the process's file and begins to record. false: it cannot be made; `failed` is set. */
bool stream_open(void);
/* Adds a segment to a lane and maps it, its pages in memory. NULL when there is no room. */
uint64_t *stream_segment(struct lane *lane);
void stream_unmap(uint64_t *segment);
void stream_note_sync(void);
void stream_lock(void);
void stream_unlock(void);

/* ---- lane.c ---- */
/* The calling thread's lane, made or taken over; NULL: nothing is recorded. */
struct lane *lane_enter(void);
/* The thread has ended: another may take its lane. */
void lane_leave(void *lane);
/* Goes on in the next segment; false when there is none. */
bool lane_turn(struct lane *lane);
void lane_ask(struct lane *lane);
void lane_use(struct lane *lane, uint64_t *segment);

/* ---- hooks.c ---- */
void hooks_forget_lane(void); /* the calling thread has none any more */

/* ---- kinds.c ---- */
uint32_t kind_number(enum assay_hooks_sort sort, const char *name, const char *category);
/* Writes all kinds there are into a new file. */
void kinds_rewrite(void);

/* ---- counters.c: a group of events per thread ---- */
/* Which of the names open here; fills the header. */
void counters_choose(const char *names, struct hooks_header *header);
void counters_open_thread(struct lane *lane);
void counters_close_thread(struct lane *lane);
/* HOOKS_COUNTER_WORDS_MAX words at most; how many were put. */
uint32_t counters_put(const struct lane *lane, uint64_t *words);

/* ---- helper.c: a thread that prepares segments ---- */
void helper_start(void);

/* Makes a word visible after all that was written before it. */
static inline void publish(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

#endif
