#include "collectors/onnxruntime/capture.h"

#include "collectors/onnxruntime/capture_parts.h"

#include <stdlib.h>
#include <string.h>

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
    return *length ? capture_check(c, c->api->ReadOpAttr(attr, kind, *data, *length, length),
                                   "attribute")
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
    int code = capture_check(c, c->api->OpAttr_GetName(attr, &name), "name of an attribute");
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
    code = capture_constant(c, attr, &number);
    frame_put_u32(&c->ops, ATTRIBUTE_TENSOR);
    frame_put_u32(&c->ops, number);
    return code;
}

static int capture_at(const struct api *api, struct arena *arena, const struct ort_graph *graph,
                      struct strbuf *out, int depth, struct err *err);

static int put_subgraphs(struct capture *c, const struct ort_node *node, size_t count) {
    const struct ort_graph **graphs = ARENA_ARRAY(c->arena, count, const struct ort_graph *);
    const char **names = ARENA_ARRAY(c->arena, count, const char *);
    int code = capture_check(c, c->api->Node_GetSubgraphs(node, graphs, count, names), "subgraphs");
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
    int code = capture_check(c, c->api->Node_GetNumAttributes(node, &count), "attributes");
    if (!code)
        code = capture_check(c, c->api->Node_GetNumSubgraphs(node, &subgraphs), "subgraphs");
    if (code)
        return code;
    const struct ort_op_attr **attrs = ARENA_ARRAY(c->arena, count, const struct ort_op_attr *);
    int *kinds = ARENA_ARRAY(c->arena, count, int);
    code = capture_check(c, c->api->Node_GetAttributes(node, attrs, count), "attributes");
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
    int code = capture_check(c, count_of(node, &count), "tensors of an operator");
    if (code)
        return code;
    const struct ort_value_info **infos =
        ARENA_ARRAY(c->arena, count, const struct ort_value_info *);
    code = capture_check(c, list_of(node, infos, count), "tensors of an operator");
    frame_put_u32(&c->ops, (uint32_t)count);
    for (size_t i = 0; !code && i < count; i++) {
        uint32_t number = UINT32_MAX;
        code = capture_tensor(c, infos[i], 0, &number);
        frame_put_u32(&c->ops, number);
    }
    return code;
}

static int put_node(struct capture *c, const struct ort_node *node) {
    const struct api *api = c->api;
    const char *name = "", *type = "", *domain = "";
    int code = capture_check(c, api->Node_GetName(node, &name), "name of an operator");
    if (!code)
        code = capture_check(c, api->Node_GetOperatorType(node, &type), "type of an operator");
    if (!code)
        code = capture_check(c, api->Node_GetDomain(node, &domain), "domain of an operator");
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

struct placed_node {
    const struct ort_node *node;
    size_t id;
};

static int by_id(const void *a, const void *b) {
    const struct placed_node *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* In the order of the saved file, which is the order of execution: the runtime numbers operators as
 * it reads them, and shows them in an order of its own. */
static int put_nodes(struct capture *c) {
    size_t count = 0;
    int code = capture_check(c, c->api->Graph_GetNumNodes(c->graph, &count), "operators");
    if (code)
        return code;
    const struct ort_node **nodes = ARENA_ARRAY(c->arena, count, const struct ort_node *);
    struct placed_node *placed = ARENA_ARRAY(c->arena, count, struct placed_node);
    code = capture_check(c, c->api->Graph_GetNodes(c->graph, nodes, count), "operators");
    for (size_t i = 0; !code && i < count; i++) {
        placed[i].node = nodes[i];
        code = capture_check(c, c->api->Node_GetId(nodes[i], &placed[i].id), "operators");
    }
    if (!code && count)
        qsort(placed, count, sizeof *placed, by_id);
    frame_put_u32(&c->ops, (uint32_t)count);
    for (size_t i = 0; !code && i < count; i++)
        code = put_node(c, placed[i].node);
    return code;
}

/* ---- inputs, outputs, initializers ------------------------------------------------------------
 */

typedef struct ort_status *(*graph_count)(const struct ort_graph *, size_t *);
typedef struct ort_status *(*graph_list)(const struct ort_graph *, const struct ort_value_info **,
                                         size_t);

static int list_of_graph(struct capture *c, graph_count count_of, graph_list list_of,
                         const struct ort_value_info ***infos, size_t *count) {
    int code = capture_check(c, count_of(c->graph, count), "tensors of the graph");
    if (code)
        return code;
    *infos = ARENA_ARRAY(c->arena, *count, const struct ort_value_info *);
    return capture_check(c, list_of(c->graph, *infos, *count), "tensors of the graph");
}

static int put_initializers(struct capture *c) {
    const struct ort_value_info **infos;
    size_t count;
    int code = list_of_graph(c, c->api->Graph_GetNumInitializers, c->api->Graph_GetInitializers,
                             &infos, &count);
    for (size_t i = 0; !code && i < count; i++) {
        uint32_t number = UINT32_MAX;
        code = capture_tensor(c, infos[i], TENSOR_INITIALIZER, &number);
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
        code = capture_tensor(c, infos[i], flag & TENSOR_INPUT, &number);
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
    int code =
        capture_check(c, c->api->Graph_GetNumOperatorSets(c->graph, &count), "operator sets");
    if (code)
        return code;
    const char **domains = ARENA_ARRAY(c->arena, count, const char *);
    int64_t *versions = ARENA_ARRAY(c->arena, count, int64_t);
    code = capture_check(c, c->api->Graph_GetOperatorSets(c->graph, domains, versions, count),
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
    int code = capture_check(c, c->api->Graph_GetName(c->graph, &name), "name of the graph");
    if (!code)
        code = capture_check(c, c->api->Graph_GetOnnxIRVersion(c->graph, &version), "IR version");
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
