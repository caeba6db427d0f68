/* Files that the command maps to run them: each is looked into once and gets its probes. */
#ifndef ASSAY_COLLECTORS_RECORD_LIBRARIES_H
#define ASSAY_COLLECTORS_RECORD_LIBRARIES_H

#include "collectors/record/probes.h"

struct libraries {
    struct arena *arena;
    struct library {
        pid_t pid; /* who mapped it first; 0: nobody yet */
        const char *path;
        uint64_t device, inode;
        struct probe_places places;
        bool looked_into, attached;
    } * items;
    uint32_t count, capacity;
    uint64_t noted_ns; /* when the newest was */
};

void libraries_note(struct libraries *libraries, pid_t pid, const char *path, uint64_t at_ns);
/* Before the command begins: the unwinder of the system, and files that wishes name by their whole
 * path. */
void libraries_expect(struct libraries *libraries, const struct probe_wish *wishes,
                      uint32_t wish_count);
/* Finds the functions of what was noted, and attaches the guards. Goes on after an error, and
 * returns the first. */
int libraries_look(struct libraries *libraries, struct probe_functions *functions,
                   struct probes *probes, const struct probe_wish *wishes, uint32_t wish_count,
                   struct err *err);
/* Attaches the functions, when an unwinder has been mapped or nothing has for a while. Not after a
 * guard that could not be: without it an exception would end the program. Goes on after an error,
 * and returns the first. */
int libraries_attach(struct libraries *libraries, struct probes *probes, uint64_t now_ns,
                     struct err *err);

#endif
