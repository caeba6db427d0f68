/* A sum of regression trees: laid out flat, each tree in preorder, a node's "yes" child right
 * behind it. Inside predictor/. */
#ifndef ASSAY_PREDICTOR_FOREST_H
#define ASSAY_PREDICTOR_FOREST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#include <stdint.h>

struct forest_node {
    int32_t feature; /* -1: a leaf */
    uint32_t no;     /* index in the forest of the other child */
    float value;     /* "yes" below it; of a leaf what it adds */
};

struct forest {
    struct forest_node *nodes;
    uint32_t *roots;
    uint32_t node_count, node_capacity, tree_count, tree_capacity;
};

/* Adds a tree as XGBoost dumps it in JSON. */
int forest_add_dump(struct arena *arena, struct forest *forest, const char *dump, uint32_t dims,
                    struct err *err);
/* The sum of the first `trees`. */
double forest_at(const struct forest *forest, uint32_t trees, const double *input);

/* "nodes": [feature, value, ...] of the first `trees`. */
void forest_write(const struct forest *forest, uint32_t trees, cJSON *object);
int forest_read(struct arena *arena, const cJSON *object, uint32_t dims, struct forest *out,
                struct err *err);

#endif
