/* The options that say which model is meant and under which conditions, shared by the commands that
 * measure or predict. A command's struct holds a struct model_options and its rows begin with
 * MODEL_OPTIONS(struct its_options, member). */
#ifndef ASSAY_CLI_MODEL_OPTIONS_H
#define ASSAY_CLI_MODEL_OPTIONS_H

#include "cli/option.h"
#include "cli/place_options.h"
#include "jobs/subject.h"

struct model_options {
    const char *model, *name;
    int64_t threads, batch, seed;
    struct text_list dims, shapes, inputs;
    int collector;
};

#define MODEL_ARGUMENT(owner, field)                                                               \
    {                                                                                              \
        .name = "MODEL", .kind = ARGUMENT_ONE, .offset = offsetof(owner, field.model),             \
        .help = "the model file"                                                                   \
    }

/* clang-format off */
#define MODEL_OPTIONS(owner, field)                                                                \
    {.name = "threads", .letter = 't', .type = OPTION_INT, .metavar = "N", .fallback = "1",        \
     .min = 1, .max = 1024, .offset = offsetof(owner, field.threads),                              \
     .help = "intra-op threads"},                                                                  \
    {.name = "batch", .letter = 'b', .type = OPTION_INT, .metavar = "N",                           \
     .min = 0, .max = 1 << 20, .offset = offsetof(owner, field.batch),                             \
     .help = "leading dimension of the inputs; a fixed one is rewritten where that is provable"},  \
    MODEL_INPUT_OPTIONS(owner, field)

/* The same without threads and batch, for a command that goes through several of them. */
#define MODEL_INPUT_OPTIONS(owner, field)                                                          \
    {.name = "dim", .letter = 'd', .type = OPTION_LIST, .metavar = "NAME=SIZE",                    \
     .offset = offsetof(owner, field.dims),                                                        \
     .help = "size of a symbolic dimension; those not named are 1"},                               \
    {.name = "shape", .type = OPTION_LIST, .metavar = "NAME=SIZES",                                \
     .offset = offsetof(owner, field.shapes),                                                      \
     .help = "sizes of an input's free axes, such as audio=1x512"},                                \
    {.name = "input", .type = OPTION_LIST, .metavar = "NAME=VALUE",                                \
     .offset = offsetof(owner, field.inputs),                                                      \
     .help = "value of every element of an input, such as sr=16000"},                              \
    {.name = "name", .type = OPTION_TEXT, .metavar = "TEXT",                                       \
     .offset = offsetof(owner, field.name),                                                        \
     .help = "what the model is called; default the file's stem"},                                 \
    {.name = "seed", .type = OPTION_INT, .metavar = "N", .fallback = "1",                          \
     .offset = offsetof(owner, field.seed), .help = "of random inputs and synthesised weights"},   \
    {.name = "collector", .type = OPTION_CHOICE, .metavar = "NAME", .fallback = "onnxruntime",     \
     .choice = collector_choice, .offset = offsetof(owner, field.collector),                       \
     .help = "what runs the model"}
/* clang-format on */

/* Lists live in the arena. ERR_USAGE on a --dim or --input that is not NAME=NUMBER, and on a
 * --shape that is not NAME=SIZExSIZE. */
int model_options_request(struct arena *arena, const struct model_options *options,
                          struct subject_request *request, struct err *err);

#endif
