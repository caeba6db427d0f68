/* Walks every command: what help, man page and completion print from must be there and true. */
#include "cli/command.h"
#include "cli/help.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check_sentence(const char *owner, const char *text) {
    if (!text || !*text)
        fail_msg("%s: a text is missing", owner);
    if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
        fail_msg("%s: '%s' begins with a capital", owner, text);
    if (text[strlen(text) - 1] == '.')
        fail_msg("%s: '%s' ends with a full stop", owner, text);
}

static const struct option_row *find_row(const struct option_row *rows, const char *name,
                                         char letter) {
    for (; rows && rows->name; rows++)
        if (strcmp(rows->name, name) == 0 || (letter && rows->letter == letter))
            return rows;
    return NULL;
}

static void check_options(const char *owner, const struct option_row *rows, size_t size) {
    const char *help;
    for (const struct option_row *row = rows; row && row->name; row++) {
        check_sentence(row->name, row->help);
        if (row->offset >= size)
            fail_msg("%s --%s: writes beyond the struct", owner, row->name);
        if (option_takes_value(row) && !row->metavar)
            fail_msg("%s --%s: no metavar", owner, row->name);
        if (row->type == OPTION_CHOICE && (!row->choice || !row->choice(0, &help)))
            fail_msg("%s --%s: no choices", owner, row->name);
        if (find_row(row + 1, row->name, row->letter))
            fail_msg("%s --%s: name or letter twice", owner, row->name);
    }
}

static void check_arguments(const struct command *command) {
    int last = ARGUMENT_ONE;
    for (const struct argument_row *row = command->arguments; row && row->name; row++) {
        check_sentence(row->name, row->help);
        if ((int)row->kind < last || (row->kind >= ARGUMENT_SOME && row[1].name))
            fail_msg("%s %s: required ones first, lists last", command->name, row->name);
        if (row->offset >= command->options_size)
            fail_msg("%s %s: writes beyond the struct", command->name, row->name);
        last = (int)row->kind;
    }
}

static void every_command_explains_itself(void **state) {
    (void)state;
    for (const struct command *const *at = commands; *at; at++) {
        const struct command *command = *at;
        check_sentence(command->name, command->summary);
        assert_non_null(command->description);
        assert_non_null(command->run);
        if (!command->examples || !command->examples->command)
            fail_msg("%s: no example", command->name);
        check_options(command->name, command->options, command->options_size);
        check_arguments(command);
        for (const struct option_row *row = command->options; row && row->name; row++)
            if (find_row(global_rows, row->name, row->letter))
                fail_msg("%s --%s: taken by an option of every command", command->name, row->name);
    }
    check_options("assay", global_rows, sizeof(struct global_options));
}

static void names_are_unique(void **state) {
    (void)state;
    for (const struct command *const *a = commands; *a; a++)
        for (const struct command *const *b = a + 1; *b; b++)
            assert_string_not_equal((*a)->name, (*b)->name);
}

static void fallbacks_parse(void **state) {
    (void)state;
    for (const struct command *const *at = commands; *at; at++) {
        struct arena arena;
        arena_init(&arena);
        struct option_group group = {(*at)->options, arena_alloc(&arena, (*at)->options_size)};
        options_defaults(&group, &arena); /* asserts */
        arena_done(&arena);
    }
}

enum { WORDS_MAX = 40 };

/* Splits as a shell would, as far as examples go: blanks, single quotes, ends at | > <. */
static int split(struct arena *arena, const char *text, char **words) {
    int count = 0;
    while (*text && !strchr("|><)", *text)) {
        size_t length = *text == '\'' ? strcspn(++text, "'") : strcspn(text, " )");
        words[count++] = arena_strndup(arena, text, length);
        assert_true(count < WORDS_MAX);
        text += length + (text[length] == '\'');
        text += strspn(text, " ");
    }
    return count;
}

static void check_example(const struct command *owner, const char *text) {
    const char *start = strstr(text, "assay ");
    if (!start)
        fail_msg("%s: example '%s' does not call assay", owner->name, text);
    struct arena arena;
    arena_init(&arena);
    char *words[WORDS_MAX];
    int count = split(&arena, start, words);
    const struct command *command;
    struct err err = {0};
    assert_true(count >= 2);
    if (command_find(words[1], &command, &err) < 0)
        fail_msg("%s: example '%s': %s", owner->name, text, err.message);
    struct global_options global = {0};
    void *target = arena_alloc(&arena, command->options_size);
    struct option_group groups[] = {
        {global_rows,      &global},
        {command->options, target }
    };
    struct option_reader reader = {.argc = count - 1,
                                   .argv = words + 1,
                                   .groups = groups,
                                   .group_count = 2,
                                   .arguments = command->arguments,
                                   .argument_target = target};
    if (options_read(&reader, &arena, &err) < 0)
        fail_msg("%s: example '%s': %s", owner->name, text, err.message);
    arena_done(&arena);
}

static void examples_are_command_lines_that_parse(void **state) {
    (void)state;
    for (const struct command *const *at = commands; *at; at++)
        for (const struct example *row = (*at)->examples; row->command; row++) {
            check_sentence(row->command, row->says);
            check_example(*at, row->command);
        }
}

static void exit_codes_are_all_explained(void **state) {
    (void)state;
    int next = ERR_OK;
    for (const struct exit_code *row = exit_codes; row->means; row++)
        assert_int_equal(row->code, next++);
    assert_int_equal(next, ERR_BUG + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_explains_itself),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(fallbacks_parse),
        cmocka_unit_test(examples_are_command_lines_that_parse),
        cmocka_unit_test(exit_codes_are_all_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
