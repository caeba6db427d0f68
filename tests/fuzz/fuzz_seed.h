/* What a fuzz target begins with: files in the folder that tests/fuzz/run names. */
#ifndef ASSAY_TESTS_FUZZ_FUZZ_SEED_H
#define ASSAY_TESTS_FUZZ_FUZZ_SEED_H

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Does nothing when nobody asks for seeds. */
static inline void fuzz_seed(const char *name, const void *bytes, size_t size) {
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    if (!folder)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file) {
        fwrite(bytes, 1, size, file);
        fclose(file);
    }
}

#endif
