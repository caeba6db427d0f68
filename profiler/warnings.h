/* What makes a measurement less trustworthy than it looks: why, and what to do. */
#ifndef ASSAY_PROFILER_WARNINGS_H
#define ASSAY_PROFILER_WARNINGS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct measured;

struct warning {
    const char *id;   /* "steal" */
    const char *text; /* what was seen, with numbers */
    const char *hint; /* what to do */
    bool note;        /* worth knowing, but no doubt on the numbers */
};

struct warning_row {
    const char *id;
    const char *help; /* when it is given */
    const char *hint;
    bool note;
    /* Writes the text and returns true when it applies. */
    bool (*applies)(const struct measured *measured, char *text, size_t size);
};

extern const struct warning_row warning_rows[];
extern const size_t warning_row_count;

/* Those that apply, in the table's order; they live in the arena. */
const struct warning *warnings_find(struct arena *arena, const struct measured *measured,
                                    uint32_t *count);

#endif
