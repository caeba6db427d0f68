/* Any bytes as a file of counters: an error, or a group whose formulas have a value. */
#include "collectors/group.h"
#include "tests/fuzz/fuzz_seed.h"

#include <limits.h>
#include <stdint.h>

static const char seed[] = "title a\nabout b\npmu * skx\ncount x cycles\ncount y page-faults\n"
                           "metric m bytes/s -64 * (x - y) / (wall_ns / 1e9) # c\n";

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_seed("small", seed, sizeof seed - 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const here[] = {"skx"};
    struct arena arena;
    struct group *group;
    struct group_choice choice;
    struct err err = {0};
    double values[GROUP_VARIABLES_MAX], sum = 0;
    for (int i = 0; i < GROUP_VARIABLES_MAX; i++)
        values[i] = i;
    arena_init(&arena);
    if (group_parse(&arena, "fuzz", (const char *)data, size, &group, &err) == 0 &&
        group_choose(&arena, group, here, 1, &choice, &err) == 0)
        for (uint32_t i = 0; i < choice.section->metric_count; i++)
            sum += group_metric_value(&choice.section->metrics[i], values);
    volatile double kept = sum;
    (void)kept;
    arena_done(&arena);
    return 0;
}
