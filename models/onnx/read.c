#include "models/onnx/read.h"

#include "models/foreign.h"
#include "models/onnx/fields.h"
#include "models/onnx/reading.h"
#include "models/onnx/write.h"

enum { EXPANSION_FREE_BYTES = 1 << 20, EXPANSION_FACTOR = 64 };

#define EXPANSION_MAX ((uint64_t)1 << 30)

struct header {
    int64_t ir_version;
    struct wire_text producer_name, producer_version;
    struct wire graph;
    uint32_t opsets;
};

static const struct wire_row header_rows[] = {
    {ONNX_MODEL_IR_VERSION,       WIRE_TO_INT,   "ModelProto.ir_version",
     offsetof(struct header,                                                                            ir_version),       NULL},
    {ONNX_MODEL_PRODUCER_NAME,    WIRE_TO_NAME,  "ModelProto.producer_name",
     offsetof(struct header,                                                                            producer_name),    NULL},
    {ONNX_MODEL_PRODUCER_VERSION, WIRE_TO_NAME,  "ModelProto.producer_version",
     offsetof(struct header,                                                                            producer_version), NULL},
    {ONNX_MODEL_GRAPH,            WIRE_TO_BODY,  "ModelProto.graph",            offsetof(struct header, graph),            NULL},
    {ONNX_MODEL_OPSET_IMPORT,     WIRE_TO_COUNT, "ModelProto.opset_import",
     offsetof(struct header,                                                                            opsets),           NULL},
};

/* ---- the parts of ModelProto around the graph ------------------------------------------------ */

static int read_opset(void *out, struct wire message) {
    struct entry {
        struct wire_text domain;
        int64_t version;
    } entry = {0};
    static const struct wire_row rows[] = {
        {ONNX_OPSET_DOMAIN,  WIRE_TO_NAME, "OperatorSetIdProto.domain",
         offsetof(struct entry, domain),  NULL},
        {ONNX_OPSET_VERSION, WIRE_TO_INT,  "OperatorSetIdProto.version",
         offsetof(struct entry, version), NULL},
    };
    struct scope *scope = out;
    int code = wire_read(message, rows, 2, &entry);
    if (code)
        return code;
    if (wire_text_is(entry.domain, "ai.onnx"))
        entry.domain.length = 0;
    graph_add_opset(scope->graph, scope_text(scope, entry.domain), entry.version);
    return 0;
}

static int read_metadata(void *out, struct wire message) {
    struct wire_text key = {0};
    static const struct wire_row row = {ONNX_ENTRY_KEY, WIRE_TO_BYTES, "metadata_props.key", 0,
                                        NULL};
    struct scope *scope = out;
    int code = wire_read(message, &row, 1, &key);
    if (wire_text_is(key, ONNX_LOWERED_KEY))
        scope->graph->lowered = true;
    return code;
}

static int read_surroundings(struct scope *scope, struct wire model) {
    static const struct wire_row rows[] = {
        {ONNX_MODEL_OPSET_IMPORT,   WIRE_TO_EACH, "ModelProto.opset_import",   0, read_opset   },
        {ONNX_MODEL_METADATA_PROPS, WIRE_TO_EACH, "ModelProto.metadata_props", 0, read_metadata},
    };
    int code = wire_read(model, rows, 2, scope);
    /* Before IR version 3 there was one operator set, and no way to say so. */
    if (!code && scope->graph->opset_count == 0)
        graph_add_opset(scope->graph, "", 1);
    return code ? code : reading_functions(scope->reading, model);
}

static const char *producer_text(struct arena *arena, const struct header *header) {
    const char *gap = header->producer_name.length && header->producer_version.length ? " " : "";
    return arena_printf(arena, "%.*s%s%.*s", WIRE_SHOWN(header->producer_name), gap,
                        WIRE_SHOWN(header->producer_version));
}

static int read_header(struct wire model, struct header *header) {
    struct err *err = model.err;
    int code = wire_read(model, header_rows, sizeof header_rows / sizeof *header_rows, header);
    if (code && header->ir_version == 0)
        return err_prefix(err, "not an ONNX model");
    if (code)
        return code;
    if (!header->graph.file)
        return err_set(err, ERR_INPUT, "not an ONNX model: it has no graph (field %d)",
                       ONNX_MODEL_GRAPH);
    return 0;
}

static int read_model(struct arena *arena, struct wire file, struct graph **out) {
    struct header header = {0};
    int code = read_header(file, &header);
    if (code)
        return code;
    struct graph *graph = graph_new(arena, "");
    struct reading reading = {.arena = arena,
                              .err = file.err,
                              .ir_version = header.ir_version,
                              .function_names = {.arena = arena},
                              .expansion_left = EXPANSION_MAX};
    if (file.file_size < EXPANSION_MAX / EXPANSION_FACTOR)
        reading.expansion_left = EXPANSION_FREE_BYTES + EXPANSION_FACTOR * file.file_size;
    struct graph_names names = {{.arena = arena}, {.arena = arena}, {.arena = arena}};
    struct scope scope = {&reading, graph, &names, &names.tensors, NULL, NULL, 0};
    graph->ir_version = header.ir_version;
    graph->producer = producer_text(arena, &header);
    *out = graph;
    code = read_surroundings(&scope, file);
    return code ? code : reading_graph(&scope, header.graph);
}

/* ---- files ----------------------------------------------------------------------------------- */

bool onnx_sniff(const void *bytes, size_t length) {
    return length > 0 && foreign_sniff(bytes, length) == NULL;
}

int onnx_read_bytes(struct arena *arena, const void *bytes, size_t length, const char *label,
                    struct graph **out, struct err *err) {
    *out = NULL;
    if (length == 0)
        return err_set(err, ERR_INPUT, "%s: not an ONNX model: the file is empty", label);
    const struct foreign *foreign = foreign_sniff(bytes, length);
    if (foreign) {
        err_set(err, ERR_INPUT, "%s: not an ONNX model: it looks like %s", label, foreign->name);
        return foreign->hint ? err_hint(err, "%s", foreign->hint) : -ERR_INPUT;
    }
    int code = read_model(arena, wire_open(bytes, length, err), out);
    return code ? err_prefix(err, "%s", label) : 0;
}

int onnx_read_model(struct arena *arena, const void *bytes, size_t length, const char *label,
                    struct model *out, struct err *err) {
    *out = (struct model){0};
    return onnx_read_bytes(arena, bytes, length, label, &out->graph, err);
}
