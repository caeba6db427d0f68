/* Whole files: mapped for reading, replaced atomically on writing. */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct file_map {
    const unsigned char *bytes; /* NULL when size is 0 */
    uint64_t size;
};

/* Maps a regular file read-only. Refuses directories, FIFOs and devices by name. */
int file_map_open(struct file_map *map, const char *path, struct err *err);
void file_map_close(struct file_map *map);

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
