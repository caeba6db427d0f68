#include "models/onnx/batch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- for the rules --------------------------------------------------------------------------- */

struct batch_state batch_input(const struct batch_step *step, uint32_t i) {
    if (i >= step->op->input_count || step->op->inputs[i] == GRAPH_NONE)
        return (struct batch_state){.kind = BATCH_FREE};
    return step->proof->states[step->op->inputs[i]];
}

void batch_output(struct batch_step *step, uint32_t i, struct batch_state state) {
    if (i < step->op->output_count && step->op->outputs[i] != GRAPH_NONE)
        step->proof->states[step->op->outputs[i]] = state;
}

void batch_all_outputs(struct batch_step *step, struct batch_state state) {
    for (uint32_t i = 0; i < step->op->output_count; i++)
        batch_output(step, i, state);
}

int batch_refuse(struct batch_step *step, const char *format, ...) {
    char why[200];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    char number[16] = "";
    if (step->op->name[0] == '\0')
        snprintf(number, sizeof number, "#%d", step->index);
    err_set(step->proof->err, ERR_INPUT, "operator %s '%.100s%s' %s: batch %lld cannot become %lld",
            step->op->type, step->op->name, number, why, (long long)step->proof->from,
            (long long)step->proof->to);
    return err_hint(step->proof->err, "export the model with a symbolic batch dimension");
}

int batch_only_first(struct batch_step *step) {
    for (uint32_t i = 1; i < step->op->input_count; i++)
        if (batch_input(step, i).kind != BATCH_FREE)
            return batch_refuse(step, "takes the batch in input %u", i);
    return 0;
}

const struct tensor_values *batch_constant(const struct batch_step *step, uint32_t i) {
    const struct tensor *tensor = op_input(step->proof->graph, step->op, i);
    if (!tensor || batch_input(step, i).kind != BATCH_FREE || !tensor->values)
        return NULL;
    return tensor->values->ints || tensor->values->count == 0 ? tensor->values : NULL;
}

int32_t batch_axis(int64_t axis, int32_t rank) {
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? (int32_t)axis : -1;
}

int batch_edit(struct batch_step *step, uint32_t i, uint32_t element, int64_t value) {
    struct batch_proof *proof = step->proof;
    const struct tensor_values *values = batch_constant(step, i);
    if (!values)
        return batch_refuse(step, "spells the batch out in input %u, which is no constant", i);
    struct batch_edit *edit = NULL;
    for (uint32_t e = proof->edit_count; e-- > 0 && proof->edits[e].op == step->index && !edit;)
        if (proof->edits[e].input == i)
            edit = &proof->edits[e];
    if (!edit) {
        edit = ARENA_PUSH(proof->arena, proof->edits, proof->edit_count, proof->edit_capacity);
        *edit = (struct batch_edit){step->index, i, (uint32_t)values->count, NULL};
        edit->values = arena_grow(proof->arena, values->ints, values->count, values->count,
                                  sizeof *edit->values);
    }
    edit->values[element] = value;
    return 0;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static const struct batch_rule *find_rule(const struct op *op) {
    static const struct batch_rule *const families[] = {batch_plain_rules, batch_reshape_rules,
                                                        batch_layout_rules};
    if (op->domain[0] != '\0')
        return NULL;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const struct batch_rule *rule = families[f]; rule->type; rule++)
            if (strcmp(rule->type, op->type) == 0)
                return rule;
    return NULL;
}

static bool reads_batch(const struct batch_step *step) {
    for (uint32_t i = 0; i < step->op->input_count; i++)
        if (batch_input(step, i).kind != BATCH_FREE)
            return true;
    return false;
}

static bool reads_sizes(const struct batch_step *step) {
    for (uint32_t i = 0; i < step->op->input_count; i++)
        if (batch_input(step, i).kind == BATCH_SIZE)
            return true;
    return false;
}

static bool subgraph_reads_batch(const struct batch_step *step) {
    for (uint32_t a = 0; a < step->op->attribute_count; a++) {
        if (step->op->attributes[a].kind != ATTRIBUTE_GRAPH)
            continue;
        const struct graph *inner = step->op->attributes[a].graph;
        for (uint32_t t = 0; t < inner->tensor_count; t++)
            if (inner->tensors[t].flags & TENSOR_OUTER &&
                step->proof->states[inner->tensors[t].outer].kind != BATCH_FREE)
                return true;
    }
    return false;
}

static bool shapes_are_known(const struct batch_step *step) {
    for (uint32_t i = 0; i < step->op->input_count + step->op->output_count; i++) {
        const struct tensor *tensor =
            i < step->op->input_count
                ? op_input(step->proof->graph, step->op, i)
                : op_output(step->proof->graph, step->op, i - step->op->input_count);
        if (tensor && !tensor_is_static(tensor))
            return false;
    }
    return true;
}

/* A last look at what a rule said: the axis is there and has the size it should have. */
static int check_outputs(struct batch_step *step) {
    for (uint32_t i = 0; i < step->op->output_count; i++) {
        const struct tensor *tensor = op_output(step->proof->graph, step->op, i);
        if (!tensor)
            continue;
        struct batch_state *state = &step->proof->states[step->op->outputs[i]];
        if (state->kind == BATCH_AXIS &&
            (state->axis < 0 || state->axis >= tensor->rank ||
             tensor->dims[state->axis].size != state->outer * step->proof->from * state->inner))
            return batch_refuse(step, "has a shape that does not follow its batch");
        if (state->kind == BATCH_SIZE && state->carries == 0)
            state->kind = BATCH_FREE;
        bool is_integer = tensor->dtype == DTYPE_INT64 || tensor->dtype == DTYPE_INT32;
        if (state->kind == BATCH_SIZE &&
            (tensor->rank > 1 || !is_integer || tensor_elements(tensor) > BATCH_SIZE_ELEMENTS))
            return batch_refuse(step, "computes with the size of the batch");
    }
    return 0;
}

static int prove_step(struct batch_step *step) {
    if (subgraph_reads_batch(step))
        return batch_refuse(step, "has a subgraph that reads the batch");
    if (!reads_batch(step))
        return 0;
    step->rule = find_rule(step->op);
    if (!step->rule)
        return batch_refuse(step, "is not known to keep the samples of a batch apart");
    if (!shapes_are_known(step))
        return batch_refuse(step, "has a shape that is not known");
    if (!step->rule->takes_sizes && reads_sizes(step))
        return batch_refuse(step, "computes with the size of the batch");
    int code = step->rule->prove(step);
    return code ? code : check_outputs(step);
}

static void start(struct batch_proof *proof) {
    for (uint32_t i = 0; i < proof->graph->input_count; i++)
        if (proof->graph->tensors[proof->graph->inputs[i]].rank > 0)
            proof->states[proof->graph->inputs[i]] =
                (struct batch_state){.kind = BATCH_AXIS, .axis = 0, .outer = 1, .inner = 1};
}

int batch_prove(struct arena *arena, const struct graph *graph, int64_t from, int64_t to,
                struct batch_proof *proof, struct err *err) {
    *proof =
        (struct batch_proof){.arena = arena, .graph = graph, .from = from, .to = to, .err = err};
    proof->states = ARENA_ARRAY(arena, graph->tensor_count, struct batch_state);
    start(proof);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        struct batch_step step = {proof, &graph->ops[i], (int32_t)i,
                                  graph_opset_version(graph, graph->ops[i].domain), NULL};
        int code = prove_step(&step);
        if (code)
            return code;
    }
    return 0;
}
