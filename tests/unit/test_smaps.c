/* Mappings of a process added up by what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collectors/memory/smaps.h"

#include <string.h>

static const char text[] =
    "55d0c0000000-55d0c0010000 r-xp 00000000 08:01 1234                       /usr/bin/worker\n"
    "Size:                 64 kB\nRss:                  60 kB\nPss:                  30 kB\n"
    "Pss_Dirty:             8 kB\nVmFlags: rd ex mr mw me\n"
    "55d0c1000000-55d0c1100000 rw-p 00000000 00:00 0                          [heap]\n"
    "Rss:                1000 kB\nPss:                1000 kB\n"
    "7f0000000000-7f0000100000 r--p 00000000 08:01 77    /lib/x86_64-linux-gnu/libm.so.6\n"
    "Rss:                 200 kB\nPss:                  20 kB\n"
    "7f0000200000-7f0000300000 r--p 00000000 08:01 78    /models/with space/vgg.onnx.data\n"
    "Rss:                 512 kB\nPss:                 512 kB\n"
    "7f0000400000-7f0000500000 rw-p 00000000 00:00 0 \n"
    "Rss:                   4 kB\nPss:                   4 kB\n"
    "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
    "Rss:                  12 kB\nPss:                  12 kB\n"
    "7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0                          [vdso]\n"
    "Rss:                   8 kB\nPss:                   0 kB\n";

static void assert_parts(const struct smaps *smaps) {
    static const double resident_kib[MEMORY_PARTS] = {
        [MEMORY_LIBRARIES] = 268, [MEMORY_FILES] = 512, [MEMORY_HEAP] = 1004, [MEMORY_STACKS] = 12};
    static const double shared_kib[MEMORY_PARTS] = {
        [MEMORY_LIBRARIES] = 50, [MEMORY_FILES] = 512, [MEMORY_HEAP] = 1004, [MEMORY_STACKS] = 12};
    for (int i = 0; i < MEMORY_PARTS; i++) {
        assert_true(smaps->parts.resident_bytes[i] == 1024 * resident_kib[i]);
        assert_true(smaps->parts.proportional_bytes[i] == 1024 * shared_kib[i]);
    }
}

static void mappings_are_told_apart_by_their_names(void **state) {
    (void)state;
    struct smaps smaps = {.program = "/usr/bin/worker", .part = MEMORY_HEAP};
    smaps_take(&smaps, text, sizeof text - 1);
    assert_parts(&smaps);
}

static void pieces_may_end_anywhere(void **state) {
    (void)state;
    for (size_t piece = 1; piece < 64; piece++) {
        struct smaps smaps = {.program = "/usr/bin/worker", .part = MEMORY_HEAP};
        for (size_t at = 0; at < sizeof text - 1; at += piece)
            smaps_take(&smaps, text + at,
                       at + piece < sizeof text - 1 ? piece : sizeof text - 1 - at);
        assert_parts(&smaps);
    }
}

static void a_line_longer_than_any_name_is_cut(void **state) {
    (void)state;
    char line[4096];
    struct smaps smaps = {.part = MEMORY_HEAP};
    memset(line, 'f', sizeof line);
    memcpy(line + sizeof line - 15, "\nRss:      4 kB\n", 15);
    smaps_take(&smaps, line, sizeof line);
    smaps_take(&smaps, "\n", 1);
    assert_true(smaps.parts.resident_bytes[MEMORY_HEAP] == 4096);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_are_told_apart_by_their_names),
        cmocka_unit_test(pieces_may_end_anywhere),
        cmocka_unit_test(a_line_longer_than_any_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
