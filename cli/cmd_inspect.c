#include "base/strbuf.h"
#include "cli/command.h"
#include "jobs/inspect.h"

#include <inttypes.h>

struct inspect_options {
    const char *model, *name;
    struct text_list dims;
};

/* ---- the model as a whole ------------------------------------------------------------------- */

static void add_pair(struct table *table, const char *name, const char *value) {
    table_row(table);
    table_text(table, 0, name);
    table_text(table, 1, value);
}

static const char *opsets_text(struct arena *arena, const struct graph *graph) {
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t i = 0; i < graph->opset_count; i++)
        strbuf_printf(&text, "%s%s %" PRId64, i ? ", " : "",
                      *graph->opsets[i].domain ? graph->opsets[i].domain : "ai.onnx",
                      graph->opsets[i].version);
    const char *kept = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return kept;
}

static void add_count(struct table *table, const char *name, uint64_t value) {
    char text[UNIT_TEXT_SIZE];
    if (value)
        add_pair(table, name, unit_format(text, (double)value, UNIT_COUNT));
}

static void fill_decoder(struct table *table, const struct inspection *found) {
    const struct decoder *d = found->model.decoder;
    char text[UNIT_TEXT_SIZE];
    add_pair(table, "architecture", d->architecture);
    add_count(table, "layers", d->layers);
    add_count(table, "width", d->width);
    add_count(table, "heads", d->heads);
    add_count(table, "key-value heads, all layers", d->kv_heads);
    add_count(table, "vocabulary", d->vocabulary);
    add_count(table, "context length", d->context);
    add_pair(table, "cache per token, float16",
             unit_format(text, (double)decoder_cache_bytes(d, 1, 1, DTYPE_FLOAT16), UNIT_BYTES));
}

static void fill_head(struct table *table, const struct inspection *found) {
    const struct graph *graph = found->model.graph;
    char text[UNIT_TEXT_SIZE];
    add_pair(table, "format", found->model.format);
    if (found->model.decoder)
        fill_decoder(table, found);
    add_pair(table, "producer", *graph->producer ? graph->producer : "not said");
    if (found->nodes) { /* a GGUF holds weights: what runs is the runtime's */
        add_pair(table, "opsets", opsets_text(table->arena, graph));
        add_pair(table, "operators", unit_format(text, (double)found->nodes, UNIT_COUNT));
    }
    if (found->graphs > 1)
        add_pair(table, "graphs", unit_format(text, found->graphs, UNIT_COUNT));
    add_pair(table, "parameters", unit_format(text, (double)found->parameters, UNIT_COUNT));
    add_pair(table, "weights", unit_format(text, (double)found->weight_bytes, UNIT_BYTES));
    if (found->nodes)
        add_pair(table, "work", unit_format(text, found->flops, UNIT_FLOPS));
    if (found->unknown_shapes)
        add_pair(table, "shapes not known",
                 unit_format(text, (double)found->unknown_shapes, UNIT_COUNT));
    add_pair(table, "file", unit_format(text, (double)found->model.file_bytes, UNIT_BYTES));
    add_pair(table, "sha256", found->model.sha256);
}

/* ---- its inputs, outputs, operators, files --------------------------------------------------- */

enum { PORT_KIND, PORT_NAME, PORT_TYPE, PORT_SHAPE, PORT_COLUMNS };

static const struct table_column port_columns[PORT_COLUMNS] = {
    [PORT_KIND] = {"kind",  "",      UNIT_PLAIN, TABLE_LEFT},
    [PORT_NAME] = {"name",  "Name",  UNIT_PLAIN, TABLE_LEFT},
    [PORT_TYPE] = {"dtype", "Type",  UNIT_PLAIN, TABLE_LEFT},
    [PORT_SHAPE] = {"shape", "Shape", UNIT_PLAIN, TABLE_LEFT},
};

static void fill_ports(struct table *table, const char *kind, const struct graph *graph,
                       const int32_t *indices, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct tensor *tensor = &graph->tensors[indices[i]];
        table_row(table);
        table_text(table, PORT_KIND, kind);
        table_text(table, PORT_NAME, tensor->name);
        table_text(table, PORT_TYPE, dtype_name(tensor->dtype));
        table_text(table, PORT_SHAPE, tensor_shape_text(table->arena, graph, tensor));
    }
}

enum { OP_TYPE, OP_COUNT, OP_FLOPS, OP_INFERRED, OP_COLUMNS };

static const struct table_column op_columns[OP_COLUMNS] = {
    [OP_TYPE] = {"type",            "Operator",        UNIT_PLAIN, TABLE_LEFT },
    [OP_COUNT] = {"count",           "Count",           UNIT_COUNT, TABLE_RIGHT},
    [OP_FLOPS] = {"flops",           "Work",            UNIT_FLOPS, TABLE_RIGHT},
    [OP_INFERRED] = {"shapes_inferred", "Shapes inferred", UNIT_PLAIN, TABLE_LEFT },
};

static void fill_ops(struct table *table, const struct inspection *found) {
    for (uint32_t i = 0; i < found->type_count; i++) {
        table_row(table);
        table_text(table, OP_TYPE, found->types[i].type);
        table_int(table, OP_COUNT, (int64_t)found->types[i].count);
        table_number(table, OP_FLOPS, found->types[i].flops);
        table_bool(table, OP_INFERRED, found->types[i].inferred);
    }
}

enum { WEIGHT_TYPE, WEIGHT_TENSORS, WEIGHT_PARAMETERS, WEIGHT_BYTES, WEIGHT_COLUMNS };

static const struct table_column weight_columns[WEIGHT_COLUMNS] = {
    [WEIGHT_TYPE] = {"dtype",      "Weights",    UNIT_PLAIN, TABLE_LEFT },
    [WEIGHT_TENSORS] = {"tensors",    "Tensors",    UNIT_COUNT, TABLE_RIGHT},
    [WEIGHT_PARAMETERS] = {"parameters", "Parameters", UNIT_COUNT, TABLE_RIGHT},
    [WEIGHT_BYTES] = {"bytes",      "Size",       UNIT_BYTES, TABLE_RIGHT},
};

static void fill_weights(struct table *table, const struct inspection *found) {
    for (uint32_t i = 0; i < found->weight_count; i++) {
        const struct weight_type *type = &found->weights[i];
        table_row(table);
        table_text(table, WEIGHT_TYPE, dtype_name(type->dtype));
        table_int(table, WEIGHT_TENSORS, (int64_t)type->tensors);
        table_int(table, WEIGHT_PARAMETERS, (int64_t)type->parameters);
        table_int(table, WEIGHT_BYTES, (int64_t)type->bytes);
    }
}

enum { FILE_NAME, FILE_TENSORS, FILE_BYTES, FILE_EXISTS, FILE_COLUMNS };

static const struct table_column file_columns[FILE_COLUMNS] = {
    [FILE_NAME] = {"location", "External file", UNIT_PLAIN, TABLE_LEFT },
    [FILE_TENSORS] = {"tensors",  "Tensors",       UNIT_COUNT, TABLE_RIGHT},
    [FILE_BYTES] = {"bytes",    "Size",          UNIT_BYTES, TABLE_RIGHT},
    [FILE_EXISTS] = {"exists",   "There",         UNIT_PLAIN, TABLE_LEFT },
};

static void fill_files(struct table *table, const struct inspection *found) {
    for (uint32_t i = 0; i < found->file_count; i++) {
        table_row(table);
        table_text(table, FILE_NAME, found->files[i].location);
        table_int(table, FILE_TENSORS, (int64_t)found->files[i].tensors);
        table_int(table, FILE_BYTES, (int64_t)found->files[i].bytes);
        table_bool(table, FILE_EXISTS, found->files[i].exists);
    }
}

/* ---- the answer ---------------------------------------------------------------------------- */

static cJSON *decoder_json(const struct decoder *d) {
    cJSON *tree = json_object();
    json_add_text(tree, "architecture", d->architecture);
    json_add_uint(tree, "layers", d->layers);
    json_add_uint(tree, "width", d->width);
    json_add_uint(tree, "heads", d->heads);
    json_add_uint(tree, "kv_heads", d->kv_heads);
    json_add_uint(tree, "key_width", d->key_width);
    json_add_uint(tree, "value_width", d->value_width);
    json_add_uint(tree, "vocabulary", d->vocabulary);
    json_add_uint(tree, "context_length", d->context);
    json_add_uint(tree, "cache_bytes_per_token", decoder_cache_bytes(d, 1, 1, DTYPE_FLOAT16));
    return tree;
}

static cJSON *inspection_json(const struct inspection *found, const struct table *inputs,
                              const struct table *outputs, const struct table *ops,
                              const struct table *files, const struct table *weights) {
    const struct graph *graph = found->model.graph;
    cJSON *tree = json_object();
    json_add_int(tree, "schema", 1);
    json_add_text(tree, "name", found->model.name);
    json_add_text(tree, "path", found->model.path);
    json_add_text(tree, "format", found->model.format);
    json_add_text(tree, "sha256", found->model.sha256);
    json_add_uint(tree, "file_bytes", found->model.file_bytes);
    json_add_text(tree, "producer", graph->producer);
    json_add_int(tree, "ir_version", graph->ir_version);
    cJSON *opsets = json_add_object(tree, "opsets");
    for (uint32_t i = 0; i < graph->opset_count; i++)
        json_add_int(opsets, *graph->opsets[i].domain ? graph->opsets[i].domain : "ai.onnx",
                     graph->opsets[i].version);
    json_add_uint(tree, "nodes", found->nodes);
    json_add_uint(tree, "graphs", found->graphs);
    json_add_uint(tree, "parameters", found->parameters);
    json_add_uint(tree, "weight_bytes", found->weight_bytes);
    json_add_number(tree, "flops", found->flops);
    json_add_uint(tree, "unknown_shapes", found->unknown_shapes);
    cJSON *symbols = json_add_array(tree, "symbols");
    for (uint32_t i = 0; i < graph->symbol_count; i++)
        json_add_text(symbols, NULL, graph->symbols[i]);
    json_add(tree, "inputs", table_json(inputs));
    json_add(tree, "outputs", table_json(outputs));
    json_add(tree, "operators", table_json(ops));
    json_add(tree, "external_files", table_json(files));
    if (found->model.decoder) {
        json_add(tree, "decoder", decoder_json(found->model.decoder));
        json_add(tree, "weight_types", table_json(weights));
    }
    return tree;
}

static int print_inspection(struct context *context, const struct inspection *found,
                            struct err *err) {
    static const struct table_column head_columns[] = {
        {"name",  "Model", UNIT_PLAIN, TABLE_LEFT},
        {"value", "",      UNIT_PLAIN, TABLE_LEFT},
    };
    const struct graph *graph = found->model.graph;
    struct table head, inputs, outputs, ports, ops, files, weights;
    table_init(&head, context->arena, found->model.name, head_columns, 2);
    table_init(&inputs, context->arena, "", port_columns, PORT_COLUMNS);
    table_init(&outputs, context->arena, "", port_columns, PORT_COLUMNS);
    table_init(&ports, context->arena, "", port_columns, PORT_COLUMNS);
    table_init(&ops, context->arena, "", op_columns, OP_COLUMNS);
    table_init(&files, context->arena, "", file_columns, FILE_COLUMNS);
    table_init(&weights, context->arena, "", weight_columns, WEIGHT_COLUMNS);
    fill_weights(&weights, found);
    fill_head(&head, found);
    fill_ports(&inputs, "input", graph, graph->inputs, graph->input_count);
    fill_ports(&outputs, "output", graph, graph->outputs, graph->output_count);
    fill_ports(&ports, "input", graph, graph->inputs, graph->input_count);
    fill_ports(&ports, "output", graph, graph->outputs, graph->output_count);
    fill_ops(&ops, found);
    fill_files(&files, found);
    cJSON *tree = inspection_json(found, &inputs, &outputs, &ops, &files, &weights);
    const struct table *const graph_tables[] = {&head, &ports, &ops, &files};
    const struct table *const weight_tables[] = {&head, &ports, &weights};
    bool decoder = found->model.decoder != NULL;
    int failed = print_answer(context, tree, decoder ? weight_tables : graph_tables,
                              !decoder && found->file_count ? 4 : 3, err);
    cJSON_Delete(tree);
    return failed;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct inspect_options *options = given;
    struct dim_binding *dims =
        ARENA_ARRAY(context->arena, options->dims.count + 1, struct dim_binding);
    for (uint32_t i = 0; i < options->dims.count; i++)
        if (dim_binding_parse(context->arena, options->dims.items[i], &dims[i], err) < 0)
            return err_prefix(err, "--dim");
    struct inspection found;
    if (inspect(context->arena, options->model, options->name, dims, options->dims.count, &found,
                err) < 0)
        return -(int)err->code;
    int failed = print_inspection(context, &found, err);
    for (uint32_t i = 0; i < found.file_count && !failed; i++)
        if (!found.files[i].exists)
            print_note(context,
                       "the weights in %s are not there; --synthesize-weights of "
                       "'assay profile' makes some up",
                       found.files[i].location);
    return failed;
}

static const struct option_row options[] = {
    {.name = "dim",
     .type = OPTION_LIST,
     .metavar = "NAME=SIZE",
     .offset = offsetof(struct inspect_options, dims),
     .help = "give a symbolic dimension a size"},
    {.name = "name",
     .type = OPTION_TEXT,
     .metavar = "NAME",
     .offset = offsetof(struct inspect_options, name),
     .help = "what to call the model; default the file's name without its suffix"},
    {0                },
};

static const struct argument_row arguments[] = {
    {.name = "MODEL",
     .kind = ARGUMENT_ONE,
     .offset = offsetof(struct inspect_options, model),
     .help = "the model file"},
    {0},
};

static const struct example examples[] = {
    {"assay inspect resnet50.onnx",     "inputs, outputs, operators by type, parameters"},
    {"assay inspect bert.onnx --dim batch=8 --dim sequence=128",                                 "the work at these sizes"},
    {"assay inspect model.onnx --json","the same for a program"},
    {0},
};

const struct command cmd_inspect = {
    .name = "inspect",
    .summary = "look into a model file without running it",
    .description =
        "Reads a model and prints its inputs and outputs, its operators by type with the "
        "work they do, its parameters, operator sets and external weight files. Needs "
        "neither a runtime nor the weights. One multiply-add is two FLOPs.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct inspect_options),
    .run = run,
};
