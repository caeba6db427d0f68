#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S   INT64_C(1000000000)
#define SETTLED_NS (2 * NS_PER_S)

/* ---- stamps ----------------------------------------------------------------------------------
 */

/* st_mtim may say anything: what 64 bits do not hold becomes the first or last that they do. */
static int64_t ns_of(struct timespec time) {
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)time.tv_sec, NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, (int64_t)time.tv_nsec, &ns))
        return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static struct file_stamp stamp_of(const struct stat *status, struct timespec seen) {
    return (struct file_stamp){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size_bytes = (uint64_t)status->st_size,
        .modified_ns = ns_of(status->st_mtim),
        .changed_ns = ns_of(status->st_ctim),
        .seen_ns = ns_of(seen),
    };
}

bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

bool file_stamp_is_settled(const struct file_stamp *stamp) {
    int64_t latest = stamp->seen_ns - SETTLED_NS;
    return stamp->modified_ns < latest && stamp->changed_ns < latest;
}

/* ---- maps ------------------------------------------------------------------------------------
 */

static int open_regular(const char *path, struct stat *status, struct err *err) {
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, ERR_INPUT, "%s", path);
    if (fstat(fd, status) != 0) {
        err_set_errno(err, ERR_INPUT, "%s", path);
        close(fd);
        return -ERR_INPUT;
    }
    if (!S_ISREG(status->st_mode)) {
        close(fd);
        return err_set(err, ERR_INPUT, "%s: not a regular file", path);
    }
    return fd;
}

int file_map_open(struct file_map *map, const char *path, struct err *err) {
    *map = (struct file_map){0};
    struct stat status;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int fd = open_regular(path, &status, err);
    if (fd < 0)
        return fd;
    map->stamp = stamp_of(&status, now);
    if (status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be mapped", path);
            close(fd);
            return -ERR_ENVIRONMENT;
        }
        map->bytes = bytes;
        map->size = (uint64_t)status.st_size;
    }
    close(fd);
    return 0;
}

void file_map_close(struct file_map *map) {
    if (map->bytes)
        munmap((void *)(uintptr_t)map->bytes, (size_t)map->size);
    *map = (struct file_map){0};
}

/* ---- writing ---------------------------------------------------------------------------------
 */

int file_write_all(int fd, const void *bytes, size_t length) {
    for (const unsigned char *at = bytes; length > 0;) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

int file_writer_open(struct file_writer *writer, const char *path, struct err *err) {
    *writer = (struct file_writer){.fd = -1};
    writer->path = strdup(path);
    if (!writer->path || asprintf(&writer->temporary, "%s.%ld.tmp", path, (long)getpid()) < 0) {
        writer->temporary = NULL;
        file_writer_abandon(writer);
        return err_set(err, ERR_ENVIRONMENT, "%s: out of memory", path);
    }
    writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->fd >= 0)
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", path);
    file_writer_abandon(writer);
    return -(int)err->code;
}

int file_writer_add(struct file_writer *writer, const void *bytes, size_t length, struct err *err) {
    if (file_write_all(writer->fd, bytes, length) != 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", writer->path);
    return 0;
}

int file_writer_commit(struct file_writer *writer, struct err *err) {
    int result = 0;
    if (fsync(writer->fd) != 0)
        result = err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", writer->path);
    else if (rename(writer->temporary, writer->path) != 0)
        result = err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be replaced", writer->path);
    if (result == 0) { /* nothing is left to remove */
        free(writer->temporary);
        writer->temporary = NULL;
    }
    file_writer_abandon(writer);
    return result;
}

void file_writer_abandon(struct file_writer *writer) {
    if (writer->fd >= 0) {
        close(writer->fd);
        if (writer->temporary)
            unlink(writer->temporary);
    }
    free(writer->temporary);
    free(writer->path);
    *writer = (struct file_writer){.fd = -1};
}

int file_replace(const char *path, const void *bytes, size_t length, struct err *err) {
    struct file_writer writer;
    if (file_writer_open(&writer, path, err))
        return -(int)err->code;
    if (file_writer_add(&writer, bytes, length, err)) {
        file_writer_abandon(&writer);
        return -(int)err->code;
    }
    return file_writer_commit(&writer, err);
}

int file_make_folders(const char *path, struct err *err) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return err_set(err, ERR_INPUT, "%s: path too long", path);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char separator = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return err_set_errno(err, ERR_ENVIRONMENT, "%s: folder cannot be made", part);
        part[i] = separator;
    }
    return 0;
}
