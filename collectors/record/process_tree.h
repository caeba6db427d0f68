/* The processes and threads of a command, as they come and go. */
#ifndef ASSAY_COLLECTORS_RECORD_PROCESS_TREE_H
#define ASSAY_COLLECTORS_RECORD_PROCESS_TREE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { THREAD_NAME_SIZE = 16 };

struct tree_thread {
    pid_t pid, tid;
    uint64_t born_ns, died_ns; /* died_ns 0: alive */
    char name[THREAD_NAME_SIZE];
    uint64_t cpu_ns; /* as last seen */
    bool told;       /* somebody has said something of it: it deserves a name in the recording */
};

struct process_tree {
    struct arena *arena;
    struct tree_thread *threads; /* the first thread of a process has tid == pid */
    uint32_t count, capacity;
    uint32_t alive, alive_most, processes;
};

void process_tree_begin(struct process_tree *tree, struct arena *arena, pid_t pid, uint64_t at_ns);
/* NULL when no such thread is alive. */
struct tree_thread *process_tree_find(struct process_tree *tree, pid_t tid);
/* Nothing happens when it is known already; true when it is new. */
bool process_tree_born(struct process_tree *tree, pid_t pid, pid_t tid, const char *name,
                       uint64_t at_ns);
void process_tree_died(struct process_tree *tree, pid_t tid, uint64_t at_ns);
void process_tree_named(struct process_tree *tree, pid_t tid, const char *name);

#endif
