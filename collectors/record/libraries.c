#include "collectors/record/libraries.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file as the process sees it may lie under another root. */
static bool find_file(const struct library *library, char *path, size_t size, struct stat *about) {
    snprintf(path, size, "/proc/%d/root%s", (int)library->pid, library->path);
    if (library->pid && stat(path, about) == 0)
        return true;
    snprintf(path, size, "%s", library->path);
    return stat(path, about) == 0;
}

static struct library *noted(const struct libraries *libraries, const char *path) {
    for (uint32_t i = 0; i < libraries->count; i++)
        if (strcmp(libraries->items[i].path, path) == 0)
            return &libraries->items[i];
    return NULL;
}

/* Processes in other containers may map other files by the same name; those of one name are taken
 * for one. */
void libraries_note(struct libraries *libraries, pid_t pid, const char *path, uint64_t at_ns) {
    if (path[0] != '/' || path[1] == '/') /* "//anon" */
        return;
    struct library *library = noted(libraries, path);
    if (!library) {
        library =
            ARENA_PUSH(libraries->arena, libraries->items, libraries->count, libraries->capacity);
        library->path = arena_strdup(libraries->arena, path);
    }
    if (!library->pid) {
        library->pid = pid;
        libraries->noted_ns = at_ns;
    }
}

/* Where the loader finds the unwinder that C++ programs share. */
static void expect_unwinder(struct libraries *libraries) {
    void *handle = dlopen("libgcc_s.so.1", RTLD_LAZY);
    struct link_map *map;
    char *path =
        handle && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 ? realpath(map->l_name, NULL) : NULL;
    if (path)
        libraries_note(libraries, 0, path, 0);
    free(path);
    if (handle)
        dlclose(handle);
}

void libraries_expect(struct libraries *libraries, const struct probe_wish *wishes,
                      uint32_t wish_count) {
    expect_unwinder(libraries);
    for (uint32_t i = 0; i < wish_count; i++)
        if (access(wishes[i].library, R_OK) == 0)
            libraries_note(libraries, 0, wishes[i].library, 0);
}

/* Whether the same file came before under another name. */
static bool is_known(const struct libraries *libraries, const struct library *library) {
    for (const struct library *l = libraries->items; l < library; l++)
        if (l->inode == library->inode && l->device == library->device)
            return true;
    return false;
}

enum { FILE_PATH_SIZE = 4200 };

static void look_into(struct libraries *libraries, struct library *library,
                      struct probe_functions *functions, struct probes *probes,
                      const struct probe_wish *wishes, uint32_t wish_count, struct err *err) {
    char path[FILE_PATH_SIZE];
    struct stat about;
    struct err no_elf = {0}; /* scripts and data are mapped to be run, too */
    library->looked_into = true;
    if (!find_file(library, path, sizeof path, &about))
        return; /* deleted, or the process is gone */
    library->device = about.st_dev;
    library->inode = about.st_ino;
    if (!is_known(libraries, library) &&
        probe_functions_find(functions, library->path, path, wishes, wish_count, &library->places,
                             &no_elf) == 0)
        probes_guard(probes, path, &library->places, err);
}

static void attach(struct library *library, struct probes *probes, struct err *err) {
    char path[FILE_PATH_SIZE];
    struct stat about;
    library->attached = true;
    if (library->places.count && find_file(library, path, sizeof path, &about))
        probes_attach(probes, path, &library->places, err);
}

/* Files are mapped in bursts, the unwinder often last. */
static bool may_attach(const struct libraries *libraries, const struct library *library,
                       uint64_t now_ns) {
    static const uint64_t quiet_ns = 50000000;
    bool guarded = now_ns > libraries->noted_ns + quiet_ns;
    for (uint32_t i = 0; i < libraries->count && !guarded; i++)
        guarded =
            libraries->items[i].places.guard_count && (libraries->items[i].pid || !library->pid);
    return guarded && !library->attached;
}

int libraries_look(struct libraries *libraries, struct probe_functions *functions,
                   struct probes *probes, const struct probe_wish *wishes, uint32_t wish_count,
                   struct err *err) {
    for (uint32_t i = 0; i < libraries->count; i++)
        if (!libraries->items[i].looked_into)
            look_into(libraries, &libraries->items[i], functions, probes, wishes, wish_count, err);
    return -(int)err->code;
}

int libraries_attach(struct libraries *libraries, struct probes *probes, uint64_t now_ns,
                     struct err *err) {
    for (uint32_t i = 0; i < libraries->count; i++)
        if (may_attach(libraries, &libraries->items[i], now_ns))
            attach(&libraries->items[i], probes, err);
    return -(int)err->code;
}
