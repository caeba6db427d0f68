/* What was seen of a process's memory: who held it at five moments, and what each operator of the
 * first run took and gave back. */
#ifndef ASSAY_CORE_MEMORY_USE_H
#define ASSAY_CORE_MEMORY_USE_H

#include "core/memory_timeline.h"

#include <stdbool.h>
#include <stdint.h>

enum memory_part {
    MEMORY_LIBRARIES, /* programs and libraries, their variables included */
    MEMORY_FILES,     /* other mapped files: external weights */
    MEMORY_WEIGHTS,   /* tensors taken while the model was loaded */
    MEMORY_ARENA,     /* of the runtime, for activations */
    MEMORY_LARGE,     /* other large blocks: copies while loading, tensors outside the arena */
    MEMORY_HEAP,      /* small blocks, and what the heap keeps */
    MEMORY_STACKS,
    MEMORY_PARTS
};

enum memory_moment {
    MEMORY_STARTED,   /* the runtime is loaded, no model yet */
    MEMORY_LOADED,    /* the session is made */
    MEMORY_FIRST_RUN, /* behind the first run */
    MEMORY_LATER,     /* behind some more */
    MEMORY_PEAK,      /* the most of all that was seen */
    MEMORY_MOMENTS
};

struct memory_parts {
    double resident_bytes[MEMORY_PARTS];
    double proportional_bytes[MEMORY_PARTS]; /* pages shared with others count in part (PSS) */
};

double memory_parts_resident(const struct memory_parts *parts);
double memory_parts_proportional(const struct memory_parts *parts);

const char *memory_part_name(enum memory_part part);       /* "weights" */
const char *memory_moment_name(enum memory_moment moment); /* "first_run" */

/* An operator of the outermost graph in the first run. */
struct memory_use_step {
    int32_t op;             /* place in the flat graph */
    double allocated_bytes; /* asked of the runtime's allocator */
    double freed_bytes;     /* given back by the start of the next one */
    double live_bytes;      /* the most that was taken and not given back while it ran */
    double reserved_bytes;  /* that the arena has of the system at its end */
    double written_bytes;   /* of these, pages that are in memory */
    double other_bytes;     /* asked of malloc besides, scratch of kernels and bookkeeping */
    double faults;          /* pages that were not there yet */
};

enum memory_owner { OWNER_LOADING, OWNER_OPERATOR, OWNER_LATER };

enum loading_phase {
    LOADING_READ,
    LOADING_OPTIMISE,
    LOADING_REORDER, /* filters, for blocked convolutions */
    LOADING_PACK,
    LOADING_PHASES
};

const char *loading_phase_name(enum loading_phase phase); /* "reordering filters" */

struct memory_use {
    struct memory_parts at[MEMORY_MOMENTS];
    struct memory_use_step *steps; /* in the order of execution */
    uint32_t step_count;
    double high_water_bytes;         /* the kernel's own: VmHWM */
    double loading_high_water_bytes; /* when the session was made */
    double feed_bytes;
    enum memory_owner owner;  /* of the peak */
    int32_t owner_op;         /* OWNER_OPERATOR: place in the flat graph */
    enum loading_phase phase; /* OWNER_LOADING: what was being done */
};

/* What operators are called, by their place in the flat graph. */
struct operator_names {
    const char **names, **types;
    uint32_t count;
};

struct operator_names operator_names_of(struct arena *arena, const struct flat_graph *flat);

/* The same as a timeline, `measured` set. Names are borrowed; a step of an operator that has none
 * is left out. */
void memory_use_timeline(struct arena *arena, const struct memory_use *use,
                         const struct operator_names *names, struct memory_timeline *out);

/* How well one timeline tells another's, over the steps that both have. */
struct memory_agreement {
    double live;    /* median of |a / b - 1| of live bytes, steps of a MiB and more */
    double arena;   /* a / b - 1 of the arena at the end of the first run */
    double later;   /* of the arena later */
    double loading; /* of the most held while loading */
    uint32_t steps; /* that were compared; 0: none */
};

void memory_timelines_compare(struct arena *arena, const struct memory_timeline *a,
                              const struct memory_timeline *b, struct memory_agreement *out);

#endif
