#include "cli/command.h"
#include "cli/help.h"

struct help_options {
    const char *command;
};

static int run(struct context *context, const void *options, struct err *err) {
    const struct help_options *help = options;
    const struct command *command = NULL;
    if (help->command && command_find(help->command, &command, err) < 0)
        return -(int)err->code;
    struct strbuf out;
    strbuf_init(&out);
    if (command)
        help_command(command, &out);
    else
        help_overview(&out);
    int failed = print_raw(context, out.text, err);
    strbuf_done(&out);
    return failed;
}

static const struct argument_row arguments[] = {
    {.name = "COMMAND",
     .kind = ARGUMENT_OPTIONAL,
     .offset = offsetof(struct help_options, command),
     .help = "the command to explain; without it all are listed"},
    {0},
};

static const struct example examples[] = {
    {"assay help",                                          "lists the commands"},
    {"assay help inspect",                                                     "explains one; 'assay inspect --help' does the same"},
    {0},
};

const struct command cmd_help = {
    .name = "help",
    .summary = "explain a command, with examples",
    .description = "Prints what a command does, its arguments and options with their defaults, and "
                   "examples to start from.",
    .examples = examples,
    .arguments = arguments,
    .options_size = sizeof(struct help_options),
    .run = run,
};
