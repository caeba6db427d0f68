#include "models/lower.h"

#include "models/infer.h"
#include "models/lower_rules.h"

#include <string.h>

enum { PASSES_MAX = 64, SUBGRAPH_DEPTH_MAX = 64 };

/* In this order. Rules are walked until nothing changes, a walk is done once. */
static const struct {
    const struct lower_rule *rules;
    void (*walk)(struct lower *l);
} stages[] = {
    {lower_cleaning_rules,   NULL                   },
    {lower_conv_rules,       NULL                   },
    {lower_matmul_rules,     NULL                   },
    {lower_reshape_rules,    NULL                   },
    {NULL,                   lower_move_transposes  },
    {lower_split_rules,      NULL                   },
    {lower_quantised_rules,  NULL                   },
    {NULL,                   lower_part_dequantisers},
    {lower_dynamic_rules,    NULL                   },
    {lower_pattern_rules,    NULL                   },
    {lower_activation_rules, NULL                   },
    {lower_fusion_rules,     NULL                   },
    {NULL,                   lower_part_dequantisers},
    {NULL,                   lower_to_nhwc          },
    {NULL,                   lower_to_nchwc         },
};
enum { STAGE_COUNT = sizeof stages / sizeof *stages };

bool lower_rule_at(uint32_t index, const char **name, const char **what) {
    for (int s = 0; s < STAGE_COUNT; s++)
        for (const struct lower_rule *rule = stages[s].rules; rule && rule->name; rule++)
            if (index-- == 0) {
                *name = rule->name;
                *what = rule->what;
                return true;
            }
    return false;
}

/* ---- the copy that is worked on -------------------------------------------------------------- */

/* Lists of operators are copied since rules change them; names, shapes, values are shared, since
 * they are replaced, never written. Subgraphs are lowered when their turn comes. */
struct graph *lower_copy_graph(struct arena *arena, const struct graph *from) {
    struct graph *to = ARENA_NEW(arena, struct graph);
    *to = *from;
    to->arena = arena;
    to->lowered = true;
    to->tensors = arena_grow(arena, from->tensors, from->tensor_count, from->tensor_count,
                             sizeof *to->tensors);
    to->tensor_capacity = from->tensor_count;
    to->ops = arena_grow(arena, from->ops, from->op_count, from->op_count, sizeof *to->ops);
    to->op_capacity = from->op_count;
    to->symbols = arena_grow(arena, from->symbols, from->symbol_count, from->symbol_count,
                             sizeof *to->symbols);
    to->symbol_capacity = from->symbol_count;
    to->symbols_by_name.root = NULL;
    to->symbols_placed = 0;
    to->opsets =
        arena_grow(arena, from->opsets, from->opset_count, from->opset_count, sizeof *to->opsets);
    to->opset_capacity = from->opset_count;
    for (uint32_t i = 0; i < to->op_count; i++) {
        struct op *op = &to->ops[i];
        op->inputs =
            arena_grow(arena, op->inputs, op->input_count, op->input_count, sizeof *op->inputs);
        op->outputs =
            arena_grow(arena, op->outputs, op->output_count, op->output_count, sizeof *op->outputs);
        op->attributes = arena_grow(arena, op->attributes, op->attribute_count, op->attribute_count,
                                    sizeof *op->attributes);
    }
    return to;
}

/* ---- bookkeeping between stages -------------------------------------------------------------- */

/* Dead operators leave, the others are sorted again. New ones begin as zeros. */
static int settle(struct lower *l) {
    struct graph *graph = l->graph;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (!l->dead[i])
            graph->ops[kept++] = graph->ops[i];
    memset(graph->ops + kept, 0, (graph->op_count - kept) * sizeof *graph->ops);
    graph->op_count = kept;
    if (graph_sort(l->graph, l->err))
        return -(int)l->err->code;
    lower_index_uses(l);
    return 0;
}

/* An operator whose results nobody needs. */
static bool is_unused(const struct lower *l, int32_t op) {
    for (uint32_t k = 0; k < l->graph->ops[op].output_count; k++)
        if (lower_use_count(l, lower_out(l, op, k)))
            return false;
    return true;
}

static void drop_unused(struct lower *l) {
    for (int32_t i = (int32_t)l->graph->op_count - 1; i >= 0; i--)
        if (!l->dead[i] && is_unused(l, i))
            lower_kill(l, i);
}

/* ---- walking --------------------------------------------------------------------------------- */

static bool walk_rules(struct lower *l, const struct lower_rule *rules) {
    bool changed = false;
    for (const struct lower_rule *rule = rules; rule->name; rule++)
        for (int32_t i = 0; i < (int32_t)l->graph->op_count; i++)
            if (!l->dead[i] && lower_out(l, i, 0) >= 0 &&
                (!rule->type || lower_is(l, i, ONNX, rule->type)))
                changed = rule->apply(l, i) || changed;
    return changed;
}

static int walk_stage(struct lower *l, int stage) {
    const struct lower_rule *rules = stages[stage].rules;
    bool changed = rules != NULL;
    if (stages[stage].walk) {
        stages[stage].walk(l);
        drop_unused(l);
    }
    for (int pass = 0; changed && pass < PASSES_MAX; pass++) {
        changed = walk_rules(l, rules);
        drop_unused(l);
        if (changed && settle(l))
            return -(int)l->err->code;
    }
    return settle(l);
}

static int lower_graph(struct arena *arena, const struct graph *model,
                       const struct lower_target *target, struct graph *parent, int depth,
                       struct graph **lowered, struct err *err);

static int lower_subgraphs(struct lower *l, int depth) {
    for (uint32_t i = 0; i < l->graph->op_count; i++)
        for (uint32_t a = 0; a < l->graph->ops[i].attribute_count; a++) {
            struct attribute *attribute = &l->graph->ops[i].attributes[a];
            if (attribute->kind == ATTRIBUTE_GRAPH &&
                lower_graph(l->arena, attribute->graph, l->target, l->graph, depth + 1,
                            &attribute->graph, l->err))
                return -(int)l->err->code;
        }
    return 0;
}

static int walk_stages(struct lower *l, int depth) {
    for (int s = 0; s < STAGE_COUNT; s++)
        if (walk_stage(l, s) || (s == 0 && lower_subgraphs(l, depth)))
            return -(int)l->err->code;
    return 0;
}

static int lower_graph(struct arena *arena, const struct graph *model,
                       const struct lower_target *target, struct graph *parent, int depth,
                       struct graph **lowered, struct err *err) {
    struct lower l = {.arena = arena, .target = target, .err = err, .names = {.arena = arena}};
    if (depth > SUBGRAPH_DEPTH_MAX)
        return err_set(err, ERR_INPUT, "subgraphs nest deeper than %d", SUBGRAPH_DEPTH_MAX);
    l.graph = *lowered = lower_copy_graph(arena, model);
    l.graph->parent = parent;
    for (uint32_t t = 0; t < l.graph->tensor_count; t++)
        names_add(&l.names, wire_text_of(l.graph->tensors[t].name), 0);
    arena_init(&l.index);
    lower_index_uses(&l);
    int code = walk_stages(&l, depth);
    arena_done(&l.index);
    return code;
}

int lower_by_rules(struct arena *arena, const struct graph *model,
                   const struct lower_target *target, struct graph **lowered, struct err *err) {
    if (lower_graph(arena, model, target, NULL, 0, lowered, err))
        return -(int)err->code;
    return infer_shapes(*lowered, err);
}
