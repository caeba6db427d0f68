#include "cli/command.h"
#include "cli/help.h"

#include <string.h>

/* roff takes "-" for a hyphen, "\" for an escape and a "." or "'" that begins a line for a
 * request. */
static void add_roff(const char *text, struct strbuf *out) {
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            strbuf_puts(out, "\\&");
        if (*text == '\\')
            strbuf_puts(out, "\\e");
        else if (*text == '-')
            strbuf_puts(out, "\\-");
        else
            strbuf_add(out, text, 1);
        line_start = *text == '\n';
    }
}

static void add_paragraphs(const char *text, struct strbuf *out) {
    const char *end;
    for (; (end = strstr(text, "\n\n")); text = end + 2) {
        struct strbuf part;
        strbuf_init(&part);
        strbuf_add(&part, text, (size_t)(end - text));
        add_roff(part.text, out);
        strbuf_puts(out, "\n.PP\n");
        strbuf_done(&part);
    }
    add_roff(text, out);
    strbuf_puts(out, "\n");
}

static void add_options(const struct option_row *rows, struct strbuf *out) {
    for (; rows && rows->name; rows++) {
        struct strbuf text;
        strbuf_init(&text);
        help_option_term(rows, &text);
        strbuf_puts(out, ".TP\n.B ");
        add_roff(text.text + strspn(text.text, " "), out);
        strbuf_puts(out, "\n");
        strbuf_done(&text);
        strbuf_init(&text);
        help_option_text(rows, &text);
        add_roff(text.text, out);
        strbuf_puts(out, "\n");
        strbuf_done(&text);
    }
}

static void add_arguments(const struct argument_row *rows, struct strbuf *out) {
    for (; rows && rows->name; rows++) {
        strbuf_printf(out, ".TP\n.I %s\n", rows->name);
        add_roff(rows->help, out);
        strbuf_puts(out, "\n");
        const char *help;
        for (size_t i = 0; rows->choice && rows->choice(i, &help); i++) {
            strbuf_puts(out, ".br\n.B ");
            add_roff(rows->choice(i, &help), out);
            strbuf_puts(out, "\n");
            add_roff(help, out);
            strbuf_puts(out, "\n");
        }
    }
}

static void add_command(const struct command *command, struct strbuf *out) {
    struct strbuf usage;
    strbuf_init(&usage);
    help_usage(command, &usage);
    strbuf_puts(out, ".SS ");
    add_roff(usage.text, out);
    strbuf_puts(out, "\n");
    strbuf_done(&usage);
    add_paragraphs(command->description, out);
    add_arguments(command->arguments, out);
    add_options(command->options, out);
    for (const struct example *row = command->examples; row && row->command; row++) {
        strbuf_puts(out, ".TP\n.B $ ");
        add_roff(row->command, out);
        strbuf_puts(out, "\n");
        add_roff(row->says, out);
        strbuf_puts(out, "\n");
    }
}

static void add_page(struct strbuf *out) {
    strbuf_puts(out, ".TH ASSAY 1 \"\" \"assay " ASSAY_VERSION "\" \"User Commands\"\n"
                     ".SH NAME\nassay \\- measure machine\\-learning models and predict what they "
                     "need\n.SH SYNOPSIS\n.B assay\n.I COMMAND\n[OPTIONS] [ARGUMENTS]\n"
                     ".SH DESCRIPTION\n");
    strbuf_puts(out,
                "Runs a model under its runtime and records every operator, fits cost models to "
                "what was recorded, predicts latency and memory of models that never ran here, "
                "and plans how many replicas and nodes a load needs.\n");
    strbuf_puts(out, ".SH OPTIONS\nEvery command has these.\n");
    add_options(global_rows, out);
    strbuf_puts(out, ".SH COMMANDS\n");
    for (const struct command *const *command = commands; *command; command++)
        add_command(*command, out);
    strbuf_puts(out, ".SH EXIT STATUS\n");
    for (const struct exit_code *row = exit_codes; row->means; row++)
        strbuf_printf(out, ".TP\n.B %d\n%s\n", (int)row->code, row->means);
    strbuf_puts(out, ".SH ENVIRONMENT\n.TP\n.B ASSAY_DB\nthe database when \\-\\-db is not given\n"
                     ".TP\n.B XDG_DATA_HOME\nwhere assay/assay.db lies otherwise; default "
                     "~/.local/share\n.TP\n.B NO_COLOR\nwhen set, nothing is coloured\n");
}

static int run(struct context *context, const void *options, struct err *err) {
    (void)options;
    struct strbuf out;
    strbuf_init(&out);
    add_page(&out);
    int failed = print_raw(context, out.text, err);
    strbuf_done(&out);
    return failed;
}

static const struct example examples[] = {
    {"assay man | man -l -",                           "reads the manual page without installing it"},
    {"assay man > assay.1",                                                "writes it to a file; 'make install' does this"},
    {0},
};

const struct command cmd_man = {
    .name = "man",
    .summary = "print the manual page",
    .description = "Prints assay(1) as roff, made from the same rows that the commands are "
                   "dispatched and parsed with.",
    .examples = examples,
    .run = run,
};
