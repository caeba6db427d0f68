/* Model-local functions (FunctionProto), expanded where they are called. */
#include "models/onnx/fields.h"
#include "models/onnx/reading.h"

#include <string.h>

static struct wire_text key_of(struct arena *arena, struct wire_text domain, struct wire_text name,
                               struct wire_text overload) {
    size_t length = domain.length + name.length + overload.length + 2;
    char *key = arena_alloc(arena, length + 1);
    const struct wire_text parts[] = {domain, name, overload};
    char *at = key;
    for (int i = 0; i < 3; i++) {
        if (i)
            *at++ = '\n';
        if (parts[i].length)
            memcpy(at, parts[i].bytes, parts[i].length);
        at += parts[i].length;
    }
    return (struct wire_text){key, length};
}

static int read_function(void *out, struct wire body) {
    static const struct wire_row rows[] = {
        {ONNX_FUNCTION_NAME,     WIRE_TO_NAME, "FunctionProto.name",     offsetof(struct function, name),
         NULL                                                                                                     },
        {ONNX_FUNCTION_DOMAIN,   WIRE_TO_NAME, "FunctionProto.domain",
         offsetof(struct function,                                                                 domain),   NULL},
        {ONNX_FUNCTION_OVERLOAD, WIRE_TO_NAME, "FunctionProto.overload",
         offsetof(struct function,                                                                 overload), NULL},
    };
    struct reading *reading = out;
    struct function *function = ARENA_PUSH(reading->arena, reading->functions,
                                           reading->function_count, reading->function_capacity);
    function->body = body;
    int code = wire_read(body, rows, sizeof rows / sizeof *rows, function);
    if (code)
        return code;
    if (wire_text_is(function->domain, "ai.onnx"))
        function->domain.length = 0;
    struct wire_text key =
        key_of(reading->arena, function->domain, function->name, function->overload);
    if (!names_add(&reading->function_names, key, (int32_t)reading->function_count - 1))
        return err_set(reading->err, ERR_INPUT, "offset %llu: two functions are named '%.*s'",
                       (unsigned long long)body.at, WIRE_SHOWN(function->name));
    return 0;
}

int reading_functions(struct reading *reading, struct wire model) {
    static const struct wire_row row = {ONNX_MODEL_FUNCTIONS, WIRE_TO_EACH, "ModelProto.functions",
                                        0, read_function};
    return wire_read(model, &row, 1, reading);
}

const struct function *reading_callee(const struct reading *reading, const struct node *node) {
    if (reading->function_count == 0)
        return NULL;
    const int32_t *index = names_find(
        &reading->function_names, key_of(reading->arena, node->domain, node->type, node->overload));
    return index ? &reading->functions[*index] : NULL;
}

/* ---- expanding a call ------------------------------------------------------------------------ */

static const char *prefix_of(struct scope *scope, const struct function *function,
                             const struct node *node) {
    const char *around = scope->call ? scope->call->prefix : "";
    if (node->name.length)
        return arena_printf(scope->reading->arena, "%s%.*s/", around, (int)node->name.length,
                            node->name.bytes);
    return arena_printf(scope->reading->arena, "%s%.*s_%llu/", around, (int)function->name.length,
                        function->name.bytes, (unsigned long long)node->body.at);
}

/* A function that returns one of its inputs writes nothing; an Identity does. */
static void add_identity(struct scope *scope, int32_t from, int32_t to) {
    int32_t op = graph_add_op(scope->graph, "", "Identity", "");
    graph_set_inputs(scope->graph, op, 1, &from);
    graph_set_outputs(scope->graph, op, 1, &to);
}

typedef void (*bind)(struct scope *body, struct wire_text formal, int32_t actual);

/* An input that the call leaves out is known in the body as nothing. */
static void bind_input(struct scope *body, struct wire_text formal, int32_t actual) {
    names_add(body->names, formal, actual);
}

static void bind_output(struct scope *body, struct wire_text formal, int32_t actual) {
    const int32_t *input = names_find(body->names, formal);
    if (input && actual != GRAPH_NONE && *input != GRAPH_NONE)
        add_identity(body, *input, actual);
    else if (!input && actual != GRAPH_NONE)
        names_add(body->names, formal, actual);
}

static int bind_formals(struct scope *body, struct scope *caller, const struct node *node,
                        uint32_t formals, uint32_t operands, uint32_t count, bind each) {
    int32_t *actual = ARENA_ARRAY(body->reading->arena, count, int32_t);
    int code = reading_operands(caller, node, operands, actual);
    if (code)
        return code;
    struct wire walk = body->call->function->body;
    struct wire_field field;
    int more;
    for (uint32_t i = 0; (more = wire_next_of(&walk, formals, "FunctionProto", &field)) > 0; i++) {
        struct wire_text name;
        code = wire_name(&walk, &field, "FunctionProto.input", &name);
        if (code)
            return code;
        each(body, name, i < count ? actual[i] : GRAPH_NONE);
    }
    return more;
}

static int for_each_node(struct scope *body, int (*each)(struct scope *, struct wire)) {
    struct wire walk = body->call->function->body;
    struct wire_field field;
    int more;
    while ((more = wire_next_of(&walk, ONNX_FUNCTION_NODE, "FunctionProto.node", &field)) > 0) {
        int code = each(body, wire_inside(&walk, &field));
        if (code)
            return code;
    }
    return more;
}

int reading_charge(struct reading *reading, uint64_t bytes) {
    if (bytes > reading->expansion_left)
        return err_set(reading->err, ERR_INPUT,
                       "the calls of the model's functions expand to too much");
    reading->expansion_left -= bytes;
    return 0;
}

int reading_call(struct scope *scope, const struct function *function, const struct node *node) {
    if (scope->depth == READING_DEPTH_MAX)
        return err_set(scope->reading->err, ERR_INPUT,
                       "function '%.*s': subgraphs and functions nest deeper than %d, or a "
                       "function calls itself",
                       WIRE_SHOWN(function->name), READING_DEPTH_MAX);
    int code = reading_charge(scope->reading, function->body.end - function->body.at);
    if (code)
        return code;
    struct call call = {function, node->body, scope, prefix_of(scope, function, node)};
    struct names names = {.arena = scope->reading->arena};
    struct scope body = {scope->reading, scope->graph, scope->graph_names, &names,
                         NULL,           &call,        scope->depth + 1};
    if ((code = bind_formals(&body, scope, node, ONNX_FUNCTION_INPUT, ONNX_NODE_INPUT,
                             node->input_count, bind_input)) ||
        (code = bind_formals(&body, scope, node, ONNX_FUNCTION_OUTPUT, ONNX_NODE_OUTPUT,
                             node->output_count, bind_output)) ||
        (code = for_each_node(&body, reading_declare_outputs)))
        return code;
    code = for_each_node(&body, reading_node);
    return code ? err_prefix(scope->reading->err, "function '%.*s'", WIRE_SHOWN(function->name))
                : 0;
}
