#include "collectors/span_tree.h"

#include "base/intern.h"

#include <stdbool.h>
#include <stdlib.h>

enum { NODES_AT_FIRST = 256, NODE_KEY_BYTES = 16 };

struct node_key {
    int32_t parent;
    uint32_t signature;
};

/* A span that may still hold others. */
struct open_span {
    int64_t end_ns;
    int64_t covered_ns; /* time up to here belongs to somebody already */
    int32_t node;
};

struct span_tree {
    int64_t slack_ns;
    uint32_t other;
    struct intern *keys; /* its numbers are the nodes' */
    struct tree_node *nodes;
    uint32_t capacity;
    uint64_t folded;
    struct open_span root; /* of the track: holds everything */
    int64_t busy_ns;
    struct open_span open[SPAN_TREE_DEPTH_MAX];
    uint32_t depth;
};

int span_tree_open(struct span_tree **out, int64_t slack_ns, uint32_t other, struct err *err) {
    struct span_tree *tree = calloc(1, sizeof *tree);
    *out = tree;
    if (tree) {
        tree->slack_ns = slack_ns;
        tree->other = other;
        tree->keys = intern_open((size_t)SPAN_TREE_NODES_MAX * NODE_KEY_BYTES);
    }
    if (tree && tree->keys) {
        span_tree_track(tree);
        return 0;
    }
    span_tree_close(tree);
    *out = NULL;
    return err_set(err, ERR_ENVIRONMENT, "out of memory");
}

void span_tree_track(struct span_tree *tree) {
    tree->depth = 0;
    tree->busy_ns = 0;
    tree->root = (struct open_span){INT64_MAX, INT64_MIN, -1};
}

int64_t span_tree_busy_ns(const struct span_tree *tree) {
    return tree->busy_ns;
}

uint64_t span_tree_folded(const struct span_tree *tree) {
    return tree->folded;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool grow(struct span_tree *tree) {
    uint32_t capacity = tree->capacity ? 2 * tree->capacity : NODES_AT_FIRST;
    struct tree_node *nodes = realloc(tree->nodes, capacity * sizeof *nodes);
    if (!nodes)
        return false;
    tree->nodes = nodes;
    tree->capacity = capacity;
    return true;
}

/* The last place is kept for the root of what no longer fits. */
static uint32_t find_node(struct span_tree *tree, int32_t parent, uint32_t signature) {
    struct node_key key = {parent, signature};
    bool full = intern_count(tree->keys) + 1 >= SPAN_TREE_NODES_MAX;
    uint32_t number =
        full ? intern_find(tree->keys, &key, sizeof key) : intern(tree->keys, &key, sizeof key);
    if (number != INTERN_FULL)
        return number;
    tree->folded++;
    key = (struct node_key){-1, tree->other};
    return intern(tree->keys, &key, sizeof key);
}

static int node_of(struct span_tree *tree, int32_t parent, uint32_t signature, int32_t *node,
                   struct err *err) {
    uint32_t before = intern_count(tree->keys);
    uint32_t number = find_node(tree, parent, signature);
    if (number == INTERN_FULL || (number >= tree->capacity && !grow(tree)))
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    const struct node_key *key = intern_key(tree->keys, number);
    if (number == before)
        tree->nodes[number] = (struct tree_node){
            .parent = key->parent, .signature = key->signature, .low_ns = INT64_MAX};
    *node = (int32_t)number;
    return 0;
}

/* ---- spans ----------------------------------------------------------------------------------- */

/* What ends before the span does holds neither it nor, better than it, any that follow. */
static struct open_span *holder_of(struct span_tree *tree, int64_t start_ns, int64_t end_ns) {
    while (tree->depth) {
        struct open_span *top = &tree->open[tree->depth - 1];
        if (top->end_ns > start_ns && top->end_ns >= end_ns - tree->slack_ns)
            return top;
        tree->depth--;
    }
    return &tree->root;
}

static void count_call(struct tree_node *node, int64_t duration_ns, int64_t own_ns) {
    node->count++;
    node->total_ns += (double)duration_ns;
    node->self_ns += (double)own_ns;
    if (duration_ns < node->low_ns)
        node->low_ns = duration_ns;
    if (duration_ns > node->high_ns)
        node->high_ns = duration_ns;
}

int span_tree_add(struct span_tree *tree, uint32_t signature, int64_t start_ns, int64_t duration_ns,
                  struct err *err) {
    struct open_span *holder = holder_of(tree, start_ns, start_ns + duration_ns);
    struct open_span span = {.end_ns = start_ns + duration_ns};
    if (node_of(tree, holder->node, signature, &span.node, err) < 0)
        return -(int)err->code;
    if (span.end_ns > holder->end_ns)
        span.end_ns = holder->end_ns;
    span.covered_ns = start_ns > holder->covered_ns ? start_ns : holder->covered_ns;
    int64_t own_ns = span.end_ns > span.covered_ns ? span.end_ns - span.covered_ns : 0;
    count_call(&tree->nodes[span.node], duration_ns, own_ns);
    if (own_ns > 0)
        holder->covered_ns = span.end_ns;
    if (holder == &tree->root)
        tree->busy_ns += own_ns;
    else
        tree->nodes[holder->node].self_ns -= (double)own_ns;
    if (tree->depth < SPAN_TREE_DEPTH_MAX)
        tree->open[tree->depth++] = span;
    return 0;
}

/* ---- preorder -------------------------------------------------------------------------------- */

struct links {
    int32_t *first, *last, *next; /* children of a node, its next sibling; first[n]: the roots */
    int32_t *moved;               /* a node's place in preorder */
};

static void link_children(const struct span_tree *tree, uint32_t n, struct links *links) {
    for (uint32_t i = 0; i <= n; i++)
        links->first[i] = links->last[i] = -1;
    for (uint32_t i = 0; i < n; i++) {
        int32_t parent = tree->nodes[i].parent < 0 ? (int32_t)n : tree->nodes[i].parent;
        links->next[i] = -1;
        if (links->last[parent] < 0)
            links->first[parent] = (int32_t)i;
        else
            links->next[links->last[parent]] = (int32_t)i;
        links->last[parent] = (int32_t)i;
    }
}

/* The node behind `at` in preorder, -1 behind the last. */
static int32_t follow(const struct span_tree *tree, const struct links *links, int32_t at) {
    if (links->first[at] >= 0)
        return links->first[at];
    while (at >= 0 && links->next[at] < 0)
        at = tree->nodes[at].parent;
    return at < 0 ? -1 : links->next[at];
}

struct tree_node *span_tree_nodes(struct span_tree *tree, struct arena *arena, uint32_t *count) {
    uint32_t n = intern_count(tree->keys), done = 0;
    struct arena scratch;
    arena_init(&scratch);
    struct links links = {
        .first = ARENA_ARRAY(&scratch, n + 1u, int32_t),
        .last = ARENA_ARRAY(&scratch, n + 1u, int32_t),
        .next = ARENA_ARRAY(&scratch, n + 1u, int32_t),
        .moved = ARENA_ARRAY(&scratch, n + 1u, int32_t),
    };
    struct tree_node *nodes = ARENA_ARRAY(arena, n + 1u, struct tree_node);
    link_children(tree, n, &links);
    for (int32_t at = links.first[n]; at >= 0; at = follow(tree, &links, at)) {
        nodes[done] = tree->nodes[at];
        if (nodes[done].parent >= 0)
            nodes[done].parent = links.moved[nodes[done].parent];
        links.moved[at] = (int32_t)done++;
    }
    arena_done(&scratch);
    *count = done;
    return nodes;
}

void span_tree_close(struct span_tree *tree) {
    if (!tree)
        return;
    intern_close(tree->keys);
    free(tree->nodes);
    free(tree);
}
