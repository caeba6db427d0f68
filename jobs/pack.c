#include "jobs/pack.h"

#include "jobs/catalog.h"
#include "jobs/pods_file.h"
#include "predictor/capacity/pack.h"
#include "predictor/capacity/pods.h"

#include <string.h>

int node_types_read(struct arena *arena, const char *const *nodes, uint32_t node_count,
                    const char *catalog_path, const struct node_type **types, uint32_t *type_count,
                    struct err *err) {
    struct catalog catalog = {0};
    if (catalog_path && catalog_read(arena, catalog_path, &catalog, err))
        return -(int)err->code;
    struct node_type *all = ARENA_ARRAY(arena, node_count + catalog.count, struct node_type);
    for (uint32_t i = 0; i < node_count; i++)
        if (node_type_parse(arena, nodes[i], &all[i], err))
            return -(int)err->code;
    if (catalog.count)
        memcpy(all + node_count, catalog.types, catalog.count * sizeof *all);
    *types = all;
    *type_count = node_count + catalog.count;
    return 0;
}

int job_pack(struct arena *arena, const struct pack_request *request, struct packed *packed,
             struct err *err) {
    struct pods_file pods;
    const struct node_type *types;
    uint32_t type_count;
    *packed = (struct packed){0};
    if (pods_file_read(arena, request->pods_path, &pods, err) ||
        node_types_read(arena, request->nodes, request->node_count, request->catalog_path, &types,
                        &type_count, err))
        return -(int)err->code;
    packed->kinds = pods.kinds;
    packed->kind_count = pods.count;
    return pods_pack(arena, types, type_count, pods.kinds, pods.count, request->seconds,
                     &packed->packing, err);
}
