/* What the stream at the other end can show. */
#ifndef ASSAY_BASE_TERM_H
#define ASSAY_BASE_TERM_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stdio.h>

bool term_is_terminal(FILE *stream);
/* Columns of the terminal ($COLUMNS, else asked of it); 0 when the stream is no terminal. */
unsigned term_width(FILE *stream);
/* A terminal that is not "dumb", and NO_COLOR is not set (no-color.org). */
bool term_colors(FILE *stream);

/* Appends text of foreign origin with control characters as "\x1b", so that a name inside a model
 * cannot move the cursor; newlines stay when `lines`. */
void term_escape(const char *text, bool lines, struct strbuf *out);

#endif
