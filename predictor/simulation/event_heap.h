/* What happens next: a binary heap of events by time. Inline, since it is the inner loop. */
#ifndef ASSAY_PREDICTOR_SIMULATION_EVENT_HEAP_H
#define ASSAY_PREDICTOR_SIMULATION_EVENT_HEAP_H

#include "base/arena.h"

#include <stdint.h>

struct event {
    double at_ns;
    uint32_t kind, replica;
    uint32_t birth; /* of the replica: an event for one that is gone is void */
};

struct event_heap {
    struct arena *arena;
    struct event *events;
    uint32_t count, capacity;
};

static inline void event_push(struct event_heap *heap, struct event event) {
    if (heap->count == heap->capacity)
        heap->events = arena_grow(heap->arena, heap->events, heap->count,
                                  heap->capacity = heap->capacity ? 2 * heap->capacity : 64,
                                  sizeof *heap->events);
    uint32_t at = heap->count++;
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (heap->events[parent].at_ns <= event.at_ns)
            break;
        heap->events[at] = heap->events[parent];
        at = parent;
    }
    heap->events[at] = event;
}

static inline struct event event_pop(struct event_heap *heap) {
    struct event first = heap->events[0], last = heap->events[--heap->count];
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < heap->count) {
        child +=
            child + 1 < heap->count && heap->events[child + 1].at_ns < heap->events[child].at_ns;
        if (last.at_ns <= heap->events[child].at_ns)
            break;
        heap->events[at] = heap->events[child];
        at = child;
    }
    heap->events[at] = last;
    return first;
}

#endif
