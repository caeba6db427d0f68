/* Any bytes as YAML: an error with a place, or a tree within its limits. */
#include "base/yaml.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t count_nodes(const struct yaml_node *node, uint32_t depth) {
    uint32_t count = 1;
    if (depth > YAML_DEPTH_MAX + 1 || (node->kind < YAML_LIST) != (node->text != NULL))
        abort();
    for (uint32_t i = 0; i < node->count; i++) {
        if ((node->kind == YAML_MAP) != (node->items[i].key != NULL))
            abort();
        count += count_nodes(&node->items[i], depth + 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct yaml yaml;
    struct err err = {0};
    arena_init(&arena);
    if (yaml_parse(&arena, (const char *)data, size, "fuzz", &yaml, &err) == 0) {
        if (count_nodes(yaml.root, 0) > YAML_NODES_MAX)
            abort();
    } else if (!err.message[0]) {
        abort();
    }
    arena_done(&arena);
    return 0;
}
