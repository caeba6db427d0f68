/* Help and manual page, written from the rows that dispatch and parse. */
#ifndef ASSAY_CLI_HELP_H
#define ASSAY_CLI_HELP_H

#include "cli/command.h"

/* All commands and how to begin. */
void help_overview(struct strbuf *out);
/* One command: usage, what it does, arguments, options, examples. */
void help_command(const struct command *command, struct strbuf *out);
/* "assay profile [OPTIONS] MODEL" */
void help_usage(const struct command *command, struct strbuf *out);
/* The exit codes of the program, a row each; ends with a NULL text. */
struct exit_code {
    enum err_code code;
    const char *means;
};
extern const struct exit_code exit_codes[];

/* "-t, --threads=N" */
void help_option_term(const struct option_row *row, struct strbuf *out);
/* The help text with its default, range and choices. */
void help_option_text(const struct option_row *row, struct strbuf *out);

#endif
