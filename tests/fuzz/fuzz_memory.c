/* Any bytes as a worker's account of memory, and as smaps: refused, or numbers that name operators
 * that are there. */
#include "collectors/memory/smaps.h"
#include "collectors/onnxruntime/memory_frame.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPERATORS = 4 };

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void write_seed(const char *folder, const char *name, const void *bytes, size_t size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fwrite(bytes, 1, size, file);
    fclose(file);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const char smaps[] =
        "00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/x.so.6\n"
        "Rss:   4 kB\nPss:   2 kB\n7f0-7f1 rw-p 0 0:0 0 [stack]\nRss: 1 kB\n";
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    if (!folder)
        return 0;
    struct memory_use_step steps[OPERATORS] = {{.op = 1}, {.op = 0}};
    struct memory_use use = {.steps = steps, .step_count = OPERATORS, .owner_op = 1};
    struct strbuf text;
    strbuf_init(&text);
    memory_frame_put(&text, &use);
    write_seed(folder, "frame", text.text, text.length);
    write_seed(folder, "smaps", smaps, sizeof smaps - 1);
    strbuf_done(&text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct smaps smaps = {.program = "/usr/bin/x", .part = MEMORY_HEAP};
    smaps_take(&smaps, (const char *)data, size);
    if (!(memory_parts_resident(&smaps.parts) >= 0))
        abort();
    struct arena arena;
    struct memory_use use;
    struct err err = {0};
    arena_init(&arena);
    struct frame_cursor in = {data, size, false};
    if (memory_frame_get(&in, &arena, OPERATORS, &use, &err) == 0)
        for (uint32_t i = 0; i < use.step_count; i++)
            if (use.steps[i].op < 0 || use.steps[i].op >= OPERATORS)
                abort();
    arena_done(&arena);
    return 0;
}
