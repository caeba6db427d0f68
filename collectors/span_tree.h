/* Nests the spans of one track after another and merges equal calls: a node is a signature (a
 * number that stands for name, category, shapes) below one parent.
 *
 * A span is inside another when it lies wholly in it. Of two that overlap without one holding the
 * other, both are children of whatever holds both, and the time they share counts as the first
 * one's own: so the self times of a track add up to the time in which it was busy, always.
 */
#ifndef ASSAY_COLLECTORS_SPAN_TREE_H
#define ASSAY_COLLECTORS_SPAN_TREE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum {
    SPAN_TREE_DEPTH_MAX = 512, /* deeper spans are children of the last that fits, side by side */
    SPAN_TREE_NODES_MAX = 64 << 10,
};

struct tree_node {
    int32_t parent; /* -1: a root */
    uint32_t signature;
    uint64_t count;
    int64_t low_ns, high_ns; /* of one call */
    double total_ns, self_ns;
};

struct span_tree;

/* Spans that are longer than what holds them by up to `slack_ns` are still inside: the source's
 * resolution. When the tree is full, further nodes become one root with the signature `other`. */
int span_tree_open(struct span_tree **tree, int64_t slack_ns, uint32_t other, struct err *err);
/* Begins another track. */
void span_tree_track(struct span_tree *tree);
/* In order of start; of those that start together the longest first. */
int span_tree_add(struct span_tree *tree, uint32_t signature, int64_t start_ns, int64_t duration_ns,
                  struct err *err);
/* Of the present track: how long at least one span was open. */
int64_t span_tree_busy_ns(const struct span_tree *tree);
uint64_t span_tree_folded(const struct span_tree *tree); /* spans that went to `other` */
/* In preorder, siblings in the order in which they came first. */
struct tree_node *span_tree_nodes(struct span_tree *tree, struct arena *arena, uint32_t *count);
void span_tree_close(struct span_tree *tree); /* NULL is allowed */

#endif
