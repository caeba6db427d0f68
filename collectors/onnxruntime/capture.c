#include "collectors/onnxruntime/capture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { INTS_KEPT = 4096, FLOATS_KEPT = 16, NAMES_FIRST = 256 };

/* ---- one graph --------------------------------------------------------------------------------
 */

/* The tensors of one graph, numbered as they are met; a hash of their names. */
struct names {
    const char **texts;
    uint32_t count, capacity;
    uint32_t *slots; /* number + 1, 0: free; open addressing */
    uint32_t slot_count;
};

struct capture {
    const struct api *api;
    struct arena *arena;
    const struct ort_graph *graph;
    struct names names;
    const struct ort_value_info **initializers;
    size_t initializer_count;
    struct strbuf tensors, ops;
    int depth;
    struct err *err;
};

static int check(struct capture *c, struct ort_status *status, const char *what) {
    return api_check(c->api, status, ERR_INPUT, what, c->err);
}

static uint32_t hash_of(const char *text) {
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static uint32_t find_slot(const struct names *names, const char *text) {
    uint32_t slot = hash_of(text) & (names->slot_count - 1);
    while (names->slots[slot] && strcmp(names->texts[names->slots[slot] - 1], text) != 0)
        slot = (slot + 1) & (names->slot_count - 1);
    return slot;
}

static void grow_slots(struct names *names, struct arena *arena) {
    names->slot_count = names->slot_count ? 2 * names->slot_count : NAMES_FIRST;
    names->slots = ARENA_ARRAY(arena, names->slot_count, uint32_t);
    for (uint32_t i = 0; i < names->count; i++)
        names->slots[find_slot(names, names->texts[i])] = i + 1;
}

/* The number of a name; `added` says whether it is new. */
static uint32_t number_of(struct capture *c, const char *text, bool *added) {
    struct names *names = &c->names;
    if (2 * names->count >= names->slot_count)
        grow_slots(names, c->arena);
    uint32_t slot = find_slot(names, text);
    *added = names->slots[slot] == 0;
    if (*added) {
        *ARENA_PUSH(c->arena, names->texts, names->count, names->capacity) =
            arena_strdup(c->arena, text);
        names->slots[slot] = names->count;
    }
    return names->slots[slot] - 1;
}

/* ---- values -----------------------------------------------------------------------------------
 */

static const uint32_t integer_bytes[DTYPE_COUNT] = {
    [DTYPE_UINT8] = 1, [DTYPE_INT8] = 1,   [DTYPE_UINT16] = 2, [DTYPE_INT16] = 2,
    [DTYPE_INT32] = 4, [DTYPE_UINT32] = 4, [DTYPE_INT64] = 8,  [DTYPE_BOOL] = 1,
};

static int64_t integer_at(const unsigned char *data, int dtype, uint64_t i) {
    int64_t value = 0;
    uint32_t size = integer_bytes[dtype];
    memcpy(&value, data + i * size, size);
    if (dtype == DTYPE_INT8)
        return (int8_t)value;
    if (dtype == DTYPE_INT16)
        return (int16_t)value;
    return dtype == DTYPE_INT32 ? (int32_t)value : value;
}

static void put_integers(struct strbuf *out, const void *data, int dtype, uint64_t elements) {
    frame_put_u32(out, 1);
    frame_put_u32(out, (uint32_t)elements);
    for (uint64_t i = 0; i < elements; i++)
        frame_put_i64(out, integer_at(data, dtype, i));
}

static void put_floats(struct strbuf *out, const void *data, int dtype, uint64_t elements) {
    frame_put_u32(out, 2);
    frame_put_u32(out, (uint32_t)elements);
    for (uint64_t i = 0; i < elements; i++)
        frame_put_f64(out, dtype == DTYPE_FLOAT64 ? ((const double *)data)[i]
                                                  : (double)((const float *)data)[i]);
}

static bool is_kept(int dtype, uint64_t elements) {
    if (dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64)
        return elements <= FLOATS_KEPT;
    return dtype > 0 && dtype < DTYPE_COUNT && integer_bytes[dtype] && elements <= INTS_KEPT;
}

/* What is not small is not even asked for: it may be in a file that does not exist. */
static int put_values(struct capture *c, const struct ort_value *value, int dtype,
                      uint64_t elements) {
    const void *data = NULL;
    if (value) {
        int code = check(c, c->api->GetTensorData(value, &data), "reading a constant");
        if (code)
            return code;
    }
    if (!data)
        frame_put_u32(&c->tensors, 0);
    else if (integer_bytes[dtype])
        put_integers(&c->tensors, data, dtype, elements);
    else
        put_floats(&c->tensors, data, dtype, elements);
    return 0;
}

/* ---- tensors ----------------------------------------------------------------------------------
 */

struct tensor_shape {
    int dtype;
    bool has_rank;
    size_t rank;
    int64_t dims[GRAPH_RANK_MAX];
    const char *symbols[GRAPH_RANK_MAX];
    uint64_t elements; /* UINT64_MAX: not known */
};

static void count_elements(struct tensor_shape *shape) {
    shape->elements = shape->has_rank ? 1 : UINT64_MAX;
    for (size_t i = 0; shape->has_rank && i < shape->rank; i++)
        if (shape->dims[i] < 0 ||
            __builtin_mul_overflow(shape->elements, (uint64_t)shape->dims[i], &shape->elements)) {
            shape->elements = UINT64_MAX;
            return;
        }
}

static int read_info(struct capture *c, const struct ort_tensor_info *info,
                     struct tensor_shape *shape) {
    const struct api *api = c->api;
    *shape = (struct tensor_shape){.has_rank = info != NULL};
    if (!info) {
        count_elements(shape);
        return 0;
    }
    int code = check(c, api->GetTensorElementType(info, &shape->dtype), "element type");
    if (!code)
        code = check(c, api->GetDimensionsCount(info, &shape->rank), "rank");
    if (code)
        return code;
    if (shape->rank > GRAPH_RANK_MAX ||
        (api->TensorTypeAndShape_HasShape && !api->TensorTypeAndShape_HasShape(info)))
        shape->has_rank = false;
    else
        code = check(c, api->GetDimensions(info, shape->dims, shape->rank), "dimensions");
    if (!code && shape->has_rank)
        code = check(c, api->GetSymbolicDimensions(info, shape->symbols, shape->rank), "symbols");
    count_elements(shape);
    return code;
}

static int read_value_info(struct capture *c, const struct ort_value_info *info,
                           struct tensor_shape *shape) {
    const struct ort_type_info *type = NULL;
    int kind = 0;
    const struct ort_tensor_info *tensor = NULL;
    int code = check(c, c->api->GetValueInfoTypeInfo(info, &type), "type of a tensor");
    if (!code && type)
        code = check(c, c->api->GetOnnxTypeFromTypeInfo(type, &kind), "type of a tensor");
    if (!code && kind == ORT_TYPE_TENSOR)
        code = check(c, c->api->CastTypeInfoToTensorInfo(type, &tensor), "type of a tensor");
    return code ? code : read_info(c, tensor, shape);
}

/* Everything of a tensor but its values. */
static void put_tensor(struct capture *c, const char *name, uint32_t flags,
                       const struct tensor_shape *shape) {
    struct strbuf *out = &c->tensors;
    frame_put_text(out, name);
    frame_put_u32(out, (uint32_t)shape->dtype);
    frame_put_u32(out, flags);
    frame_put_u32(out, shape->has_rank ? (uint32_t)shape->rank : UINT32_MAX);
    for (size_t i = 0; shape->has_rank && i < shape->rank; i++) {
        const char *symbol = shape->symbols[i];
        frame_put_i64(out, shape->dims[i] < 0 ? GRAPH_DIM_UNKNOWN : shape->dims[i]);
        frame_put_text(out, symbol && symbol[0] ? symbol : NULL);
    }
}

/* The number of a tensor; the first time it is written down with these flags. */
static int intern(struct capture *c, const struct ort_value_info *info, uint32_t flags,
                  uint32_t *number) {
    const char *name = NULL;
    *number = UINT32_MAX; /* an omitted optional input */
    if (!info)
        return 0;
    int code = check(c, c->api->GetValueInfoName(info, &name), "name of a tensor");
    if (code || !name || !name[0])
        return code;
    bool added;
    *number = number_of(c, name, &added);
    if (!added)
        return 0;
    bool outer = false;
    struct tensor_shape shape;
    code = check(c, c->api->ValueInfo_IsFromOuterScope(info, &outer), name);
    if (!code)
        code = read_value_info(c, info, &shape);
    if (code)
        return code;
    put_tensor(c, name, flags | (outer ? TENSOR_OUTER : 0), &shape);
    const struct ort_value *value = NULL;
    if ((flags & TENSOR_INITIALIZER) && is_kept(shape.dtype, shape.elements))
        code = check(c, c->api->ValueInfo_GetInitializerValue(info, &value), name);
    return code ? code : put_values(c, value, shape.dtype, shape.elements);
}

/* A tensor attribute becomes a tensor without a name that nobody else refers to. */
static int add_constant(struct capture *c, const struct ort_op_attr *attr, uint32_t *number) {
    struct ort_value *value = NULL;
    struct ort_tensor_info *info = NULL;
    struct tensor_shape shape;
    int code = check(c, c->api->OpAttr_GetTensorAttributeAsOrtValue(attr, &value), "attribute");
    if (!code && !value)
        code = err_set(c->err, ERR_INPUT, "a tensor attribute has no value");
    if (!code)
        code = check(c, c->api->GetTensorTypeAndShape(value, &info), "attribute");
    if (!code)
        code = read_info(c, info, &shape);
    if (!code) {
        bool added;
        const char *name = arena_printf(c->arena, "\1attribute%u", c->names.count);
        *number = number_of(c, name, &added);
        put_tensor(c, "", TENSOR_CONSTANT, &shape);
        code = put_values(c, is_kept(shape.dtype, shape.elements) ? value : NULL, shape.dtype,
                          shape.elements);
    }
    if (info)
        c->api->ReleaseTensorTypeAndShapeInfo(info);
    if (value)
        c->api->ReleaseValue(value);
    return code;
}

/* ---- attributes -------------------------------------------------------------------------------
 */

/* All bytes of an attribute: asked for without room first, which fails and says how much. */
static int read_raw(struct capture *c, const struct ort_op_attr *attr, int kind, void **data,
                    size_t *length) {
    *length = 0;
    struct ort_status *status = c->api->ReadOpAttr(attr, kind, NULL, 0, length);
    if (status)
        c->api->ReleaseStatus(status);
    *data = arena_alloc(c->arena, *length + 1);
    return *length ? check(c, c->api->ReadOpAttr(attr, kind, *data, *length, length), "attribute")
                   : 0;
}

/* The strings come one after the other, each with its NUL. */
static void put_strings(struct strbuf *out, const char *data, size_t length) {
    uint32_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += data[i] == '\0';
    frame_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        frame_put_text(out, data);
        data += strlen(data) + 1;
    }
}

static void put_scalar(struct strbuf *out, int kind, const void *data, size_t length) {
    int64_t integer = 0;
    float single = 0;
    if (kind == ORT_ATTRIBUTE_INT) {
        memcpy(&integer, data, length < sizeof integer ? length : sizeof integer);
        frame_put_u32(out, ATTRIBUTE_INT);
        frame_put_i64(out, integer);
    } else {
        memcpy(&single, data, length < sizeof single ? length : sizeof single);
        frame_put_u32(out, ATTRIBUTE_FLOAT);
        frame_put_f64(out, (double)single);
    }
}

static void put_list(struct strbuf *out, int kind, const void *data, size_t length) {
    if (kind == ORT_ATTRIBUTE_INTS) {
        frame_put_u32(out, ATTRIBUTE_INTS);
        frame_put_u32(out, (uint32_t)(length / sizeof(int64_t)));
        frame_put(out, data, length / sizeof(int64_t) * sizeof(int64_t));
        return;
    }
    frame_put_u32(out, ATTRIBUTE_FLOATS);
    frame_put_u32(out, (uint32_t)(length / sizeof(float)));
    for (size_t i = 0; i < length / sizeof(float); i++)
        frame_put_f64(out, (double)((const float *)data)[i]);
}

static int put_raw(struct capture *c, const struct ort_op_attr *attr, int kind) {
    void *data;
    size_t length;
    int code = read_raw(c, attr, kind, &data, &length);
    if (code)
        return code;
    if (kind == ORT_ATTRIBUTE_INT || kind == ORT_ATTRIBUTE_FLOAT) {
        put_scalar(&c->ops, kind, data, length);
    } else if (kind == ORT_ATTRIBUTE_INTS || kind == ORT_ATTRIBUTE_FLOATS) {
        put_list(&c->ops, kind, data, length);
    } else if (kind == ORT_ATTRIBUTE_STRING) {
        frame_put_u32(&c->ops, ATTRIBUTE_STRING);
        frame_put_text(&c->ops, data);
    } else {
        frame_put_u32(&c->ops, ATTRIBUTE_STRINGS);
        put_strings(&c->ops, data, length);
    }
    return 0;
}

static int put_attribute(struct capture *c, const struct ort_op_attr *attr, int kind) {
    const char *name = NULL;
    int code = check(c, c->api->OpAttr_GetName(attr, &name), "name of an attribute");
    if (code)
        return code;
    frame_put_text(&c->ops, name);
    if (kind >= ORT_ATTRIBUTE_INT && kind <= ORT_ATTRIBUTE_STRINGS)
        return put_raw(c, attr, kind);
    if (kind != ORT_ATTRIBUTE_TENSOR) {
        frame_put_u32(&c->ops, ATTRIBUTE_OTHER);
        return 0;
    }
    uint32_t number = UINT32_MAX;
    code = add_constant(c, attr, &number);
    frame_put_u32(&c->ops, ATTRIBUTE_TENSOR);
    frame_put_u32(&c->ops, number);
    return code;
}

static int capture_at(const struct api *api, struct arena *arena, const struct ort_graph *graph,
                      struct strbuf *out, int depth, struct err *err);

static int put_subgraphs(struct capture *c, const struct ort_node *node, size_t count) {
    const struct ort_graph **graphs = ARENA_ARRAY(c->arena, count, const struct ort_graph *);
    const char **names = ARENA_ARRAY(c->arena, count, const char *);
    int code = check(c, c->api->Node_GetSubgraphs(node, graphs, count, names), "subgraphs");
    for (size_t i = 0; !code && i < count; i++) {
        frame_put_text(&c->ops, names[i]);
        frame_put_u32(&c->ops, ATTRIBUTE_GRAPH);
        code = capture_at(c->api, c->arena, graphs[i], &c->ops, c->depth + 1, c->err);
    }
    return code;
}

/* Attributes that are subgraphs are counted by the subgraphs, not by the attributes. */
static int put_attributes(struct capture *c, const struct ort_node *node) {
    size_t count = 0, subgraphs = 0, plain = 0;
    int code = check(c, c->api->Node_GetNumAttributes(node, &count), "attributes");
    if (!code)
        code = check(c, c->api->Node_GetNumSubgraphs(node, &subgraphs), "subgraphs");
    if (code)
        return code;
    const struct ort_op_attr **attrs = ARENA_ARRAY(c->arena, count, const struct ort_op_attr *);
    int *kinds = ARENA_ARRAY(c->arena, count, int);
    code = check(c, c->api->Node_GetAttributes(node, attrs, count), "attributes");
    for (size_t i = 0; !code && i < count; i++) {
        /* A kind that this interface does not know is reported as an error. */
        struct ort_status *status = c->api->OpAttr_GetType(attrs[i], &kinds[i]);
        if (status) {
            c->api->ReleaseStatus(status);
            kinds[i] = ORT_ATTRIBUTE_UNDEFINED;
        }
        plain += kinds[i] != ORT_ATTRIBUTE_GRAPH;
    }
    frame_put_u32(&c->ops, (uint32_t)(plain + subgraphs));
    for (size_t i = 0; !code && i < count; i++)
        if (kinds[i] != ORT_ATTRIBUTE_GRAPH)
            code = put_attribute(c, attrs[i], kinds[i]);
    return !code && subgraphs ? put_subgraphs(c, node, subgraphs) : code;
}

/* ---- operators --------------------------------------------------------------------------------
 */

typedef struct ort_status *(*node_count)(const struct ort_node *, size_t *);
typedef struct ort_status *(*node_list)(const struct ort_node *, const struct ort_value_info **,
                                        size_t);

static int put_node_tensors(struct capture *c, const struct ort_node *node, node_count count_of,
                            node_list list_of) {
    size_t count = 0;
    int code = check(c, count_of(node, &count), "tensors of an operator");
    if (code)
        return code;
    const struct ort_value_info **infos =
        ARENA_ARRAY(c->arena, count, const struct ort_value_info *);
    code = check(c, list_of(node, infos, count), "tensors of an operator");
    frame_put_u32(&c->ops, (uint32_t)count);
    for (size_t i = 0; !code && i < count; i++) {
        uint32_t number = UINT32_MAX;
        code = intern(c, infos[i], 0, &number);
        frame_put_u32(&c->ops, number);
    }
    return code;
}

static int put_node(struct capture *c, const struct ort_node *node) {
    const struct api *api = c->api;
    const char *name = "", *type = "", *domain = "";
    int code = check(c, api->Node_GetName(node, &name), "name of an operator");
    if (!code)
        code = check(c, api->Node_GetOperatorType(node, &type), "type of an operator");
    if (!code)
        code = check(c, api->Node_GetDomain(node, &domain), "domain of an operator");
    if (code)
        return code;
    frame_put_text(&c->ops, name);
    frame_put_text(&c->ops, type);
    frame_put_text(&c->ops, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
    code = put_node_tensors(c, node, api->Node_GetNumInputs, api->Node_GetInputs);
    if (!code)
        code = put_node_tensors(c, node, api->Node_GetNumOutputs, api->Node_GetOutputs);
    return code ? code : put_attributes(c, node);
}

static int put_nodes(struct capture *c) {
    size_t count = 0;
    int code = check(c, c->api->Graph_GetNumNodes(c->graph, &count), "operators");
    if (code)
        return code;
    const struct ort_node **nodes = ARENA_ARRAY(c->arena, count, const struct ort_node *);
    code = check(c, c->api->Graph_GetNodes(c->graph, nodes, count), "operators");
    frame_put_u32(&c->ops, (uint32_t)count);
    for (size_t i = 0; !code && i < count; i++)
        code = put_node(c, nodes[i]);
    return code;
}

/* ---- inputs, outputs, initializers ------------------------------------------------------------
 */

typedef struct ort_status *(*graph_count)(const struct ort_graph *, size_t *);
typedef struct ort_status *(*graph_list)(const struct ort_graph *, const struct ort_value_info **,
                                         size_t);

static int list_of_graph(struct capture *c, graph_count count_of, graph_list list_of,
                         const struct ort_value_info ***infos, size_t *count) {
    int code = check(c, count_of(c->graph, count), "tensors of the graph");
    if (code)
        return code;
    *infos = ARENA_ARRAY(c->arena, *count, const struct ort_value_info *);
    return check(c, list_of(c->graph, *infos, *count), "tensors of the graph");
}

static int put_initializers(struct capture *c) {
    const struct ort_value_info **infos;
    size_t count;
    int code = list_of_graph(c, c->api->Graph_GetNumInitializers, c->api->Graph_GetInitializers,
                             &infos, &count);
    for (size_t i = 0; !code && i < count; i++) {
        uint32_t number = UINT32_MAX;
        code = intern(c, infos[i], TENSOR_INITIALIZER, &number);
    }
    return code;
}

/* Inputs that are initializers too (old files list them) need not be fed. Returns the list. */
static int put_ends(struct capture *c, graph_count count_of, graph_list list_of, uint32_t flag,
                    struct strbuf *out) {
    const struct ort_value_info **infos;
    size_t count;
    uint32_t initializers = c->names.count, kept = 0;
    int code = list_of_graph(c, count_of, list_of, &infos, &count);
    if (code)
        return code;
    uint32_t *numbers = ARENA_ARRAY(c->arena, count, uint32_t);
    for (size_t i = 0; !code && i < count; i++) {
        uint32_t number = UINT32_MAX;
        code = intern(c, infos[i], flag & TENSOR_INPUT, &number);
        if (number != UINT32_MAX && (flag != TENSOR_INPUT || number >= initializers))
            numbers[kept++] = number;
    }
    frame_put_u32(out, kept);
    for (uint32_t i = 0; i < kept; i++)
        frame_put_u32(out, numbers[i]);
    return code;
}

static int put_opsets(struct capture *c, struct strbuf *out) {
    size_t count = 0;
    int code = check(c, c->api->Graph_GetNumOperatorSets(c->graph, &count), "operator sets");
    if (code)
        return code;
    const char **domains = ARENA_ARRAY(c->arena, count, const char *);
    int64_t *versions = ARENA_ARRAY(c->arena, count, int64_t);
    code = check(c, c->api->Graph_GetOperatorSets(c->graph, domains, versions, count),
                 "operator sets");
    frame_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        frame_put_text(out, domains[i]);
        frame_put_i64(out, versions[i]);
    }
    return code;
}

static int put_head(struct capture *c, struct strbuf *out) {
    const char *name = "";
    int64_t version = 0;
    int code = check(c, c->api->Graph_GetName(c->graph, &name), "name of the graph");
    if (!code)
        code = check(c, c->api->Graph_GetOnnxIRVersion(c->graph, &version), "IR version");
    frame_put_text(out, name ? name : "");
    frame_put_i64(out, version);
    return code ? code : put_opsets(c, out);
}

static int capture_at(const struct api *api, struct arena *arena, const struct ort_graph *graph,
                      struct strbuf *out, int depth, struct err *err) {
    if (depth > 64)
        return err_set(err, ERR_INPUT, "subgraphs nest deeper than 64");
    struct capture c = {.api = api, .arena = arena, .graph = graph, .depth = depth, .err = err};
    struct strbuf ends;
    strbuf_init(&c.tensors);
    strbuf_init(&c.ops);
    strbuf_init(&ends);
    int code = put_head(&c, out);
    if (!code)
        code = put_initializers(&c);
    if (!code)
        code = put_ends(&c, api->Graph_GetNumInputs, api->Graph_GetInputs, TENSOR_INPUT, &ends);
    if (!code)
        code = put_nodes(&c);
    if (!code)
        code = put_ends(&c, api->Graph_GetNumOutputs, api->Graph_GetOutputs, TENSOR_OUTPUT, &ends);
    if (!code) {
        frame_put_u32(out, c.names.count);
        frame_put(out, c.tensors.text, c.tensors.length);
        frame_put(out, ends.text, ends.length);
        frame_put(out, c.ops.text, c.ops.length);
    }
    strbuf_done(&c.tensors);
    strbuf_done(&c.ops);
    strbuf_done(&ends);
    return code;
}

int capture_graph(const struct api *api, struct arena *arena, const struct ort_graph *graph,
                  struct strbuf *out, struct err *err) {
    return capture_at(api, arena, graph, out, 0, err);
}

/* ---- lowering ---------------------------------------------------------------------------------
 */

static int save_optimised(struct host *host, const char *path, struct err *err) {
    const struct api *api = &host->api;
    struct ort_options *options;
    int code = host_make_options(host, ORT_LEVEL_ALL, &options, err);
    if (code)
        return code;
    code =
        api_check(api, api->SetOptimizedModelFilePath(options, path), ERR_ENVIRONMENT, path, err);
    /* Weights of 64 KiB and more go to a file of their own, which is /dev/null. */
    static const char *const entries[][2] = {
        {"session.optimized_model_external_initializers_file_name",         "lowered.weights"},
        {"session.optimized_model_external_initializers_min_size_in_bytes", "65536"          },
    };
    for (size_t i = 0; !code && i < sizeof entries / sizeof entries[0]; i++)
        code = api_check(api, api->AddSessionConfigEntry(options, entries[i][0], entries[i][1]),
                         ERR_ENVIRONMENT, entries[i][0], err);
    if (!code)
        code = host_give_weights(host, options, err);
    if (!code)
        code = api_check(
            api,
            api->CreateSession(host->env, host->request.config.model_path, options, &host->session),
            ERR_INPUT, host->request.config.model_path, err);
    api->ReleaseSessionOptions(options);
    if (host->session)
        api->ReleaseSession(host->session);
    host->session = NULL;
    return code;
}

struct showing {
    struct host *host;
    struct strbuf *out;
    struct err *err;
    bool captured;
    int code;
};

/* Subgraphs are shown before the graph around them, which contains them: they are passed over. */
static const char *on_graph(void *context, const struct ort_graph *graph) {
    struct showing *showing = context;
    const struct api *api = &showing->host->api;
    const struct ort_node *parent = NULL;
    struct ort_status *status = api->Graph_GetParentNode(graph, &parent);
    if (status)
        api->ReleaseStatus(status);
    if (parent || showing->captured)
        return NULL;
    showing->captured = true;
    showing->code = capture_graph(api, &showing->host->arena, graph, showing->out, showing->err);
    return "the graph has been seen";
}

static int show_saved(struct host *host, const char *path, struct strbuf *out, struct err *err) {
    struct showing showing = {host, out, err, false, 0};
    struct ort_options *options;
    int code = host_make_options(host, ORT_LEVEL_NONE, &options, err);
    if (code)
        return code;
    host->link.context = &showing;
    host->link.graph = on_graph;
    code = host_append_hook(host, options, err);
    struct ort_status *status = NULL;
    if (!code)
        status = host->api.CreateSession(host->env, path, options, &host->session);
    host->api.ReleaseSessionOptions(options);
    if (showing.captured && status) {
        host->api.ReleaseStatus(status);
        status = NULL;
    }
    code = api_check(&host->api, status, ERR_INPUT, "opening the optimised model", err);
    if (!code && !showing.captured)
        code = err_set(err, ERR_ENVIRONMENT, "ONNX Runtime did not show the optimised graph");
    return code ? code : showing.code;
}

/* The runtime wants the weights of the saved model to be in a file beside it, which it does not
 * read: an empty one will do. */
static int put_empty_file(const char *path, struct err *err) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make %s", path);
    close(fd);
    return 0;
}

int capture_lowered(struct host *host, struct strbuf *out, struct err *err) {
    int code = host_load(host, err);
    if (code)
        return code;
    if (host->api.version < API_VERSION_GRAPH)
        return err_set(err, ERR_ENVIRONMENT,
                       "ONNX Runtime %s cannot show its optimised graph: 1.%d or newer can",
                       host->api.version_string, API_VERSION_GRAPH);
    const char *scratch = host->request.scratch;
    const char *path = arena_printf(&host->arena, "%s/lowered.onnx", scratch);
    const char *weights = arena_printf(&host->arena, "%s/lowered.weights", scratch);
    if (symlink("/dev/null", weights))
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make %s", weights);
    code = save_optimised(host, path, err);
    if (!code)
        code = put_empty_file(weights, err);
    return code ? code : show_saved(host, path, out, err);
}
