#include "db/admin.h"
#include "db/fit.h"
#include "db/nouns.h"
#include "db/query.h"
#include "db/recording.h"

#include <string.h>

enum { PROBLEMS_MAX = 100 };

struct problems {
    struct arena *arena;
    const char **lines;
    size_t count, capacity;
};

static void add_problem(struct problems *problems, const char *line) {
    if (problems->count < PROBLEMS_MAX)
        *ARENA_PUSH(problems->arena, problems->lines, problems->count, problems->capacity) =
            arena_strdup(problems->arena, line);
}

/* A damaged file is what we look for; anything else stops the search. */
static int note_failure(struct problems *problems, int failed, struct err *err) {
    if (failed == 0 || err->code != ERR_INPUT)
        return failed;
    add_problem(problems, err->message);
    *err = (struct err){0};
    return 0;
}

static int check_integrity(struct db *db, struct problems *problems, struct err *err) {
    struct query query;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_INTEGRITY, err);
    if (failed != 0)
        return failed;
    while ((stepped = query_step(&query, err)) > 0) {
        const char *line = get_text(&query, problems->arena);
        if (strcmp(line, "ok") != 0)
            add_problem(problems, line);
    }
    query_close(&query);
    return stepped;
}

static int check_foreign_keys(struct db *db, struct problems *problems, struct err *err) {
    struct query query;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_FOREIGN_KEYS, err);
    if (failed != 0)
        return failed;
    while ((stepped = query_step(&query, err)) > 0) {
        const char *table = get_text(&query, problems->arena);
        const char *row = get_text(&query, problems->arena);
        const char *parent = get_text(&query, problems->arena);
        add_problem(problems, arena_printf(problems->arena,
                                           "a row of %s (%s) refers to a row of %s that is absent",
                                           table, row, parent));
    }
    query_close(&query);
    return stepped;
}

/* ---- our own checksums -----------------------------------------------------------------------*/

static int check_run(struct db *db, struct arena *arena, int64_t id, struct err *err) {
    struct stored_run run;
    return db_load_run(db, arena, id, RUN_OPERATORS, &run, err);
}

static int check_lowered(struct db *db, struct arena *arena, int64_t id, struct err *err) {
    struct lowered_graph lowered;
    return lowered_get_row(db, arena, id, true, &lowered, err);
}

static int check_fit(struct db *db, struct arena *arena, int64_t id, struct err *err) {
    struct stored_fit fit;
    return db_load_fit(db, arena, id, &fit, err);
}

static int check_recording(struct db *db, struct arena *arena, int64_t id, struct err *err) {
    struct stored_recording recording;
    return db_load_recording(db, arena, id, RECORDING_NODES | RECORDING_SAMPLES, &recording, err);
}

static const struct {
    enum statement ids;
    int (*check)(struct db *db, struct arena *arena, int64_t id, struct err *err);
} nouns[] = {
    {STATEMENT_LIST_RUN_IDS,       check_run       },
    {STATEMENT_LIST_LOWERED_IDS,   check_lowered   },
    {STATEMENT_LIST_FIT_IDS,       check_fit       },
    {STATEMENT_LIST_RECORDING_IDS, check_recording },
    {STATEMENT_LIST_DIGEST_IDS,    digest_check_row},
};

static int check_one(struct db *db, struct problems *problems, size_t noun, int64_t id,
                     struct err *err) {
    struct arena arena;
    arena_init(&arena);
    int failed = note_failure(problems, nouns[noun].check(db, &arena, id, err), err);
    arena_done(&arena);
    return failed;
}

static int check_noun(struct db *db, struct problems *problems, size_t noun, struct err *err) {
    struct query query;
    int stepped = 0;
    int failed = query_open(&query, db, nouns[noun].ids, err);
    if (failed != 0)
        return failed;
    while (failed == 0 && problems->count < PROBLEMS_MAX && (stepped = query_step(&query, err)) > 0)
        failed = check_one(db, problems, noun, get_int(&query), err);
    query_close(&query);
    return stepped < 0 ? stepped : failed;
}

int db_check(struct db *db, struct arena *arena, const char *const **lines, size_t *count,
             struct err *err) {
    struct problems problems = {.arena = arena};
    int failed = note_failure(&problems, check_integrity(db, &problems, err), err);
    if (failed == 0)
        failed = note_failure(&problems, check_foreign_keys(db, &problems, err), err);
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns && failed == 0; i++)
        failed = note_failure(&problems, check_noun(db, &problems, i, err), err);
    *lines = problems.lines;
    *count = problems.count;
    return failed;
}
