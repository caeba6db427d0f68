#include "collectors/llamacpp/locate.h"

#include "base/installation.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__aarch64__)
#define NODE_PLATFORM "linux-arm64"
#else
#define NODE_PLATFORM "linux-x64"
#endif

#define WORKER_NAME  "assay-llama-worker"
#define NODE_FOLDER  "node_modules/@node-llama-cpp/" NODE_PLATFORM "/bins/" NODE_PLATFORM "/"
#define LIBRARY_NAME "libllama.so"

/* Relative to the program's folder. Tests live two folders below the build folder. */
static const char *const worker_places[] = {WORKER_NAME, "../" WORKER_NAME, "../../" WORKER_NAME,
                                            "../libexec/assay/" WORKER_NAME,
                                            "../lib/assay/" WORKER_NAME};
static const char *const library_places[] = {"",
                                             "../lib/assay/llama.cpp/",
                                             "../" NODE_FOLDER,
                                             "../../" NODE_FOLDER,
                                             "../../../" NODE_FOLDER,
                                             NULL};
/* "libllama.v0.5.0.so" too, but not "libllama-common.so". */
static const char *const library_names[] = {LIBRARY_NAME, "libllama.so.[0-9]*", "libllama.v*.so",
                                            NULL};

/* An absolute path. */
static const char *resolve(struct arena *arena, const char *path) {
    char resolved[PATH_MAX];
    return realpath(path, resolved) ? arena_strdup(arena, resolved) : path;
}

static const char *from_environment(struct arena *arena, const char *variable) {
    const char *value = getenv(variable);
    return value && value[0] ? resolve(arena, value) : NULL;
}

static const char *match(struct arena *arena, const char *folder) {
    const char *found = NULL;
    for (const char *const *name = library_names; *name && !found; name++) {
        glob_t matches;
        if (glob(arena_printf(arena, "%s%s", folder, *name), 0, NULL, &matches) == 0)
            found = resolve(arena, matches.gl_pathv[0]);
        globfree(&matches);
    }
    return found;
}

static const char *find_library(struct arena *arena, const char *folder) {
    const char *found = NULL;
    for (const char *const *place = library_places; *place && !found; place++)
        found = match(arena, arena_printf(arena, "%s/%s", folder, *place));
    if (!found)
        found = match(arena, NODE_FOLDER);
    return found ? found : LIBRARY_NAME;
}

int llama_locate(struct arena *arena, struct llama_location *location, struct err *err) {
    const char *folder = installation_folder(arena);
    location->worker = from_environment(arena, "ASSAY_LLAMA_WORKER");
    if (!location->worker)
        location->worker = installation_find(arena, worker_places,
                                             sizeof worker_places / sizeof *worker_places, X_OK);
    location->library = from_environment(arena, "ASSAY_LLAMA_LIBRARY");
    if (!location->library)
        location->library = find_library(arena, folder);
    if (location->worker)
        return 0;
    err_set(err, ERR_ENVIRONMENT,
            WORKER_NAME " is neither in %s nor in %s/../lib/assay or ../libexec/assay", folder,
            folder);
    return err_hint(err, "build or install all of Assay, or name it with ASSAY_LLAMA_WORKER");
}
