#include "db/model.h"

#include "base/strbuf.h"
#include "db/nouns.h"
#include "db/query.h"

#include <inttypes.h>

int row_is_missing(const struct db *db, const char *noun, int64_t id, struct err *err) {
    return err_set(err, ERR_INPUT, "database %s: there is no %s %" PRId64, db->path, noun, id);
}

int model_put_row(struct db *db, const struct stored_model *model, int64_t *id, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_MODEL, err);
    if (failed != 0)
        return failed;
    put_text(&query, model->sha256);
    put_text(&query, model->name);
    put_text(&query, model->path);
    put_text(&query, model->format);
    put_count(&query, model->file_bytes);
    put_count(&query, model->nodes);
    put_count(&query, model->parameters);
    put_count(&query, model->weight_bytes);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static void get_model(struct query *query, struct arena *arena, struct stored_model *model) {
    model->id = get_int(query);
    model->sha256 = get_text(query, arena);
    model->name = get_text(query, arena);
    model->path = get_text(query, arena);
    model->format = get_text(query, arena);
    model->file_bytes = get_count(query);
    model->nodes = get_count(query);
    model->parameters = get_count(query);
    model->weight_bytes = get_count(query);
    model->created_at = get_text(query, arena);
}

int model_get_row(struct db *db, struct arena *arena, int64_t id, struct stored_model *model,
                  struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_GET_MODEL, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        get_model(&query, arena, model);
    query_close(&query);
    return stepped == 0 ? row_is_missing(db, "model", id, err) : stepped < 0 ? stepped : 0;
}

static int get_models(struct query *query, struct arena *arena, struct stored_model **models,
                      size_t *count, struct err *err) {
    size_t capacity = 0;
    int stepped;
    *models = NULL;
    *count = 0;
    while ((stepped = query_step(query, err)) > 0)
        get_model(query, arena, ARENA_PUSH(arena, *models, *count, capacity));
    query_close(query);
    return stepped;
}

int db_put_model(struct db *db, const struct stored_model *model, int64_t *id, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, model_put_row(db, model, id, err), err);
}

int db_list_models(struct db *db, struct arena *arena, struct stored_model **models, size_t *count,
                   struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_LIST_MODELS, err);
    return failed != 0 ? failed : get_models(&query, arena, models, count, err);
}

static int ambiguous(const struct db *db, const char *text, const struct stored_model *models,
                     size_t count, struct err *err) {
    struct strbuf list;
    strbuf_init(&list);
    for (size_t i = 0; i < count && i < 5; i++)
        strbuf_printf(&list, "%s %.12s %s", i > 0 ? "," : "", models[i].sha256, models[i].name);
    err_set(err, ERR_INPUT, "database %s: \"%.80s\" names %zu models:%s%s", db->path, text, count,
            list.text, count > 5 ? ", ..." : "");
    strbuf_done(&list);
    return err_hint(err, "name one by the first digits of its hash");
}

int db_find_model(struct db *db, struct arena *arena, const char *text, struct stored_model *model,
                  struct err *err) {
    struct stored_model *models;
    size_t count;
    struct query query;
    int failed = query_open(&query, db, STATEMENT_FIND_MODELS, err);
    if (failed != 0)
        return failed;
    put_text(&query, text);
    failed = get_models(&query, arena, &models, &count, err);
    if (failed != 0)
        return failed;
    if (count == 0) {
        err_set(err, ERR_INPUT, "database %s: there is no model \"%.200s\"", db->path, text);
        return err_hint(err, "`assay db models` lists what is stored; a model is named by "
                             "its name, its path or 6 digits of its hash");
    }
    if (count > 1)
        return ambiguous(db, text, models, count, err);
    *model = models[0];
    return 0;
}
