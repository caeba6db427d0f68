/* The small text files in which the kernel keeps its books: /proc, /sys, control groups.
 *
 * `root` is "" on the live machine; tests give a folder that holds such a tree. Every reader takes
 * an absent file as "not said" and answers 0 or false: what a container hides is not an error.
 */
#ifndef ASSAY_COLLECTORS_KERNFS_H
#define ASSAY_COLLECTORS_KERNFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KERNFS_PATH_SIZE = 1024 };

/* Reads root + path (a printf format) into text, NUL-terminated, cut at size - 1. The trailing
 * newline is dropped. */
bool kernfs_read(const char *root, char *text, size_t size, const char *path, ...)
    __attribute__((format(printf, 4, 5)));

/* The first number in the file; `absent` when there is none ("max" included). */
uint64_t kernfs_number(const char *root, uint64_t absent, const char *path, ...)
    __attribute__((format(printf, 3, 4)));

/* Finds the line that starts with `key` followed by blanks, ':' or '=' and copies what comes
 * after, without blanks around it. */
bool kernfs_field(const char *text, const char *key, char *value, size_t size);
uint64_t kernfs_field_number(const char *text, const char *key, uint64_t absent);

/* How many numbers a kernel list such as "0-3,8" names; 0 when it is not one. */
uint32_t kernfs_list_count(const char *list);
/* Its first number; 0 when there is none. */
uint32_t kernfs_list_first(const char *list);

/* The folder of the control group this process is in, for one controller ("cpu", "memory"),
 * root included: version 2 where the controller is there, else version 1. false: none. `top` is
 * how much of the text is the mount point: limits of folders between it and the end hold too. */
struct cgroup_folder {
    char path[KERNFS_PATH_SIZE];
    size_t top;
    bool unified; /* version 2 */
};

bool cgroup_folder_find(const char *root, const char *controller, struct cgroup_folder *folder);
/* Cuts the last folder off; false when the mount point is reached. */
bool cgroup_folder_up(struct cgroup_folder *folder);

#endif
