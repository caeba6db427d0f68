#include "core/arena_use.h"

#include "core/chunk_arena.h"
#include "core/placement.h"
#include "core/workspace.h"

#include <math.h>
#include <string.h>

enum { LATER_RUNS = 3, ALIGNMENT = 256 };

struct playing {
    const struct graph *graph;
    struct placement placement;
    struct chunk_arena arena;
    struct chunk **held;     /* per tensor: in the arena */
    struct chunks block;     /* of later runs */
    struct chunk *block_end; /* where it ends */
    struct chunk **in_block; /* per tensor, while it lives */
    uint64_t *offsets;       /* per tensor: in the block; ARENA_ELSEWHERE */
    uint64_t loaded_bytes;   /* written before the first run */
    uint64_t written_bytes;
    uint64_t live_bytes;      /* of the first run */
    struct arena_step *steps; /* NULL: not wanted */
};

/* Of what the runtime could hold: 0 for larger tensors. */
static uint64_t bytes_of(const struct playing *p, int32_t tensor) {
    uint64_t bytes = tensor_bytes(&p->graph->tensors[tensor]);
    return bytes <= CHUNK_ARENA_REQUEST_MAX_BYTES ? bytes : 0;
}

/* ---- the block of later runs ----------------------------------------------------------------- */

/* Makes the block longer, so that what is free at its end suffices. */
static void lengthen_block(struct playing *p, uint64_t bytes) {
    const struct chunk *last = p->block_end->before;
    uint64_t there = last && !last->taken ? last->bytes : 0;
    chunks_lengthen(&p->block, p->block_end, bytes - there);
}

/* Into the gap that fits best, what was once used behind the last one included; else there, which
 * makes the block longer (TraceAllocation in mem_pattern_planner.h). */
static void trace_take(struct playing *p, int32_t tensor, uint64_t bytes) {
    uint64_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!chunks_best(&p->block, rounded))
        lengthen_block(p, rounded);
    struct chunk *chunk = chunks_best(&p->block, rounded);
    chunks_take(&p->block, chunk, rounded);
    p->in_block[tensor] = chunk;
    p->offsets[tensor] = chunk->offset;
}

static void trace_give(struct playing *p, int32_t tensor) {
    chunks_give(&p->block, p->in_block[tensor]);
    p->in_block[tensor] = NULL;
}

/* ---- one run --------------------------------------------------------------------------------- */

static bool leaves(const struct playing *p, int32_t tensor) {
    return (p->graph->tensors[tensor].flags & TENSOR_OUTPUT) != 0;
}

static void take_output(struct playing *p, int32_t tensor, bool first) {
    if (tensor == GRAPH_NONE || p->placement.owner[tensor] != tensor)
        return;
    uint64_t bytes = bytes_of(p, tensor);
    if (bytes == 0)
        return;
    if (first || leaves(p, tensor))
        p->held[tensor] = chunk_arena_take(&p->arena, bytes);
    if (first && !leaves(p, tensor))
        trace_take(p, tensor, bytes);
    p->written_bytes += first ? bytes : 0;
    p->live_bytes += first ? bytes : 0;
}

static void give_owner(struct playing *p, int32_t owner, uint32_t op, bool first) {
    if (owner == GRAPH_NONE || p->placement.released[owner] != op || leaves(p, owner))
        return;
    chunk_arena_give(&p->arena, p->held[owner]);
    p->held[owner] = NULL;
    if (!first || !p->in_block[owner]) /* given already: the operator reads it twice */
        return;
    trace_give(p, owner);
    p->live_bytes -= bytes_of(p, owner);
}

/* Bytes of it. */
static uint64_t use_workspace(struct playing *p, const struct op *op) {
    struct workspace workspace;
    struct chunk *chunks[WORKSPACE_BLOCKS];
    workspace_of(p->graph, op, &workspace);
    for (uint32_t k = 0; k < workspace.count; k++)
        chunks[k] = chunk_arena_take(&p->arena, workspace.bytes[k]);
    for (uint32_t k = 0; k < workspace.count; k++)
        chunk_arena_give(&p->arena, chunks[k]);
    return workspace_bytes(&workspace);
}

static void play_operator(struct playing *p, uint32_t i, bool first) {
    const struct op *op = &p->graph->ops[i];
    for (uint32_t k = 0; k < op->output_count; k++)
        take_output(p, op->outputs[k], first);
    uint64_t workspace = use_workspace(p, op);
    if (first && p->steps)
        p->steps[i] = (struct arena_step){(double)(p->live_bytes + workspace),
                                          (double)(p->arena.touched_bytes + p->arena.book_bytes)};
    for (uint32_t k = 0; k < op->input_count; k++)
        if (op->inputs[k] != GRAPH_NONE)
            give_owner(p, p->placement.owner[op->inputs[k]], i, first);
    for (uint32_t k = 0; k < op->output_count; k++)
        if (op->outputs[k] != GRAPH_NONE)
            give_owner(p, p->placement.owner[op->outputs[k]], i, first);
}

static void play_run(struct playing *p, bool first) {
    struct chunk *block = first ? NULL : chunk_arena_take(&p->arena, p->block_end->offset);
    for (uint32_t i = 0; i < p->graph->op_count; i++)
        play_operator(p, i, first);
    for (uint32_t t = 0; t < p->graph->tensor_count; t++) {
        chunk_arena_give(&p->arena, p->held[t]);
        p->held[t] = NULL;
    }
    chunk_arena_give(&p->arena, block);
}

/* Pages of the arena and its books. */
static uint64_t touched_bytes(const struct playing *p) {
    return p->arena.touched_bytes + p->arena.book_bytes;
}

/* Never given back. */
static void keep_what_loading_made(struct playing *p) {
    for (uint32_t i = 0; i < p->graph->op_count; i++)
        chunk_arena_take(&p->arena, workspace_kept_bytes(p->graph, &p->graph->ops[i]));
    p->loaded_bytes = touched_bytes(p);
}

/* After the first run: the layout is known. */
static struct playing play_first_run(struct arena *arena, const struct graph *graph,
                                     struct arena_step *steps) {
    uint32_t n = graph->tensor_count + 1u;
    struct playing p = {.graph = graph,
                        .steps = steps,
                        .held = ARENA_ARRAY(arena, n, struct chunk *),
                        .in_block = ARENA_ARRAY(arena, n, struct chunk *),
                        .offsets = ARENA_ARRAY(arena, n, uint64_t)};
    placement_of(arena, graph, &p.placement);
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        p.offsets[t] = ARENA_ELSEWHERE;
    chunk_arena_init(&p.arena, arena);
    chunks_init(&p.block, arena);
    p.block_end = chunks_region(&p.block, 0);
    keep_what_loading_made(&p);
    play_run(&p, true);
    return p;
}

void arena_use_steps(const struct graph *graph, struct arena_use *out, struct arena_step *steps) {
    struct arena scratch;
    arena_init(&scratch);
    struct playing p = play_first_run(&scratch, graph, steps);
    out->first_run_bytes = (double)(touched_bytes(&p) - p.loaded_bytes);
    for (int run = 0; run < LATER_RUNS; run++)
        play_run(&p, false);
    out->steady_bytes = (double)touched_bytes(&p);
    out->block_bytes = (double)p.block_end->offset;
    out->written_bytes = (double)p.written_bytes;
    arena_done(&scratch);
}

void arena_use_of(const struct graph *graph, struct arena_use *out) {
    arena_use_steps(graph, out, NULL);
}

/* ---- other orders ---------------------------------------------------------------------------- */

/* Operators put behind what they read, from the outputs back. */
struct ordering {
    const struct graph *graph;
    struct op *ops;
    bool *put;
    uint32_t *path, *next; /* operators that wait, and how many inputs each has looked at */
    uint32_t count;
    bool last_first; /* of several inputs */
};

/* The operator to be put before the one on the path; GRAPH_NONE: none is left. */
static int32_t missing_input(struct ordering *o, uint32_t depth) {
    const struct op *op = &o->graph->ops[o->path[depth]];
    while (o->next[depth] < op->input_count) {
        uint32_t k = o->next[depth]++;
        int32_t tensor = op->inputs[o->last_first ? op->input_count - 1 - k : k];
        int32_t producer = tensor == GRAPH_NONE ? GRAPH_NONE : o->graph->tensors[tensor].producer;
        /* Operators stand behind what they read. */
        if (producer >= 0 && (uint32_t)producer < o->path[depth] && !o->put[producer])
            return producer;
    }
    return GRAPH_NONE;
}

static void put_with_inputs(struct ordering *o, uint32_t op) {
    uint32_t depth = 0;
    o->path[0] = op;
    o->next[0] = 0;
    while (!o->put[op]) {
        int32_t before = missing_input(o, depth);
        if (before != GRAPH_NONE) {
            o->path[++depth] = (uint32_t)before;
            o->next[depth] = 0;
            continue;
        }
        o->ops[o->count++] = o->graph->ops[o->path[depth]];
        o->put[o->path[depth]] = true;
        depth -= depth > 0;
    }
}

static struct graph ordered(struct arena *arena, const struct graph *graph, bool last_first) {
    uint32_t n = graph->op_count + 1u;
    struct ordering o = {.graph = graph,
                         .ops = ARENA_ARRAY(arena, n, struct op),
                         .put = ARENA_ARRAY(arena, n, bool),
                         .path = ARENA_ARRAY(arena, n, uint32_t),
                         .next = ARENA_ARRAY(arena, n, uint32_t),
                         .last_first = last_first};
    for (uint32_t i = graph->op_count; i-- > 0;)
        put_with_inputs(&o, i);
    struct graph out = *graph;
    out.ops = o.ops;
    return out;
}

static double bytes_in_order(const struct graph *graph, bool last_first) {
    struct arena scratch;
    struct arena_use use;
    arena_init(&scratch);
    struct graph other = ordered(&scratch, graph, last_first);
    arena_use_of(&other, &use);
    arena_done(&scratch);
    return use.steady_bytes;
}

/* Subgraphs name the graph around them by its place in memory. */
static bool has_subgraphs(const struct graph *graph) {
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t k = 0; k < graph->ops[i].attribute_count; k++)
            if (graph->ops[i].attributes[k].kind == ATTRIBUTE_GRAPH)
                return true;
    return false;
}

double arena_use_most(const struct graph *graph, const struct arena_use *use) {
    uint32_t turned = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        turned += strcmp(graph->ops[i].type, "ReorderOutput") == 0;
    if (turned < 2 || has_subgraphs(graph))
        return use->steady_bytes;
    double one = bytes_in_order(graph, false), other = bytes_in_order(graph, true);
    return fmax(use->steady_bytes, fmax(one, other));
}

/* ---- where tensors are ----------------------------------------------------------------------- */

const uint64_t *arena_layout_of(struct arena *arena, const struct graph *graph) {
    struct playing p = play_first_run(arena, graph, NULL);
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        int32_t owner = p.placement.owner[t];
        if (owner != GRAPH_NONE)
            p.offsets[t] = p.offsets[owner];
    }
    return p.offsets;
}
