#include "core/mask.h"

#include "core/op_kind.h"

#include <math.h>
#include <string.h>

static const double usual_least = -100;
static const double denormal_least = -104; /* exp() of less is 0, in 32 bits */

static const struct op *producer_of(const struct graph *graph, const struct tensor *tensor) {
    return tensor && tensor->producer != GRAPH_NONE ? &graph->ops[tensor->producer] : NULL;
}

static const struct op *through_views(const struct graph *graph, const struct tensor *tensor) {
    const struct op *op = producer_of(graph, tensor);
    for (int depth = 0; depth < 4 && op; depth++) {
        const struct op_kind *kind = op_kind_find(op->domain, op->type);
        if (!kind || kind->family != FAMILY_METADATA)
            break;
        op = producer_of(graph, op_input(graph, op, 0));
    }
    return op;
}

/* A mask has a row per query and is shared by all heads; a bias has values of its own per head. */
static bool is_mask(const struct tensor *tensor) {
    if (!tensor || tensor->rank < 2 || tensor_size_from_end(tensor, 0) < 2 ||
        tensor_size_from_end(tensor, 1) < 2)
        return false;
    return tensor->rank == 2 || tensor_size_from_end(tensor, 2) == 1;
}

static bool is_stored(const struct tensor *tensor) {
    return tensor && tensor->flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
}

/* The mask among the operands of an addition; NULL: none. With a single head the scores have the
 * shape of a mask too: then it is the one that is stored. */
static const struct tensor *mask_among(const struct graph *graph, const struct op *add) {
    const struct tensor *a = op_input(graph, add, 0), *b = op_input(graph, add, 1);
    if (is_mask(a) && is_mask(b))
        return is_stored(a) ? a : is_stored(b) ? b : NULL;
    return is_mask(a) ? a : is_mask(b) ? b : NULL;
}

struct mask mask_on(const struct graph *graph, const struct op *softmax) {
    const struct op *op = through_views(graph, op_input(graph, softmax, 0));
    const struct tensor *tensor = op && strcmp(op->type, "Add") == 0 ? mask_among(graph, op) : NULL;
    if (!tensor)
        return (struct mask){.windows = 1};
    return (struct mask){op, tensor,
                         tensor->rank >= 4 ? (double)tensor_size_from_end(tensor, 3) : 1};
}

bool mask_leaves_denormals(const struct mask *mask) {
    return mask->windows > 1 &&
           (double)op_float(mask->addition, MASK_LEAST, (float)usual_least) > denormal_least;
}

double barred_windows(const struct graph *graph, const struct tensor *x) {
    const struct op *op = producer_of(graph, x);
    if (!op || strcmp(op->type, "Softmax") != 0)
        return 0;
    const struct mask mask = mask_on(graph, op);
    if (!mask_leaves_denormals(&mask))
        return 0;
    /* Those at two edges of the picture are in two halves, the one in the corner in four parts. */
    return sqrt(mask.windows) - 1 + 0.75;
}
