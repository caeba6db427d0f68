#include "base/pairs.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "base/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_line_has_bar_share_and_time_left(void **state) {
    (void)state;
    struct progress progress = {.label = "profiling resnet50", .total = 200};
    char line[200];
    progress_line(&progress, 50, 3000000000, "repeat 50", line, sizeof line);
    assert_string_equal(line, "profiling resnet50 [######..................]  25 %"
                              "  about 9.00 s left  repeat 50");
    progress_line(&progress, 300, 3000000000, NULL, line, sizeof line);
    assert_string_equal(line, "profiling resnet50 [########################] 100 %");
}

static void an_unknown_total_has_no_bar(void **state) {
    (void)state;
    struct progress progress = {.label = "fitting"};
    char line[200];
    progress_line(&progress, 5, 3000000000, "class Conv", line, sizeof line);
    assert_string_equal(line, "fitting  class Conv");
}

static void nothing_is_drawn_when_nobody_looks(void **state) {
    (void)state;
    FILE *file = tmpfile();
    struct progress progress;
    progress_init(&progress, file, true);
    progress_start(&progress, 10, "label");
    progress.started_ns = 0;
    progress_update(&progress, 5, NULL);
    progress_done(&progress);
    assert_int_equal(ftell(file), 0);
    fclose(file);
    progress_start(NULL, 10, "label");
    progress_update(NULL, 5, NULL);
    progress_done(NULL);
}

static void foreign_text_cannot_steer_the_terminal(void **state) {
    (void)state;
    struct strbuf out;
    strbuf_init(&out);
    term_escape("a\033[2J\tb\nc\x7f \xc2\x9b \xc3\xa9", false, &out);
    assert_string_equal(out.text, "a\\x1b[2J\\x09b\\x0ac\\x7f \\x9b \xc3\xa9");
    strbuf_done(&out);
}

static void no_color_is_honoured(void **state) {
    (void)state;
    setenv("NO_COLOR", "1", 1);
    assert_false(term_colors(stdout));
    unsetenv("NO_COLOR");
    FILE *file = tmpfile();
    assert_false(term_colors(file));
    assert_int_equal(term_width(file), 0);
    fclose(file);
}

static void pairs_are_split_and_found(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct err err = {0};
    struct pairs pairs;
    static const char *const known[] = {"cpus", "memory", "price", NULL};
    assert_int_equal(pairs_parse(&arena, "cpus=8,memory=32GiB,price=", &pairs, &err), 0);
    assert_int_equal(pairs.count, 3);
    assert_string_equal(pairs_find(&pairs, "memory"), "32GiB");
    assert_string_equal(pairs_find(&pairs, "price"), "");
    assert_null(pairs_find(&pairs, "disk"));
    assert_int_equal(pairs_only(&pairs, known, &err), 0);
    arena_done(&arena);
}

static void wrong_pairs_are_refused(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    static const char *const wrong[] = {"", "cpus", "=8", "cpus=8,", "cpus=8,cpus=9"};
    struct pairs pairs;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        assert_int_equal(pairs_parse(&arena, wrong[i], &pairs, &err), -ERR_USAGE);
    }
    struct err err = {0};
    static const char *const known[] = {"cpus", "memory", NULL};
    assert_int_equal(pairs_parse(&arena, "cpu=8", &pairs, &err), 0);
    assert_int_equal(pairs_only(&pairs, known, &err), -ERR_USAGE);
    assert_string_equal(err.message, "'cpu' is not known; expected one of: cpus, memory");
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_has_bar_share_and_time_left),
        cmocka_unit_test(an_unknown_total_has_no_bar),
        cmocka_unit_test(nothing_is_drawn_when_nobody_looks),
        cmocka_unit_test(foreign_text_cannot_steer_the_terminal),
        cmocka_unit_test(no_color_is_honoured),
        cmocka_unit_test(pairs_are_split_and_found),
        cmocka_unit_test(wrong_pairs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
