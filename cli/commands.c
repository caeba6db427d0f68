#include "cli/command.h"

#include "base/suggest.h"

#include <string.h>

/* One line per command, in the order in which a newcomer meets them. */
/* clang-format off */
#define COMMANDS(ROW) \
    ROW(calibrate) \
    ROW(profile) \
    ROW(record) \
    ROW(fit) \
    ROW(predict) \
    ROW(scale) \
    ROW(plan) \
    ROW(simulate) \
    ROW(pack) \
    ROW(serve) \
    ROW(explain) \
    ROW(accuracy) \
    ROW(report) \
    ROW(import) \
    ROW(recordings) \
    ROW(inspect) \
    ROW(zoo) \
    ROW(observations) \
    ROW(db) \
    ROW(list) \
    ROW(doctor) \
    ROW(help) \
    ROW(man) \
    ROW(completion) \
    ROW(version)
/* clang-format on */

#define DECLARE(name) extern const struct command cmd_##name;
#define LIST(name)    &cmd_##name,

COMMANDS(DECLARE)

const struct command *const commands[] = {COMMANDS(LIST) NULL};

const struct command *command_by_name(const char *name) {
    for (const struct command *const *command = commands; *command; command++)
        if (strcmp((*command)->name, name) == 0)
            return *command;
    return NULL;
}

int command_find(const char *name, const struct command **found, struct err *err) {
    *found = command_by_name(name);
    if (*found)
        return 0;
    struct suggestion near = suggestion_for(name);
    for (const struct command *const *command = commands; *command; command++)
        suggestion_offer(&near, (*command)->name);
    err_set(err, ERR_USAGE, "'%s' is no command of assay", name);
    if (near.nearest)
        return err_hint(err, "did you mean 'assay %s'?", near.nearest);
    return err_hint(err, "'assay help' lists all commands");
}

const char *command_choice(size_t index, const char **help) {
    const struct command *command = commands[index];
    *help = command ? command->summary : "";
    return command ? command->name : NULL;
}

static const char *format_choice(size_t index, const char **help) {
    *help = table_formats[index].help;
    return table_formats[index].name;
}

const struct option_row global_rows[] = {
    {.name = "db",
     .type = OPTION_TEXT,
     .metavar = "PATH",
     .offset = offsetof(struct global_options, db),
     .help = "the database; default $ASSAY_DB, else assay/assay.db under XDG data"},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct global_options, json),
     .help = "print JSON, also for errors; the same as --format json"},
    {.name = "format",
     .type = OPTION_CHOICE,
     .metavar = "FORMAT",
     .offset = offsetof(struct global_options, format),
     .fallback = "text",
     .choice = format_choice,
     .help = "how to print"},
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .offset = offsetof(struct global_options, quiet),
     .help = "no progress and no remarks"},
    {.name = "no-color",
     .type = OPTION_FLAG,
     .offset = offsetof(struct global_options, no_color),
     .help = "no colours; NO_COLOR in the environment does the same"},
    {.name = "help",
     .letter = 'h',
     .type = OPTION_FLAG,
     .offset = offsetof(struct global_options, help),
     .help = "explain the command"},
    {.name = "version",
     .letter = 'V',
     .type = OPTION_FLAG,
     .offset = offsetof(struct global_options, version),
     .help = "print the version"},
    {0},
};
