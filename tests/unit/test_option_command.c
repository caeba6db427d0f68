#include "cli/option_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample_options {
    const char *file, *text;
    int64_t number;
    double rate;
    uint64_t time_ns, bytes;
    struct text_list items;
    bool flag;
    int choice;
};

static const char *choice(size_t index, const char **help) {
    static const char *const names[] = {"first", "second", NULL};
    *help = "";
    return names[index];
}

#define AT(member) offsetof(struct sample_options, member)
static const struct option_row rows[] = {
    {.name = "text",           .type = OPTION_TEXT, .offset = AT(text), .fallback = "usual"},
    {.name = "number",      .type = OPTION_INT, .offset = AT(number), .fallback = "1"},
    {.name = "rate",                        .type = OPTION_NUMBER, .offset = AT(rate), .fallback = "1"},
    {.name = "time", .type = OPTION_DURATION, .offset = AT(time_ns)},
    {.name = "bytes",         .type = OPTION_BYTES, .offset = AT(bytes)},
    {.name = "item",           .type = OPTION_LIST, .offset = AT(items)},
    {.name = "flag",      .type = OPTION_FLAG, .offset = AT(flag)},
    {.name = "choice",                        .type = OPTION_CHOICE, .offset = AT(choice), .choice = choice},
    {0},
};
static const struct argument_row arguments[] = {
    {.name = "FILE",      .kind = ARGUMENT_OPTIONAL, .offset = AT(file)},
    {0},
};

static struct sample_options read_words(struct arena *arena, int argc, const char *const *words) {
    struct sample_options options = {0};
    struct option_group group = {rows, &options};
    struct err err = {0};
    options_defaults(&group, arena);
    char **argv = ARENA_ARRAY(arena, (size_t)argc, char *);
    for (int i = 0; i < argc; i++)
        argv[i] = arena_strdup(arena, words[i]);
    struct option_reader reader = {.argc = argc,
                                   .argv = argv,
                                   .groups = &group,
                                   .group_count = 1,
                                   .arguments = arguments,
                                   .argument_target = &options};
    if (options_read(&reader, arena, &err))
        fail_msg("%s", err.message);
    return options;
}

static const char *again(struct arena *arena, const struct sample_options *options) {
    return option_command(arena, "assay x", arguments, rows, options, sizeof *options);
}

static void what_is_usual_is_left_out(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *const argv[] = {"x", "--number", "1", "--text", "usual", "--choice", "first"};
    struct sample_options options = read_words(&arena, 7, argv);
    assert_string_equal(again(&arena, &options), "assay x");
    arena_done(&arena);
}

static void every_kind_is_written_down(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *const argv[] = {"x",        "--choice", "second", "m.onnx", "--flag",
                                "--item",   "a=1",      "--item", "b c",    "--time",
                                "50ms",     "--bytes",  "1KiB",   "--rate", "0.1",
                                "--number", "-7",       "--text", "it's"};
    struct sample_options options = read_words(&arena, 19, argv);
    assert_string_equal(again(&arena, &options),
                        "assay x m.onnx --text $'it\\'s' --number -7 --rate 0.1 --time 50000000ns "
                        "--bytes 1024 --item a=1 --item 'b c' --flag --choice second");
    arena_done(&arena);
}

/* A shell is the judge. */
static void words_are_read_back_by_a_shell(void **state) {
    (void)state;
    static const char *const words[] = {"plain", "",    "a b", "it's",    "$HOME",
                                        "`id`",  "\\n", "\"",  "a\nb",    "\t",
                                        "*",     "~",   "!x",  "\x01'\\", "\xc3\xa9 \xff"};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char said[64] = "", path[] = "/tmp/assay-word-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        FILE *script = fdopen(fd, "w");
        fprintf(script, "printf %%s %s\n", shell_word(&arena, words[i]));
        fclose(script);
        FILE *shell = popen(arena_printf(&arena, "bash %s", path), "r");
        assert_non_null(shell);
        size_t length = fread(said, 1, sizeof said - 1, shell);
        assert_int_equal(pclose(shell), 0);
        remove(path);
        assert_int_equal(length, strlen(words[i]));
        assert_string_equal(said, words[i]);
    }
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_usual_is_left_out),
        cmocka_unit_test(every_kind_is_written_down),
        cmocka_unit_test(words_are_read_back_by_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
