#include "models/onnx/batch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Other ways are tried as long as all together stay in proportion to the graph. */
enum { STEPS_PER_OP = 64 };

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

uint32_t batch_choose(struct batch_step *step, uint32_t count) {
    struct batch_proof *proof = step->proof;
    if (proof->choice_count && proof->choices[proof->choice_count - 1].op == step->index)
        return proof->choices[proof->choice_count - 1].taken;
    if (count > 1)
        *ARENA_PUSH(proof->arena, proof->choices, proof->choice_count, proof->choice_capacity) =
            (struct batch_choice){step->index, 0, count, proof->edit_count};
    return 0;
}

static struct batch_edit *add_edit(struct batch_step *step, uint32_t i, uint32_t count) {
    struct batch_proof *proof = step->proof;
    struct batch_edit *edit =
        ARENA_PUSH(proof->arena, proof->edits, proof->edit_count, proof->edit_capacity);
    *edit = (struct batch_edit){.op = step->index, .input = i, .count = count};
    return edit;
}

int batch_spread(struct batch_step *step, uint32_t i, struct batch_state like) {
    const struct tensor *tensor = op_input(step->proof->graph, step->op, i);
    if (!tensor || like.axis >= tensor->rank || tensor->dims[like.axis].size != 1 ||
        step->proof->from != 1 || like.outer != 1 || like.inner != 1 || step->opset < 8)
        return batch_refuse(step, "takes input %u for one batch size only", i);
    struct batch_edit *edit = add_edit(step, i, (uint32_t)tensor->rank);
    edit->spread = true;
    edit->values = ARENA_ARRAY(step->proof->arena, (size_t)tensor->rank, int64_t);
    for (int32_t axis = 0; axis < tensor->rank; axis++)
        edit->values[axis] = axis == like.axis ? step->proof->to : 1;
    return 0;
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
        edit = add_edit(step, i, (uint32_t)values->count);
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

/* Goes through the operators from `first` on; returns the one that was refused, or -1. */
static int32_t walk(struct batch_proof *proof, int32_t first, uint64_t *steps_left) {
    const struct graph *graph = proof->graph;
    for (uint32_t i = (uint32_t)first; i < graph->op_count; i++) {
        struct batch_step step = {proof, &graph->ops[i], (int32_t)i,
                                  graph_opset_version(graph, graph->ops[i].domain), NULL};
        *steps_left -= *steps_left > 0;
        if (prove_step(&step))
            return (int32_t)i;
    }
    return -1;
}

/* Takes the next way at the last operator that has one left; false when there is none. What came
 * after it is forgotten. */
static bool turn_back(struct batch_proof *proof, int32_t refused, int32_t *at) {
    while (proof->choice_count) {
        struct batch_choice *choice = &proof->choices[proof->choice_count - 1];
        if (++choice->taken < choice->count) {
            *at = choice->op;
            proof->edit_count = choice->edit_count;
            for (int32_t i = choice->op; i <= refused; i++)
                for (uint32_t o = 0; o < proof->graph->ops[i].output_count; o++)
                    if (proof->graph->ops[i].outputs[o] != GRAPH_NONE)
                        proof->states[proof->graph->ops[i].outputs[o]] =
                            (struct batch_state){.kind = BATCH_FREE};
            return true;
        }
        proof->choice_count--;
    }
    return false;
}

/* The reason that is told is that of the furthest operator reached. */
static int prove_from(struct batch_proof *proof, int32_t at) {
    uint64_t steps_left = STEPS_PER_OP * (uint64_t)proof->graph->op_count;
    struct err furthest = {0};
    int32_t most = -1;
    for (;;) {
        int32_t refused = walk(proof, at, &steps_left);
        if (refused < 0)
            return 0;
        if (refused > most) {
            most = refused;
            furthest = *proof->err;
        }
        if (steps_left == 0 || !turn_back(proof, refused, &at)) {
            *proof->err = furthest;
            return -(int)furthest.code;
        }
        *proof->err = (struct err){0};
    }
}

int batch_prove(struct arena *arena, const struct graph *graph, int64_t from, int64_t to,
                struct batch_proof *proof, struct err *err) {
    *proof =
        (struct batch_proof){.arena = arena, .graph = graph, .from = from, .to = to, .err = err};
    proof->states = ARENA_ARRAY(arena, graph->tensor_count, struct batch_state);
    start(proof);
    return prove_from(proof, 0);
}
