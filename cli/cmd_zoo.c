#include "cli/command.h"
#include "models/gguf/write.h"
#include "models/zoo/gguf.h"
#include "models/zoo/zoo.h"

#include <math.h>

enum zoo_action { ZOO_LIST, ZOO_WRITE };

struct zoo_command_options {
    int action;
    struct zoo_quantisation quantisation;
    int form, gguf;
    const char *name, *path;
    int64_t batch, size, sequence, classes, opset, seed;
    bool keep_batch_norm;
};

static const char *action_choice(size_t index, const char **help) {
    static const char *const rows[][2] = {
        [ZOO_LIST] = {"list",  "architectures with their published figures"},
        [ZOO_WRITE] = {"write", "build NAME and write it to FILE"           },
        {NULL,    ""                                          },
    };
    *help = rows[index][1];
    return rows[index][0];
}

static const char *form_choice(size_t index, const char **help) {
    static const char *const rows[][2] = {
        [ZOO_FLOAT32] = {"float32",   "as published"                                                },
        [ZOO_QDQ] = {"qdq",       "8 bits, QuantizeLinear and DequantizeLinear around operators"},
        [ZOO_OPERATORS] = {"operators", "8 bits, QLinearConv and its like"                            },
        [ZOO_DYNAMIC] = {"dynamic",   "8-bit weights, inputs quantised while running"               },
        [ZOO_FLOAT16] = {"float16",   "half precision; inputs and outputs stay float32"             },
        [ZOO_FORM_COUNT] = {NULL,        ""                                                            },
    };
    *help = rows[index][1];
    return rows[index][0];
}

static const char *gguf_choice(size_t index, const char **help) {
    *help = index ? "a GGUF file with matrices of this type" : "an ONNX file";
    return index ? gguf_random_type(index - 1) : "none";
}

static double figure(struct zoo_figure published, double unit) {
    return published.step > 0 ? published.value * unit : NAN;
}

static int list(struct context *context, struct err *err) {
    enum { NAME, PARAMETERS, FLOPS, ABOUT, SOURCE, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [NAME] = {"name",       "Name",         UNIT_PLAIN, TABLE_LEFT },
        [PARAMETERS] = {"parameters", "Parameters",   UNIT_COUNT, TABLE_RIGHT},
        [FLOPS] = {"flops",      "FLOPs",        UNIT_FLOPS, TABLE_RIGHT},
        [ABOUT] = {"about",      "About",        UNIT_PLAIN, TABLE_LEFT },
        [SOURCE] = {"source",     "Figures from", UNIT_PLAIN, TABLE_LEFT },
    };
    struct table table;
    table_init(&table, context->arena, "", columns, COLUMNS);
    for (size_t i = 0; i < zoo_family_count; i++) {
        for (size_t k = 0; k < zoo_families[i]->count; k++) {
            const struct zoo_row *row = &zoo_families[i]->rows[k];
            table_row(&table);
            table_text(&table, NAME, row->name);
            table_number(&table, PARAMETERS, figure(row->parameters, 1));
            table_number(&table, FLOPS, figure(row->gmacs, 2e9));
            table_text(&table, ABOUT, row->help);
            table_text(&table, SOURCE, row->source);
        }
    }
    return print_table(context, &table, err);
}

static int write_onnx(const struct zoo_command_options *options, struct err *err) {
    struct zoo_options zoo = {
        .batch = options->batch,
        .image_size = options->size,
        .sequence = options->sequence,
        .classes = options->classes,
        .opset = (int)options->opset,
        .seed = (uint64_t)options->seed,
        .keep_batch_norm = options->keep_batch_norm,
        .quantisation = options->quantisation,
    };
    zoo.quantisation.form = (enum zoo_number_form)options->form;
    return zoo_write(options->name, &zoo, options->path, err);
}

static int write_gguf(const struct zoo_command_options *options, struct err *err) {
    if (options->form)
        return err_set(err, ERR_USAGE,
                       "--quantise is of ONNX models; the type of a GGUF is what --gguf names");
    enum dtype dtype = dtype_by_name(gguf_random_type((size_t)options->gguf - 1));
    return zoo_write_gguf(options->name, dtype, (uint64_t)options->seed, options->path, err);
}

static int write_model(struct context *context, const struct zoo_command_options *options,
                       struct err *err) {
    if (!options->name || !options->path) {
        err_set(err, ERR_USAGE, "'zoo write' wants a name and a file");
        return err_hint(err, "for example: assay zoo write resnet50 resnet50.onnx");
    }
    if (options->gguf ? write_gguf(options, err) : write_onnx(options, err))
        return -(int)err->code;
    enum { NAME, PATH, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [NAME] = {"name", "Model",      UNIT_PLAIN, TABLE_LEFT},
        [PATH] = {"path", "Written to", UNIT_PLAIN, TABLE_LEFT},
    };
    struct table table;
    table_init(&table, context->arena, "", columns, COLUMNS);
    table_row(&table);
    table_text(&table, NAME, options->name);
    table_text(&table, PATH, options->path);
    return print_table(context, &table, err);
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct zoo_command_options *options = given;
    if (options->action == ZOO_WRITE)
        return write_model(context, options, err);
    if (options->name)
        return err_set(err, ERR_USAGE, "unexpected argument '%s' of 'zoo list'", options->name);
    return list(context, err);
}

#define SIZE_ROW(field, letters, most, text)                                                       \
    {                                                                                              \
        .name = letters, .type = OPTION_INT, .metavar = "N",                                       \
        .offset = offsetof(struct zoo_command_options, field), .min = 0, .max = most,              \
        .help = text "; 0: as published"                                                           \
    }

#define FLAG_ROW(field, letters, text)                                                             \
    {                                                                                              \
        .name = letters, .type = OPTION_FLAG,                                                      \
        .offset = offsetof(struct zoo_command_options, quantisation.field), .help = text           \
    }

static const struct option_row options[] = {
    SIZE_ROW(batch, "batch", 65536, "leading dimension of the inputs"),
    SIZE_ROW(size, "size", 1 << 24, "height and width in pixels, or samples of audio"),
    SIZE_ROW(sequence, "sequence", 1 << 20, "tokens or frames"),
    SIZE_ROW(classes, "classes", 1 << 20, "classes of the last layer"),
    {.name = "opset",
                                                                .type = OPTION_INT,
                                                                .metavar = "N",
                                                                .offset = offsetof(struct zoo_command_options, opset),
                                                                .fallback = "17",
                                                                .min = ZOO_OPSET_MIN,
                                                                .max = ZOO_OPSET_MAX,
                                                                .help = "version of the ONNX operator set"},
    {.name = "seed",
                                                                .type = OPTION_INT,
                                                                .metavar = "N",
                                                                .offset = offsetof(struct zoo_command_options, seed),
                                                                .fallback = "1",
                                                                .min = 1,
                                                                .max = 0x1p53,
                                                                .help = "of the random weights"},
    {.name = "keep-batch-norm",
                                                                .type = OPTION_FLAG,
                                                                .offset = offsetof(struct zoo_command_options, keep_batch_norm),
                                                                .help = "write BatchNormalization instead of folding it into convolutions"},
    {.name = "quantise",
                                                                .type = OPTION_CHOICE,
                                                                .metavar = "FORM",
                                                                .offset = offsetof(struct zoo_command_options, form),
                                                                .fallback = "float32",
                                                                .choice = form_choice,
                                                                .help = "write other numbers than float32, as quantisation tools do"},
    {.name = "gguf",
                                                                .type = OPTION_CHOICE,
                                                                .metavar = "TYPE",
                                                                .offset = offsetof(struct zoo_command_options, gguf),
                                                                .fallback = "none",
                                                                .choice = gguf_choice,
                                                                .help = "write a decoder of the Llama kind for llama.cpp"},
    FLAG_ROW(per_channel, "per-channel", "8 bits: a scale for each output channel of a weight"),
    FLAG_ROW(signed_activations, "int8-activations", "8 bits: int8 around zero, not uint8"),
    FLAG_ROW(unsigned_weights, "uint8-weights", "8 bits: uint8, not int8"),
    FLAG_ROW(products_only, "products-only", "8 bits: convolutions and matrix products alone"),
    {0                            },
};

static const struct argument_row arguments[] = {
    {.name = "ACTION",
     .kind = ARGUMENT_ONE,
     .choice = action_choice,
     .offset = offsetof(struct zoo_command_options, action),
     .help = "what to do"},
    {.name = "NAME",
     .kind = ARGUMENT_OPTIONAL,
     .offset = offsetof(struct zoo_command_options, name),
     .help = "an architecture of the list"},
    {.name = "FILE",
     .kind = ARGUMENT_OPTIONAL,
     .offset = offsetof(struct zoo_command_options, path),
     .help = "the file to write"},
    {0                      },
};

static const struct example examples[] = {
    {"assay zoo list",                                           "what can be built, with parameters and FLOPs as published"},
    {"assay zoo write resnet50 resnet50.onnx",                                                          "a ResNet-50 with seeded random weights"},
    {"assay zoo write bert_base b.onnx --batch 8 --sequence 64","other sizes than the paper's"},
    {"assay zoo write resnet50 q.onnx --quantise qdq --per-channel", "the same in eight bits"},
    {"assay zoo write llama_tiny tiny.gguf --gguf q4_0",                                                          "a small language model for llama.cpp"},
    {0                                 },
};

const struct command cmd_zoo = {
    .name = "zoo",
    .summary = "build published architectures as ONNX or GGUF files",
    .description =
        "Writes models to profile and predict when none are at hand: published architectures with "
        "the published numbers of parameters and operations, and seeded random weights, so that "
        "they cost what the real ones cost and compute nothing of use.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct zoo_command_options),
    .run = run,
};
