#include "collectors/hooks/streams.h"

#include "base/installation.h"
#include "collectors/hooks/stream.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STREAM_NAME "stream"

static const struct injected {
    const char *variable, *library;
} injected[] = {
    {"INTEL_LIBITTNOTIFY64",  "libassay-itt.so" },
    {"NVTX_INJECTION64_PATH", "libassay-nvtx.so"},
};

/* ---- before -----------------------------------------------------------------------------------
 */

/* NULL when it is not there. */
static const char *find_library(struct arena *arena, const char *name) {
    const char *const places[] = {name, arena_printf(arena, "../lib/assay/%s", name)};
    return installation_find(arena, places, sizeof places / sizeof *places, R_OK);
}

static void fill_environment(struct hooks_streams *streams, struct arena *arena) {
    uint32_t count = 0;
    streams->environment[count++] =
        arena_printf(arena, "ASSAY_HOOKS_STREAM=%s/" STREAM_NAME, streams->folder);
    for (size_t i = 0; i < sizeof injected / sizeof *injected; i++) {
        const char *path =
            getenv(injected[i].variable) ? NULL : find_library(arena, injected[i].library);
        if (path)
            streams->environment[count++] =
                arena_printf(arena, "%s=%s", injected[i].variable, path);
    }
}

int hooks_streams_open(struct hooks_streams *streams, struct arena *arena, struct err *err) {
    const char *temporary = getenv("TMPDIR");
    *streams = (struct hooks_streams){0};
    char *folder = arena_printf(arena, "%s/assay-hooks-XXXXXX",
                                temporary && temporary[0] ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be made", folder);
    streams->folder = folder;
    fill_environment(streams, arena);
    return 0;
}

/* ---- after ------------------------------------------------------------------------------------
 */

static int pass_span(void *context, const struct span *span, struct err *err) {
    const struct span_sink *sink = context;
    return sink->span ? sink->span(sink->context, span, err) : 0;
}

static int pass_sample(void *context, const struct track_sample *sample, struct err *err) {
    const struct span_sink *sink = context;
    return sink->sample ? sink->sample(sink->context, sample, err) : 0;
}

static int pass_rows(void *context, uint64_t track, enum track_kind kind, const char *name,
                     struct err *err) {
    const struct span_sink *sink = context;
    return sink->track && kind == TRACK_QUEUE ? sink->track(sink->context, track, kind, name, err)
                                              : 0;
}

/* Its first bytes are written when all is in place: a program may have ended before. */
static bool has_begun(const char *path) {
    char magic[8] = "";
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(magic, 1, sizeof magic, file) : 0;
    if (file)
        fclose(file);
    return length == sizeof magic && magic[0] != 0;
}

static int read_one(const char *path, struct arena *arena, struct span_sink *passing,
                    struct foreign_outcome *out, struct err *err) {
    struct foreign_outcome one;
    int code = hooks_stream_read(path, arena, passing, &one, err);
    if (code)
        return code;
    out->events += one.events;
    if (out->complete && !one.complete)
        out->cut = one.cut;
    out->complete &= one.complete;
    return 0;
}

int hooks_streams_read(const struct hooks_streams *streams, struct arena *arena,
                       const struct span_sink *sink, uint32_t *files, struct foreign_outcome *out,
                       struct err *err) {
    struct span_sink given = *sink;
    struct span_sink passing = {
        .context = &given, .span = pass_span, .sample = pass_sample, .track = pass_rows};
    *out = (struct foreign_outcome){.complete = true};
    *files = 0;
    DIR *listing = opendir(streams->folder);
    if (!listing)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be read", streams->folder);
    int code = 0;
    for (struct dirent *entry; !code && (entry = readdir(listing));) {
        if (strncmp(entry->d_name, STREAM_NAME, strlen(STREAM_NAME)) != 0)
            continue;
        const char *path = arena_printf(arena, "%s/%s", streams->folder, entry->d_name);
        if (!has_begun(path))
            continue;
        code = read_one(path, arena, &passing, out, err);
        (*files)++;
    }
    closedir(listing);
    return code;
}

void hooks_streams_close(struct hooks_streams *streams) {
    DIR *listing = streams->folder ? opendir(streams->folder) : NULL;
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing)
        closedir(listing);
    if (streams->folder)
        rmdir(streams->folder);
    streams->folder = NULL;
}
