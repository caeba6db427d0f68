#include "server/service/answers_store.h"

#include <stdbool.h>
#include <string.h>

enum { OLDER_TRIED = 8 }; /* predictions of a model, when the newest makes no sense */

struct reading {
    struct arena arena; /* of this round */
    struct db *db;
    const struct prediction_filter *filter;
    const struct answers *old;
    struct answers *out;
    double now_s;
    struct err *err;
};

static const struct answer_row *row_of(const struct answers *answers, const char *sha256) {
    for (uint32_t i = 0; i < answers->count; i++)
        if (strcmp(answers->rows[i].answer->sha256, sha256) == 0)
            return &answers->rows[i];
    return NULL;
}

static bool has_name(const struct answers *answers, const char *name) {
    for (uint32_t i = 0; i < answers->count; i++)
        if (strcmp(answers->rows[i].answer->name, name) == 0)
            return true;
    return false;
}

static struct answer *read_one(const struct newest_prediction *newest,
                               const struct stored_prediction *stored, struct err *err) {
    struct answer *answer;
    if (answer_read(newest->model_name, newest->model_sha256, stored->json, &answer, err)) {
        err_prefix(err, "prediction %lld of \"%.100s\"", (long long)stored->id, newest->model_name);
        return NULL;
    }
    answer->prediction_id = stored->id;
    answer->predicted_at = arena_strdup(answer->arena, stored->created_at);
    return answer;
}

/* The newest prediction that makes sense. Of older ones what was answered last comes first. */
static int read_model(struct reading *r, const struct newest_prediction *newest,
                      const struct answer_row *last) {
    struct stored_prediction *list;
    size_t count;
    struct err trouble = {0};
    if (db_list_predictions_like(r->db, &r->arena, newest->model_sha256, r->filter, OLDER_TRIED,
                                 &list, &count, r->err))
        return -(int)r->err->code;
    for (size_t i = 0; i < count; i++) {
        struct err why = {0};
        bool is_last = i > 0 && last;
        struct answer *answer =
            is_last ? answer_hold(last->answer) : read_one(newest, &list[i], &why);
        if (!answer && trouble.code == ERR_OK)
            trouble = why;
        if (answer) {
            answers_add(r->out, answer, is_last ? last->confirmed_s : r->now_s,
                        i > 0 ? trouble.message : NULL);
            return 0;
        }
    }
    return 0;
}

static int take_model(struct reading *r, const struct newest_prediction *newest) {
    const struct answer_row *last = row_of(r->old, newest->model_sha256);
    bool same = last && last->answer->prediction_id == newest->id &&
                strcmp(last->answer->predicted_at, newest->created_at) == 0 &&
                strcmp(last->answer->name, newest->model_name) == 0;
    if (!same)
        return read_model(r, newest, last);
    answers_add(r->out, answer_hold(last->answer), r->now_s, NULL);
    return 0;
}

/* A store that has lost a model (another file in its place, perhaps) does not end its answers,
 * unless a model of the same name has come. */
static void keep_forgotten(struct reading *r, uint32_t known) {
    for (uint32_t i = 0; i < r->old->count; i++) {
        const struct answer_row *row = &r->old->rows[i];
        const struct answers found = {.rows = r->out->rows, .count = known};
        if (row_of(&found, row->answer->sha256) || has_name(&found, row->answer->name))
            continue;
        answers_add(r->out, answer_hold(row->answer), row->confirmed_s,
                    "the database no longer holds a prediction of it");
    }
}

static int read_all(struct reading *r) {
    struct newest_prediction *newest;
    size_t count;
    if (db_list_newest_predictions(r->db, &r->arena, r->filter, &newest, &count, r->err))
        return -(int)r->err->code;
    for (size_t i = 0; i < count; i++)
        if (take_model(r, &newest[i]))
            return -(int)r->err->code;
    keep_forgotten(r, r->out->count);
    answers_sort(r->out);
    return 0;
}

int answers_from_store(const struct answers *old, const char *db_path,
                       const struct prediction_filter *filter, double now_s, struct answers **out,
                       struct err *err) {
    struct reading r = {
        .filter = filter, .old = old, .out = answers_new(), .now_s = now_s, .err = err};
    *out = NULL;
    arena_init(&r.arena);
    int code = db_open(db_path, DB_READ_ONLY | DB_IMPATIENT, &r.db, err);
    if (!code)
        code = read_all(&r);
    db_close(r.db);
    arena_done(&r.arena);
    if (code)
        answers_release(r.out);
    else
        *out = r.out;
    return code;
}
