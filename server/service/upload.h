/* A stranger's model, predicted by a process of its own: `assay predict FILE --json --lowering
 * rules --no-store` in an empty folder, with limits on memory, CPU time and waiting. What happens
 * to that process is an answer here and nothing else. The runtime is never loaded. */
#ifndef ASSAY_SERVER_SERVICE_UPLOAD_H
#define ASSAY_SERVER_SERVICE_UPLOAD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"

#include <stddef.h>
#include <stdint.h>

struct upload_limits {
    uint64_t memory_bytes; /* address space; 0: no limit, for builds whose checks need terabytes */
    uint32_t cpu_s;
    double wall_s;
    size_t answer_bytes;
};

extern const struct upload_limits upload_limits_usual; /* 1 GiB, 10 s, 20 s, 64 MiB */

struct upload {
    const void *bytes;
    size_t count;
    const char *file;    /* its name in the folder: "model.onnx" */
    const char *program; /* NULL: this one */
    const char *db_path;
    const char *temporary;        /* NULL: $TMPDIR, /tmp */
    const char *const *arguments; /* more of them; NULL-terminated */
    struct upload_limits limits;
};

struct upload_outcome {
    int exit_code;   /* -1 when it was ended */
    const char *end; /* NULL, or how it was ended: "it took more than 10 s of CPU time" */
};

/* Appends what it printed to `out`. Fails only when the process cannot be had. */
int upload_predict(struct arena *arena, const struct upload *upload, struct strbuf *out,
                   struct upload_outcome *outcome, struct err *err);

#endif
