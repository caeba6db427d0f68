#include "collectors/kernfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t read_all(int fd, char *text, size_t size) {
    size_t length = 0;
    while (length + 1 < size) {
        ssize_t got = read(fd, text + length, size - 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    return length;
}

static bool read_path(const char *root, char *text, size_t size, const char *path, va_list args) {
    char full[KERNFS_PATH_SIZE];
    text[0] = '\0';
    size_t used = strlen(root);
    if (used >= sizeof full)
        return false;
    memcpy(full, root, used);
    int length = vsnprintf(full + used, sizeof full - used, path, args);
    if (length < 0 || (size_t)length >= sizeof full - used)
        return false;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t got = read_all(fd, text, size);
    close(fd);
    while (got > 0 && text[got - 1] == '\n')
        got--;
    text[got] = '\0';
    return true;
}

bool kernfs_read(const char *root, char *text, size_t size, const char *path, ...) {
    va_list args;
    va_start(args, path);
    bool found = read_path(root, text, size, path, args);
    va_end(args);
    return found;
}

static uint64_t number_or(const char *text, uint64_t absent) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    return end == text || errno || text[0] == '-' ? absent : value;
}

uint64_t kernfs_number(const char *root, uint64_t absent, const char *path, ...) {
    char text[64];
    va_list args;
    va_start(args, path);
    bool found = read_path(root, text, sizeof text, path, args);
    va_end(args);
    return found ? number_or(text, absent) : absent;
}

bool kernfs_field(const char *text, const char *key, char *value, size_t size) {
    size_t length = strlen(key);
    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n');
        const char *rest = line + length;
        if (strncmp(line, key, length) == 0 && *rest && strchr(" \t:=", *rest)) {
            rest += strspn(rest, " \t:=");
            while (end > rest && isspace((unsigned char)end[-1]))
                end--;
            snprintf(value, size, "%.*s", end > rest ? (int)(end - rest) : 0, rest);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    value[0] = '\0';
    return false;
}

uint64_t kernfs_field_number(const char *text, const char *key, uint64_t absent) {
    char value[64];
    return kernfs_field(text, key, value, sizeof value) ? number_or(value, absent) : absent;
}

uint32_t kernfs_list_count(const char *list) {
    uint32_t count = 0;
    while (isdigit((unsigned char)*list)) {
        char *end;
        unsigned long first = strtoul(list, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        if (last < first)
            return 0;
        count += (uint32_t)(last - first + 1);
        list = *end == ',' ? end + 1 : end;
    }
    return count;
}

uint32_t kernfs_list_first(const char *list) {
    return (uint32_t)strtoul(list, NULL, 10);
}

/* ---- control groups ------------------------------------------------------------------------- */

/* Whether `word` stands in a comma-separated list. */
static bool listed(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; *at;) {
        const char *end = at + strcspn(at, ",");
        if ((size_t)(end - at) == length && memcmp(at, word, length) == 0)
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

/* The path of /proc/self/cgroup's line "id:controllers:path"; version 2's line has no
 * controllers. */
static bool own_path(const char *root, const char *controller, char *path, size_t size) {
    char text[8192];
    if (!kernfs_read(root, text, sizeof text, "/proc/self/cgroup"))
        return false;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *where = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!where)
            continue;
        *where++ = '\0';
        if (controller ? listed(controllers + 1, controller) : controllers[1] == '\0') {
            snprintf(path, size, "%s", where);
            return true;
        }
    }
    return false;
}

/* A line of mountinfo: id parent device ROOT POINT options [tags] - TYPE source SUPER (proc(5)).
 * Finds the mount of the controller, NULL for version 2, and splits off what is asked. */
static bool find_mount(const char *root, const char *controller, char *mount_root, char *point) {
    static char const *const types[] = {"cgroup2", "cgroup"};
    char text[65536];
    if (!kernfs_read(root, text, sizeof text, "/proc/self/mountinfo"))
        return false;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char type[32], super[512];
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(tail, " - %31s %*s %511s", type, super) != 2 ||
            strcmp(type, types[controller != NULL]) != 0 ||
            (controller && !listed(super, controller)))
            continue;
        if (sscanf(line, "%*s %*s %*s %511s %511s", mount_root, point) == 2)
            return true;
    }
    return false;
}

static bool has_folder(const char *path) {
    return access(path, F_OK) == 0;
}

static bool find_version(const char *root, const char *controller, struct cgroup_folder *folder) {
    char own[512], mount_root[512], point[512];
    if (!own_path(root, controller, own, sizeof own) ||
        !find_mount(root, controller, mount_root, point))
        return false;
    /* In a container the mount may begin at the group itself: that much of the path is hidden. */
    size_t hidden = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);
    const char *inside = strncmp(own, mount_root, hidden) == 0 ? own + hidden : "";
    folder->unified = controller == NULL;
    folder->top = strlen(root) + strlen(point);
    int length = snprintf(folder->path, sizeof folder->path, "%s%s%s", root, point,
                          strcmp(inside, "/") == 0 ? "" : inside);
    if (length < 0 || (size_t)length >= sizeof folder->path)
        return false;
    if (!has_folder(folder->path))
        folder->path[folder->top] = '\0';
    return has_folder(folder->path);
}

bool cgroup_folder_find(const char *root, const char *controller, struct cgroup_folder *folder) {
    char controllers[512];
    if (find_version(root, NULL, folder) &&
        kernfs_read(folder->path, controllers, sizeof controllers, "/cgroup.controllers")) {
        for (char *at = controllers; *at; at++)
            *at = *at == ' ' ? ',' : *at;
        if (listed(controllers, controller))
            return true;
    }
    return find_version(root, controller, folder);
}

bool cgroup_folder_up(struct cgroup_folder *folder) {
    char *last = strrchr(folder->path, '/');
    if (!last || (size_t)(last - folder->path) < folder->top)
        return false;
    *last = '\0';
    return true;
}
