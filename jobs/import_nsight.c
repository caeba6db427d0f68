#include "jobs/import_nsight.h"

#include "base/file.h"
#include "db/foreign_nsight.h"

#include <string.h>

bool import_is_nsight(const char *path, const char *name) {
    struct file_map map;
    struct err none = {0}; /* what cannot be opened is told by whoever reads it then */
    if (name)
        return strcmp(name, import_nsight.name) == 0;
    if (file_map_open(&map, path, &none) < 0)
        return false;
    bool is = nsight_sniff((const char *)map.bytes, map.size);
    file_map_close(&map);
    return is;
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
