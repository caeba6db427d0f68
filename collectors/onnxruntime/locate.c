#include "collectors/onnxruntime/locate.h"

#include "base/installation.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__aarch64__)
#define NODE_ARCHITECTURE "arm64"
#else
#define NODE_ARCHITECTURE "x64"
#endif

#define LIBRARY_NAME "libonnxruntime.so.1"
#define NODE_FOLDER                                                                                \
    "node_modules/onnxruntime-node/bin/napi-v6/linux/" NODE_ARCHITECTURE "/" LIBRARY_NAME

/* Relative to the program's folder. Tests live two folders below the build folder. */
static const char *const worker_places[] = {"assay-worker", "../assay-worker", "../../assay-worker",
                                            "../libexec/assay/assay-worker",
                                            "../lib/assay/assay-worker"};
static const char *const hook_places[] = {"libassay-ort-hook.so", "../libassay-ort-hook.so",
                                          "../../libassay-ort-hook.so",
                                          "../lib/assay/libassay-ort-hook.so"};
static const char *const heap_places[] = {"libassay-heap.so", "../libassay-heap.so",
                                          "../../libassay-heap.so",
                                          "../lib/assay/libassay-heap.so"};
static const char *const library_places[] = {LIBRARY_NAME, "../lib/assay/" LIBRARY_NAME,
                                             "../" NODE_FOLDER, "../../" NODE_FOLDER,
                                             "../../../" NODE_FOLDER};

#define FIND(places) installation_find(arena, places, sizeof places / sizeof *places, R_OK)

/* An absolute path, since the runtime wants one. */
static const char *from_environment(struct arena *arena, const char *variable) {
    const char *value = getenv(variable);
    if (!value || !value[0])
        return NULL;
    char resolved[PATH_MAX];
    return realpath(value, resolved) ? arena_strdup(arena, resolved) : value;
}

static const char *find_library(struct arena *arena) {
    const char *path = FIND(library_places);
    char resolved[PATH_MAX];
    if (!path && realpath(NODE_FOLDER, resolved))
        path = arena_strdup(arena, resolved);
    return path ? path : LIBRARY_NAME;
}

static int missing(const char *what, const char *folder, const char *variable, struct err *err) {
    err_set(err, ERR_ENVIRONMENT, "%s is neither in %s nor in %s/../lib/assay or ../libexec/assay",
            what, folder, folder);
    return err_hint(err, "build or install all of Assay, or name it with %s", variable);
}

int locate(struct arena *arena, struct location *location, struct err *err) {
    const char *folder = installation_folder(arena);
    location->worker = from_environment(arena, "ASSAY_WORKER");
    if (!location->worker)
        location->worker = FIND(worker_places);
    location->hook = from_environment(arena, "ASSAY_ORT_HOOK");
    if (!location->hook)
        location->hook = FIND(hook_places);
    location->heap = FIND(heap_places);
    location->library = from_environment(arena, "ASSAY_ORT_LIBRARY");
    if (!location->library)
        location->library = find_library(arena);
    if (!location->worker)
        return missing("assay-worker", folder, "ASSAY_WORKER", err);
    if (!location->hook)
        return missing("libassay-ort-hook.so", folder, "ASSAY_ORT_HOOK", err);
    return 0;
}
