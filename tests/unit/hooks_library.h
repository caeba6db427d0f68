/* Programs that use the hooks library, each in a process of its own, and what is read of their
 * streams. The library is the one of the build folder this test lies in. */
#ifndef ASSAY_TESTS_UNIT_HOOKS_LIBRARY_H
#define ASSAY_TESTS_UNIT_HOOKS_LIBRARY_H

#include "collectors/assay_hooks.h"
#include "collectors/hooks/stream.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The functions of assay_hooks.h as the library exports them. */
struct hooks {
    void *library;
    __typeof__(assay_hooks_abi) *abi;
    __typeof__(assay_hooks_stream) *stream;
    __typeof__(assay_hooks_kind) *kind;
    __typeof__(assay_hooks_begin) *begin;
    __typeof__(assay_hooks_end) *end;
    __typeof__(assay_hooks_start) *start;
    __typeof__(assay_hooks_stop) *stop;
    __typeof__(assay_hooks_thread) *thread;
};

/* BUILD/tests/unit/PROGRAM -> BUILD/name */
static inline void built_path(char path[static PATH_MAX], const char *name) {
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = 0;
    }
    length = (ssize_t)strlen(path);
    snprintf(path + length, PATH_MAX - (size_t)length, "/%s", name);
}

static inline struct hooks load_hooks(void) {
    char path[PATH_MAX];
    struct hooks hooks;
    built_path(path, "libassay-hooks.so");
    hooks.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!hooks.library) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(99);
    }
    const struct {
        const char *name;
        void *function;
    } functions[] = {
        {"assay_hooks_abi",    &hooks.abi   },
        {"assay_hooks_stream", &hooks.stream},
        {"assay_hooks_kind",   &hooks.kind  },
        {"assay_hooks_begin",  &hooks.begin },
        {"assay_hooks_end",    &hooks.end   },
        {"assay_hooks_start",  &hooks.start },
        {"assay_hooks_stop",   &hooks.stop  },
        {"assay_hooks_thread", &hooks.thread},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(hooks.library, functions[i].name);
        if (!function)
            _exit(98);
        memcpy(functions[i].function, &function, sizeof function);
    }
    return hooks;
}

/* Runs `program` in a process whose stream is `path` (NULL: none). Returns what waitpid says. It
 * ends by exit(), so that the library hears of it. */
static inline int run_program(int (*program)(const struct hooks *hooks, void *context),
                              void *context, const char *path) {
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (path)
            setenv("ASSAY_HOOKS_STREAM", path, 1);
        else
            unsetenv("ASSAY_HOOKS_STREAM");
        struct hooks hooks = load_hooks();
        exit(program(&hooks, context));
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    return status;
}

/* ---- what was recorded ------------------------------------------------------------------------
 */

enum { SEEN_NAMES = 8, SEEN_TRACKS = 16 };

struct seen {
    uint64_t spans, tracks, samples;
    struct span first;                    /* texts in the arena */
    uint64_t track_ids[SEEN_TRACKS];      /* in the order in which spans were seen of them */
    uint64_t by_track[SEEN_TRACKS];       /* their spans */
    const char *track_names[SEEN_TRACKS]; /* in the arena */
    double last_value;
    int64_t inside_ns, outside_ns; /* durations of "inner" and "outer" */
    int64_t ended_ns;              /* latest end */
    uint64_t distinct;             /* names unlike the one before */
    char last_name[600];
    struct arena arena;
    struct foreign_outcome out;
    struct err err;
};

static inline const char *keep(struct seen *seen, const char *text) {
    return text ? arena_strdup(&seen->arena, text) : NULL;
}

/* SEEN_TRACKS - 1 stands for all that are too many. */
static inline int track_place(struct seen *seen, uint64_t track) {
    int i = 0;
    while (i < SEEN_TRACKS - 1 && seen->track_ids[i] != 0 && seen->track_ids[i] != track)
        i++;
    seen->track_ids[i] = track;
    return i;
}

static inline int see_span(void *context, const struct span *span, struct err *err) {
    struct seen *seen = context;
    (void)err;
    if (seen->spans++ == 0) {
        seen->first = *span;
        seen->first.name = keep(seen, span->name);
        seen->first.category = keep(seen, span->category);
        seen->first.shapes = keep(seen, span->shapes);
        seen->first.dtypes = keep(seen, span->dtypes);
    }
    seen->by_track[track_place(seen, span->track)]++;
    if (strcmp(span->name, "inner") == 0)
        seen->inside_ns += span->duration_ns;
    if (strcmp(span->name, "outer") == 0)
        seen->outside_ns += span->duration_ns;
    if (span->start_ns + span->duration_ns > seen->ended_ns)
        seen->ended_ns = span->start_ns + span->duration_ns;
    seen->distinct += strcmp(seen->last_name, span->name) != 0;
    snprintf(seen->last_name, sizeof seen->last_name, "%s", span->name);
    return 0;
}

static inline int see_sample(void *context, const struct track_sample *sample, struct err *err) {
    struct seen *seen = context;
    (void)err;
    seen->samples++;
    seen->last_value = sample->value;
    return 0;
}

static inline int see_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                            struct err *err) {
    struct seen *seen = context;
    (void)err, (void)kind;
    seen->tracks++;
    seen->track_names[track_place(seen, track)] = keep(seen, name);
    return 0;
}

/* 0, or the reader's code with seen->err. End with arena_done(&seen->arena). */
static inline int see_stream(const char *path, struct seen *seen) {
    struct span_sink sink = {
        .context = seen, .span = see_span, .sample = see_sample, .track = see_track};
    memset(seen, 0, sizeof *seen);
    arena_init(&seen->arena);
    return hooks_stream_read(path, &seen->arena, &sink, &seen->out, &seen->err);
}

#endif
