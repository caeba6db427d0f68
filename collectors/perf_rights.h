/* What perf_event_open(2) lets this process do, why it does not, and the one command that would
 * change that. The levels of kernel.perf_event_paranoid are those of the kernel's
 * Documentation/admin-guide/sysctl/kernel.rst; 3 and 4 are Debian's and Ubuntu's. */
#ifndef ASSAY_COLLECTORS_PERF_RIGHTS_H
#define ASSAY_COLLECTORS_PERF_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

enum { PARANOID_UNKNOWN = -99 };

struct perf_rights {
    int paranoid;    /* -1 to 4, or PARANOID_UNKNOWN */
    bool capable;    /* CAP_PERFMON or CAP_SYS_ADMIN in effect: the level does not bind */
    bool container;  /* in a container, where the level is the host's */
    bool filtered;   /* a seccomp filter is on */
    int user_errno;  /* 0: the user's side can be counted; else why not */
    int whole_errno; /* 0: the kernel's side too; else why not */
};

/* `root` is "" on the live machine; a folder with such a tree in tests. */
void perf_rights_read(const char *root, struct perf_rights *out);
/* Reads, and tries to open a software event both ways. */
void perf_rights_find(struct perf_rights *out);

/* Why the refused opening failed. */
void perf_rights_reason(const struct perf_rights *rights, char *text, size_t size);
/* One command; "" when nothing is to be had or nothing helps. `program` is what needs the rights.
 */
void perf_rights_command(const struct perf_rights *rights, const char *program, char *text,
                         size_t size);

#endif
