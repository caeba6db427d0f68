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

/* Writes a temporary file beside `path`, syncs it and renames it over `path`; on failure nothing
 * of it stays and an older `path` is untouched. */
int file_replace(const char *path, const void *bytes, size_t length, struct err *err);

/* mkdir -p. */
int file_make_folders(const char *path, struct err *err);

#endif
