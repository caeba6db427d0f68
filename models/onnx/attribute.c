/* AttributeProto, and the tensor a Constant operator stands for. */
#include "models/onnx/fields.h"
#include "models/onnx/reading.h"
#include "models/onnx/tensor.h"

#include <string.h>

struct stored_attribute {
    struct wire body;
    struct wire_text name, reference;
    int64_t type;
    int64_t i;
    float f;
    struct wire_text s;
    struct wire t, g, sparse;
};

static const struct wire_row rows[] = {
    {ONNX_ATTR_NAME,          WIRE_TO_NAME,  "AttributeProto.name",          offsetof(struct stored_attribute, name),
     NULL                                                                                                                      },
    {ONNX_ATTR_REF_ATTR_NAME, WIRE_TO_NAME,  "AttributeProto.ref_attr_name",
     offsetof(struct stored_attribute,                                                                         reference), NULL},
    {ONNX_ATTR_TYPE,          WIRE_TO_INT,   "AttributeProto.type",          offsetof(struct stored_attribute, type),
     NULL                                                                                                                      },
    {ONNX_ATTR_F,             WIRE_TO_FLOAT, "AttributeProto.f",             offsetof(struct stored_attribute, f),         NULL},
    {ONNX_ATTR_I,             WIRE_TO_INT,   "AttributeProto.i",             offsetof(struct stored_attribute, i),         NULL},
    {ONNX_ATTR_S,             WIRE_TO_BYTES, "AttributeProto.s",             offsetof(struct stored_attribute, s),         NULL},
    {ONNX_ATTR_T,             WIRE_TO_BODY,  "AttributeProto.t",             offsetof(struct stored_attribute, t),         NULL},
    {ONNX_ATTR_G,             WIRE_TO_BODY,  "AttributeProto.g",             offsetof(struct stored_attribute, g),         NULL},
    {ONNX_ATTR_SPARSE_TENSOR, WIRE_TO_BODY,  "AttributeProto.sparse_tensor",
     offsetof(struct stored_attribute,                                                                         sparse),    NULL},
};

/* ---- one reader per kind of value ------------------------------------------------------------ */

/* What an attribute is read into. */
struct target {
    struct scope *scope;  /* of the operator */
    struct scope *origin; /* where the value was written: a caller's, when it is a reference */
    int32_t constant;     /* output of the Constant operator, or GRAPH_NONE */
    struct attribute *out;
};

static int take_int(struct target *target, const struct stored_attribute *from) {
    target->out->i = from->i;
    return 0;
}

static int take_float(struct target *target, const struct stored_attribute *from) {
    target->out->f = from->f;
    return 0;
}

static int take_string(struct target *target, const struct stored_attribute *from) {
    target->out->s = scope_text(target->scope, from->s);
    return 0;
}

static int take_ints(struct target *target, const struct stored_attribute *from) {
    uint64_t count;
    int code = wire_count_numbers(from->body, ONNX_ATTR_INTS, WIRE_NUMBER_VARINT, &count);
    if (code)
        return code;
    uint64_t *values = ARENA_ARRAY(target->scope->reading->arena, count, uint64_t);
    code = wire_get_numbers(from->body, ONNX_ATTR_INTS, WIRE_NUMBER_VARINT, values, count);
    target->out->ints = (const int64_t *)values;
    target->out->count = (uint32_t)count;
    return code;
}

static int take_floats(struct target *target, const struct stored_attribute *from) {
    struct arena *arena = target->scope->reading->arena;
    uint64_t count;
    int code = wire_count_numbers(from->body, ONNX_ATTR_FLOATS, WIRE_NUMBER_32, &count);
    if (code)
        return code;
    uint64_t *bits = ARENA_ARRAY(arena, count, uint64_t);
    float *floats = ARENA_ARRAY(arena, count, float);
    code = wire_get_numbers(from->body, ONNX_ATTR_FLOATS, WIRE_NUMBER_32, bits, count);
    for (uint64_t i = 0; i < count; i++)
        memcpy(&floats[i], &(uint32_t){(uint32_t)bits[i]}, sizeof *floats);
    target->out->floats = floats;
    target->out->count = (uint32_t)count;
    return code;
}

static int take_strings(struct target *target, const struct stored_attribute *from) {
    static const struct wire_row row = {ONNX_ATTR_STRINGS, WIRE_TO_COUNT, "AttributeProto.strings",
                                        0, NULL};
    int code = wire_read(from->body, &row, 1, &target->out->count);
    if (code)
        return code;
    const char **strings =
        ARENA_ARRAY(target->scope->reading->arena, target->out->count, const char *);
    struct wire walk = from->body;
    struct wire_field field;
    int more;
    for (uint32_t i = 0; (more = wire_next_of(&walk, ONNX_ATTR_STRINGS, row.name, &field)) > 0; i++)
        strings[i] =
            scope_text(target->scope, (struct wire_text){(const char *)walk.file + field.offset,
                                                         (size_t)field.value});
    target->out->strings = strings;
    return more;
}

static int take_tensor(struct target *target, const struct stored_attribute *from) {
    struct onnx_tensor stored;
    if (!from->t.file)
        return err_set(from->body.err, ERR_INPUT,
                       "offset %llu: attribute '%.*s' should hold a tensor, but has none",
                       (unsigned long long)from->body.at, WIRE_SHOWN(from->name));
    int code = onnx_tensor_read(from->t, &stored);
    if (code)
        return code;
    target->out->tensor =
        target->constant == GRAPH_NONE ? scope_anonymous(target->scope) : target->constant;
    target->scope->graph->tensors[target->out->tensor].flags |= TENSOR_CONSTANT;
    return onnx_tensor_describe(&stored, target->scope->graph, target->out->tensor);
}

/* Noted, not kept; but the shape of a sparse constant is known. */
static int take_sparse(struct target *target, const struct stored_attribute *from) {
    struct onnx_tensor stored;
    if (!from->sparse.file)
        return 0;
    int code = onnx_sparse_tensor_read(from->sparse, &stored);
    if (code || target->constant == GRAPH_NONE)
        return code;
    target->scope->graph->tensors[target->constant].flags |= TENSOR_CONSTANT;
    return onnx_tensor_describe(&stored, target->scope->graph, target->constant);
}

static int take_graph(struct target *target, const struct stored_attribute *from) {
    if (!from->g.file)
        return err_set(from->body.err, ERR_INPUT,
                       "offset %llu: attribute '%.*s' should hold a graph, but has none",
                       (unsigned long long)from->body.at, WIRE_SHOWN(from->name));
    if (target->origin->graph != target->scope->graph)
        return err_set(from->body.err, ERR_INPUT,
                       "offset %llu: attribute '%.*s' passes a graph through a function into a "
                       "subgraph, which is not supported",
                       (unsigned long long)from->body.at, WIRE_SHOWN(from->name));
    return reading_subgraph(target->origin, from->g, &target->out->graph);
}

static int take_nothing(struct target *target, const struct stored_attribute *from) {
    (void)target, (void)from;
    return 0;
}

static const struct {
    enum attribute_kind kind;
    int (*take)(struct target *target, const struct stored_attribute *from);
} kinds[] = {
    [ONNX_ATTR_TYPE_UNDEFINED] = {ATTRIBUTE_OTHER,   take_nothing},
    [ONNX_ATTR_TYPE_FLOAT] = {ATTRIBUTE_FLOAT,   take_float  },
    [ONNX_ATTR_TYPE_INT] = {ATTRIBUTE_INT,     take_int    },
    [ONNX_ATTR_TYPE_STRING] = {ATTRIBUTE_STRING,  take_string },
    [ONNX_ATTR_TYPE_TENSOR] = {ATTRIBUTE_TENSOR,  take_tensor },
    [ONNX_ATTR_TYPE_GRAPH] = {ATTRIBUTE_GRAPH,   take_graph  },
    [ONNX_ATTR_TYPE_FLOATS] = {ATTRIBUTE_FLOATS,  take_floats },
    [ONNX_ATTR_TYPE_INTS] = {ATTRIBUTE_INTS,    take_ints   },
    [ONNX_ATTR_TYPE_STRINGS] = {ATTRIBUTE_STRINGS, take_strings},
    [ONNX_ATTR_TYPE_TENSORS] = {ATTRIBUTE_OTHER,   take_nothing},
    [ONNX_ATTR_TYPE_GRAPHS] = {ATTRIBUTE_OTHER,   take_nothing},
    [ONNX_ATTR_TYPE_SPARSE_TENSOR] = {ATTRIBUTE_OTHER,   take_sparse },
    [ONNX_ATTR_TYPE_SPARSE_TENSORS] = {ATTRIBUTE_OTHER,   take_nothing},
    [ONNX_ATTR_TYPE_TYPE_PROTO] = {ATTRIBUTE_OTHER,   take_nothing},
    [ONNX_ATTR_TYPE_TYPE_PROTOS] = {ATTRIBUTE_OTHER,   take_nothing},
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

/* ---- reading --------------------------------------------------------------------------------- */

/* IR version 1 has no `type`: the field that is there says it. */
static int guess_type(struct stored_attribute *from) {
    static const struct {
        uint32_t field;
        int64_t type;
    } guesses[] = {
        {ONNX_ATTR_F,             ONNX_ATTR_TYPE_FLOAT        },
        {ONNX_ATTR_I,             ONNX_ATTR_TYPE_INT          },
        {ONNX_ATTR_S,             ONNX_ATTR_TYPE_STRING       },
        {ONNX_ATTR_T,             ONNX_ATTR_TYPE_TENSOR       },
        {ONNX_ATTR_G,             ONNX_ATTR_TYPE_GRAPH        },
        {ONNX_ATTR_FLOATS,        ONNX_ATTR_TYPE_FLOATS       },
        {ONNX_ATTR_INTS,          ONNX_ATTR_TYPE_INTS         },
        {ONNX_ATTR_STRINGS,       ONNX_ATTR_TYPE_STRINGS      },
        {ONNX_ATTR_SPARSE_TENSOR, ONNX_ATTR_TYPE_SPARSE_TENSOR},
    };
    struct wire walk = from->body;
    struct wire_field field;
    int more;
    while ((more = wire_next(&walk, &field)) > 0)
        for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
            if (guesses[i].field == field.number)
                from->type = guesses[i].type;
    return more;
}

static int read_stored(struct wire body, struct stored_attribute *from) {
    *from = (struct stored_attribute){.body = body};
    int code = wire_read(body, rows, sizeof rows / sizeof *rows, from);
    if (!code && from->type == ONNX_ATTR_TYPE_UNDEFINED)
        code = guess_type(from);
    if (!code && (from->type < 0 || from->type >= KIND_COUNT))
        code = err_set(body.err, ERR_INPUT,
                       "offset %llu: attribute '%.*s' is of type %lld, expected 1 to %d",
                       (unsigned long long)body.at, WIRE_SHOWN(from->name), (long long)from->type,
                       KIND_COUNT - 1);
    return code;
}

/* Finds attribute `name` among field `number` of a message; found->file stays NULL without one. */
static int find_attribute(struct wire message, uint32_t number, struct wire_text name,
                          struct wire *found) {
    static const struct wire_row name_row = {ONNX_ATTR_NAME, WIRE_TO_NAME, "AttributeProto.name", 0,
                                             NULL};
    struct wire_field field;
    int more;
    *found = (struct wire){0};
    while ((more = wire_next_of(&message, number, "attribute", &field)) > 0) {
        struct wire_text own = {0};
        struct wire body = wire_inside(&message, &field);
        int code = wire_read(body, &name_row, 1, &own);
        if (code)
            return code;
        if (own.length == name.length &&
            (name.length == 0 || memcmp(own.bytes, name.bytes, name.length) == 0)) {
            *found = body;
            return 0;
        }
    }
    return more;
}

static int follow(struct scope *scope, const struct stored_attribute *from, struct wire found,
                  struct stored_attribute *to) {
    int code = reading_charge(scope->reading, found.end - found.at);
    if (!code)
        code = read_stored(found, to);
    to->name = from->name;
    return code;
}

/* In the body of a function an attribute may refer to one of the call. It takes that one's value,
 * else the function's default; without either it is absent. */
static int resolve(struct target *target, struct stored_attribute *from, bool *present) {
    *present = true;
    while (from->reference.length) {
        const struct call *call = scope_call(target->origin);
        if (!call)
            return err_set(from->body.err, ERR_INPUT,
                           "offset %llu: attribute '%.*s' refers to a function's attribute, but "
                           "stands in no function",
                           (unsigned long long)from->body.at, WIRE_SHOWN(from->name));
        struct stored_attribute to;
        struct wire found;
        int code = find_attribute(call->node, ONNX_NODE_ATTRIBUTE, from->reference, &found);
        bool is_given = found.file != NULL;
        if (!code && !is_given)
            code = find_attribute(call->function->body, ONNX_FUNCTION_ATTRIBUTE_PROTO,
                                  from->reference, &found);
        *present = found.file != NULL;
        if (code || !*present)
            return code;
        if ((code = follow(target->scope, from, found, &to)))
            return code;
        if (!is_given)
            to.reference.length = 0; /* a default refers to nothing */
        else
            target->origin = call->scope;
        *from = to;
    }
    return 0;
}

static int read_attribute(struct target *target, struct wire body, bool *present) {
    struct stored_attribute from;
    int code = read_stored(body, &from);
    if (!code)
        code = resolve(target, &from, present);
    if (code || !*present)
        return code;
    target->out->name = scope_text(target->scope, from.name);
    target->out->kind = kinds[from.type].kind;
    return kinds[from.type].take(target, &from);
}

/* ---- Constant -------------------------------------------------------------------------------- */

static void set_constant(struct graph *graph, int32_t tensor, enum dtype dtype, int32_t rank,
                         int64_t size) {
    graph_set_shape(graph, tensor, rank, &size);
    struct tensor *out = &graph->tensors[tensor];
    out->dtype = dtype;
    out->flags = (out->flags | TENSOR_CONSTANT) & ~(uint32_t)(TENSOR_EXTERNAL | TENSOR_SPARSE);
    out->values = NULL;
    out->external = NULL;
    out->file_offset = 0;
}

static struct tensor_values *add_values(struct graph *graph, int32_t tensor, uint64_t count) {
    struct tensor_values *values = ARENA_NEW(graph->arena, struct tensor_values);
    values->count = count;
    graph->tensors[tensor].values = values;
    return values;
}

static void set_constant_ints(struct graph *graph, int32_t tensor, const int64_t *ints,
                              uint32_t count) {
    if (count <= ONNX_KEPT_INTS_MAX)
        add_values(graph, tensor, count)->ints =
            arena_grow(graph->arena, ints, count, count, sizeof *ints);
}

static void set_constant_floats(struct graph *graph, int32_t tensor, const float *floats,
                                uint32_t count) {
    if (count > ONNX_KEPT_FLOATS_MAX)
        return;
    double *copy = ARENA_ARRAY(graph->arena, count, double);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = (double)floats[i];
    add_values(graph, tensor, count)->floats = copy;
}

/* The output of a Constant operator that holds numbers or strings instead of a tensor. */
static void describe_constant(struct graph *graph, int32_t tensor, const struct attribute *from) {
    switch (from->kind) {
    case ATTRIBUTE_INT:
        set_constant(graph, tensor, DTYPE_INT64, 0, 0);
        set_constant_ints(graph, tensor, &from->i, 1);
        break;
    case ATTRIBUTE_INTS:
        set_constant(graph, tensor, DTYPE_INT64, 1, from->count);
        set_constant_ints(graph, tensor, from->ints, from->count);
        break;
    case ATTRIBUTE_FLOAT:
        set_constant(graph, tensor, DTYPE_FLOAT32, 0, 0);
        set_constant_floats(graph, tensor, &from->f, 1);
        break;
    case ATTRIBUTE_FLOATS:
        set_constant(graph, tensor, DTYPE_FLOAT32, 1, from->count);
        set_constant_floats(graph, tensor, from->floats, from->count);
        break;
    case ATTRIBUTE_STRING:
        set_constant(graph, tensor, DTYPE_STRING, 0, 0);
        break;
    case ATTRIBUTE_STRINGS:
        set_constant(graph, tensor, DTYPE_STRING, 1, from->count);
        break;
    default:
        break;
    }
}

int reading_attributes(struct scope *scope, const struct node *node, int32_t op) {
    struct graph *graph = scope->graph;
    struct attribute *list = ARENA_ARRAY(graph->arena, node->attribute_count, struct attribute);
    struct op *o = &graph->ops[op];
    bool is_constant = op_is(o, "", "Constant") && o->output_count == 1;
    int32_t constant = is_constant ? o->outputs[0] : GRAPH_NONE;
    struct wire walk = node->body;
    struct wire_field field;
    uint32_t count = 0;
    int more;
    while ((more = wire_next_of(&walk, ONNX_NODE_ATTRIBUTE, "NodeProto.attribute", &field)) > 0) {
        bool present = false;
        struct target target = {scope, scope, constant, &list[count]};
        int code = read_attribute(&target, wire_inside(&walk, &field), &present);
        if (code)
            return code;
        if (present && constant != GRAPH_NONE)
            describe_constant(graph, constant, target.out);
        count += present;
    }
    graph->ops[op].attributes = list;
    graph->ops[op].attribute_count = count;
    return more;
}
