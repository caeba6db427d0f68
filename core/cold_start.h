/* The time from nothing to the first answer, phase by phase. */
#ifndef ASSAY_CORE_COLD_START_H
#define ASSAY_CORE_COLD_START_H

#include "core/estimate.h"

#include <stdint.h>

/* Whether the files are in memory already. */
enum page_cache { PAGE_CACHE_WARM, PAGE_CACHE_COLD, PAGE_CACHE_COUNT };
const char *page_cache_name(enum page_cache page_cache); /* "warm" */

/* What happens before the process starts and no measurement here can tell: image pull, node boot.
 */
struct given_phase {
    const char *name;
    double ns;
};

struct cold_phase {
    const char *name;  /* "file_read" */
    const char *title; /* "file read" */
    struct estimate ns;
    const char *how; /* what the number rests on */
};

struct cold_start {
    enum page_cache page_cache;
    struct estimate total_ns;  /* refused when a phase is */
    struct cold_phase *phases; /* as they follow one another, the given ones first */
    uint32_t phase_count;      /* 0: nothing is known */
};

/* The sum of parts whose errors go together (the machine is as fast or slow in all of them), so the
 * ends of their intervals add up; as well known as the weakest of them. */
struct estimate cold_start_sum(const struct estimate *parts, uint32_t count);

#endif
