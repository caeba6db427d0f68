/* Brackets of the memory pass: what each operator took between its start and its stop, and gave
 * back before the next one started. Brackets nest as those of time do (brackets.h); what operators
 * of a subgraph took is the outer one's too, since a timeline shows the outermost graph. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_MEMORY_BRACKETS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_MEMORY_BRACKETS_H

#include "collectors/memory/high_water.h"
#include "collectors/onnxruntime/counting_allocator.h"
#include "collectors/onnxruntime/identity.h"

enum { MEMORY_BRACKETS_DEPTH = 64 };

struct memory_reading {
    uint64_t allocated_bytes, freed_bytes; /* of the allocator */
    uint64_t malloc_bytes;
    uint64_t faults;
};

struct memory_bracket {
    struct memory_reading start;
    uint64_t most_bytes; /* live, of brackets around it, as far as they came */
    struct memory_use_step step;
};

struct memory_brackets {
    struct identity identity;
    struct counting_allocator *allocator;
    const struct heap_link *heap;
    struct high_water *water;
    struct memory_use_step *steps; /* closed ones, room for every operator */
    uint32_t *serials;             /* by step: the number of its bracket */
    uint32_t step_count;
    struct memory_bracket stack[MEMORY_BRACKETS_DEPTH];
    uint32_t
        numbers[MEMORY_BRACKETS_DEPTH]; /* of the open brackets, as the high water names them */
    uint32_t depth, started;
    uint64_t weight_bytes; /* that the allocator gave before the first bracket */
    uint64_t freed_bytes;  /* of the allocator when the last bracket was closed */
    bool open_end;         /* what is freed now belongs to the last step */
    bool done;             /* the first run is over */
};

/* Operators and the rest are borrowed. */
void memory_brackets_init(struct memory_brackets *brackets, struct arena *arena,
                          const struct request_op *ops, uint32_t op_count);

void memory_brackets_start(struct memory_brackets *brackets);
void memory_brackets_stop(struct memory_brackets *brackets);
void memory_brackets_name(struct memory_brackets *brackets, const struct hook_event *event);
/* Behind the first run: later ones leave no steps. */
void memory_brackets_end(struct memory_brackets *brackets);

/* The operator of a bracket; GRAPH_NONE: of none. */
int32_t memory_brackets_op(const struct memory_brackets *brackets, uint32_t number);

#endif
