#include "reports/pack_json.h"

#include "reports/pack_text.h"

#include <math.h>

static void add_nodes(cJSON *root, const struct pod_packing *packing) {
    cJSON *nodes = json_add_array(root, "nodes");
    for (uint32_t i = 0; i < packing->filled_count; i++) {
        const struct node_type *type = packing->filled[i].type;
        uint64_t count = pack_nodes_of(packing, i);
        if (count == 0)
            continue;
        cJSON *node = json_add_object(nodes, NULL);
        json_add_text(node, "type", type->name);
        json_add_uint(node, "count", count);
        json_add_number(node, "usd_per_hour", type->usd_per_hour);
        json_add_bool(node, "spot", type->spot);
        json_add_text(node, "price_date", type->price_date);
        json_add_text(node, "price_source", type->price_source);
    }
}

static void add_loads(cJSON *root, const struct pod_packing *packing, const struct pod_kind *kinds,
                      uint32_t kind_count) {
    cJSON *loads = json_add_array(root, "loads");
    for (uint32_t i = 0; i < packing->filled_count; i++) {
        cJSON *load = json_add_object(loads, NULL);
        json_add_text(load, "type", packing->filled[i].type->name);
        json_add_uint(load, "count", packing->filled[i].nodes);
        cJSON *pods = json_add_array(load, "pods");
        for (uint32_t k = 0; k < kind_count; k++) {
            if (packing->filled[i].pods[k] == 0)
                continue;
            cJSON *pod = json_add_object(pods, NULL);
            json_add_text(pod, "name", kinds[k].name);
            json_add_uint(pod, "count", packing->filled[i].pods[k]);
        }
    }
}

cJSON *pack_json(const struct pod_packing *packing, const struct pod_kind *kinds,
                 uint32_t kind_count) {
    cJSON *root = json_object();
    uint64_t pods = 0;
    for (uint32_t i = 0; i < kind_count; i++)
        pods += kinds[i].count;
    json_add_int(root, "schema", PACK_SCHEMA);
    json_add_uint(root, "pods", pods);
    json_add_uint(root, "node_count", packing->nodes);
    json_add_number(root, "usd_per_hour", packing->priced ? packing->cost : NAN);
    json_add_number(root, "bound", packing->bound);
    json_add_number(root, "gap", pack_gap(packing));
    json_add_bool(root, "proven", packing->proven);
    add_nodes(root, packing);
    add_loads(root, packing, kinds, kind_count);
    json_add_number(root, "interruptions_per_hour", pack_interruptions(packing));
    json_add_number(root, "cpu_waste", packing->cpu_waste);
    json_add_number(root, "memory_waste", packing->memory_waste);
    return root;
}
