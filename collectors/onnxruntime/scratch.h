/* A private folder for files that the runtime insists on. It is locked while in use; what a killed
 * process left behind is removed by the next one that makes a folder in the same place. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_SCRATCH_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_SCRATCH_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct scratch {
    const char *path; /* NULL: none */
    int lock;
};

/* $TMPDIR, else /tmp. */
const char *scratch_base(void);
/* Makes base/assay-XXXXXX. `path` lives in the arena. */
int scratch_open(struct scratch *scratch, struct arena *arena, const char *base, struct err *err);
/* Removes the folder and all in it. */
void scratch_close(struct scratch *scratch);

#endif
