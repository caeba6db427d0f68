/* The most that this process held, who held it and what was going on. Looked at before every large
 * release and wherever else the caller wishes: between two releases memory only grows. */
#ifndef ASSAY_COLLECTORS_MEMORY_HIGH_WATER_H
#define ASSAY_COLLECTORS_MEMORY_HIGH_WATER_H

#include "collectors/memory/holdings.h"

#include <stdatomic.h>

/* What is going on, in the caller's words: anything it can tell apart. */
struct high_water_owner {
    enum memory_owner kind;
    uint32_t which; /* a phase, the number of a bracket */
};

struct high_water {
    struct holdings *holdings;
    struct high_water_owner now; /* set by the caller */
    double most_bytes;
    struct high_water_owner owner; /* when it was the most */
    struct memory_parts parts;     /* at the most, or when a half per cent less was held */
    double split_bytes;
    atomic_flag busy;
};

void high_water_init(struct high_water *water, struct holdings *holdings);
void high_water_look(struct high_water *water);

#endif
