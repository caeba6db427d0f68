#include "cli/option.h"

#include "base/suggest.h"
#include "base/units.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* ---- values ------------------------------------------------------------------------------- */

typedef int set_fn(const struct option_row *row, const char *text, void *place, struct arena *arena,
                   struct err *err);

static int check_range(const struct option_row *row, const char *text, double value,
                       struct err *err) {
    char low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    if ((row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max))
        return 0;
    return err_set(err, ERR_USAGE, "%s is not between %s and %s", text, unit_exact(low, row->min),
                   unit_exact(high, row->max));
}

static int set_flag(const struct option_row *row, const char *text, void *place,
                    struct arena *arena, struct err *err) {
    (void)row, (void)text, (void)arena, (void)err;
    *(bool *)place = true;
    return 0;
}

static int set_int(const struct option_row *row, const char *text, void *place, struct arena *arena,
                   struct err *err) {
    (void)arena;
    int64_t value;
    if (unit_parse_integer(text, &value, err) < 0 || check_range(row, text, (double)value, err) < 0)
        return -(int)err->code;
    *(int64_t *)place = value;
    return 0;
}

static int set_number(const struct option_row *row, const char *text, void *place,
                      struct arena *arena, struct err *err) {
    (void)arena;
    double value;
    if (unit_parse_number(text, &value, err) < 0 || check_range(row, text, value, err) < 0)
        return -(int)err->code;
    *(double *)place = value;
    return 0;
}

static int set_bytes(const struct option_row *row, const char *text, void *place,
                     struct arena *arena, struct err *err) {
    (void)row, (void)arena;
    return unit_parse_bytes(text, place, err);
}

static int set_duration(const struct option_row *row, const char *text, void *place,
                        struct arena *arena, struct err *err) {
    (void)row, (void)arena;
    return unit_parse_duration(text, place, err);
}

static int set_text(const struct option_row *row, const char *text, void *place,
                    struct arena *arena, struct err *err) {
    (void)row, (void)arena, (void)err;
    *(const char **)place = text;
    return 0;
}

static int set_list(const struct option_row *row, const char *text, void *place,
                    struct arena *arena, struct err *err) {
    (void)row, (void)err;
    struct text_list *list = place;
    *ARENA_PUSH(arena, list->items, list->count, list->capacity) = text;
    return 0;
}

static int set_words(const struct option_row *row, const char *text, void *place,
                     struct arena *arena, struct err *err) {
    for (;;) {
        size_t length = strcspn(text, ",");
        if (length == 0)
            return err_set(err, ERR_USAGE, "an empty word in the list");
        set_list(row, arena_strndup(arena, text, length), place, arena, err);
        if (text[length] == '\0')
            return 0;
        text += length + 1;
    }
}

static int find_choice(choice_fn *choice, const char *text, int *found, struct arena *arena,
                       struct err *err) {
    const char *help, *all = "";
    struct suggestion near = suggestion_for(text);
    for (size_t i = 0; choice(i, &help); i++) {
        const char *word = choice(i, &help);
        if (strcmp(word, text) == 0) {
            *found = (int)i;
            return 0;
        }
        suggestion_offer(&near, word);
        all = arena_printf(arena, "%s%s%s", all, *all ? ", " : "", word);
    }
    err_set(err, ERR_USAGE, "'%s' is none of: %s", text, all);
    if (near.nearest)
        err_hint(err, "did you mean '%s'?", near.nearest);
    return -(int)err->code;
}

static int set_choice(const struct option_row *row, const char *text, void *place,
                      struct arena *arena, struct err *err) {
    return find_choice(row->choice, text, place, arena, err);
}

static const struct {
    set_fn *set;
    bool takes_value;
} types[] = {
    [OPTION_FLAG] = {set_flag,     false},
      [OPTION_INT] = {set_int,      true },
    [OPTION_NUMBER] = {set_number,   true },
      [OPTION_BYTES] = {set_bytes,    true },
    [OPTION_DURATION] = {set_duration, true },
      [OPTION_TEXT] = {set_text,     true },
    [OPTION_LIST] = {set_list,     true },
      [OPTION_WORDS] = {set_words,    true },
    [OPTION_CHOICE] = {set_choice,   true },
};

_Static_assert(sizeof types / sizeof *types == OPTION_TYPES, "a row for each option type");

bool option_takes_value(const struct option_row *row) {
    return types[row->type].takes_value;
}

bool metavar_is_path(const char *metavar) {
    static const char *const paths[] = {"FILE", "PATH", "MODEL", "FOLDER"};
    for (size_t i = 0; metavar && i < sizeof paths / sizeof *paths; i++)
        if (strstr(metavar, paths[i]))
            return true;
    return false;
}

static void *place_of(const struct option_group *group, const struct option_row *row) {
    return (char *)group->target + row->offset;
}

void options_defaults(const struct option_group *group, struct arena *arena) {
    for (const struct option_row *row = group->rows; row && row->name; row++) {
        struct err err = {0};
        if (row->fallback && types[row->type].takes_value)
            types[row->type].set(row, row->fallback, place_of(group, row), arena, &err);
        assert(err.code == ERR_OK);
    }
}

/* ---- the rows as getopt_long wants them ---------------------------------------------------- */

enum { LONG_BASE = 256, WORD = 1 };

struct flat_rows {
    struct option *longs;
    char *shorts;
    const struct option_row **rows;
    const struct option_group **groups;
    bool *given;
    size_t count;
};

static size_t count_rows(const struct option_reader *reader) {
    size_t count = 0;
    for (size_t g = 0; g < reader->group_count; g++)
        for (const struct option_row *row = reader->groups[g].rows; row && row->name; row++)
            count++;
    return count;
}

static void add_row(struct flat_rows *flat, const struct option_group *group,
                    const struct option_row *row) {
    size_t i = flat->count++;
    bool value = types[row->type].takes_value;
    flat->rows[i] = row;
    flat->groups[i] = group;
    flat->longs[i] = (struct option){row->name, value ? required_argument : no_argument, NULL,
                                     LONG_BASE + (int)i};
    if (row->letter)
        sprintf(flat->shorts + strlen(flat->shorts), "%c%s", row->letter, value ? ":" : "");
}

static struct flat_rows flatten(const struct option_reader *reader, struct arena *arena) {
    size_t count = count_rows(reader);
    struct flat_rows flat = {
        .longs = ARENA_ARRAY(arena, count + 1, struct option),
        .shorts = arena_alloc(arena, 2 * count + 3),
        .rows = ARENA_ARRAY(arena, count + 1, const struct option_row *),
        .groups = ARENA_ARRAY(arena, count + 1, const struct option_group *),
        .given = ARENA_ARRAY(arena, count + 1, bool),
    };
    strcpy(flat.shorts, "-:"); /* words in their place, a missing value is told apart */
    for (size_t g = 0; g < reader->group_count; g++)
        for (const struct option_row *row = reader->groups[g].rows; row && row->name; row++)
            add_row(&flat, &reader->groups[g], row);
    return flat;
}

static size_t index_of(const struct flat_rows *flat, int code) {
    for (size_t i = 0; i < flat->count; i++)
        if (code == LONG_BASE + (int)i || (code < LONG_BASE && code == flat->rows[i]->letter))
            return i;
    return flat->count;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int set_row(struct flat_rows *flat, size_t i, const char *text, struct arena *arena,
                   struct err *err) {
    const struct option_row *row = flat->rows[i];
    void *place = place_of(flat->groups[i], row);
    bool list = row->type == OPTION_LIST || row->type == OPTION_WORDS;
    if (list && !flat->given[i])
        *(struct text_list *)place = (struct text_list){0};
    flat->given[i] = true;
    if (types[row->type].set(row, text, place, arena, err) < 0)
        return err_prefix(err, "--%s", row->name);
    return 0;
}

static int unknown_option(const struct flat_rows *flat, const char *word, struct arena *arena,
                          struct err *err) {
    if (optopt >= LONG_BASE)
        return err_set(err, ERR_USAGE, "--%s takes no value", flat->longs[optopt - LONG_BASE].name);
    if (optopt)
        return err_set(err, ERR_USAGE, "unknown option -%c", optopt);
    const char *name = arena_strndup(arena, word + 2, strcspn(word + 2, "="));
    struct suggestion near = suggestion_for(name);
    const char *first = NULL;
    for (size_t i = 0; i < flat->count; i++) {
        if (strncmp(flat->rows[i]->name, name, strlen(name)) == 0) {
            if (first)
                return err_set(err, ERR_USAGE, "--%s may mean --%s or --%s", name, first,
                               flat->rows[i]->name);
            first = flat->rows[i]->name;
        }
        suggestion_offer(&near, flat->rows[i]->name);
    }
    err_set(err, ERR_USAGE, "unknown option --%s", name);
    if (near.nearest)
        err_hint(err, "did you mean --%s?", near.nearest);
    return -(int)err->code;
}

static int missing_value(const struct flat_rows *flat, struct err *err) {
    const struct option_row *row = flat->rows[index_of(flat, optopt)];
    return err_set(err, ERR_USAGE, "--%s needs a value: %s", row->name,
                   row->metavar ? row->metavar : "VALUE");
}

static void keep_rest(struct text_list *words, struct option_reader *reader, struct arena *arena) {
    for (int i = optind; i < reader->argc; i++)
        *ARENA_PUSH(arena, words->items, words->count, words->capacity) = reader->argv[i];
}

/* Fills `words` with the positional arguments in their order. */
static int read_words(struct option_reader *reader, struct flat_rows *flat, struct text_list *words,
                      struct arena *arena, struct err *err) {
    opterr = 0;
    optind = 0; /* glibc: start over, forgetting the last call */
    reader->stopped = reader->argc;
    int code;
    while ((code = getopt_long(reader->argc, reader->argv, flat->shorts, flat->longs, NULL)) !=
           -1) {
        if (code == WORD && reader->until_word) {
            reader->stopped = optind - 1;
            return 0;
        }
        int failed = 0;
        if (code == WORD)
            *ARENA_PUSH(arena, words->items, words->count, words->capacity) = optarg;
        else if (code == '?')
            failed = unknown_option(flat, reader->argv[optind - 1], arena, err);
        else if (code == ':')
            failed = missing_value(flat, err);
        else
            failed = set_row(flat, index_of(flat, code), optarg, arena, err);
        if (failed)
            return failed;
    }
    if (reader->until_word)
        reader->stopped = optind;
    else
        keep_rest(words, reader, arena);
    return 0;
}

void arguments_bounds(const struct argument_row *arguments, uint32_t *least, uint32_t *most) {
    *least = *most = 0;
    for (; arguments && arguments->name; arguments++) {
        bool many = arguments->kind == ARGUMENT_SOME || arguments->kind == ARGUMENT_ANY;
        *least += arguments->kind == ARGUMENT_ONE || arguments->kind == ARGUMENT_SOME;
        *most = many ? UINT32_MAX : *most + 1;
    }
}

static int set_argument(const struct argument_row *row, const char *text, void *target,
                        struct arena *arena, struct err *err) {
    void *place = (char *)target + row->offset;
    if (row->kind == ARGUMENT_SOME || row->kind == ARGUMENT_ANY)
        return set_list(NULL, text, place, arena, err);
    if (!row->choice)
        return set_text(NULL, text, place, arena, err);
    if (find_choice(row->choice, text, place, arena, err) < 0)
        return err_prefix(err, "%s", row->name);
    return 0;
}

static int place_words(const struct option_reader *reader, const struct text_list *words,
                       struct arena *arena, struct err *err) {
    const struct argument_row *row = reader->arguments;
    for (uint32_t i = 0; i < words->count; i++) {
        if (!row || !row->name)
            return err_set(err, ERR_USAGE, "unexpected argument '%s'", words->items[i]);
        if (set_argument(row, words->items[i], reader->argument_target, arena, err) < 0)
            return -(int)err->code;
        row += row->kind == ARGUMENT_ONE || row->kind == ARGUMENT_OPTIONAL;
    }
    uint32_t least, most;
    arguments_bounds(reader->arguments, &least, &most);
    if (words->count < least)
        return err_set(err, ERR_USAGE, "%s is missing: %s", row->name, row->help);
    return 0;
}

int options_read(struct option_reader *reader, struct arena *arena, struct err *err) {
    struct flat_rows flat = flatten(reader, arena);
    struct text_list words = {0};
    if (read_words(reader, &flat, &words, arena, err) < 0)
        return -(int)err->code;
    return reader->until_word ? 0 : place_words(reader, &words, arena, err);
}
