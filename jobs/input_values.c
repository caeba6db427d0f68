#include "jobs/subject.h"

#include <string.h>

static bool is_integer(const struct tensor *tensor) {
    return tensor->dtype == DTYPE_INT64 || tensor->dtype == DTYPE_INT32;
}

/* The smallest axis that the tensor's elements pick from in any Gather, directly or through a
 * view; 0 when it is no index. */
static int64_t picks_below(const struct graph *graph, int32_t tensor, int depth) {
    static const char *const views[] = {"Cast",    "Unsqueeze", "Squeeze",
                                        "Reshape", "Identity",  "Flatten"};
    int64_t smallest = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        const struct tensor *table = op_input(graph, op, 0);
        int64_t below = 0;
        if (op_is(op, "", "Gather") && op->input_count > 1 && op->inputs[1] == tensor && table &&
            table->rank > 0) {
            int64_t axis = op_int(op, "axis", 0);
            axis += axis < 0 ? table->rank : 0;
            below = axis >= 0 && axis < table->rank ? table->dims[axis].size : 0;
        }
        for (size_t v = 0; depth < 4 && v < sizeof views / sizeof *views; v++)
            if (op_is(op, "", views[v]) && op->input_count > 0 && op->inputs[0] == tensor &&
                op->output_count > 0)
                below = picks_below(graph, op->outputs[0], depth + 1);
        if (below > 0 && (smallest == 0 || below < smallest))
            smallest = below;
    }
    return smallest;
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
    *count = 0;
    for (uint32_t i = 0; i < given_count; i++)
        values[(*count)++] = given[i];
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        if (given_by_user(given, given_count, tensor->name) || !is_integer(tensor))
            continue;
        int64_t below = picks_below(graph, graph->inputs[i], 0);
        if (below > 1)
            values[(*count)++] = (struct input_value){tensor->name, 0, (double)(below - 1)};
        else if (strstr(tensor->name, "mask"))
            values[(*count)++] = (struct input_value){tensor->name, 1, 1};
    }
    return values;
}
