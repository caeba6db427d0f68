/* Any bytes as recorded observations: an error or a training that writes back to what was read. */
#include "predictor/observations_text.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Random bytes do not find the head of the format: one small text is written as a seed. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    const struct observed_run run = {.id = 1, .model_name = "a\tb", .model_sha256 = "ab"};
    const struct observation op = {
        .features = {.key = "Add", .family = FAMILY_ELEMENTWISE},
          .wall_ns = 0.1
    };
    const struct training training = {&op, &run, 1, 1, 1};
    char path[PATH_MAX];
    struct strbuf text;
    if (!folder)
        return 0;
    strbuf_init(&text);
    observations_write(&training, &text);
    snprintf(path, sizeof path, "%s/small", folder);
    FILE *file = fopen(path, "w");
    if (file) {
        fwrite(text.text, 1, text.length, file);
        fclose(file);
    }
    strbuf_done(&text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct training training;
    struct err err = {0};
    arena_init(&arena);
    if (observations_read(&arena, (const char *)data, size, "fuzz", &training, &err) == 0) {
        struct strbuf text;
        strbuf_init(&text);
        observations_write(&training, &text);
        struct training again;
        if (observations_read(&arena, text.text, text.length, "again", &again, &err))
            abort();
        strbuf_done(&text);
    }
    arena_done(&arena);
    return 0;
}
