#include "jobs/subject.h"

#include <string.h>

static bool is_integer(const struct tensor *tensor) {
    return tensor->dtype == DTYPE_INT64 || tensor->dtype == DTYPE_INT32;
}

enum { VIEWS_MAX = 4 }; /* one behind the other */

/* Per tensor, by how many views may follow: the smallest axis that its elements pick from in any
 * Gather, directly or through views; 0 when it is no index. */
struct picks {
    int64_t *below[VIEWS_MAX + 1];
};

static bool is_view(const struct op *op) {
    static const char *const views[] = {"Cast",    "Unsqueeze", "Squeeze",
                                        "Reshape", "Identity",  "Flatten"};
    for (size_t v = 0; v < sizeof views / sizeof *views; v++)
        if (op_is(op, "", views[v]))
            return op->input_count > 0 && op->output_count > 0 && op->outputs[0] != GRAPH_NONE;
    return false;
}

static int64_t axis_of_gather(const struct graph *graph, const struct op *op) {
    const struct tensor *table = op_input(graph, op, 0);
    if (!op_is(op, "", "Gather") || op->input_count < 2 || !table || table->rank < 1)
        return 0;
    int64_t axis = op_int(op, "axis", 0);
    axis += axis < 0 ? table->rank : 0;
    return axis >= 0 && axis < table->rank ? table->dims[axis].size : 0;
}

static void note_pick(int64_t *below, int32_t tensor, int64_t size) {
    if (tensor != GRAPH_NONE && size > 0 && (below[tensor] == 0 || size < below[tensor]))
        below[tensor] = size;
}

/* Readers stand behind what they read. */
static struct picks picks_of(struct arena *arena, const struct graph *graph) {
    struct picks picks;
    for (int k = 0; k <= VIEWS_MAX; k++)
        picks.below[k] = ARENA_ARRAY(arena, graph->tensor_count, int64_t);
    for (uint32_t i = graph->op_count; i-- > 0;) {
        const struct op *op = &graph->ops[i];
        int64_t size = axis_of_gather(graph, op);
        for (int k = 0; size > 0 && k <= VIEWS_MAX; k++)
            note_pick(picks.below[k], op->inputs[1], size);
        for (int k = 1; is_view(op) && k <= VIEWS_MAX; k++)
            note_pick(picks.below[k], op->inputs[0], picks.below[k - 1][op->outputs[0]]);
    }
    return picks;
}

static bool given_by_user(const struct input_value *given, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(given[i].input, name) == 0)
            return true;
    return false;
}

const struct input_value *input_values(struct arena *arena, const struct graph *graph,
                                       const struct input_value *given, uint32_t given_count,
                                       uint32_t *count) {
    struct input_value *values =
        ARENA_ARRAY(arena, given_count + graph->input_count + 1u, struct input_value);
    const struct picks picks = picks_of(arena, graph);
    *count = 0;
    for (uint32_t i = 0; i < given_count; i++)
        values[(*count)++] = given[i];
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        if (given_by_user(given, given_count, tensor->name) || !is_integer(tensor))
            continue;
        int64_t below = picks.below[VIEWS_MAX][graph->inputs[i]];
        if (below > 1)
            values[(*count)++] = (struct input_value){tensor->name, 0, (double)(below - 1)};
        else if (strstr(tensor->name, "mask"))
            values[(*count)++] = (struct input_value){tensor->name, 1, 1};
    }
    return values;
}
