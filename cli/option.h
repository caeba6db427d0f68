/* Options and positional arguments as data. A row says what it is called, what it may hold and
 * where in the command's own struct the value goes; one parser, the help, the man page and the
 * shell completion walk the same rows.
 *
 *     struct sweep_options {
 *         const char *model;
 *         int64_t threads;
 *         uint64_t budget_ns;
 *         struct text_list dims;
 *     };
 *     static const struct option_row options[] = {
 *         {.name = "threads", .letter = 't', .type = OPTION_INT, .metavar = "N",
 *          .offset = offsetof(struct sweep_options, threads), .fallback = "1", .min = 1, .max =
 * 1024, .help = "intra-op threads"},
 *         {.name = "budget", .type = OPTION_DURATION, .metavar = "TIME",
 *          .offset = offsetof(struct sweep_options, budget_ns), .fallback = "30s",
 *          .help = "stop measuring after this time"},
 *         {.name = "dim", .type = OPTION_LIST, .metavar = "NAME=SIZE",
 *          .offset = offsetof(struct sweep_options, dims), .help = "bind a symbolic dimension"},
 *         {0},
 *     };
 */
#ifndef ASSAY_CLI_OPTION_H
#define ASSAY_CLI_OPTION_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_list {
    const char **items;
    uint32_t count, capacity;
};

enum option_type {
    OPTION_FLAG,     /* bool */
    OPTION_INT,      /* int64_t, min to max */
    OPTION_NUMBER,   /* double, min to max */
    OPTION_BYTES,    /* uint64_t: "32GiB" */
    OPTION_DURATION, /* uint64_t nanoseconds: "50ms" */
    OPTION_TEXT,     /* const char *; NULL when not given */
    OPTION_LIST,     /* struct text_list: every use adds one item */
    OPTION_WORDS,    /* struct text_list: as LIST, and split at commas */
    OPTION_CHOICE,   /* int: the index of the word in `choice` */
    OPTION_TYPES
};

/* The index-th word that may be given, or NULL behind the last; *help is set beside it ("" when
 * there is nothing to say). */
typedef const char *choice_fn(size_t index, const char **help);

struct option_row {
    const char *name; /* long name without dashes; NULL ends the rows */
    char letter;      /* 0: no short form */
    enum option_type type;
    const char *metavar;  /* "N"; names with FILE, PATH or MODEL are completed as file names */
    const char *fallback; /* the default as one would type it; NULL: zero, false, NULL, empty */
    double min, max;      /* of INT and NUMBER; both 0: any */
    choice_fn *choice;    /* of CHOICE; WORDS may have one too: for completion */
    size_t offset;        /* of the value in the command's struct */
    const char *help;     /* starts in lower case, no full stop */
};

enum argument_kind {
    ARGUMENT_ONE,      /* const char * (int with `choice`) */
    ARGUMENT_OPTIONAL, /* the same, NULL when left out; not with `choice` */
    ARGUMENT_SOME,     /* struct text_list, at least one; only as the last */
    ARGUMENT_ANY,      /* struct text_list, may be empty; only as the last */
};

struct argument_row {
    const char *name; /* "MODEL"; NULL ends the rows */
    enum argument_kind kind;
    choice_fn *choice; /* NULL: any text */
    size_t offset;
    const char *help;
};

/* Rows and the struct their offsets point into. */
struct option_group {
    const struct option_row *rows; /* NULL: none */
    void *target;
};

/* Writes the fallbacks of a group. */
void options_defaults(const struct option_group *group, struct arena *arena);

enum { OPTION_GROUPS_MAX = 2 };

/* Reads argv[1] on: options of any group and positional arguments, in any order; "--" ends the
 * options. Later uses of an option overrule earlier ones. Values are checked here (ERR_USAGE names
 * the option); texts are borrowed from argv, lists live in the arena. `arguments` may be NULL; with
 * `until_word` reading stops before the first positional argument, and its index in argv (argc when
 * there is none) goes to *stopped. */
struct option_reader {
    int argc;
    char **argv;
    const struct option_group *groups;
    size_t group_count;
    const struct argument_row *arguments;
    void *argument_target;
    bool until_word;
    int stopped;
};

int options_read(struct option_reader *reader, struct arena *arena, struct err *err);

/* How many arguments must and may be given. UINT32_MAX: no upper limit. */
void arguments_bounds(const struct argument_row *arguments, uint32_t *least, uint32_t *most);

bool option_takes_value(const struct option_row *row);
/* True when its value is the name of a file. */
bool metavar_is_path(const char *metavar);

#endif
