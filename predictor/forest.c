#include "predictor/forest.h"

#include <stdbool.h>

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

double forest_at(const struct forest *forest, uint32_t trees, const double *input) {
    double sum = 0;
    for (uint32_t t = 0; t < trees; t++) {
        uint32_t i = forest->roots[t];
        while (forest->nodes[i].feature >= 0) {
            const struct forest_node *node = &forest->nodes[i];
            i = (float)input[node->feature] < node->value ? i + 1 : node->no;
        }
        sum += (double)forest->nodes[i].value;
    }
    return sum;
}

/* ---- from XGBoost ---------------------------------------------------------------------------- */

static const cJSON *child_of(const cJSON *node, double id) {
    const cJSON *child;
    cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(node, "children")) {
        double own;
        struct err ignored = {0};
        if (json_get_number(child, "nodeid", &own, &ignored) == 0 && own == id)
            return child;
    }
    return NULL;
}

/* "f12" */
static int feature_of(const cJSON *node, uint32_t dims, struct err *err) {
    const char *name;
    char *end;
    if (json_get_text(node, "split", &name, err))
        return -(int)err->code;
    long feature = strtol(name + (*name == 'f'), &end, 10);
    if (*end || feature < 0 || feature >= (long)dims)
        return err_set(err, ERR_BUG, "XGBoost splits at '%s', there are %u features", name, dims);
    return (int)feature;
}

static int add_node(struct arena *arena, struct forest *forest, const cJSON *node, uint32_t dims,
                    int depth, struct err *err) {
    double value, yes, no;
    struct err is_inner = {0};
    bool leaf = json_get_number(node, "leaf", &value, &is_inner) == 0;
    if (!node || depth > DEPTH_MAX)
        return err_set(err, ERR_BUG, "a tree of XGBoost lacks a child or is too deep");
    uint32_t index = forest->node_count;
    struct forest_node *added =
        ARENA_PUSH(arena, forest->nodes, forest->node_count, forest->node_capacity);
    if (leaf) {
        *added = (struct forest_node){-1, 0, (float)value};
        return 0;
    }
    int feature = feature_of(node, dims, err);
    if (feature < 0 || json_get_number(node, "split_condition", &value, err) ||
        json_get_number(node, "yes", &yes, err) || json_get_number(node, "no", &no, err) ||
        add_node(arena, forest, child_of(node, yes), dims, depth + 1, err))
        return -(int)err->code;
    forest->nodes[index] = (struct forest_node){feature, forest->node_count, (float)value};
    return add_node(arena, forest, child_of(node, no), dims, depth + 1, err);
}

static void add_root(struct arena *arena, struct forest *forest) {
    *ARENA_PUSH(arena, forest->roots, forest->tree_count, forest->tree_capacity) =
        forest->node_count;
}

int forest_add_dump(struct arena *arena, struct forest *forest, const char *dump, uint32_t dims,
                    struct err *err) {
    cJSON *tree = json_parse(dump, strlen(dump), "XGBoost's dump", err);
    if (!tree)
        return -(int)err->code;
    add_root(arena, forest);
    int code = add_node(arena, forest, tree, dims, 0, err);
    cJSON_Delete(tree);
    return code;
}

/* ---- our text -------------------------------------------------------------------------------- */

void forest_write(const struct forest *forest, uint32_t trees, cJSON *object) {
    uint32_t end = trees < forest->tree_count ? forest->roots[trees] : forest->node_count;
    cJSON *list = json_add_array(object, "nodes");
    for (uint32_t i = 0; i < end; i++) {
        json_add_int(list, NULL, forest->nodes[i].feature);
        json_add_number(list, NULL, (double)forest->nodes[i].value);
    }
}

/* Preorder says where a tree ends and where each "no" child begins: behind the "yes" subtree. */
static int link_nodes(struct arena *arena, struct forest *forest, struct err *err) {
    uint32_t waiting[DEPTH_MAX], depth = 0;
    bool begins = true;
    for (uint32_t i = 0; i < forest->node_count; i++) {
        if (begins)
            *ARENA_PUSH(arena, forest->roots, forest->tree_count, forest->tree_capacity) = i;
        begins = false;
        if (forest->nodes[i].feature >= 0) {
            if (depth == DEPTH_MAX)
                return err_set(err, ERR_INPUT, "a tree is deeper than %d", DEPTH_MAX);
            waiting[depth++] = i;
        } else if (depth) {
            forest->nodes[waiting[--depth]].no = i + 1;
        } else {
            begins = true;
        }
    }
    return begins ? 0 : err_set(err, ERR_INPUT, "the last tree is not whole");
}

int forest_read(struct arena *arena, const cJSON *object, uint32_t dims, struct forest *out,
                struct err *err) {
    const cJSON *list;
    if (json_get_tree(object, "nodes", cJSON_Array, &list, err))
        return -(int)err->code;
    uint32_t numbers = (uint32_t)cJSON_GetArraySize(list);
    double *values = ARENA_ARRAY(arena, numbers, double);
    if (json_get_numbers(object, "nodes", values, numbers, err))
        return -(int)err->code;
    *out = (struct forest){.nodes = ARENA_ARRAY(arena, numbers / 2, struct forest_node),
                           .node_count = numbers / 2};
    for (uint32_t i = 0; i < out->node_count; i++) {
        double feature = values[2 * i];
        if (!(feature >= -1 && feature < dims))
            return err_set(err, ERR_INPUT, "a tree splits at feature %g of %u", feature, dims);
        out->nodes[i] = (struct forest_node){(int32_t)feature, 0, (float)values[2 * i + 1]};
    }
    return link_nodes(arena, out, err);
}
