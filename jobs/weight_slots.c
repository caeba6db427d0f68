#include "jobs/subject.h"

#include <math.h>
#include <string.h>

/* Per tensor. Scales that multiply (normalisation weights and variances) are 1; other vectors are
 * small. */
static const bool *multipliers_of(struct arena *arena, const struct graph *graph) {
    bool *multiplies = ARENA_ARRAY(arena, graph->tensor_count, bool);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        bool batch = op_is(op, "", "BatchNormalization");
        if (!batch && !strstr(op->type, "Normalization"))
            continue;
        for (uint32_t k = 1; k < op->input_count; k++)
            if (op->inputs[k] != GRAPH_NONE && (k == 1 || (batch && k == 4)))
                multiplies[op->inputs[k]] = true;
    }
    return multiplies;
}

/* What feeds one output: a convolution's channels x kernel, a matrix's rows. */
static double fan_in(const struct tensor *tensor) {
    if (tensor->rank == 2)
        return (double)(tensor->dims[0].size < tensor->dims[1].size ? tensor->dims[0].size
                                                                    : tensor->dims[1].size);
    double product = 1;
    for (int32_t i = 1; i < tensor->rank; i++)
        product *= (double)tensor->dims[i].size;
    return product;
}

static struct weight_slot slot_of(const struct tensor *tensor, bool multiplies) {
    struct weight_slot slot = {
        .location = tensor->external->location,
        .offset_bytes = tensor->external->offset_bytes,
        .length_bytes =
            tensor->external->length_bytes ? tensor->external->length_bytes : tensor_bytes(tensor),
        .dtype = tensor->dtype,
        .elements = (uint64_t)(tensor_elements(tensor) > 0 ? tensor_elements(tensor) : 0),
    };
    if (tensor->rank >= 2)
        slot.scale = 1 / sqrt(fmax(fan_in(tensor), 1));
    else
        slot.scale = multiplies ? 0 : 0.02;
    return slot;
}

struct slot_list {
    struct arena *arena;
    struct weight_slot *items;
    uint32_t count, capacity;
};

static void add_slots(struct slot_list *list, const struct graph *graph) {
    const bool *multiplies = multipliers_of(list->arena, graph);
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].external)
            *ARENA_PUSH(list->arena, list->items, list->count, list->capacity) =
                slot_of(&graph->tensors[t], multiplies[t]);
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                add_slots(list, graph->ops[i].attributes[a].graph);
}

const struct weight_slot *weight_slots(struct arena *arena, const struct graph *graph,
                                       uint32_t *count) {
    struct slot_list list = {arena, NULL, 0, 0};
    add_slots(&list, graph);
    *count = list.count;
    return list.items;
}
