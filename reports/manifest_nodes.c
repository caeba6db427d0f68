/* Nodes as the plan chose them: where the pods may run, and Karpenter's NodePools. */
#include "reports/manifest_parts.h"

#include "reports/manifest_name.h"

#include <math.h>

bool manifest_nodes_are_labelled(const struct manifest_page *page) {
    const struct manifest_input *input = page->input;
    for (uint32_t i = 0; i < input->node_count; i++)
        if (input->nodes[i].label_count == 0)
            return false;
    return input->node_count > 0;
}

/* The labels of a node type, in the form that node selectors and NodePools share. */
static void put_requirements(struct yaml_writer *yaml, const char *key,
                             const struct manifest_node *node) {
    yaml_list(yaml, key);
    for (uint32_t i = 0; i < node->label_count; i++) {
        yaml_item(yaml);
        yaml_text(yaml, "key", node->labels[i].key);
        yaml_text(yaml, "operator", "In");
        yaml_list(yaml, "values");
        yaml_item_text(yaml, node->labels[i].value);
        yaml_end(yaml);
        yaml_end(yaml);
    }
    yaml_end(yaml);
}

void manifest_affinity(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    if (!manifest_nodes_are_labelled(page))
        return;
    yaml_map(yaml, "affinity");
    yaml_map(yaml, "nodeAffinity");
    yaml_map(yaml, "requiredDuringSchedulingIgnoredDuringExecution");
    yaml_list(yaml, "nodeSelectorTerms");
    for (uint32_t i = 0; i < page->input->node_count; i++) {
        const struct manifest_node *node = &page->input->nodes[i];
        yaml_item(yaml);
        yaml_comment(yaml, "%llu x %s", (unsigned long long)node->count, node->name);
        put_requirements(yaml, "matchExpressions", node);
        yaml_end(yaml);
    }
    for (int i = 0; i < 4; i++)
        yaml_end(yaml);
}

static void put_limits(struct manifest_page *page, const struct manifest_node *node) {
    struct yaml_writer *yaml = &page->yaml;
    double count = (double)node->count;
    yaml_map(yaml, "limits");
    yaml_comment(yaml, "%llu nodes, as planned.", (unsigned long long)node->count);
    yaml_text(yaml, "cpu", arena_printf(page->arena, "%.10g", ceil(count * node->cpus)));
    yaml_text(yaml, "memory",
              arena_printf(page->arena, "%.10gMi", ceil(count * node->memory_bytes / 1048576)));
    yaml_end(yaml);
}

static void put_node_template(struct manifest_page *page, const struct manifest_node *node) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "template");
    yaml_map(yaml, "spec");
    yaml_map(yaml, "nodeClassRef");
    yaml_comment(yaml, "To be replaced: the NodeClass of your provider.");
    yaml_text(yaml, "group", "karpenter.k8s.aws");
    yaml_text(yaml, "kind", "EC2NodeClass");
    yaml_text(yaml, "name", "default");
    yaml_end(yaml);
    put_requirements(yaml, "requirements", node);
    yaml_end(yaml);
    yaml_end(yaml);
}

static void put_node_pool(struct manifest_page *page, const struct manifest_node *node) {
    struct yaml_writer *yaml = &page->yaml;
    const char *name = arena_printf(page->arena, "%s-%s", page->settings->app, node->name);
    manifest_begin_of_cluster(page, "karpenter.sh/v1", "NodePool",
                              service_name_of(page->arena, name));
    yaml_map(yaml, "spec");
    put_limits(page, node);
    yaml_map(yaml, "disruption");
    yaml_text(yaml, "consolidationPolicy", "WhenEmptyOrUnderutilized");
    yaml_text(yaml, "consolidateAfter",
              arena_printf(page->arena, "%llus", (unsigned long long)page->numbers.settle_s));
    yaml_end(yaml);
    put_node_template(page, node);
    yaml_end(yaml);
}

void manifest_node_pools(struct manifest_page *page) {
    yaml_comment(&page->yaml, "For clusters with Karpenter; kustomization.yaml does not list it.");
    for (uint32_t i = 0; i < page->input->node_count; i++) {
        if (i)
            yaml_document(&page->yaml);
        put_node_pool(page, &page->input->nodes[i]);
    }
}
