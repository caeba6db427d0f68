#include "collectors/onnxruntime/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "assay-"

enum { STALE_AFTER_S = 60, DEPTH_MAX = 8 };

const char *scratch_base(void) {
    const char *base = getenv("TMPDIR");
    return base && base[0] ? base : "/tmp";
}

/* Removes what is in the folder that `fd` is open on, and closes it. Links are not followed. */
static void empty_folder(int fd, int depth) {
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(fd, name, 0) == 0)
            continue;
        int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0 && depth < DEPTH_MAX)
            empty_folder(inner, depth + 1);
        else if (inner >= 0)
            close(inner);
        unlinkat(fd, name, AT_REMOVEDIR);
    }
    closedir(folder);
}

static void remove_folder(int base, const char *name) {
    int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        empty_folder(fd, 0);
    unlinkat(base, name, AT_REMOVEDIR);
}

/* Ours, old enough to have been locked by its maker, and locked by nobody. */
static bool is_stale(int base, const char *name) {
    struct stat info;
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
        fstatat(base, name, &info, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(info.st_mode) ||
        info.st_uid != geteuid() || time(NULL) - info.st_mtime < STALE_AFTER_S)
        return false;
    int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool stale = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return stale;
}

static void sweep(const char *base) {
    DIR *folder = opendir(base);
    if (!folder)
        return;
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (is_stale(dirfd(folder), entry->d_name))
            remove_folder(dirfd(folder), entry->d_name);
    closedir(folder);
}

int scratch_open(struct scratch *scratch, struct arena *arena, const char *base, struct err *err) {
    *scratch = (struct scratch){NULL, -1};
    sweep(base);
    char *path = arena_printf(arena, "%s/" PREFIX "XXXXXX", base);
    if (!mkdtemp(path))
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make a folder in %s", base);
    scratch->path = path;
    scratch->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (scratch->lock >= 0 && flock(scratch->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "cannot lock %s", path);
    scratch_close(scratch);
    return -ERR_ENVIRONMENT;
}

void scratch_close(struct scratch *scratch) {
    if (scratch->path)
        remove_folder(AT_FDCWD, scratch->path);
    if (scratch->path && scratch->lock >= 0)
        close(scratch->lock);
    *scratch = (struct scratch){NULL, -1};
}
