/* The functions to probe, gathered from the libraries a program loads. A function's place in the
 * list is its cookie in the kernel. */
#ifndef ASSAY_COLLECTORS_RECORD_PROBE_FUNCTIONS_H
#define ASSAY_COLLECTORS_RECORD_PROBE_FUNCTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "collectors/record/probe_wish.h"

#include <stdbool.h>
#include <stdint.h>

struct probe_function {
    const char *name;
    const struct probe_wish *wish;
    /* The kernel runs the first instruction by itself instead of stepping over it in a place of its
     * own, which costs several times as much. */
    bool emulated;
    uint32_t tensors; /* looked at when it is entered */
    uint64_t calls;   /* returned ones; counted by whoever reads events */
};

struct probe_functions {
    struct arena *arena;
    struct probe_function *items;
    uint32_t count, capacity;
};

enum { PROBE_GUARDS_MAX = 8 };

/* What one file has for us; arrays live in the arena. */
struct probe_places {
    uint64_t *offsets, *cookies; /* of functions that were wished for, the foremost first */
    uint64_t *return_cookies;    /* the same with PROBE_RETURNS */
    uint32_t count;
    uint64_t guards[PROBE_GUARDS_MAX]; /* of functions that begin an unwinding */
    uint32_t guard_count;
};

/* Looks into a file that is mapped as `name` (its path as the program sees it); `path` is where we
 * find it. Each place in the file is taken once, for the first wish that matches. ERR_INPUT when it
 * is no ELF file we can read. */
int probe_functions_find(struct probe_functions *functions, const char *name, const char *path,
                         const struct probe_wish *wishes, uint32_t wish_count,
                         struct probe_places *out, struct err *err);

#endif
