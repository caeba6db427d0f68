#include "core/reuse.h"

#include "core/arena_use.h"
#include "core/kernel_cycles.h"
#include "core/op_kind.h"

#include <math.h>
#include <string.h>

/* Data is looked at page by page, in pages of at least PAGE_BYTES: in larger ones where all
 * operators of a model together pass over more than PAGES_MAX. So the work grows with the number of
 * operands, not with the sizes that they claim. */
enum { PAGE_BYTES = 64 << 10, PAGES_MAX = 1 << 22 };
static const double page_bytes_max = 0x1p62; /* more than any tensor has, and fits an integer */

/* About what an operator takes, to tell ages: only their proportions count. */
static const double flops_per_ns = 60, bytes_per_ns = 20, call_ns = 1000;

/* When a place was touched last. */
struct touch {
    double traffic_bytes; /* of all operators until then */
    double time_ns;
};

struct region {
    struct touch *pages;
    uint32_t count;
};

struct walk {
    struct arena *arena;
    const struct graph *graph;
    const uint64_t *offsets; /* in the block of activations */
    struct region block;
    struct region *others; /* per tensor: weights, inputs, what leaves */
    double cache_bytes, page_bytes;
    struct touch now;
    double inference_ns; /* of the walk before; 0: this is the first */
    struct step *steps;  /* per operator */
    struct reuse *out;
};

/* What an operator does. */
struct step {
    bool moves; /* touches memory at all */
    double traffic_bytes, time_ns;
    double passes; /* over its weights */
    double *ages;  /* where far bytes are counted now */
};

static const double age_middles[REUSE_AGES] = {1.0 / 128, 1.0 / 32, 1.0 / 8, 3.0 / 8, 1};
static const double age_ends[REUSE_AGES] = {1.0 / 64, 1.0 / 16, 1.0 / 4, 1.0 / 2, INFINITY};

double reuse_age(int age) {
    return age_middles[age];
}

double reuse_bytes(const double ages[static REUSE_AGES]) {
    double sum = 0;
    for (int a = 0; a < REUSE_AGES; a++)
        sum += ages[a];
    return sum;
}

/* Caches are neither full of one program's data nor perfect: from half their size on some of it is
 * gone, at twice their size all. */
double reuse_far_share(double distance_bytes, double cache_bytes) {
    if (cache_bytes <= 0)
        return 1;
    return fmax(0, fmin(1, (log2(distance_bytes / cache_bytes) + 1) / 2));
}

/* ---- places ---------------------------------------------------------------------------------- */

static double bytes_of(const struct walk *w, int32_t tensor) {
    return tensor == GRAPH_NONE ? 0 : (double)tensor_bytes(&w->graph->tensors[tensor]);
}

static uint32_t pages_of(const struct walk *w, double bytes) {
    return (uint32_t)ceil(bytes / w->page_bytes);
}

static void region_init(struct walk *w, struct region *region, double bytes) {
    region->count = pages_of(w, bytes);
    region->pages = ARENA_ARRAY(w->arena, region->count + 1u, struct touch);
}

/* The pages of a tensor, those of the block or its own. */
static struct region place_of(struct walk *w, int32_t tensor, double bytes) {
    uint64_t offset = w->offsets[tensor];
    uint32_t count = pages_of(w, bytes);
    if (offset == ARENA_ELSEWHERE) {
        struct region *own = &w->others[tensor];
        if (!own->pages)
            region_init(w, own, bytes_of(w, tensor));
        return (struct region){own->pages, count < own->count ? count : own->count};
    }
    uint64_t first = offset / (uint64_t)w->page_bytes;
    if (first >= w->block.count)
        return (struct region){w->block.pages, 0};
    uint32_t left = w->block.count - (uint32_t)first;
    return (struct region){w->block.pages + first, count < left ? count : left};
}

static void count_far(const struct walk *w, const struct step *step, const struct touch *last,
                      const struct touch *now, double bytes) {
    double far = bytes * reuse_far_share(now->traffic_bytes - last->traffic_bytes, w->cache_bytes);
    double age = (now->time_ns - last->time_ns) / w->inference_ns;
    int class = 0;
    while (age > age_ends[class])
        class ++;
    step->ages[class] += far;
}

/* The operator passes over all its tensors side by side. */
static void touch_tensor(struct walk *w, const struct step *step, int32_t tensor, double bytes) {
    struct region place = place_of(w, tensor, bytes);
    for (uint32_t p = 0; p < place.count; p++) {
        double share = (p + 0.5) / place.count;
        const struct touch now = {w->now.traffic_bytes + share * step->traffic_bytes,
                                  w->now.time_ns + share * step->time_ns};
        if (w->inference_ns > 0)
            count_far(w, step, &place.pages[p], &now, bytes / place.count);
        place.pages[p] = now;
    }
}

/* ---- operators ------------------------------------------------------------------------------- */

static bool is_weight(const struct walk *w, int32_t tensor) {
    return w->graph->tensors[tensor].flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
}

/* Of a table only the rows that are looked up are touched. */
static double touched_bytes(const struct walk *w, const struct op *op, uint32_t input) {
    double bytes = bytes_of(w, op->inputs[input]);
    bool table = input == 0 && strncmp(op->type, "Gather", 6) == 0 && op->output_count > 0;
    return table ? fmin(bytes, bytes_of(w, op->outputs[0])) : bytes;
}

/* Of the product that a convolution is: its filter without the outputs. */
static double depth_of(const struct walk *w, const struct op *op) {
    const struct tensor *filter = op_input(w->graph, op, 1);
    double outputs = filter && filter->rank > 0 ? fmax((double)filter->dims[0].size, 1) : 1;
    return filter ? fmax((double)tensor_elements(filter), 1) / outputs : 1;
}

/* A convolution goes through its filters once per image; as a product of matrices as often as that
 * goes over its left one. */
static double passes_of(const struct walk *w, const struct op *op, const struct op_kind *kind) {
    const struct tensor *in = op_input(w->graph, op, 0), *out = op_output(w->graph, op, 0);
    bool plain = kind->family == FAMILY_CONV_PLAIN;
    bool blocked = kind->family == FAMILY_CONV_BLOCKED || kind->family == FAMILY_CONV_INTEGER;
    if (!(blocked || plain) || !in || !out || in->rank < 1 || out->rank < 2)
        return 1;
    double images = fmax((double)in->dims[0].size, 1);
    double pixels = 1;
    for (int32_t i = 2; i < out->rank; i++)
        pixels *= fmax((double)out->dims[i].size, 1);
    return plain ? images * gemm_passes(pixels, depth_of(w, op), false).left : images;
}

static struct step step_of(const struct walk *w, const struct op *op) {
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    struct step step = {.moves = kind && kind->family != FAMILY_METADATA};
    if (!step.moves)
        return step;
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] != GRAPH_NONE)
            step.traffic_bytes += touched_bytes(w, op, i);
    for (uint32_t i = 0; i < op->output_count; i++)
        step.traffic_bytes += bytes_of(w, op->outputs[i]);
    step.time_ns =
        call_ns + op_flops(w->graph, op) / flops_per_ns + step.traffic_bytes / bytes_per_ns;
    step.passes = passes_of(w, op, kind);
    return step;
}

static void walk_operator(struct walk *w, uint32_t i) {
    const struct op *op = &w->graph->ops[i];
    struct step *step = &w->steps[i];
    if (!step->moves)
        return;
    for (uint32_t k = 0; k < op->input_count; k++) {
        if (op->inputs[k] == GRAPH_NONE)
            continue;
        bool weight = is_weight(w, op->inputs[k]);
        double bytes = touched_bytes(w, op, k);
        step->ages = weight ? w->out[i].weights : w->out[i].data;
        touch_tensor(w, step, op->inputs[k], bytes);
        if (weight && w->inference_ns > 0)
            step->ages[0] +=
                (step->passes - 1) * bytes *
                reuse_far_share(bytes + step->traffic_bytes / step->passes, w->cache_bytes);
    }
    step->ages = w->out[i].data;
    for (uint32_t k = 0; k < op->output_count; k++)
        if (op->outputs[k] != GRAPH_NONE)
            touch_tensor(w, step, op->outputs[k], bytes_of(w, op->outputs[k]));
    w->now.traffic_bytes += step->traffic_bytes;
    w->now.time_ns += step->time_ns;
}

/* Of all operands, whole ones where only a part is touched. */
static double operand_bytes(const struct walk *w) {
    double sum = 0;
    for (uint32_t i = 0; i < w->graph->op_count; i++) {
        const struct op *op = &w->graph->ops[i];
        for (uint32_t k = 0; w->steps[i].moves && k < op->input_count; k++)
            sum += bytes_of(w, op->inputs[k]);
        for (uint32_t k = 0; w->steps[i].moves && k < op->output_count; k++)
            sum += bytes_of(w, op->outputs[k]);
    }
    return sum;
}

static double page_bytes_for(double bytes, uint32_t graphs) {
    double most = fmax(floor((double)PAGES_MAX / graphs), 1), page = PAGE_BYTES;
    while (bytes > most * page && page < page_bytes_max)
        page *= 2;
    return page;
}

static double block_bytes(const struct walk *w) {
    double end = 0;
    for (uint32_t t = 0; t < w->graph->tensor_count; t++)
        if (w->offsets[t] != ARENA_ELSEWHERE)
            end = fmax(end, (double)w->offsets[t] + bytes_of(w, (int32_t)t));
    return end;
}

const struct reuse *reuse_of(struct arena *arena, const struct graph *graph, double cache_bytes,
                             uint32_t graphs) {
    struct reuse *out = ARENA_ARRAY(arena, graph->op_count + 1u, struct reuse);
    struct arena scratch;
    arena_init(&scratch);
    struct walk w = {.arena = &scratch,
                     .graph = graph,
                     .offsets = arena_layout_of(&scratch, graph),
                     .others = ARENA_ARRAY(&scratch, graph->tensor_count + 1u, struct region),
                     .cache_bytes = cache_bytes,
                     .steps = ARENA_ARRAY(&scratch, graph->op_count + 1u, struct step),
                     .out = out};
    for (uint32_t i = 0; i < graph->op_count; i++)
        w.steps[i] = step_of(&w, &graph->ops[i]);
    double block = block_bytes(&w);
    w.page_bytes = page_bytes_for(fmax(operand_bytes(&w), block), graphs);
    region_init(&w, &w.block, block);
    struct touch start = {0};
    for (int inference = 0; inference < 2; inference++) {
        start = w.now;
        for (uint32_t i = 0; i < graph->op_count; i++)
            walk_operator(&w, i);
        w.inference_ns = w.now.time_ns - start.time_ns;
    }
    double call = reuse_far_share(w.now.traffic_bytes - start.traffic_bytes, cache_bytes);
    for (uint32_t i = 0; i < graph->op_count; i++)
        out[i].call = call;
    arena_done(&scratch);
    return out;
}
