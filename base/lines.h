/* The lines of a text file, gzip too, one after the other in bounded memory. */
#ifndef ASSAY_BASE_LINES_H
#define ASSAY_BASE_LINES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { LINE_LENGTH_MAX = 65534 };

/* Called with each line, its end included, and its number from 1 on. Not 0 ends the reading. */
typedef int line_fn(void *context, uint64_t number, const char *line, size_t length,
                    struct err *err);

/* ERR_INPUT when the file cannot be read to its end or a line is longer than LINE_LENGTH_MAX. */
int lines_read(const char *path, line_fn *visit, void *context, struct err *err);

#endif
