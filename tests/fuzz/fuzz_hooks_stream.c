/* Any bytes as a stream of hooks: an error, or spans that make sense. */
#include "collectors/hooks/stream.h"
#include "tests/unit/stream_sample.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    uint64_t words[SAMPLE_WORDS];
    if (!folder)
        return 0;
    sample_stream(words);
    snprintf(path, sizeof path, "%s/sample", folder);
    FILE *file = fopen(path, "w");
    if (file) {
        fwrite(words, 1, sizeof words, file);
        fclose(file);
    }
    return 0;
}

static int hear_span(void *context, const struct span *span, struct err *err) {
    (void)err;
    *(size_t *)context += strlen(span->name) + strlen(span->category);
    if (span->duration_ns < 0 || span->kind >= SPAN_KIND_COUNT || (span->dtypes && !span->shapes))
        abort();
    return 0;
}

static int hear_sample(void *context, const struct track_sample *sample, struct err *err) {
    (void)err;
    *(size_t *)context += strlen(sample->metric);
    return 0;
}

static int hear_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                      struct err *err) {
    (void)err;
    *(size_t *)context += strlen(name) + track + kind;
    return 0;
}

static int hear_fact(void *context, const char *key, const char *value, struct err *err) {
    (void)err;
    *(size_t *)context += strlen(key) + strlen(value);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t heard = 0;
    struct span_sink sink = {.context = &heard,
                             .span = hear_span,
                             .sample = hear_sample,
                             .track = hear_track,
                             .fact = hear_fact};
    struct foreign_outcome out;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    int code = hooks_stream_read_bytes(data, size, "fuzz", &arena, &sink, &out, &err);
    if (code != 0 && code != -ERR_INPUT)
        abort();
    arena_done(&arena);
    return 0;
}
