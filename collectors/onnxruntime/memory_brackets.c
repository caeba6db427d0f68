#include "collectors/onnxruntime/memory_brackets.h"

#include <sys/resource.h>

void memory_brackets_init(struct memory_brackets *brackets, struct arena *arena,
                          const struct request_op *ops, uint32_t op_count) {
    *brackets = (struct memory_brackets){0};
    identity_init(&brackets->identity, arena, ops, op_count);
    brackets->steps = ARENA_ARRAY(arena, op_count + 1u, struct memory_use_step);
    brackets->serials = ARENA_ARRAY(arena, op_count + 1u, uint32_t);
}

static struct memory_reading read_now(const struct memory_brackets *brackets) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage); /* the pool's threads write outputs too */
    return (struct memory_reading){
        .allocated_bytes = brackets->allocator->allocated_bytes,
        .freed_bytes = brackets->allocator->freed_bytes,
        .malloc_bytes = brackets->heap->allocated_bytes - brackets->allocator->region_bytes,
        .faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt,
    };
}

/* Tensors that are not needed any more go back behind the bracket. */
static void charge_releases(struct memory_brackets *brackets) {
    uint64_t freed = brackets->allocator->freed_bytes;
    if (brackets->open_end && brackets->step_count)
        brackets->steps[brackets->step_count - 1].freed_bytes +=
            (double)(freed - brackets->freed_bytes);
    brackets->freed_bytes = freed;
    brackets->open_end = false;
}

void memory_brackets_start(struct memory_brackets *brackets) {
    uint32_t depth = brackets->depth++;
    if (depth >= MEMORY_BRACKETS_DEPTH || brackets->done)
        return;
    charge_releases(brackets);
    struct counting_allocator *allocator = brackets->allocator;
    if (depth > 0 && allocator->most_bytes > brackets->stack[depth - 1].most_bytes)
        brackets->stack[depth - 1].most_bytes = allocator->most_bytes;
    if (brackets->started == 0)
        brackets->weight_bytes = allocator->live_bytes;
    allocator->most_bytes = allocator->live_bytes;
    brackets->numbers[depth] = ++brackets->started;
    brackets->water->now = (struct high_water_owner){OWNER_OPERATOR, brackets->started};
    brackets->stack[depth].most_bytes = 0;
    brackets->stack[depth].start = read_now(brackets);
}

void memory_brackets_stop(struct memory_brackets *brackets) {
    if (brackets->depth == 0 || brackets->depth > MEMORY_BRACKETS_DEPTH || brackets->done)
        return;
    charge_releases(brackets);
    struct memory_reading stop = read_now(brackets);
    struct memory_bracket *bracket = &brackets->stack[brackets->depth - 1];
    const struct memory_reading *start = &bracket->start;
    struct counting_allocator *allocator = brackets->allocator;
    if (allocator->most_bytes > bracket->most_bytes)
        bracket->most_bytes = allocator->most_bytes;
    bracket->step = (struct memory_use_step){
        .allocated_bytes = (double)(stop.allocated_bytes - start->allocated_bytes),
        .freed_bytes = (double)(stop.freed_bytes - start->freed_bytes),
        .live_bytes = (double)bracket->most_bytes - (double)brackets->weight_bytes,
        .other_bytes = (double)(stop.malloc_bytes - start->malloc_bytes),
        .faults = (double)(stop.faults - start->faults),
    };
    high_water_look(brackets->water);
    holdings_arena(brackets->water->holdings, &bracket->step.reserved_bytes,
                   &bracket->step.written_bytes);
}

static void keep(struct memory_brackets *brackets, int32_t op, const struct memory_bracket *closed,
                 uint32_t number) {
    /* Operators of its subgraphs stand before it in the list: they give way to it. */
    while (brackets->step_count && brackets->serials[brackets->step_count - 1] > number)
        brackets->step_count--;
    if (brackets->step_count >= brackets->identity.op_count)
        return;
    brackets->serials[brackets->step_count] = number;
    brackets->steps[brackets->step_count] = closed->step;
    brackets->steps[brackets->step_count++].op = op;
    brackets->open_end = true;
}

void memory_brackets_name(struct memory_brackets *brackets, const struct hook_event *event) {
    if (brackets->depth == 0 || brackets->depth-- > MEMORY_BRACKETS_DEPTH || brackets->done)
        return;
    uint32_t depth = brackets->depth;
    struct memory_bracket *closed = &brackets->stack[depth];
    int32_t op = identity_find(&brackets->identity, event, depth);
    brackets->freed_bytes = brackets->allocator->freed_bytes;
    brackets->open_end = false;
    if (op != GRAPH_NONE)
        keep(brackets, op, closed, brackets->numbers[depth]);
    if (depth == 0)
        return;
    struct memory_bracket *outer = closed - 1;
    if (closed->most_bytes > outer->most_bytes)
        outer->most_bytes = closed->most_bytes;
    brackets->allocator->most_bytes = brackets->allocator->live_bytes;
}

void memory_brackets_end(struct memory_brackets *brackets) {
    charge_releases(brackets);
    brackets->done = true;
}

int32_t memory_brackets_op(const struct memory_brackets *brackets, uint32_t number) {
    int32_t op = GRAPH_NONE;
    for (uint32_t i = 0; i < brackets->step_count && brackets->serials[i] <= number; i++)
        op = brackets->steps[i].op;
    return op;
}
