/* A file that a test writes and that goes with it. */
#ifndef ASSAY_TEST_TEMPORARY_FILE_H
#define ASSAY_TEST_TEMPORARY_FILE_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct temporary_file {
    char path[64];
};

static inline void temporary_file_write(struct temporary_file *file, const void *bytes,
                                        size_t length) {
    strcpy(file->path, "/tmp/assay-test-XXXXXX");
    int fd = mkstemp(file->path);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        abort();
    close(fd);
}

/* Appended to what is there: a gzip member. */
static inline void temporary_file_add_gzip(struct temporary_file *file, const void *bytes,
                                           size_t length) {
    gzFile out = gzopen(file->path, "ab");
    if (!out || gzwrite(out, bytes, (unsigned)length) != (int)length || gzclose(out) != Z_OK)
        abort();
}

static inline void temporary_file_cut(const struct temporary_file *file, long long length) {
    if (truncate(file->path, length) != 0)
        abort();
}

#endif
