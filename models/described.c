#include "models/described.h"

#include "base/json_strict.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

enum {
    DESCRIPTION_BYTES_MAX = 16 << 20,
    VALUES_MAX = 4096,
    SYMBOLS_MAX = 1000,
    ENDS_MAX = 4096, /* inputs, or outputs, of a graph */
    ATTRIBUTES_MAX = 256,
    DEFAULT_OPSET = 17,
    FORMAT = 1
};

static const struct json_limits limits = {.depth = 8, .values = 2000000, .text_bytes = 4096};

/* A tensor's name and its index, in a table open to both ends by hash. */
struct slot {
    const char *name; /* NULL: free */
    int32_t tensor;
};

struct describing {
    struct arena *arena;
    struct graph *graph;
    struct slot *slots;
    uint32_t slot_count; /* a power of two, more than twice the tensors */
    struct err *err;
};

/* ---- members ---------------------------------------------------------------------------------
 */

/* One member of an object: where it goes when it has the type. */
struct member {
    const char *key;
    yajl_type type;
    bool required;
    yajl_val *out; /* left NULL when it is absent */
};

static const char *type_text(yajl_type type) {
    return type == yajl_t_string   ? "a text"
           : type == yajl_t_array  ? "an array"
           : type == yajl_t_object ? "an object"
                                   : "a number";
}

static int take_members(yajl_val object, const char *what, const struct member *members,
                        size_t count, struct err *err) {
    if (!YAJL_IS_OBJECT(object))
        return err_set(err, ERR_INPUT, "%s: expected an object", what);
    for (size_t i = 0; i < object->u.object.len; i++) {
        const struct member *member = members;
        while (member < members + count && strcmp(member->key, object->u.object.keys[i]) != 0)
            member++;
        if (member == members + count)
            return err_set(err, ERR_INPUT, "%s: no member \"%.60s\" is known", what,
                           object->u.object.keys[i]);
        if (object->u.object.values[i]->type != member->type)
            return err_set(err, ERR_INPUT, "%s: \"%s\" is not %s", what, member->key,
                           type_text(member->type));
        *member->out = object->u.object.values[i];
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].required && !*members[i].out)
            return err_set(err, ERR_INPUT, "%s: \"%s\" is missing", what, members[i].key);
    return 0;
}

/* Of a value that is known to be a text. */
static const char *text_of(yajl_val value) {
    return value->u.string;
}

static const char *text_or(yajl_val value, const char *absent) {
    return value ? text_of(value) : absent;
}

/* ---- names -----------------------------------------------------------------------------------
 */

static struct slot *slot_of(const struct describing *d, const char *name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    uint32_t at = (uint32_t)(hash >> 16) & (d->slot_count - 1);
    while (d->slots[at].name && strcmp(d->slots[at].name, name) != 0)
        at = (at + 1) & (d->slot_count - 1);
    return &d->slots[at];
}

static void make_slots(struct describing *d, uint64_t tensors) {
    d->slot_count = 16;
    while (d->slot_count < 2 * tensors + 2)
        d->slot_count *= 2;
    d->slots = ARENA_ARRAY(d->arena, d->slot_count, struct slot);
}

static int add_tensor(struct describing *d, const char *name, enum dtype dtype, int32_t *tensor) {
    struct slot *slot = slot_of(d, name);
    if (!name[0])
        return err_set(d->err, ERR_INPUT, "a tensor has no name");
    if (slot->name)
        return err_set(d->err, ERR_INPUT, "tensor \"%.100s\" stands twice", name);
    *tensor = graph_add_tensor(d->graph, name, dtype);
    *slot = (struct slot){d->graph->tensors[*tensor].name, *tensor};
    return 0;
}

/* ---- tensors ---------------------------------------------------------------------------------
 */

/* A size, a free dimension's name, or null. */
static int read_size(struct describing *d, const char *tensor, yajl_val value, struct dim *out) {
    *out = (struct dim){GRAPH_DIM_UNKNOWN, GRAPH_NO_SYMBOL};
    if (YAJL_IS_NULL(value))
        return 0;
    if (d->graph->symbol_count > SYMBOLS_MAX)
        return err_set(d->err, ERR_INPUT, "more than %d free dimensions", SYMBOLS_MAX);
    if (YAJL_IS_STRING(value) && text_of(value)[0]) {
        out->symbol = graph_symbol(d->graph, text_of(value));
        return 0;
    }
    if (YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) >= 0) {
        out->size = YAJL_GET_INTEGER(value);
        return 0;
    }
    return err_set(d->err, ERR_INPUT, "tensor \"%.100s\": a size is a whole number, a name or null",
                   tensor);
}

static int read_shape(struct describing *d, int32_t index, yajl_val shape) {
    struct tensor *tensor = &d->graph->tensors[index];
    size_t rank = shape->u.array.len;
    if (rank > GRAPH_RANK_MAX)
        return err_set(d->err, ERR_INPUT, "tensor \"%.100s\": %zu dimensions: at most %d",
                       tensor->name, rank, GRAPH_RANK_MAX);
    struct dim *dims = ARENA_ARRAY(d->arena, rank, struct dim);
    for (size_t i = 0; i < rank; i++)
        if (read_size(d, tensor->name, shape->u.array.values[i], &dims[i]))
            return -(int)d->err->code;
    tensor->rank = (int32_t)rank;
    tensor->dims = dims;
    return 0;
}

/* What inputs, outputs and initializers have in common. */
struct described_tensor {
    yajl_val name, dtype, shape, values;
};

static int read_tensor(struct describing *d, yajl_val object, const char *what,
                       bool may_have_values, struct described_tensor *out, int32_t *tensor) {
    const struct member members[] = {
        {"name",   yajl_t_string, true,  &out->name  },
        {"dtype",  yajl_t_string, true,  &out->dtype },
        {"shape",  yajl_t_array,  true,  &out->shape },
        {"values", yajl_t_array,  false, &out->values},
    };
    *out = (struct described_tensor){0};
    if (take_members(object, what, members, may_have_values ? 4 : 3, d->err))
        return -(int)d->err->code;
    assert(out->name && out->dtype && out->shape);
    enum dtype dtype = dtype_by_name(text_of(out->dtype));
    if (dtype == DTYPE_UNDEFINED)
        return err_set(d->err, ERR_INPUT,
                       "%s \"%.100s\": dtype \"%.40s\": expected such as float32", what,
                       text_of(out->name), text_of(out->dtype));
    if (add_tensor(d, text_of(out->name), dtype, tensor))
        return -(int)d->err->code;
    return read_shape(d, *tensor, out->shape);
}

static int read_input(struct describing *d, yajl_val object) {
    struct described_tensor described;
    int32_t tensor = 0;
    if (read_tensor(d, object, "input", false, &described, &tensor))
        return -(int)d->err->code;
    graph_add_input(d->graph, tensor);
    return 0;
}

static bool is_floating(enum dtype dtype) {
    return dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64 || dtype == DTYPE_FLOAT16 ||
           dtype == DTYPE_BFLOAT16;
}

/* A whole number; what is written beyond 64 bits (an "end" of Slice) is the nearest. */
static bool read_whole(yajl_val value, int64_t *out) {
    if (!YAJL_IS_NUMBER(value))
        return false;
    const char *text = YAJL_GET_NUMBER(value);
    if (strpbrk(text, ".eE"))
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static int read_values(struct describing *d, int32_t index, yajl_val list) {
    struct tensor *tensor = &d->graph->tensors[index];
    size_t count = list->u.array.len;
    bool floating = is_floating(tensor->dtype);
    if (count > VALUES_MAX || tensor_elements(tensor) != (int64_t)count)
        return err_set(d->err, ERR_INPUT, "tensor \"%.100s\": %zu values for %lld elements",
                       tensor->name, count, (long long)tensor_elements(tensor));
    int64_t *ints = floating ? NULL : ARENA_ARRAY(d->arena, count, int64_t);
    double *floats = floating ? ARENA_ARRAY(d->arena, count, double) : NULL;
    for (size_t i = 0; i < count; i++) {
        yajl_val value = list->u.array.values[i];
        bool good = floating ? YAJL_IS_NUMBER(value) : read_whole(value, &ints[i]);
        if (!good)
            return err_set(d->err, ERR_INPUT, "tensor \"%.100s\": value %zu is no %s", tensor->name,
                           i, floating ? "number" : "whole number");
        if (floating)
            floats[i] = strtod(YAJL_GET_NUMBER(value), NULL);
    }
    struct tensor_values *values = ARENA_NEW(d->arena, struct tensor_values);
    *values = (struct tensor_values){count, ints, floats};
    tensor->values = values;
    return 0;
}

/* The weights are not there, as in a file whose external data is missing. */
static void mark_missing(struct describing *d, int32_t index) {
    struct tensor *tensor = &d->graph->tensors[index];
    struct external_data *external = ARENA_NEW(d->arena, struct external_data);
    *external = (struct external_data){ONNX_OMITTED_LOCATION, 0, tensor_bytes(tensor)};
    tensor->external = external;
    tensor->flags |= TENSOR_EXTERNAL;
}

static int read_initializer(struct describing *d, yajl_val object) {
    struct described_tensor described;
    int32_t index = 0;
    if (read_tensor(d, object, "initializer", true, &described, &index))
        return -(int)d->err->code;
    d->graph->tensors[index].flags |= TENSOR_INITIALIZER;
    if (tensor_elements(&d->graph->tensors[index]) < 0)
        return err_set(d->err, ERR_INPUT, "initializer \"%.100s\": its shape is not known",
                       d->graph->tensors[index].name);
    if (described.values)
        return read_values(d, index, described.values);
    mark_missing(d, index);
    return 0;
}

/* ---- operators -------------------------------------------------------------------------------
 */

static bool all_whole(yajl_val list) {
    int64_t value;
    for (size_t i = 0; i < list->u.array.len; i++)
        if (!read_whole(list->u.array.values[i], &value))
            return false;
    return true;
}

static void take_ints(struct describing *d, struct attribute *attribute, yajl_val list) {
    int64_t *ints = ARENA_ARRAY(d->arena, attribute->count, int64_t);
    for (uint32_t i = 0; i < attribute->count; i++)
        read_whole(list->u.array.values[i], &ints[i]);
    attribute->kind = ATTRIBUTE_INTS;
    attribute->ints = ints;
}

static bool take_floats(struct describing *d, struct attribute *attribute, yajl_val list) {
    float *floats = ARENA_ARRAY(d->arena, attribute->count, float);
    for (uint32_t i = 0; i < attribute->count; i++) {
        if (!YAJL_IS_NUMBER(list->u.array.values[i]))
            return false;
        floats[i] = strtof(YAJL_GET_NUMBER(list->u.array.values[i]), NULL);
    }
    attribute->kind = ATTRIBUTE_FLOATS;
    attribute->floats = floats;
    return true;
}

static bool take_strings(struct describing *d, struct attribute *attribute, yajl_val list) {
    const char **strings = ARENA_ARRAY(d->arena, attribute->count, const char *);
    for (uint32_t i = 0; i < attribute->count; i++) {
        if (!YAJL_IS_STRING(list->u.array.values[i]))
            return false;
        strings[i] = arena_strdup(d->arena, text_of(list->u.array.values[i]));
    }
    attribute->kind = ATTRIBUTE_STRINGS;
    attribute->strings = strings;
    return true;
}

static bool take_list(struct describing *d, struct attribute *attribute, yajl_val list) {
    attribute->count = (uint32_t)list->u.array.len;
    if (all_whole(list)) {
        take_ints(d, attribute, list);
        return true;
    }
    return YAJL_IS_STRING(list->u.array.values[0]) ? take_strings(d, attribute, list)
                                                   : take_floats(d, attribute, list);
}

static bool take_attribute(struct describing *d, struct attribute *attribute, yajl_val value) {
    if (YAJL_IS_ARRAY(value))
        return take_list(d, attribute, value);
    if (YAJL_IS_STRING(value)) {
        attribute->kind = ATTRIBUTE_STRING;
        attribute->s = arena_strdup(d->arena, text_of(value));
        return true;
    }
    if (!YAJL_IS_NUMBER(value))
        return false;
    if (read_whole(value, &attribute->i))
        return true;
    attribute->kind = ATTRIBUTE_FLOAT;
    attribute->f = strtof(YAJL_GET_NUMBER(value), NULL);
    return true;
}

/* A constant: the output of its Constant operator, or a tensor of the attribute's own. */
static int take_constant(struct describing *d, int32_t op, struct attribute *attribute,
                         yajl_val object) {
    yajl_val dtype_name = NULL, shape = NULL, values = NULL;
    const struct member members[] = {
        {"dtype",  yajl_t_string, true, &dtype_name},
        {"shape",  yajl_t_array,  true, &shape     },
        {"values", yajl_t_array,  true, &values    },
    };
    if (take_members(object, "constant", members, 3, d->err))
        return -(int)d->err->code;
    assert(dtype_name && shape && values);
    enum dtype dtype = dtype_by_name(text_of(dtype_name));
    const struct op *owner = &d->graph->ops[op];
    bool own_output =
        op_is(owner, "", "Constant") && owner->output_count == 1 && owner->outputs[0] != GRAPH_NONE;
    int32_t tensor = own_output ? owner->outputs[0] : graph_add_tensor(d->graph, "", dtype);
    if (dtype == DTYPE_UNDEFINED)
        return err_set(d->err, ERR_INPUT, "constant: dtype \"%.40s\"", text_of(dtype_name));
    d->graph->tensors[tensor].dtype = dtype;
    d->graph->tensors[tensor].flags |= TENSOR_CONSTANT;
    attribute->kind = ATTRIBUTE_TENSOR;
    attribute->tensor = tensor;
    return read_shape(d, tensor, shape) || read_values(d, tensor, values) ? -(int)d->err->code : 0;
}

static int read_attributes(struct describing *d, int32_t op, yajl_val object) {
    if (object && object->u.object.len > ATTRIBUTES_MAX)
        return err_set(d->err, ERR_INPUT, "operator %.60s: more than %d attributes",
                       d->graph->ops[op].type, ATTRIBUTES_MAX);
    for (size_t i = 0; object && i < object->u.object.len; i++) {
        const char *name = object->u.object.keys[i];
        struct attribute *attribute = graph_add_attribute(d->graph, op, name, ATTRIBUTE_INT);
        if (YAJL_IS_OBJECT(object->u.object.values[i])) {
            if (take_constant(d, op, attribute, object->u.object.values[i]))
                return err_prefix(d->err, "operator %.60s: attribute \"%.60s\"",
                                  d->graph->ops[op].type, name);
            continue;
        }
        if (!take_attribute(d, attribute, object->u.object.values[i]))
            return err_set(
                d->err, ERR_INPUT,
                "operator %.60s: attribute \"%.60s\" is neither a number, a text, a list "
                "of them nor a constant",
                d->graph->ops[op].type, name);
    }
    return 0;
}

/* Every operator's outputs are declared before any operator is read: order does not matter. */
struct described_op {
    yajl_val type, name, domain, inputs, outputs, attributes;
};

static int read_op(struct describing *d, yajl_val object, struct described_op *out) {
    const struct member members[] = {
        {"type",       yajl_t_string, true,  &out->type      },
        {"name",       yajl_t_string, false, &out->name      },
        {"domain",     yajl_t_string, false, &out->domain    },
        {"inputs",     yajl_t_array,  true,  &out->inputs    },
        {"outputs",    yajl_t_array,  true,  &out->outputs   },
        {"attributes", yajl_t_object, false, &out->attributes},
    };
    *out = (struct described_op){0};
    if (take_members(object, "operator", members, sizeof members / sizeof *members, d->err))
        return -(int)d->err->code;
    assert(out->type && out->inputs && out->outputs);
    return text_of(out->type)[0] ? 0 : err_set(d->err, ERR_INPUT, "an operator has no \"type\"");
}

static int declare_outputs(struct describing *d, yajl_val object) {
    struct described_op described;
    if (read_op(d, object, &described))
        return -(int)d->err->code;
    for (size_t i = 0; i < described.outputs->u.array.len; i++) {
        yajl_val name = described.outputs->u.array.values[i];
        int32_t tensor;
        if (!YAJL_IS_STRING(name))
            return err_set(d->err, ERR_INPUT, "operator %.60s: output %zu is no text",
                           text_of(described.type), i);
        if (text_of(name)[0] && add_tensor(d, text_of(name), DTYPE_UNDEFINED, &tensor))
            return -(int)d->err->code;
    }
    return 0;
}

static int find_operands(struct describing *d, const char *type, yajl_val list, int32_t *tensors) {
    for (size_t i = 0; i < list->u.array.len; i++) {
        yajl_val name = list->u.array.values[i];
        if (!YAJL_IS_STRING(name))
            return err_set(d->err, ERR_INPUT, "operator %.60s: input %zu is no text", type, i);
        const struct slot *slot = slot_of(d, text_of(name));
        tensors[i] = slot->name ? slot->tensor : GRAPH_NONE;
        if (!slot->name && text_of(name)[0])
            return err_set(d->err, ERR_INPUT,
                           "operator %.60s reads \"%.100s\", which is not an input, an "
                           "initializer or written by an operator",
                           type, text_of(name));
    }
    return 0;
}

static int build_op(struct describing *d, yajl_val object) {
    struct described_op described;
    if (read_op(d, object, &described))
        return -(int)d->err->code;
    const char *type = text_of(described.type);
    const char *domain = text_or(described.domain, "");
    size_t input_count = described.inputs->u.array.len;
    size_t output_count = described.outputs->u.array.len;
    int32_t *tensors = ARENA_ARRAY(d->arena, input_count + output_count, int32_t);
    if (find_operands(d, type, described.inputs, tensors) ||
        find_operands(d, type, described.outputs, tensors + input_count))
        return -(int)d->err->code;
    int32_t op = graph_add_op(d->graph, text_or(described.name, ""), type,
                              strcmp(domain, "ai.onnx") == 0 ? "" : domain);
    graph_set_inputs(d->graph, op, (uint32_t)input_count, tensors);
    graph_set_outputs(d->graph, op, (uint32_t)output_count, tensors + input_count);
    return read_attributes(d, op, described.attributes);
}

/* ---- the graph -------------------------------------------------------------------------------
 */

static int for_each(struct describing *d, yajl_val list,
                    int (*read)(struct describing *d, yajl_val element)) {
    for (size_t i = 0; i < list->u.array.len; i++)
        if (read(d, list->u.array.values[i]))
            return -(int)d->err->code;
    return 0;
}

static int read_output(struct describing *d, yajl_val name) {
    if (!YAJL_IS_STRING(name))
        return err_set(d->err, ERR_INPUT, "an output is the name of a tensor");
    const struct slot *slot = slot_of(d, text_of(name));
    if (!slot->name)
        return err_set(d->err, ERR_INPUT, "output \"%.100s\" is no tensor of the graph",
                       text_of(name));
    if (d->graph->tensors[slot->tensor].flags & TENSOR_OUTPUT)
        return err_set(d->err, ERR_INPUT, "output \"%.100s\" stands twice", slot->name);
    graph_add_output(d->graph, slot->tensor);
    return 0;
}

static int read_opsets(struct describing *d, yajl_val object) {
    bool standard = false;
    for (size_t i = 0; object && i < object->u.object.len; i++) {
        const char *domain = object->u.object.keys[i];
        yajl_val version = object->u.object.values[i];
        if (!YAJL_IS_INTEGER(version) || YAJL_GET_INTEGER(version) < 1)
            return err_set(d->err, ERR_INPUT, "opset \"%.60s\": expected a version", domain);
        bool is_standard = domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0;
        standard = standard || is_standard;
        graph_add_opset(d->graph, is_standard ? "" : domain, YAJL_GET_INTEGER(version));
    }
    if (!standard)
        graph_add_opset(d->graph, "", DEFAULT_OPSET);
    return 0;
}

/* Outputs of operators are at most the texts in their lists. */
static uint64_t count_tensors(yajl_val inputs, yajl_val initializers, yajl_val ops) {
    static const char *path[] = {"outputs", NULL};
    uint64_t count = inputs->u.array.len + (initializers ? initializers->u.array.len : 0);
    for (size_t i = 0; i < ops->u.array.len; i++) {
        yajl_val outputs = yajl_tree_get(ops->u.array.values[i], path, yajl_t_array);
        count += outputs ? outputs->u.array.len : 0;
    }
    return count;
}

static int read_root(struct describing *d, yajl_val root) {
    yajl_val format = NULL, name = NULL, opsets = NULL, inputs = NULL, initializers = NULL,
             ops = NULL, outputs = NULL;
    const struct member members[] = {
        {"assay_graph",  yajl_t_number, true,  &format      },
        {"name",         yajl_t_string, false, &name        },
        {"opsets",       yajl_t_object, false, &opsets      },
        {"inputs",       yajl_t_array,  true,  &inputs      },
        {"initializers", yajl_t_array,  false, &initializers},
        {"ops",          yajl_t_array,  true,  &ops         },
        {"outputs",      yajl_t_array,  true,  &outputs     },
    };
    if (take_members(root, "graph", members, sizeof members / sizeof *members, d->err))
        return -(int)d->err->code;
    assert(format && inputs && ops && outputs);
    if (!YAJL_IS_INTEGER(format) || YAJL_GET_INTEGER(format) != FORMAT)
        return err_set(d->err, ERR_INPUT, "\"assay_graph\" is not %d", FORMAT);
    if (inputs->u.array.len > ENDS_MAX || outputs->u.array.len > ENDS_MAX)
        return err_set(d->err, ERR_INPUT, "more than %d inputs or outputs", ENDS_MAX);
    d->graph->name = arena_strdup(d->arena, text_or(name, ""));
    d->graph->ir_version = 8;
    make_slots(d, count_tensors(inputs, initializers, ops));
    if (read_opsets(d, opsets) || (initializers && for_each(d, initializers, read_initializer)) ||
        for_each(d, inputs, read_input) || for_each(d, ops, declare_outputs) ||
        for_each(d, ops, build_op) || for_each(d, outputs, read_output))
        return -(int)d->err->code;
    if (d->graph->op_count == 0 || d->graph->output_count == 0)
        return err_set(d->err, ERR_INPUT, "a graph without operators or outputs");
    return graph_sort(d->graph, d->err);
}

bool described_sniff(const void *bytes, size_t length) {
    const char *text = bytes;
    size_t at = 0;
    while (at < length && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at < length && text[at] == '{';
}

static int read_text(struct describing *d, const char *text) {
    char why[256];
    yajl_val root = yajl_tree_parse(text, why, sizeof why);
    if (!root)
        return err_set(d->err, ERR_INPUT, "not JSON");
    int code = read_root(d, root);
    yajl_tree_free(root);
    return code;
}

/* What an ONNX file of the same graph would be read as, constants of all spellings included. */
static int through_onnx(struct describing *d, struct arena *arena, const char *label,
                        struct graph **out) {
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    struct strbuf bytes;
    strbuf_init(&bytes);
    int code = onnx_write_bytes(d->graph, &omitted, &bytes, d->err);
    if (!code)
        code = onnx_read_bytes(arena, bytes.text, bytes.length, label, out, d->err);
    strbuf_done(&bytes);
    return code;
}

int described_read_bytes(struct arena *arena, const void *bytes, size_t length, const char *label,
                         struct graph **out, struct err *err) {
    *out = NULL;
    if (length > DESCRIPTION_BYTES_MAX)
        return err_set(err, ERR_INPUT, "%s: a described graph of %zu bytes: at most %d are read",
                       label, length, DESCRIPTION_BYTES_MAX);
    struct arena scratch;
    arena_init(&scratch);
    struct describing d = {.arena = &scratch, .graph = graph_new(&scratch, ""), .err = err};
    int code = json_check_strict(&scratch, bytes, length, &limits, label, err);
    if (!code && read_text(&d, arena_strndup(&scratch, bytes, length)))
        code = err_prefix(err, "%s", label);
    if (!code)
        code = through_onnx(&d, arena, label, out);
    arena_done(&scratch);
    return code;
}

int described_read_model(struct arena *arena, const void *bytes, size_t length, const char *label,
                         struct model *out, struct err *err) {
    *out = (struct model){0};
    if (described_read_bytes(arena, bytes, length, label, &out->graph, err))
        return -(int)err->code;
    assert(out->graph);
    out->name = out->graph->name[0] ? out->graph->name : NULL;
    out->file_bytes = graph_weight_bytes(out->graph);
    return 0;
}
