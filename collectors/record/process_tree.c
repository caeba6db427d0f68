#include "collectors/record/process_tree.h"

#include <stdio.h>

void process_tree_begin(struct process_tree *tree, struct arena *arena, pid_t pid, uint64_t at_ns) {
    *tree = (struct process_tree){.arena = arena};
    process_tree_born(tree, pid, pid, "", at_ns);
}

struct tree_thread *process_tree_find(struct process_tree *tree, pid_t tid) {
    /* The newest are asked for most; numbers of the dead are given again. */
    for (uint32_t i = tree->count; i-- > 0;)
        if (tree->threads[i].tid == tid)
            return tree->threads[i].died_ns ? NULL : &tree->threads[i];
    return NULL;
}

bool process_tree_born(struct process_tree *tree, pid_t pid, pid_t tid, const char *name,
                       uint64_t at_ns) {
    if (process_tree_find(tree, tid))
        return false;
    struct tree_thread *thread =
        ARENA_PUSH(tree->arena, tree->threads, tree->count, tree->capacity);
    *thread = (struct tree_thread){.pid = pid, .tid = tid, .born_ns = at_ns};
    snprintf(thread->name, sizeof thread->name, "%s", name);
    tree->processes += pid == tid;
    if (++tree->alive > tree->alive_most)
        tree->alive_most = tree->alive;
    return true;
}

void process_tree_died(struct process_tree *tree, pid_t tid, uint64_t at_ns) {
    struct tree_thread *thread = process_tree_find(tree, tid);
    if (!thread)
        return;
    thread->died_ns = at_ns;
    tree->alive--;
}

void process_tree_named(struct process_tree *tree, pid_t tid, const char *name) {
    struct tree_thread *thread = process_tree_find(tree, tid);
    if (thread)
        snprintf(thread->name, sizeof thread->name, "%s", name);
}
