#include "core/footprint.h"

#include "core/arena_use.h"
#include "core/op_kind.h"
#include "core/workspace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights --------------------------------------------------------------------------------- */

enum weight_role {
    WEIGHT_PLAIN,
    WEIGHT_BLOCKED,   /* made anew by the optimiser */
    WEIGHT_PACKED,    /* packed by the kernel, then dropped */
    WEIGHT_LOOKED_UP, /* read here and there, never as a whole */
    WEIGHT_IN_ARENA,  /* made anew in the arena of activations, then dropped */
};

/* Inputs that kernels pack when they are weights. */
static const struct packing {
    const char *type;
    uint32_t inputs[2]; /* 0: no second one */
} packings[] = {
    {"MatMul",                {1, 0}},
    {"Gemm",                  {1, 0}},
    {"FusedMatMul",           {1, 0}},
    {"FusedGemm",             {1, 0}},
    {"LSTM",                  {1, 2}},
    {"GRU",                   {1, 2}},
    {"Attention",             {1, 0}},
    {"QAttention",            {1, 0}},
    {"MatMulInteger",         {1, 0}},
    {"MatMulIntegerToFloat",  {1, 0}},
    {"DynamicQuantizeMatMul", {1, 0}},
    {"DynamicQuantizeLSTM",   {1, 2}},
    {"QLinearMatMul",         {3, 0}},
    {"QGemm",                 {3, 0}},
    {"QLinearConv",           {3, 0}},
    {"MatMulNBits",           {1, 0}},
};

/* Packed matrices are padded to this many columns, those of eight bits to this depth too (of the
 * deepest tiles, AMX). */
enum { PACK_COLUMNS = 16, PACK_DEPTH = 64 };

/* Larger ones take longer per byte: their pages and those of the copy do not fit the buffers of
 * address translation. */
static const double large_matrix_bytes = 8 << 20, large_filter_bytes = 16 << 20;

/* Those of this size and more get pages of their own in the processes that are measured; what is
 * smaller leaves holes in the heap when it is given back. */
static const double small_block_bytes = 64 << 10;

static bool is_packed(const struct op *op, uint32_t input) {
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
        if (strcmp(op->type, packings[i].type) == 0)
            return input == packings[i].inputs[0] ||
                   (packings[i].inputs[1] && input == packings[i].inputs[1]);
    return false;
}

static enum weight_role role_of(const struct graph *graph, const struct op *op, uint32_t input) {
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    if (kind && kind->family == FAMILY_CONV_BLOCKED && input == 1)
        return WEIGHT_BLOCKED;
    if (is_packed(op, input))
        return WEIGHT_PACKED;
    if (input == 1 && workspace_kept_bytes(graph, op) > 0)
        return WEIGHT_IN_ARENA;
    return strcmp(op->type, "Gather") == 0 && input == 0 ? WEIGHT_LOOKED_UP : WEIGHT_PLAIN;
}

static double round_up(double value, double step) {
    return ceil(value / step) * step;
}

/* Eight bits: columns of output channels, whose depth fills whole tiles, and their sums. */
static double packed_integer_bytes(const struct op *op, const struct tensor *tensor) {
    bool filter = tensor->rank > 2 && strcmp(op->type, "QLinearConv") == 0;
    bool columns_first = filter || op_int(op, "transB", 0) != 0;
    double columns =
        (double)tensor
            ->dims[columns_first ? tensor->rank - (filter ? tensor->rank : 2) : tensor->rank - 1]
            .size;
    double groups = filter ? fmax((double)op_int(op, "group", 1), 1) : 1;
    double depth = (double)tensor_elements(tensor) / fmax(columns, 1);
    if (filter && tensor->dims[1].size == 1 && groups > 1) /* reordered, not packed */
        return (double)tensor_bytes(tensor);
    double share = columns / groups;
    return groups * round_up(share, PACK_COLUMNS) * (round_up(depth, PACK_DEPTH) + 4);
}

static double packed_bytes(const struct op *op, const struct tensor *tensor) {
    double bytes = (double)tensor_bytes(tensor);
    if (tensor->rank < 2)
        return bytes;
    if (tensor->dtype == DTYPE_INT8 || tensor->dtype == DTYPE_UINT8)
        return packed_integer_bytes(op, tensor);
    bool transposed = op_int(op, "transB", 0) != 0 || tensor->rank == 3;
    int64_t columns = tensor->dims[tensor->rank - (transposed ? 2 : 1)].size;
    return columns > 0 ? bytes * round_up((double)columns, PACK_COLUMNS) / (double)columns : bytes;
}

/* One weight through loading. */
struct weight {
    double bytes;
    double matrix_bytes, packed_bytes; /* packed once, and by every operator that reads it */
    double arena_bytes;                /* by every operator */
    bool blocked, kept, looked_up;
};

struct loading {
    struct arena *arena;
    struct footprint *out;
    bool external; /* weights are read from other files when they are needed */
    double largest_bytes;
    double reordering_bytes; /* most that reordering holds besides what the file held */
    double packing_bytes;    /* most that is held while matrices are packed, of external weights */
    double packed_largest;
    double arena_bytes;   /* of the arena of activations, as loading leaves it */
    double waiting_bytes; /* matrices that several operators pack: kept until the last has */
};

static void note_use(struct weight *weight, const struct graph *graph, const struct op *op,
                     uint32_t input) {
    const struct tensor *tensor = op_input(graph, op, input);
    weight->bytes = (double)tensor_bytes(tensor);
    enum weight_role role = role_of(graph, op, input);
    weight->blocked |= role == WEIGHT_BLOCKED;
    weight->kept |= role == WEIGHT_PLAIN;
    weight->looked_up |= role == WEIGHT_LOOKED_UP;
    weight->arena_bytes += role == WEIGHT_IN_ARENA ? weight->bytes : 0;
    if (role == WEIGHT_PACKED) {
        weight->matrix_bytes = packed_bytes(op, tensor);
        weight->packed_bytes += weight->matrix_bytes;
    }
}

/* A parser that does not trust sizes gives a field 50 MB at first and doubles that, copying what
 * it has (protobuf, parse_context.h: kSafeStringSize). */
static double regrown_bytes(double bytes) {
    double copied = 0;
    for (double room = 5e7; room < bytes; room *= 2)
        copied += room;
    return copied;
}

/* In the order of operators: the optimiser holds the filter three times while it makes the new
 * one, and keeps the old ones until it is through; then kernels pack, each matrix's old form going
 * when the new one is made. */
static void load_weight(struct loading *l, const struct weight *weight) {
    struct footprint *out = l->out;
    out->weight_bytes += weight->bytes;
    out->weight_tensors++;
    out->small_weight_bytes += weight->bytes < small_block_bytes ? weight->bytes : 0;
    out->regrown_bytes += l->external ? 0 : regrown_bytes(weight->bytes);
    l->largest_bytes = fmax(l->largest_bytes, weight->bytes);
    if (weight->blocked) {
        l->reordering_bytes =
            fmax(l->reordering_bytes, out->blocked_weight_bytes + 4 * weight->bytes);
        out->blocked_weight_bytes += weight->bytes;
        out->large_filter_bytes += weight->bytes > large_filter_bytes ? weight->bytes : 0;
        out->resident_weight_bytes += weight->bytes;
        return;
    }
    if (weight->packed_bytes > 0) {
        out->packed_weight_bytes += weight->packed_bytes;
        out->resident_weight_bytes += weight->matrix_bytes; /* equal ones are found and shared */
        out->large_matrix_bytes +=
            weight->matrix_bytes > large_matrix_bytes ? weight->packed_bytes : 0;
        l->packed_largest = fmax(l->packed_largest, weight->matrix_bytes);
        l->waiting_bytes += weight->packed_bytes > weight->matrix_bytes ? weight->bytes : 0;
        l->packing_bytes = fmax(l->packing_bytes, out->resident_weight_bytes + weight->bytes);
    }
    l->arena_bytes += weight->arena_bytes;
    l->packed_largest = fmax(l->packed_largest, weight->arena_bytes);
    bool read_whole = weight->kept && weight->packed_bytes == 0;
    bool held = weight->kept || weight->looked_up;
    if (l->external ? read_whole : held)
        out->resident_weight_bytes += weight->bytes;
}

static void load_graph(struct loading *l, const struct graph *graph) {
    struct weight *weights = ARENA_ARRAY(l->arena, graph->tensor_count, struct weight);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < graph->op_count; i++) {
            const struct op *op = &graph->ops[i];
            for (uint32_t k = 0; k < op->input_count; k++) {
                const struct tensor *tensor = op_input(graph, op, k);
                if (!tensor || !(tensor->flags & TENSOR_INITIALIZER))
                    continue;
                struct weight *weight = &weights[op->inputs[k]];
                if (pass == 0)
                    note_use(weight, graph, op, k);
                else if (weight->bytes > 0)
                    load_weight(l, weight);
                if (pass == 1)
                    weight->bytes = 0;
            }
        }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool has_halves(const struct graph *graph) {
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].dtype == DTYPE_FLOAT16)
            return true;
    return false;
}

/* Half precision that kernels cannot read: the optimiser makes floats of it, and holds both forms
 * until it is through. What the graph has more than the file is half of them. */
static double widened_bytes(const struct graph *graph, const struct loading *l) {
    double more = l->out->weight_bytes - l->out->file_bytes;
    return l->external || more <= 0 || !has_halves(graph) ? 0 : 2 * more;
}

/* Reading, turning what was read into tensors one by one, widening, reordering, packing. */
static double most_while_loading(const struct graph *graph, const struct loading *l) {
    const struct footprint *f = l->out;
    double inside = l->external ? fmin(f->file_bytes, f->weight_bytes) : f->file_bytes;
    double widened = widened_bytes(graph, l);
    double reading = inside + (l->external ? 0 : l->largest_bytes);
    double widening = inside + widened + (widened > 0 ? l->largest_bytes / 2 : 0);
    double reordering = inside + widened + l->reordering_bytes;
    double packing = l->external ? l->packing_bytes
                                 : f->resident_weight_bytes + l->arena_bytes + l->packed_largest +
                                       l->waiting_bytes;
    return fmax(fmax(reading, widening), fmax(reordering, packing));
}

static void add_arena(const struct graph *graph, bool outermost, struct footprint *out) {
    struct arena_use use;
    arena_use_of(graph, &use);
    double most = arena_use_most(graph, &use);
    out->total_activation_bytes += use.written_bytes;
    if (outermost) {
        out->first_run_bytes += use.first_run_bytes;
        out->arena_bytes += use.steady_bytes;
        out->arena_most_bytes += most;
        out->activation_bytes += use.block_bytes;
        return;
    }
    out->first_run_bytes = fmax(out->first_run_bytes, use.first_run_bytes);
    out->arena_bytes = fmax(out->arena_bytes, use.steady_bytes);
    out->arena_most_bytes = fmax(out->arena_most_bytes, most);
    out->activation_bytes = fmax(out->activation_bytes, use.block_bytes);
}

static int by_kind(const void *a, const void *b) {
    const struct op *x = *(const struct op *const *)a, *y = *(const struct op *const *)b;
    int order = strcmp(x->domain, y->domain);
    return order ? order : strcmp(x->type, y->type);
}

static uint32_t kinds_of(struct arena *arena, const struct flat_graph *flat) {
    const struct op **ops = ARENA_ARRAY(arena, flat->count + 1u, const struct op *);
    uint32_t count = 0;
    for (uint32_t i = 0; i < flat->count; i++)
        ops[i] = flat->ops[i].op;
    qsort(ops, flat->count, sizeof *ops, by_kind);
    for (uint32_t i = 0; i < flat->count; i++)
        count += i == 0 || by_kind(&ops[i - 1], &ops[i]) != 0;
    return count;
}

void footprint_of(const struct graph *graph, const struct flat_graph *flat, uint64_t file_bytes,
                  struct footprint *out) {
    *out = (struct footprint){
        .operators = flat->count, .file_bytes = (double)file_bytes, .file_nodes = flat->count};
    struct arena scratch;
    arena_init(&scratch);
    struct loading l = {.arena = &scratch, .out = out};
    l.external = (double)graph_weight_bytes(graph) > 3 * (double)file_bytes;
    load_graph(&l, graph);
    out->operator_kinds = kinds_of(&scratch, flat);
    for (uint32_t i = 0; i < flat->count; i++) {
        const struct graph *inner = flat->ops[i].graph;
        if (inner == graph || flat->ops[i].op != inner->ops) /* once, at its first operator */
            continue;
        load_graph(&l, inner);
        add_arena(inner, false, out);
    }
    arena_done(&scratch);
    add_arena(graph, true, out);
    for (uint32_t k = 0; k < graph->input_count; k++)
        out->feed_bytes += (double)tensor_bytes(&graph->tensors[graph->inputs[k]]);
    out->external_bytes = l.external ? out->weight_bytes : 0;
    out->loading_bytes = most_while_loading(graph, &l);
}

void footprint_fold(struct footprint *footprint, const struct folding *folding) {
    footprint->folded_bytes = folding->bytes;
    footprint->folded_largest_bytes = folding->largest_bytes;
    footprint->loading_bytes = fmax(
        footprint->loading_bytes, footprint->file_bytes + folding->bytes + folding->largest_bytes);
}
