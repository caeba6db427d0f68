#include "base/installation.h"

#include <limits.h>
#include <unistd.h>

const char *installation_folder(struct arena *arena) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0 || (size_t)length == sizeof path)
        return "";
    while (length > 0 && path[length - 1] != '/')
        length--;
    return arena_strndup(arena, path, length > 1 ? (size_t)length - 1 : (size_t)length);
}

const char *installation_find(struct arena *arena, const char *const *places, size_t count,
                              int mode) {
    const char *folder = installation_folder(arena);
    for (size_t i = 0; folder[0] && i < count; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, places[i]);
        if (access(path, mode) == 0)
            return path;
    }
    return NULL;
}
