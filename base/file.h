/* Whole files: mapped for reading, told apart without reading, replaced atomically on writing. */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file at a moment, as stat(2) tells it. Times are nanoseconds since 1970. */
struct file_stamp {
    uint64_t device, inode, size_bytes;
    int64_t modified_ns; /* st_mtim, which anybody may set */
    int64_t changed_ns;  /* st_ctim, which the kernel sets at every change, of st_mtim too */
    int64_t seen_ns;     /* the moment */
};

/* The same file, not changed in between, as far as two stamps can tell. */
bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b);

/* Whether every change after the stamp shows in a later one. File systems keep times in steps, the
 * coarsest (FAT) of 2 s: what was changed within that time before the stamp can be changed again
 * and have the same times. */
bool file_stamp_is_settled(const struct file_stamp *stamp);

struct file_map {
    const unsigned char *bytes; /* NULL when size is 0 */
    uint64_t size;
    struct file_stamp stamp; /* taken before any of the bytes could be read */
};

/* Maps a regular file read-only. Refuses directories, FIFOs and devices by name. */
int file_map_open(struct file_map *map, const char *path, struct err *err);
void file_map_close(struct file_map *map);

/* All of it, however many calls that takes; -1 with errno. */
int file_write_all(int fd, const void *bytes, size_t length);

/* A file that appears whole or not at all: a temporary beside `path`, appended to, synced and
 * renamed over `path` by commit. Every open ends in commit or abandon; a failed commit abandons. */
struct file_writer {
    char *path, *temporary;
    int fd;
};

int file_writer_open(struct file_writer *writer, const char *path, struct err *err);
int file_writer_add(struct file_writer *writer, const void *bytes, size_t length, struct err *err);
int file_writer_commit(struct file_writer *writer, struct err *err);
void file_writer_abandon(struct file_writer *writer);

/* Writes a temporary file beside `path`, syncs it and renames it over `path`; on failure nothing
 * of it stays and an older `path` is untouched. */
int file_replace(const char *path, const void *bytes, size_t length, struct err *err);

/* mkdir -p. */
int file_make_folders(const char *path, struct err *err);

#endif
