/* The command line that leads to the same options: what differs from its default, in the order of
 * the rows, quoted for a shell. */
#ifndef ASSAY_CLI_OPTION_COMMAND_H
#define ASSAY_CLI_OPTION_COMMAND_H

#include "cli/option.h"

/* `command` is how it begins ("assay plan"); `arguments` may be NULL and hold single words only;
 * `options_size` is that of the struct at `target`. */
const char *option_command(struct arena *arena, const char *command,
                           const struct argument_row *arguments, const struct option_row *rows,
                           const void *target, size_t options_size);

/* A word as a shell reads it back. */
const char *shell_word(struct arena *arena, const char *text);

#endif
