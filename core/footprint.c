#include "core/footprint.h"

#include "core/features.h"
#include "core/op_kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_weights(const struct graph *graph, const struct op *op, struct footprint *out) {
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    enum kernel_family family = kind ? kind->family : FAMILY_COUNT;
    double *sum = &out->other_weight_bytes;
    if (family == FAMILY_CONV_BLOCKED)
        sum = &out->blocked_weight_bytes;
    else if (family == FAMILY_MATMUL || family == FAMILY_RECURRENT)
        sum = &out->matmul_weight_bytes;
    for (uint32_t i = 0; i < op->input_count; i++) {
        const struct tensor *tensor = op_input(graph, op, i);
        if (!tensor || !(tensor->flags & TENSOR_INITIALIZER))
            continue;
        double bytes = (double)tensor_bytes(tensor);
        *sum += bytes;
        out->weight_tensors++;
        out->largest_weight_bytes = fmax(out->largest_weight_bytes, bytes);
    }
}

/* The operator after which each tensor is no longer needed; outputs of the graph live on. */
static uint32_t *last_uses(const struct graph *graph) {
    uint32_t *last = calloc(graph->tensor_count + 1u, sizeof *last);
    if (!last)
        abort();
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (uint32_t k = 0; k < op->input_count; k++)
            if (op->inputs[k] != GRAPH_NONE)
                last[op->inputs[k]] = i;
    }
    for (uint32_t k = 0; k < graph->output_count; k++)
        last[graph->outputs[k]] = graph->op_count;
    return last;
}

static bool is_view(const struct op *op) {
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    return kind && kind->family == FAMILY_METADATA;
}

static double peak_of(const struct graph *graph, struct footprint *out) {
    uint32_t *last = last_uses(graph);
    double live = 0, peak = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (uint32_t k = 0; !is_view(op) && k < op->output_count; k++) {
            const struct tensor *tensor = op_output(graph, op, k);
            double bytes = tensor ? (double)tensor_bytes(tensor) : 0;
            live += bytes;
            out->total_activation_bytes += bytes;
        }
        peak = fmax(peak, live);
        for (uint32_t k = 0; k < op->input_count; k++) {
            const struct tensor *tensor = op_input(graph, op, k);
            bool released = tensor && last[op->inputs[k]] == i && tensor->producer != GRAPH_NONE &&
                            !is_view(&graph->ops[tensor->producer]);
            for (uint32_t earlier = 0; released && earlier < k; earlier++)
                released = op->inputs[earlier] != op->inputs[k];
            live -= released ? (double)tensor_bytes(tensor) : 0;
        }
    }
    free(last);
    return peak;
}

void footprint_of(const struct graph *graph, const struct flat_graph *flat, uint64_t file_bytes,
                  struct footprint *out) {
    *out = (struct footprint){.operators = flat->count, .file_bytes = (double)file_bytes};
    for (uint32_t i = 0; i < flat->count; i++)
        add_weights(flat->ops[i].graph, flat->ops[i].op, out);
    const struct graph *seen = NULL;
    for (uint32_t i = 0; i < flat->count; i++) {
        if (flat->ops[i].graph == seen)
            continue;
        seen = flat->ops[i].graph;
        if (seen != graph)
            out->activation_bytes = fmax(out->activation_bytes, peak_of(seen, out));
    }
    out->activation_bytes += peak_of(graph, out);
}
