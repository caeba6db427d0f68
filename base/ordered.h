/* A set in the order that a comparison gives: a balanced tree (A. Andersson, "Balanced search trees
 * made simple", 1993) whose nodes are members of what is kept. Nothing is allocated; each call
 * takes time that grows as the logarithm of the count, whatever comes in which order.
 */
#ifndef ASSAY_BASE_ORDERED_H
#define ASSAY_BASE_ORDERED_H

struct ordered_node {
    struct ordered_node *left, *right;
    int level;
};

struct ordered {
    struct ordered_node *root; /* NULL: empty */
    /* As of qsort. No two in the set may be equal. */
    int (*compare)(const struct ordered_node *, const struct ordered_node *);
};

void ordered_add(struct ordered *set, struct ordered_node *node);
/* `node` is in the set. */
void ordered_remove(struct ordered *set, struct ordered_node *node);

/* The first that is not before `key`, the last that is not behind it; NULL: none. `key` need not be
 * in the set. */
struct ordered_node *ordered_at_least(const struct ordered *set, const struct ordered_node *key);
struct ordered_node *ordered_at_most(const struct ordered *set, const struct ordered_node *key);

#endif
