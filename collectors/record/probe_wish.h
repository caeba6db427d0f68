/* What is to be probed: functions of libraries, by patterns. A row for each library that is known,
 * and what the user adds. */
#ifndef ASSAY_COLLECTORS_RECORD_PROBE_WISH_H
#define ASSAY_COLLECTORS_RECORD_PROBE_WISH_H

#include "base/arena.h"
#include "base/err.h"
#include "core/span.h"

#include <stdbool.h>

struct probe_wish {
    const char *name; /* "torch"; of the user's: what was typed */
    const char *help;
    const char *library; /* pattern of the file's name, as in fnmatch(3): "libtorch_cpu.so*" */
    const char *symbol;  /* pattern of the symbol or of its readable name */
    const char *category;
    enum span_kind kind;
    const char *const *foremost; /* readable names, for ways that see few; NULL-terminated; NULL */
    bool torch;                  /* names are those of at::_ops (torch_names.h) */
    bool asked;                  /* by the user, who is told when nothing matches */
};

/* Ends with a NULL name. */
extern const struct probe_wish probe_wishes[];

/* "libggml*.so:ggml_*" -> a wish in the arena. ERR_USAGE with an example. */
int probe_wish_parse(struct arena *arena, const char *text, struct probe_wish *out,
                     struct err *err);

#endif
