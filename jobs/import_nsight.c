#include "jobs/import_nsight.h"

#include "db/foreign_nsight.h"

#include <stdio.h>
#include <string.h>

bool import_is_nsight(const char *path, const char *name) {
    char head[16];
    if (name)
        return strcmp(name, import_nsight.name) == 0;
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return nsight_sniff(head, length);
}

static int read_nsight(const struct foreign_request *request, struct inflated *in,
                       struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    struct nsight_outcome outcome;
    (void)in;
    if (nsight_read(request->path, sink, &outcome, err))
        return -(int)err->code;
    out->events = outcome.events;
    out->complete = outcome.complete;
    out->whole_bytes = outcome.bytes;
    if (!outcome.complete)
        out->cut = arena_strdup(request->arena, outcome.reason);
    return 0;
}

const struct foreign_format import_nsight = {
    .name = "nsight",
    .help = "Nsight Systems' SQLite export: kernels, copies, calls, NVTX ranges",
    .experimental = true,
    .sniff = nsight_sniff,
    .whole = true,
    .read = read_nsight,
};
