/* Begins and ends of several domains on one thread. Hooks nest: the innermost operator ends. ITT
 * and NVTX nest within each domain alone, so an end may find others' operators inside of its own;
 * those are ended with it and begun again, and count twice, but every time is right. */
#ifndef ASSAY_COLLECTORS_EMIT_NEST_H
#define ASSAY_COLLECTORS_EMIT_NEST_H

#include "collectors/assay_hooks.h"

enum { NEST_MAX = 64 }; /* what is deeper is not recorded */

/* Of a thread; all zeros at first. */
struct nest {
    uint32_t depth, beyond; /* beyond: begun deeper than NEST_MAX */
    struct {
        const void *domain;
        uint32_t kind;
    } open[NEST_MAX];
};

/* Returns how many of the domain had begun before, as NVTX wants to know. */
int nest_begin(struct nest *nest, const void *domain, uint32_t kind,
               const assay_hooks_tensor *tensors, uint32_t count);
/* The same after the end; -1: none had begun. */
int nest_end(struct nest *nest, const void *domain);

#endif
