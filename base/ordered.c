#include "base/ordered.h"

#include <stdbool.h>
#include <stddef.h>

/* A node's left child is one level below it, its right one at most as high, the right one of that
 * below. Levels count from 1 at the leaves. */
static int level_of(const struct ordered_node *node) {
    return node ? node->level : 0;
}

/* No left child of the same level. */
static struct ordered_node *skew(struct ordered_node *node) {
    struct ordered_node *left = node ? node->left : NULL;
    if (!left || left->level != node->level)
        return node;
    node->left = left->right;
    left->right = node;
    return left;
}

/* No two right ones in a row of the same level. */
static struct ordered_node *split(struct ordered_node *node) {
    struct ordered_node *right = node ? node->right : NULL;
    if (!right || level_of(right->right) != node->level)
        return node;
    node->right = right->left;
    right->left = node;
    right->level++;
    return right;
}

static struct ordered_node *add_below(const struct ordered *set, struct ordered_node *at,
                                      struct ordered_node *node) {
    if (!at)
        return node;
    if (set->compare(node, at) < 0)
        at->left = add_below(set, at->left, node);
    else
        at->right = add_below(set, at->right, node);
    return split(skew(at));
}

void ordered_add(struct ordered *set, struct ordered_node *node) {
    *node = (struct ordered_node){.level = 1};
    set->root = add_below(set, set->root, node);
}

static struct ordered_node *lowered(struct ordered_node *node) {
    int left = level_of(node->left), right = level_of(node->right);
    int level = (left < right ? left : right) + 1;
    if (level >= node->level)
        return node;
    node->level = level;
    if (right > level)
        node->right->level = level;
    node = skew(node);
    node->right = skew(node->right);
    if (node->right)
        node->right->right = skew(node->right->right);
    node = split(node);
    node->right = split(node->right);
    return node;
}

static struct ordered_node *remove_below(const struct ordered *set, struct ordered_node *at,
                                         struct ordered_node *node);

/* The neighbour in order takes the place of a node that goes. */
static struct ordered_node *replaced(const struct ordered *set, struct ordered_node *node) {
    struct ordered_node *next = node->right;
    if (!next) /* a leaf: only those have no right child */
        return node->left;
    while (next->left)
        next = next->left;
    struct ordered_node *right = remove_below(set, node->right, next);
    *next = (struct ordered_node){node->left, right, node->level};
    return lowered(next);
}

static struct ordered_node *remove_below(const struct ordered *set, struct ordered_node *at,
                                         struct ordered_node *node) {
    if (at == node)
        return replaced(set, node);
    if (set->compare(node, at) < 0)
        at->left = remove_below(set, at->left, node);
    else
        at->right = remove_below(set, at->right, node);
    return lowered(at);
}

void ordered_remove(struct ordered *set, struct ordered_node *node) {
    set->root = remove_below(set, set->root, node);
}

struct ordered_node *ordered_at_least(const struct ordered *set, const struct ordered_node *key) {
    struct ordered_node *found = NULL;
    for (struct ordered_node *at = set->root; at;) {
        bool before = set->compare(at, key) < 0;
        found = before ? found : at;
        at = before ? at->right : at->left;
    }
    return found;
}

struct ordered_node *ordered_at_most(const struct ordered *set, const struct ordered_node *key) {
    struct ordered_node *found = NULL;
    for (struct ordered_node *at = set->root; at;) {
        bool behind = set->compare(at, key) > 0;
        found = behind ? found : at;
        at = behind ? at->left : at->right;
    }
    return found;
}
