#include "base/suggest.h"
#include "cli/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct global {
    bool json;
    const char *db;
};

struct local {
    int64_t threads;
    double rate;
    uint64_t memory, budget;
    struct text_list dims, events, files;
    int order;
    const char *model;
    bool quick;
};

static const char *order_choice(size_t index, const char **help) {
    static const char *const names[] = {"model", "time", "share", NULL};
    *help = "";
    return names[index];
}

static const struct option_row global_rows_here[] = {
    {.name = "json",                    .type = OPTION_FLAG, .offset = offsetof(struct global, json), .help = "h"},
    {.name = "db",
     .type = OPTION_TEXT,
     .metavar = "PATH",
     .offset = offsetof(struct global, db),
     .help = "h"},
    {0                     },
};

static const struct option_row local_rows[] = {
    {.name = "threads",
     .letter = 't',
     .type = OPTION_INT,
     .metavar = "N",
     .fallback = "1",
     .min = 1,
     .max = 64,
     .offset = offsetof(struct local, threads),
     .help = "h"},
    {.name = "rate",
     .type = OPTION_NUMBER,
     .metavar = "X",
     .min = 0,
     .max = 1e6,
     .offset = offsetof(struct local, rate),
     .help = "h"},
    {.name = "memory",
     .type = OPTION_BYTES,
     .metavar = "SIZE",
     .fallback = "1GiB",
     .offset = offsetof(struct local, memory),
     .help = "h"},
    {.name = "budget",
     .type = OPTION_DURATION,
     .metavar = "TIME",
     .fallback = "30s",
     .offset = offsetof(struct local, budget),
     .help = "h"},
    {.name = "dim",
     .type = OPTION_LIST,
     .metavar = "NAME=SIZE",
     .offset = offsetof(struct local, dims),
     .help = "h"},
    {.name = "events",
     .type = OPTION_WORDS,
     .metavar = "LIST",
     .fallback = "cycles,instructions",
     .offset = offsetof(struct local, events),
     .help = "h"},
    {.name = "order",
     .type = OPTION_CHOICE,
     .metavar = "BY",
     .fallback = "model",
     .choice = order_choice,
     .offset = offsetof(struct local, order),
     .help = "h"},
    {.name = "quick",
     .letter = 'q',
     .type = OPTION_FLAG,
     .offset = offsetof(struct local, quick),
     .help = "h"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "MODEL",
     .kind = ARGUMENT_ONE,
     .offset = offsetof(struct local, model),
     .help = "the model"},
    {.name = "FILE", .kind = ARGUMENT_ANY, .offset = offsetof(struct local, files), .help = "more"},
    {0            },
};

enum { WORDS_MAX = 12 };

struct fixture {
    struct arena arena;
    struct global global;
    struct local local;
    struct err err;
    int stopped;
};

static int read_words(struct fixture *at, bool until_word, const char *const *words) {
    char *argv[WORDS_MAX + 2] = {arena_strdup(&at->arena, "assay")};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = arena_strdup(&at->arena, words[argc - 1]);
    struct option_group groups[] = {
        {global_rows_here, &at->global},
        {local_rows,       &at->local }
    };
    options_defaults(&groups[0], &at->arena);
    options_defaults(&groups[1], &at->arena);
    struct option_reader reader = {.argc = argc,
                                   .argv = argv,
                                   .groups = groups,
                                   .group_count = until_word ? 1 : 2,
                                   .arguments = arguments,
                                   .argument_target = &at->local,
                                   .until_word = until_word};
    int result = options_read(&reader, &at->arena, &at->err);
    at->stopped = reader.stopped;
    return result;
}

#define READ(at, ...) read_words(at, false, (const char *const[]){__VA_ARGS__, NULL})

static int begin(void **state) {
    static struct fixture at;
    memset(&at, 0, sizeof at);
    arena_init(&at.arena);
    *state = &at;
    return 0;
}

static int end(void **state) {
    struct fixture *at = *state;
    arena_done(&at->arena);
    return 0;
}

static void fallbacks_hold_when_nothing_is_given(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "a.onnx"), 0);
    assert_int_equal(at->local.threads, 1);
    assert_int_equal(at->local.memory, 1 << 30);
    assert_int_equal(at->local.budget, 30000000000);
    assert_int_equal(at->local.events.count, 2);
    assert_int_equal(at->local.dims.count, 0);
    assert_int_equal(at->local.order, 0);
    assert_false(at->local.quick);
    assert_null(at->global.db);
    assert_string_equal(at->local.model, "a.onnx");
}

static void every_type_is_read(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "-t4", "--rate=0.5", "--memory", "512MB", "--budget", "50ms",
                          "--order=time", "-q", "--db", "x.db", "m.onnx"),
                     0);
    assert_int_equal(at->local.threads, 4);
    assert_true(at->local.rate == 0.5);
    assert_int_equal(at->local.memory, 512000000);
    assert_int_equal(at->local.budget, 50000000);
    assert_int_equal(at->local.order, 1);
    assert_true(at->local.quick);
    assert_string_equal(at->global.db, "x.db");
}

static void options_and_arguments_may_mix(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "m.onnx", "--json", "b", "--threads", "2", "--", "--c"), 0);
    assert_true(at->global.json);
    assert_int_equal(at->local.files.count, 2);
    assert_string_equal(at->local.files.items[0], "b");
    assert_string_equal(at->local.files.items[1], "--c");
}

static void lists_collect_and_replace_their_fallback(void **state) {
    struct fixture *at = *state;
    assert_int_equal(
        READ(at, "--dim", "a=1", "--dim", "b=2,c", "--events", "x,y", "--events", "z", "m"), 0);
    assert_int_equal(at->local.dims.count, 2);
    assert_string_equal(at->local.dims.items[1], "b=2,c");
    assert_int_equal(at->local.events.count, 3);
    assert_string_equal(at->local.events.items[0], "x");
    assert_string_equal(at->local.events.items[2], "z");
}

static void the_last_use_wins(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "--threads=2", "--threads=3", "m"), 0);
    assert_int_equal(at->local.threads, 3);
}

static void a_mistyped_option_gets_a_suggestion(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "--thraeds=2", "m"), -ERR_USAGE);
    assert_string_equal(at->err.message, "unknown option --thraeds");
    assert_string_equal(at->err.hint, "did you mean --threads?");
}

static void out_of_range_names_option_and_range(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "--threads", "0", "m"), -ERR_USAGE);
    assert_string_equal(at->err.message, "--threads: 0 is not between 1 and 64");
}

static void a_wrong_choice_lists_the_choices(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "--order=tim", "m"), -ERR_USAGE);
    assert_string_equal(at->err.message, "--order: 'tim' is none of: model, time, share");
    assert_string_equal(at->err.hint, "did you mean 'time'?");
}

static void missing_and_needless_values_are_told(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "m", "--threads"), -ERR_USAGE);
    assert_string_equal(at->err.message, "--threads needs a value: N");
    at->err = (struct err){0};
    assert_int_equal(READ(at, "m", "--quick=yes"), -ERR_USAGE);
    assert_string_equal(at->err.message, "--quick takes no value");
    at->err = (struct err){0};
    assert_int_equal(READ(at, "m", "-t"), -ERR_USAGE);
    assert_string_equal(at->err.message, "--threads needs a value: N");
    at->err = (struct err){0};
    assert_int_equal(READ(at, "m", "-z"), -ERR_USAGE);
    assert_string_equal(at->err.message, "unknown option -z");
}

static void a_missing_argument_is_explained(void **state) {
    struct fixture *at = *state;
    assert_int_equal(READ(at, "--quick"), -ERR_USAGE);
    assert_string_equal(at->err.message, "MODEL is missing: the model");
}

static void reading_stops_before_the_command(void **state) {
    struct fixture *at = *state;
    const char *const words[] = {"--db", "x.db", "profile", "--threads", NULL};
    assert_int_equal(read_words(at, true, words), 0);
    assert_int_equal(at->stopped, 3);
    assert_string_equal(at->global.db, "x.db");
    const char *const none[] = {"--json", NULL};
    assert_int_equal(read_words(at, true, none), 0);
    assert_int_equal(at->stopped, 2);
}

static void edits_are_counted(void **state) {
    (void)state;
    assert_int_equal(edit_distance("profile", "profile"), 0);
    assert_int_equal(edit_distance("profile", "profiel"), 1);
    assert_int_equal(edit_distance("fit", "fits"), 1);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
}

static void a_word_that_shares_nothing_is_not_suggested(void **state) {
    (void)state;
    struct suggestion near = suggestion_for("xy");
    suggestion_offer(&near, "ab");
    assert_null(near.nearest);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(fallbacks_hold_when_nothing_is_given),
        TEST(every_type_is_read),
        TEST(options_and_arguments_may_mix),
        TEST(lists_collect_and_replace_their_fallback),
        TEST(the_last_use_wins),
        TEST(a_mistyped_option_gets_a_suggestion),
        TEST(out_of_range_names_option_and_range),
        TEST(a_wrong_choice_lists_the_choices),
        TEST(missing_and_needless_values_are_told),
        TEST(a_missing_argument_is_explained),
        TEST(reading_stops_before_the_command),
        TEST(edits_are_counted),
        TEST(a_word_that_shares_nothing_is_not_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
