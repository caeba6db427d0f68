/* NodeProto: an operator, or the call of a model-local function. */
#include "models/onnx/fields.h"
#include "models/onnx/reading.h"

#include <string.h>

enum { NAME_MAX_BYTES = 256 };

/* Names of operators are labels, and stand in front of the names of all that is inside: longer ones
 * are cut, between two characters of UTF-8. */
static struct wire_text label_of(struct wire_text name) {
    if (name.length <= NAME_MAX_BYTES)
        return name;
    name.length = NAME_MAX_BYTES;
    while (name.length > 0 && ((unsigned char)name.bytes[name.length] & 0xC0) == 0x80)
        name.length--;
    return name;
}

int reading_node_header(struct reading *reading, struct wire body, struct node *node) {
    static const struct wire_row rows[] = {
        {ONNX_NODE_INPUT,     WIRE_TO_COUNT, "NodeProto.input",     offsetof(struct node, input_count),
         NULL                                                                                                   },
        {ONNX_NODE_OUTPUT,    WIRE_TO_COUNT, "NodeProto.output",    offsetof(struct node, output_count),
         NULL                                                                                                   },
        {ONNX_NODE_NAME,      WIRE_TO_NAME,  "NodeProto.name",      offsetof(struct node, name),            NULL},
        {ONNX_NODE_OP_TYPE,   WIRE_TO_NAME,  "NodeProto.op_type",   offsetof(struct node, type),            NULL},
        {ONNX_NODE_ATTRIBUTE, WIRE_TO_COUNT, "NodeProto.attribute",
         offsetof(struct node,                                                            attribute_count), NULL},
        {ONNX_NODE_DOMAIN,    WIRE_TO_NAME,  "NodeProto.domain",    offsetof(struct node, domain),          NULL},
        {ONNX_NODE_OVERLOAD,  WIRE_TO_NAME,  "NodeProto.overload",  offsetof(struct node, overload),
         NULL                                                                                                   },
    };
    *node = (struct node){.body = body};
    int code = wire_read(body, rows, sizeof rows / sizeof *rows, node);
    if (code)
        return code;
    node->name = label_of(node->name);
    if (node->type.length == 0)
        return err_set(reading->err, ERR_INPUT, "offset %llu: node '%.*s' has no operator type",
                       (unsigned long long)body.at, WIRE_SHOWN(node->name));
    if (wire_text_is(node->domain, "ai.onnx"))
        node->domain.length = 0;
    return 0;
}

/* ---- names it writes ------------------------------------------------------------------------- */

static int declare_output(struct scope *scope, const struct node *node, struct wire_text name) {
    const int32_t *known = names_find(scope->names, name);
    if (!known) {
        scope_declare(scope, name);
        return 0;
    }
    /* The outputs of a function are declared by its call; graph_sort sees double writers there. */
    if (scope->call)
        return 0;
    return err_set(scope->reading->err, ERR_INPUT,
                   "offset %llu: tensor '%.*s' is written twice, again by %.*s '%.*s'",
                   (unsigned long long)node->body.at, WIRE_SHOWN(name), WIRE_SHOWN(node->type),
                   WIRE_SHOWN(node->name));
}

int reading_declare_outputs(struct scope *scope, struct wire body) {
    struct node node;
    int code = reading_node_header(scope->reading, body, &node);
    if (code)
        return code;
    struct wire_field field;
    int more;
    while ((more = wire_next_of(&body, ONNX_NODE_OUTPUT, "NodeProto.output", &field)) > 0) {
        struct wire_text name;
        code = wire_name(&body, &field, "NodeProto.output", &name);
        if (!code && name.length)
            code = declare_output(scope, &node, name);
        if (code)
            return code;
    }
    return more;
}

/* ---- the operator ---------------------------------------------------------------------------- */

int reading_operands(struct scope *scope, const struct node *node, uint32_t field,
                     int32_t *tensors) {
    struct wire walk = node->body;
    struct wire_field found;
    uint32_t count = 0;
    int more;
    while ((more = wire_next_of(&walk, field, "NodeProto.input", &found)) > 0) {
        struct wire_text name;
        int code = wire_name(&walk, &found, "NodeProto.input", &name);
        if (code)
            return code;
        int32_t tensor = name.length ? scope_find(scope, name) : GRAPH_NONE;
        /* An input that a function's caller left out is known, as nothing. */
        if (name.length && tensor == GRAPH_NONE && !names_find(scope->names, name))
            return err_set(scope->reading->err, ERR_INPUT,
                           "offset %llu: operator %.*s '%.*s' reads tensor '%.*s', which is not "
                           "an input, an initializer or written by an operator",
                           (unsigned long long)node->body.at, WIRE_SHOWN(node->type),
                           WIRE_SHOWN(node->name), WIRE_SHOWN(name));
        tensors[count++] = tensor;
    }
    return more;
}

static const char *op_name(struct scope *scope, const struct node *node) {
    struct arena *arena = scope->reading->arena;
    if (node->name.length == 0)
        return "";
    const char *name = scope->call ? arena_printf(arena, "%s%.*s", scope->call->prefix,
                                                  (int)node->name.length, node->name.bytes)
                                   : scope_text(scope, node->name);
    /* Names are unique or empty in a graph: the second of that name goes without. */
    bool is_new = names_add(&scope->graph_names->ops, (struct wire_text){name, strlen(name)}, 0);
    return is_new ? name : "";
}

static int add_op(struct scope *scope, const struct node *node) {
    struct graph *graph = scope->graph;
    struct op *op = ARENA_PUSH(graph->arena, graph->ops, graph->op_count, graph->op_capacity);
    int32_t index = (int32_t)graph->op_count - 1;
    op->name = op_name(scope, node);
    op->type = scope_text(scope, node->type);
    op->domain = scope_text(scope, node->domain);
    op->inputs = ARENA_ARRAY(graph->arena, node->input_count, int32_t);
    op->outputs = ARENA_ARRAY(graph->arena, node->output_count, int32_t);
    op->input_count = node->input_count;
    op->output_count = node->output_count;
    int code = reading_operands(scope, node, ONNX_NODE_INPUT, op->inputs);
    if (!code)
        code = reading_operands(scope, node, ONNX_NODE_OUTPUT, op->outputs);
    return code ? code : reading_attributes(scope, node, index);
}

int reading_node(struct scope *scope, struct wire body) {
    struct node node;
    int code = reading_node_header(scope->reading, body, &node);
    if (code)
        return code;
    const struct function *function = reading_callee(scope->reading, &node);
    return function ? reading_call(scope, function, &node) : add_op(scope, &node);
}
