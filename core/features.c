#include "core/features.h"

#include "core/op_kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is not in the core's own caches; the stale part not in the shared one either. */
#define FAR_DATA    "cold_data_bytes", "stale_data_bytes"
#define FAR_WEIGHTS "cold_weight_bytes", "stale_weight_bytes"
/* The same where nothing else is done meanwhile. */
#define STREAMED_DATA "cold_stream_bytes", "stale_stream_bytes"
/* 1 where the kernel's code and the runtime's books of the operator are far. */
#define FAR_CALLS "cold_calls", "stale_calls"

static const struct family_info families[] = {
    [FAMILY_CONV_BLOCKED] = {"conv.blocked",
                             {"call", "busy_cycles", "wait_cycles", "input_pass_bytes",
                              "output_pass_bytes", "weight_bytes", "row_calls", "sum_bytes",
                              "strided_cycles", "activation_elements", "clip_elements", "forks",
                              FAR_DATA, FAR_WEIGHTS, FAR_CALLS}                         },
    [FAMILY_CONV_DEPTHWISE] = {"conv.depthwise",
                             {"call", "busy_cycles", "wait_cycles", "in_bytes", "out_bytes",
                                "row_calls", "strided_cycles", "activation_elements",
                                "clip_elements", "forks", FAR_DATA, FAR_CALLS}          },
    [FAMILY_CONV_PLAIN] = {"conv.plain",
                             {"call", "busy_cycles", "wait_cycles", "column_bytes", "in_bytes",
                            "out_bytes", "weight_bytes", "groups", "panel_calls",
                            "activation_elements", "clip_elements", "strided_column_bytes", "forks",
                            FAR_DATA, FAR_WEIGHTS, FAR_CALLS}                           },
    [FAMILY_MATMUL] = {"matmul",
                             {"call", "busy_cycles", "wait_cycles", "weight_bytes", "packed_bytes",
                        "a_pass_bytes", "c_pass_bytes", "matrices", "denormal_products",
                        "turned_bytes", "forks", FAR_DATA, FAR_WEIGHTS, FAR_CALLS}      },
    [FAMILY_MATVEC] = {"matvec",
                             {"call", "flops", "in_bytes", "out_bytes", "weight_bytes", "forks", FAR_DATA,
                        FAR_WEIGHTS, FAR_CALLS}                                         },
    [FAMILY_CONV_INTEGER] = {"conv.integer",
                             {"call", "flops", "padded_flops", "column_bytes", "in_bytes",
                              "out_bytes", "weight_bytes", "products", "panel_calls", "sum_bytes",
                              "packed_bytes", "forks", FAR_DATA, FAR_WEIGHTS, FAR_CALLS}},
    [FAMILY_MATMUL_INTEGER] = {"matmul.integer",
                             {"call", "flops", "padded_flops", "weight_bytes", "packed_bytes",
                                "a_pass_bytes", "sum_bytes", "matrices", "quantised_elements",
                                "forks", FAR_DATA, FAR_WEIGHTS, FAR_CALLS}              },
    [FAMILY_POOL] = {"pool",
                             {"call", "window_elements", "in_bytes", "out_bytes", "rows", "forks",
                      STREAMED_DATA, FAR_CALLS}                                         },
    [FAMILY_ELEMENTWISE] = {"elementwise",
                             {"call", "elements", "in_bytes", "out_bytes", "spans", "forks",
                             STREAMED_DATA, FAR_WEIGHTS, FAR_CALLS}                     },
    [FAMILY_MOVE] = {"move",
                             {"call", "in_bytes", "out_bytes", "blocks", "strided_elements",
                      "thrown_elements", "crowded_elements", "forks", STREAMED_DATA, FAR_WEIGHTS,
                      FAR_CALLS}                                                        },
    [FAMILY_ROWS] = {"rows",
                             {"call", "elements", "out_bytes", "rows", "strided_elements", "forks",
                      STREAMED_DATA, FAR_CALLS}                                         },
    [FAMILY_RECURRENT] = {"recurrent",
                             {"call", "busy_cycles", "wait_cycles", "step_weight_bytes", "steps",
                           "uncached_step_bytes", "gate_elements", "forks", FAR_WEIGHTS,
                           FAR_CALLS}                                                   },
    [FAMILY_METADATA] = {"metadata",       {"call", "copied_bytes", FAR_CALLS}      },
    [FAMILY_CONTROL] = {"control",        {"call", FAR_CALLS}                      },
};

_Static_assert(sizeof families / sizeof *families == FAMILY_COUNT, "a row for each family");

bool family_streams(enum kernel_family family) {
    const char *const *terms = families[family].terms;
    for (int i = 0; i < FEATURE_TERMS_MAX && terms[i]; i++)
        if (strcmp(terms[i], "cold_stream_bytes") == 0)
            return true;
    return false;
}

const struct family_info *family_info(enum kernel_family family) {
    return &families[family];
}

#define ELEMENTS_MAX 0x1p62 /* as of tensor_elements() */

double view_elements(const struct tensor *tensor, bool *guessed) {
    if (!tensor)
        return 0;
    if (tensor->rank == GRAPH_RANK_UNKNOWN) {
        *guessed = true;
        return 1;
    }
    double product = 1;
    bool empty = false;
    for (int32_t i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i].size < 0)
            *guessed = true;
        else if (tensor->dims[i].size == 0)
            empty = true;
        else
            product = fmin(product * (double)tensor->dims[i].size, ELEMENTS_MAX);
    }
    return empty ? 0 : product;
}

double view_size(const struct tensor *tensor, int32_t axis) {
    return tensor && axis >= 0 && axis < tensor->rank && tensor->dims[axis].size >= 0
               ? (double)tensor->dims[axis].size
               : 1;
}

static bool is_weight(const struct tensor *tensor) {
    return tensor->flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
}

static void count_bytes(const struct op_view *view, struct features *out) {
    const struct op *op = view->op;
    for (uint32_t i = 0; i < op->input_count; i++) {
        const struct tensor *tensor = op_input(view->graph, op, i);
        if (!tensor)
            continue;
        double bytes = view_elements(tensor, &out->guessed) * dtype_element_bytes(tensor->dtype);
        *(is_weight(tensor) ? &out->bytes_weights : &out->bytes_in) += bytes;
    }
    for (uint32_t i = 0; i < op->output_count; i++) {
        const struct tensor *tensor = op_output(view->graph, op, i);
        if (tensor)
            out->bytes_out +=
                view_elements(tensor, &out->guessed) * dtype_element_bytes(tensor->dtype);
    }
}

/* Where the operands begin: QLinearConcat has the result's scale first, QLinearWhere a condition.
 */
static uint32_t first_operand(const struct op *op) {
    return strcmp(op->type, "QLinearConcat") == 0 ? 2 : strcmp(op->type, "QLinearWhere") == 0;
}

static struct op_view view_of(const struct graph *graph, const struct op *op,
                              const struct op_kind *kind, uint32_t block, bool *guessed) {
    struct op_view view = {.graph = graph, .op = op, .kind = kind, .block = block};
    view.in0 = op_input(graph, op, first_operand(op));
    view.in1 = op_input(graph, op, first_operand(op) + 1);
    view.out0 = op_output(graph, op, 0);
    view.in_elements = view_elements(view.in0, guessed);
    view.out_elements = view_elements(view.out0, guessed);
    for (uint32_t i = 0; i < op->input_count; i++)
        view.largest_elements =
            fmax(view.largest_elements, view_elements(op_input(graph, op, i), guessed));
    for (uint32_t i = 0; i < op->output_count; i++)
        view.largest_elements =
            fmax(view.largest_elements, view_elements(op_output(graph, op, i), guessed));
    return view;
}

/* ---- the target ------------------------------------------------------------------------------ */

struct feature_target feature_target_of(const struct machine *machine, uint32_t threads) {
    return (struct feature_target){.threads = threads,
                                   .block = strstr(machine->isa, "avx512f") ? 16 : 8,
                                   .cache_bytes = (double)machine->cache_bytes[1],
                                   .integer_depth = strstr(machine->isa, "amx_int8") ? 64 : 4};
}

static uint32_t count_graphs(const struct graph *graph) {
    uint32_t count = 1;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                count += count_graphs(graph->ops[i].attributes[a].graph);
    return count;
}

/* How often operators of the graph read each of its tensors. */
static const uint32_t *readers_of(struct arena *arena, const struct graph *graph) {
    uint32_t *readers = ARENA_ARRAY(arena, graph->tensor_count, uint32_t);
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t k = 0; k < graph->ops[i].input_count; k++)
            if (graph->ops[i].inputs[k] != GRAPH_NONE)
                readers[graph->ops[i].inputs[k]]++;
    return readers;
}

static void list_graphs(const struct graph *graph, struct graph_reuse *reuses, uint32_t *count) {
    reuses[(*count)++].graph = graph;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                list_graphs(graph->ops[i].attributes[a].graph, reuses, count);
}

static int by_graph(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const struct graph_reuse *)a)->graph;
    uintptr_t y = (uintptr_t)((const struct graph_reuse *)b)->graph;
    return (x > y) - (x < y);
}

struct feature_target feature_target_for(struct arena *arena, const struct feature_target *machine,
                                         const struct graph *graph) {
    struct feature_target target = *machine;
    uint32_t count = count_graphs(graph);
    struct graph_reuse *reuses = ARENA_ARRAY(arena, count, struct graph_reuse);
    target.reuse_count = 0;
    list_graphs(graph, reuses, &target.reuse_count);
    for (uint32_t i = 0; i < count; i++) {
        reuses[i].ops = reuse_of(arena, reuses[i].graph, machine->cache_bytes, count);
        reuses[i].readers = readers_of(arena, reuses[i].graph);
    }
    qsort(reuses, count, sizeof *reuses, by_graph);
    target.reuses = reuses;
    return target;
}

/* ---- one operator ---------------------------------------------------------------------------- */

static double flops_of(const struct op_view *view) {
    const struct op_kind *kind = view->kind;
    return kind->flops ? kind->flops(view) : kind->flops_per_element * view->largest_elements;
}

/* Where a family has "forks", and the cold terms of what is far, each followed by the stale one; 0,
 * the place of "call": it has none. */
struct places {
    uint8_t forks, data, weights, call;
};

static const struct places places[FAMILY_COUNT] = {
    [FAMILY_CONV_BLOCKED] = {11, 12, 14, 16},
    [FAMILY_CONV_DEPTHWISE] = {9,  10, 0,  12},
    [FAMILY_CONV_PLAIN] = {12, 13, 15, 17},
    [FAMILY_MATMUL] = {10, 11, 13, 15},
    [FAMILY_MATVEC] = {5,  6,  8,  10},
    [FAMILY_CONV_INTEGER] = {11, 12, 14, 16},
    [FAMILY_MATMUL_INTEGER] = {9,  10, 12, 14},
    [FAMILY_POOL] = {5,  6,  0,  8 },
    [FAMILY_ELEMENTWISE] = {5,  6,  8,  10},
    [FAMILY_MOVE] = {7,  8,  10, 12},
    [FAMILY_ROWS] = {5,  6,  0,  8 },
    [FAMILY_RECURRENT] = {7,  0,  8,  10},
    [FAMILY_METADATA] = {0,  0,  0,  2 },
    [FAMILY_CONTROL] = {0,  0,  0,  1 },
};

static bool is_pair(uint8_t place, int term) {
    return place && (term == place || term == place + 1);
}

enum far_kind family_far_kind(enum kernel_family family, int term) {
    const struct places *at = &places[family];
    if (is_pair(at->call, term))
        return FAR_CALL;
    return is_pair(at->data, term) || is_pair(at->weights, term) ? FAR_BYTES : FAR_NONE;
}

bool family_term_is_stale(enum kernel_family family, int term) {
    const struct places *at = &places[family];
    return term > 1 && (term == at->data + 1 || term == at->weights + 1 || term == at->call + 1);
}

static void set_cold(struct features *features, uint8_t place, double bytes) {
    if (place)
        features->terms[place] = bytes;
}

static void set_stale(struct features *features, uint8_t place, double bytes) {
    if (place)
        features->terms[place + 1] = bytes;
}

/* Of what was last used so many times the shared cache's memory ago. */
static double stale_share(double age) {
    return 1 - exp(-age * age);
}

static double stale_bytes(const double ages[static REUSE_AGES], double inferences) {
    double sum = 0;
    for (int a = 0; a < REUSE_AGES; a++) {
        if (ages[a] == 0)
            continue;
        sum += ages[a] * stale_share(reuse_age(a) * inferences);
    }
    return sum;
}

void features_forget(struct features *features, double forget_ns) {
    const struct places *at = &places[features->family];
    double inferences = features->inference_ns > 0 ? features->inference_ns / forget_ns : INFINITY;
    set_stale(features, at->weights, stale_bytes(features->reuse.weights, inferences));
    set_stale(features, at->data, stale_bytes(features->reuse.data, inferences));
    if (features->reuse.call > 0)
        set_stale(features, at->call, features->reuse.call * stale_share(inferences));
}

bool features_age_matters(const struct features *features) {
    return features->reuse.call > 0 ||
           reuse_bytes(features->reuse.weights) + reuse_bytes(features->reuse.data) > 0;
}

static const struct graph_reuse *find_reuse(const struct feature_target *target,
                                            const struct graph *graph) {
    const struct graph_reuse key = {.graph = graph};
    return target->reuse_count
               ? bsearch(&key, target->reuses, target->reuse_count, sizeof key, by_graph)
               : NULL;
}

static void add_reuse(const struct op_view *view, const struct feature_target *target,
                      const struct graph_reuse *known, struct features *out) {
    if (!known)
        return;
    const struct reuse *reuse = &known->ops[view->op - view->graph->ops];
    out->reuse = *reuse;
    out->inference_ns = target->inference_ns;
    const struct places *at = &places[out->family];
    set_cold(out, at->weights, reuse_bytes(reuse->weights));
    set_cold(out, at->data, reuse_bytes(reuse->data));
    set_cold(out, at->call, reuse->call);
}

/* A call, and what is far of the code and the books, is the same however many threads there are. */
void features_divide(struct features *features, uint32_t from, uint32_t to) {
    double share =
        division_share(&features->division, to) / division_share(&features->division, from);
    uint8_t forks = places[features->family].forks;
    if (from == to)
        return;
    for (int i = 1; i < FEATURE_TERMS_MAX; i++)
        if (family_far_kind(features->family, i) != FAR_CALL)
            features->terms[i] *= share;
    for (int a = 0; a < REUSE_AGES; a++) {
        features->reuse.weights[a] *= share;
        features->reuse.data[a] *= share;
    }
    if (forks)
        features->terms[forks] = division_forks(&features->division, to);
}

/* The key ends in the element type unless it is float32: "Gather/int64". */
static void add_dtype(const struct op_view *view, struct features *out) {
    enum dtype dtype = view->in0 ? view->in0->dtype : DTYPE_UNDEFINED;
    if (dtype == DTYPE_FLOAT32 || dtype == DTYPE_UNDEFINED)
        return;
    size_t length = strlen(out->key);
    snprintf(out->key + length, sizeof out->key - length, "/%s", dtype_name(dtype));
}

int features_of(const struct graph *graph, const struct op *op, const struct feature_target *target,
                struct features *out, struct err *err) {
    *out = (struct features){0};
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    if (!kind)
        return err_set(err, ERR_INPUT, "operator type %s%s%s is not known", op->domain,
                       op->domain[0] ? "." : "", op->type);
    struct op_view view = view_of(graph, op, kind, target->block, &out->guessed);
    view.cache_bytes = target->cache_bytes;
    view.integer_depth = target->integer_depth;
    const struct graph_reuse *known = find_reuse(target, graph);
    view.readers = known ? known->readers : NULL;
    out->family = kind->family;
    memcpy(out->key, op->type, strnlen(op->type, sizeof out->key - 1)); /* zeros behind it */
    count_bytes(&view, out);
    out->flops = flops_of(&view);
    out->terms[0] = 1;
    if (kind->describe)
        kind->describe(&view, out);
    add_reuse(&view, target, known, out);
    add_dtype(&view, out);
    features_divide(out, 1, target->threads);
    return 0;
}

double op_flops(const struct graph *graph, const struct op *op) {
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    bool guessed = false;
    if (!kind)
        return 0;
    struct op_view view = view_of(graph, op, kind, 16, &guessed);
    return guessed ? 0 : flops_of(&view);
}

double graph_flops(const struct graph *graph) {
    double sum = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        sum += op_flops(graph, &graph->ops[i]);
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                sum += graph_flops(graph->ops[i].attributes[a].graph);
    }
    return sum;
}

double features_bytes(const struct features *features) {
    return features->bytes_in + features->bytes_out + features->bytes_weights;
}
