/* Bytes given to an importer as a file, and what came of it checked: self times add up to what the
 * tracks were busy, parents stand before their children, nothing is negative. */
#ifndef ASSAY_FUZZ_IMPORT_H
#define ASSAY_FUZZ_IMPORT_H

#include "collectors/foreign/foreign.h"
#include "collectors/recorder.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file in memory, one for all executions. */
static inline const char *fuzz_file(const char *name, const uint8_t *data, size_t size) {
    static char paths[2][64];
    static int descriptors[2] = {-1, -1};
    int which = strcmp(name, "companion") == 0;
    if (descriptors[which] < 0) {
        descriptors[which] = memfd_create("assay-fuzz", 0);
        snprintf(paths[which], sizeof paths[which], "/proc/self/fd/%d", descriptors[which]);
    }
    if (descriptors[which] < 0 || ftruncate(descriptors[which], 0) != 0 ||
        pwrite(descriptors[which], data, size, 0) != (ssize_t)size)
        abort();
    return paths[which];
}

static inline void fuzz_check(const struct recording *r) {
    double self = 0, busy = 0, rows = 0;
    for (uint32_t i = 0; i < r->node_count; i++) {
        const struct recording_node *node = &r->nodes[i];
        if (node->parent >= (int32_t)i || node->parent < RECORDING_ROOT)
            abort();
        bool row = *node->device || *node->attributes;
        *(row ? &rows : &self) += node->self_ns;
    }
    for (uint32_t i = 0; i < r->track_count; i++)
        busy += r->tracks[i].busy_ns;
    if (busy > 0 && rows == 0 && fabs(self - busy) > 1e-9 * busy + 1)
        abort();
    if (!(r->wall_ns >= 0) || !(r->device_busy_ns <= r->device_span_ns * (1 + 1e-9)))
        abort();
}

/* Puts the beginning of a file of the tests among the seeds, when the runner asks for some. */
static inline void fuzz_seed(const char *path, const char *name) {
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char to[4096];
    char bytes[2048]; /* short inputs run often */
    FILE *in = folder ? fopen(path, "rb") : NULL;
    if (!in)
        return;
    size_t length = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    snprintf(to, sizeof to, "%s/%s", folder, name);
    FILE *out = fopen(to, "wb");
    if (!out)
        return;
    fwrite(bytes, 1, length, out);
    fclose(out);
}

/* `companion` NULL: the format needs none. */
static inline void fuzz_import_with(const char *format, const char *path, const char *companion,
                                    const char *mapping) {
    struct arena arena;
    struct err err = {0};
    struct recorder *recorder;
    struct recording recording;
    const struct foreign_format *found;
    struct foreign_outcome outcome;
    arena_init(&arena);
    struct foreign_request request = {
        .path = path, .companion = companion, .mapping = mapping, .arena = &arena};
    if (recorder_open(&recorder, 64 << 10, &err) < 0)
        abort();
    struct span_sink sink = recorder_sink(recorder);
    if (foreign_read(&request, format, &sink, &found, &outcome, &err) == 0 &&
        recorder_finish(recorder, &arena, &recording, &err) == 0)
        fuzz_check(&recording);
    else if (err.code != ERR_INPUT || !*err.message)
        abort();
    recorder_close(recorder);
    arena_done(&arena);
}

static inline void fuzz_import(const char *format, const uint8_t *data, size_t size) {
    fuzz_import_with(format, fuzz_file("file", data, size), NULL, NULL);
}

#endif
