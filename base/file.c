#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    int fd = open_regular(path, &status, err);
    if (fd < 0)
        return fd;
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

static int write_all(int fd, const unsigned char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

int file_replace(const char *path, const void *bytes, size_t length, struct err *err) {
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()) >=
        (int)sizeof temporary)
        return err_set(err, ERR_INPUT, "%s: path too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", path);
    int failed = write_all(fd, bytes, length) != 0 || fsync(fd) != 0;
    if (failed)
        err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", path);
    close(fd);
    if (!failed && rename(temporary, path) != 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be replaced", path);
        failed = 1;
    }
    if (failed)
        unlink(temporary);
    return failed ? -(int)err->code : 0;
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
