/* A command: one file cli/cmd_<name>.c that ends in one of these, and one line in commands.c.
 * How to add one is told in docs/adding-a-command.md. */
#ifndef ASSAY_CLI_COMMAND_H
#define ASSAY_CLI_COMMAND_H

#include "cli/context.h"
#include "cli/option.h"

struct example {
    const char *command; /* "assay profile resnet50.onnx --threads 1" */
    const char *says;    /* what it does; "records every operator of ResNet-50" */
};

struct command {
    const char *name;
    const char *summary;              /* one line, lower case, no full stop */
    const char *description;          /* paragraphs, separated by blank lines; not wrapped */
    const struct example *examples;   /* end with a NULL command */
    const struct option_row *options; /* end with a NULL name; NULL: none */
    const struct argument_row *arguments;
    size_t options_size; /* of the struct that the offsets point into */
    /* `options` is that struct, filled. Returns 0, the negative code in `err`, or ERR_FINDING when
     * the answer was printed and is "no": exit code 1 without an error message. */
    int (*run)(struct context *context, const void *options, struct err *err);
};

/* All commands, in the order of the help; ends with NULL. */
extern const struct command *const commands[];
const struct command *command_by_name(const char *name); /* NULL: none */
/* ERR_USAGE with a suggestion. */
int command_find(const char *name, const struct command **found, struct err *err);
/* The index-th command's name: completes arguments that are commands. */
const char *command_choice(size_t index, const char **help);

/* Options that every command has; they may stand before the command's name too. */
struct global_options {
    const char *db;
    bool json, quiet, no_color, help, version;
    int format; /* index into table_formats */
};

extern const struct option_row global_rows[];

#endif
