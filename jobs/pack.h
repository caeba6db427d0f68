/* From files of pods and nodes to a packing. */
#ifndef ASSAY_JOBS_PACK_H
#define ASSAY_JOBS_PACK_H

#include "base/arena.h"
#include "base/err.h"
#include "core/packing.h"

struct pack_request {
    const char *pods_path;
    const char *catalog_path; /* NULL: none */
    const char *const *nodes; /* "cpus=8,memory=32GiB,price=0.38" each, beside the catalogue's */
    uint32_t node_count;
    double seconds; /* to look for something cheaper */
};

struct packed {
    const struct pod_kind *kinds;
    uint32_t kind_count;
    struct pod_packing packing;
};

/* ERR_FINDING when a pod fits no node or the limits are too low. All of it lives in the arena. */
int job_pack(struct arena *arena, const struct pack_request *request, struct packed *packed,
             struct err *err);

/* Kinds of nodes as commands take them: specifications, then those of a catalogue (NULL: none). */
int node_types_read(struct arena *arena, const char *const *nodes, uint32_t node_count,
                    const char *catalog_path, const struct node_type **types, uint32_t *type_count,
                    struct err *err);

#endif
