/* "1,2,4" on the command line. */
#ifndef ASSAY_CLI_COUNTS_H
#define ASSAY_CLI_COUNTS_H

#include "base/arena.h"
#include "base/err.h"
#include "cli/option.h"

#include <stdint.h>

/* Whole numbers from 1 to `most`, in the arena; `option` is what messages call them. */
int counts_read(struct arena *arena, const char *option, const struct text_list *list, int64_t most,
                const int64_t **counts, uint32_t *count, struct err *err);

#endif
