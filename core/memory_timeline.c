#include "core/memory_timeline.h"

#include "core/arena_use.h"

double memory_timeline_held(const struct memory_timeline *timeline, uint32_t step) {
    return timeline->weight_bytes + timeline->feed_bytes + timeline->steps[step].arena_bytes;
}

static void find_owner(struct memory_timeline *t) {
    double later = t->weight_bytes + t->feed_bytes + t->later_bytes;
    t->owner = t->step_count ? t->steps[t->arena_peak].name : "";
    t->peak_bytes = t->step_count ? memory_timeline_held(t, t->arena_peak) : 0;
    if (later > t->peak_bytes) {
        t->owner = MEMORY_OWNER_LATER;
        t->peak_bytes = later;
    }
    if (t->loading_bytes > t->peak_bytes) {
        t->owner = MEMORY_OWNER_LOADING;
        t->peak_bytes = t->loading_bytes;
    }
}

static void name_steps(const struct graph *graph, const struct flat_graph *flat,
                       struct memory_timeline *out) {
    for (uint32_t i = 0; i < flat->count; i++) {
        const struct flat_op *op = &flat->ops[i];
        if (op->graph == graph)
            out->steps[op->op - graph->ops].name = op->path;
    }
}

void memory_timeline_of(struct arena *arena, const struct graph *graph,
                        const struct flat_graph *flat, const struct footprint *footprint,
                        struct memory_timeline *out) {
    struct arena_use use;
    struct arena_step *played = ARENA_ARRAY(arena, graph->op_count + 1u, struct arena_step);
    arena_use_steps(graph, &use, played);
    *out = (struct memory_timeline){
        .steps = ARENA_ARRAY(arena, graph->op_count + 1u, struct memory_step),
        .step_count = graph->op_count,
        .weight_bytes = footprint->resident_weight_bytes,
        .feed_bytes = footprint->feed_bytes,
        .loading_bytes = footprint->loading_bytes,
        .later_bytes = footprint->arena_bytes,
    };
    for (uint32_t i = 0; i < graph->op_count; i++) {
        out->steps[i] = (struct memory_step){.name = "",
                                             .type = graph->ops[i].type,
                                             .live_bytes = played[i].live_bytes,
                                             .arena_bytes = played[i].held_bytes};
        if (played[i].live_bytes > out->steps[out->live_peak].live_bytes)
            out->live_peak = i;
        if (played[i].held_bytes > out->steps[out->arena_peak].arena_bytes)
            out->arena_peak = i;
    }
    name_steps(graph, flat, out);
    find_owner(out);
}
