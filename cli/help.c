#include "cli/help.h"

#include "base/units.h"

#include <string.h>

enum { TEXT_WIDTH = 79, TERM_WIDTH = 26 };

const struct exit_code exit_codes[] = {
    {ERR_OK,          "done"                                                                },
    {ERR_FINDING,     "done, and the answer is no: a refusal, a target missed, a regression"},
    {ERR_USAGE,       "the command line is wrong"                                           },
    {ERR_INPUT,       "a file or a value that was given is wrong"                           },
    {ERR_ENVIRONMENT, "this machine lacks something: a library, a right, disk space"        },
    {ERR_BUG,         "a mistake of assay itself"                                           },
    {ERR_OK,          NULL                                                                  },
};

/* Appends one paragraph wrapped to the width, every line but the first indented; `column` is
 * where the first one begins. */
static void add_wrapped(const char *text, size_t length, size_t indent, size_t column,
                        struct strbuf *out) {
    size_t at = column;
    while (length) {
        size_t word = 0;
        while (word < length && text[word] != ' ' && text[word] != '\n')
            word++;
        if (at > indent && at + 1 + word > TEXT_WIDTH) {
            strbuf_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            strbuf_puts(out, " ");
            at++;
        }
        strbuf_add(out, text, word);
        at += word;
        size_t skip = word < length ? word + 1 : word;
        text += skip;
        length -= skip;
    }
    strbuf_puts(out, "\n");
}

static void add_paragraphs(const char *text, struct strbuf *out) {
    for (;;) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        add_wrapped(text, length, 0, 0, out);
        if (!end)
            return;
        strbuf_puts(out, "\n");
        text = end + 2;
    }
}

/* A term with its explanation in the column beside it. */
static void add_term(const char *term, const char *text, struct strbuf *out) {
    strbuf_printf(out, "  %-*s", TERM_WIDTH - 2, term);
    if (strlen(term) + 2 >= TERM_WIDTH)
        strbuf_printf(out, "\n%*s", TERM_WIDTH, "");
    add_wrapped(text, strlen(text), TERM_WIDTH, TERM_WIDTH, out);
}

void help_option_term(const struct option_row *row, struct strbuf *out) {
    if (row->letter)
        strbuf_printf(out, "-%c, ", row->letter);
    else
        strbuf_puts(out, "    ");
    strbuf_printf(out, "--%s", row->name);
    if (option_takes_value(row))
        strbuf_printf(out, " %s", row->metavar ? row->metavar : "VALUE");
}

static void add_choices(choice_fn *choice, struct strbuf *out) {
    const char *help;
    strbuf_puts(out, ": ");
    for (size_t i = 0; choice(i, &help); i++)
        strbuf_printf(out, "%s%s", i ? ", " : "", choice(i, &help));
}

void help_option_text(const struct option_row *row, struct strbuf *out) {
    char low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    strbuf_puts(out, row->help);
    if (row->choice)
        add_choices(row->choice, out);
    if (row->type == OPTION_LIST)
        strbuf_puts(out, "; may be repeated");
    if (row->min != 0 || row->max != 0)
        strbuf_printf(out, ", %s to %s", unit_exact(low, row->min), unit_exact(high, row->max));
    if (row->fallback)
        strbuf_printf(out, " (default %s)", row->fallback);
}

static void add_options(const char *title, const struct option_row *rows, struct strbuf *out) {
    if (!rows || !rows->name)
        return;
    strbuf_printf(out, "\n%s:\n", title);
    for (; rows->name; rows++) {
        struct strbuf term, text;
        strbuf_init(&term);
        strbuf_init(&text);
        help_option_term(rows, &term);
        help_option_text(rows, &text);
        add_term(term.text, text.text, out);
        strbuf_done(&term);
        strbuf_done(&text);
    }
}

void help_usage(const struct command *command, struct strbuf *out) {
    static const char *const forms[] = {
        [ARGUMENT_ONE] = " %s",
        [ARGUMENT_OPTIONAL] = " [%s]",
        [ARGUMENT_SOME] = " %s...",
        [ARGUMENT_ANY] = " [%s...]",
    };
    strbuf_printf(out, "assay %s%s", command->name, command->options ? " [OPTIONS]" : "");
    for (const struct argument_row *row = command->arguments; row && row->name; row++) {
        const char *hole = strstr(forms[row->kind], "%s");
        strbuf_add(out, forms[row->kind], (size_t)(hole - forms[row->kind]));
        strbuf_printf(out, "%s%s", row->name, hole + 2);
    }
}

static void add_arguments(const struct argument_row *rows, struct strbuf *out) {
    if (!rows || !rows->name)
        return;
    strbuf_puts(out, "\nArguments:\n");
    for (; rows->name; rows++) {
        add_term(rows->name, rows->help, out);
        const char *help = "";
        for (size_t i = 0; rows->choice && rows->choice(i, &help); i++) {
            struct strbuf word;
            strbuf_init(&word);
            strbuf_printf(&word, "  %s", rows->choice(i, &help));
            add_term(word.text, help, out);
            strbuf_done(&word);
        }
    }
}

static void add_examples(const struct example *examples, struct strbuf *out) {
    if (!examples || !examples->command)
        return;
    strbuf_puts(out, "\nExamples:\n");
    for (; examples->command; examples++)
        strbuf_printf(out, "  %s\n      %s\n", examples->command, examples->says);
}

void help_command(const struct command *command, struct strbuf *out) {
    strbuf_puts(out, "Usage: ");
    help_usage(command, out);
    strbuf_puts(out, "\n\n");
    add_paragraphs(command->description, out);
    add_arguments(command->arguments, out);
    add_options("Options", command->options, out);
    add_options("Options of every command", global_rows, out);
    add_examples(command->examples, out);
}

void help_overview(struct strbuf *out) {
    strbuf_puts(out, "Usage: assay COMMAND [OPTIONS] [ARGUMENTS]\n\n");
    add_paragraphs("Assay measures how machine-learning models run on this machine and predicts "
                   "latency, memory and node counts of models that never ran here.",
                   out);
    strbuf_puts(out, "\nCommands:\n");
    for (const struct command *const *command = commands; *command; command++)
        add_term((*command)->name, (*command)->summary, out);
    add_options("Options of every command", global_rows, out);
    strbuf_puts(out, "\nExit codes:\n");
    for (const struct exit_code *row = exit_codes; row->means; row++) {
        char number[16];
        snprintf(number, sizeof number, "%d  %s", (int)row->code, err_code_name(row->code));
        add_term(number, row->means, out);
    }
    strbuf_puts(out, "\n'assay help COMMAND' explains one, with examples.\n");
}
