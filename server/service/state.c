#include "server/service/state.h"

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_BYTES_MAX = 256, STATE_FORMAT = 1 };

static const char not_confirmed[] = "the database was not read since the server started";

/* ---- writing ---------------------------------------------------------------------------------
 */

static void save_answers(const struct answers *answers, double now_s, cJSON *array) {
    for (uint32_t i = 0; i < answers->count; i++) {
        const struct answer_row *row = &answers->rows[i];
        cJSON *object = json_add_object(array, NULL);
        json_add_text(object, "name", row->answer->name);
        json_add_text(object, "sha256", row->answer->sha256);
        json_add_int(object, "prediction_id", row->answer->prediction_id);
        json_add_text(object, "predicted_at", row->answer->predicted_at);
        json_add_number(object, "confirmed_ago_s", now_s - row->confirmed_s);
        json_add_text(object, "prediction", row->answer->json);
    }
}

static void write_document(const struct state *state, const struct noted_moment *now,
                           struct strbuf *out) {
    cJSON *root = json_object();
    cJSON *saved = json_add_object(root, "saved");
    json_add_number(saved, "steady_s", now->moment.steady_s);
    json_add_number(saved, "wall_s", now->moment.wall_s);
    json_add_text(saved, "boot_id", now->boot_id);
    save_answers(state->answers, now->moment.steady_s, json_add_array(root, "answers"));
    observations_save(state->observations, now->moment.steady_s,
                      json_add_array(root, "observations"));
    desired_save(state->desired, now->moment.steady_s, json_add_array(root, "desired"));
    json_print(root, false, out);
    cJSON_Delete(root);
}

int state_save(const struct state *state, const struct noted_moment *now, const char *path,
               struct err *err) {
    char sha256[SHA256_HEX_SIZE];
    struct strbuf document, file;
    strbuf_init(&document);
    strbuf_init(&file);
    write_document(state, now, &document);
    sha256_hex(document.text, document.length, sha256);
    strbuf_printf(&file, "{\"assay_state\":%d,\"sha256\":\"%s\"}\n", STATE_FORMAT, sha256);
    strbuf_add(&file, document.text, document.length);
    strbuf_puts(&file, "\n");
    int code = file_replace(path, file.text, file.length, err);
    strbuf_done(&document);
    strbuf_done(&file);
    return code;
}

/* ---- reading ---------------------------------------------------------------------------------
 */

static int read_saved(const cJSON *root, struct noted_moment *out, struct err *err) {
    const cJSON *saved;
    const char *boot_id;
    if (json_get_tree(root, "saved", cJSON_Object, &saved, err) ||
        json_get_number(saved, "steady_s", &out->moment.steady_s, err) ||
        json_get_number(saved, "wall_s", &out->moment.wall_s, err) ||
        json_get_text(saved, "boot_id", &boot_id, err))
        return -(int)err->code;
    if (strlen(boot_id) >= sizeof out->boot_id)
        return err_set(err, ERR_INPUT, "\"boot_id\" is too long");
    strcpy(out->boot_id, boot_id);
    return 0;
}

static int read_answer(const cJSON *object, double saved_s, struct answers *answers,
                       struct err *err) {
    const char *name, *sha256, *predicted_at, *json;
    int64_t id;
    double ago;
    struct answer *answer;
    if (json_get_text(object, "name", &name, err) ||
        json_get_text(object, "sha256", &sha256, err) ||
        json_get_int(object, "prediction_id", &id, err) ||
        json_get_text(object, "predicted_at", &predicted_at, err) ||
        json_get_number(object, "confirmed_ago_s", &ago, err) ||
        json_get_text(object, "prediction", &json, err) ||
        answer_read(name, sha256, json, &answer, err))
        return -(int)err->code;
    answer->prediction_id = id;
    answer->predicted_at = arena_strdup(answer->arena, predicted_at);
    double sane_ago = ago >= 0 && ago < 1e10 ? ago : 0;
    answers_add(answers, answer, saved_s - sane_ago, not_confirmed);
    return 0;
}

static int read_answers(const cJSON *array, double saved_s, struct answers *answers,
                        struct err *err) {
    const cJSON *object;
    cJSON_ArrayForEach(object, array) {
        if (answers->count == STATE_ANSWERS_MAX)
            return err_set(err, ERR_INPUT, "more than %d answers", STATE_ANSWERS_MAX);
        if (read_answer(object, saved_s, answers, err))
            return -(int)err->code;
    }
    answers_sort(answers);
    return 0;
}

static int read_tree(struct state *state, const struct noted_moment *now, const cJSON *root,
                     struct err *err) {
    struct noted_moment saved = {0};
    const cJSON *answers, *observations, *desired;
    if (read_saved(root, &saved, err) ||
        json_get_tree(root, "answers", cJSON_Array, &answers, err) ||
        json_get_tree(root, "observations", cJSON_Array, &observations, err) ||
        json_get_tree(root, "desired", cJSON_Array, &desired, err))
        return -(int)err->code;
    double saved_s = now->moment.steady_s - moment_elapsed(&saved, now);
    if (read_answers(answers, saved_s, state->answers, err) ||
        observations_restore(state->observations, saved_s, observations, err) ||
        desired_restore(state->desired, saved_s, desired, err))
        return -(int)err->code;
    state->answers->trouble = not_confirmed;
    return 0;
}

int state_read(struct state *state, const struct noted_moment *now, const char *text, size_t length,
               struct err *err) {
    cJSON *root = json_parse(text, length, "state", err);
    if (!root)
        return -(int)err->code;
    int code = read_tree(state, now, root, err);
    cJSON_Delete(root);
    return code;
}

/* The document behind the head, when the head names its checksum. */
static int open_document(const struct file_map *map, const char **text, size_t *length,
                         struct err *err) {
    const char *bytes = (const char *)map->bytes;
    if (map->size == 0 || map->size > STATE_BYTES_MAX)
        return err_set(err, ERR_INPUT, "%llu bytes: no state of a server",
                       (unsigned long long)map->size);
    size_t window = map->size < HEAD_BYTES_MAX ? (size_t)map->size : HEAD_BYTES_MAX;
    const char *newline = memchr(bytes, '\n', window);
    if (!newline)
        return err_set(err, ERR_INPUT, "it does not begin with the head of a state");
    *text = newline + 1;
    *length = (size_t)map->size - (size_t)(*text - bytes);
    char expected[HEAD_BYTES_MAX], sha256[SHA256_HEX_SIZE];
    if (*length && (*text)[*length - 1] == '\n')
        (*length)--;
    sha256_hex(*text, *length, sha256);
    int size = snprintf(expected, sizeof expected, "{\"assay_state\":%d,\"sha256\":\"%s\"}",
                        STATE_FORMAT, sha256);
    if (newline - bytes != size || memcmp(bytes, expected, (size_t)size) != 0)
        return err_set(err, ERR_INPUT,
                       "it is damaged, or of another version: the checksum of its "
                       "content is not what its head says");
    return 0;
}

int state_load(struct state *state, const struct noted_moment *now, const char *path,
               struct err *err) {
    struct file_map map;
    const char *text = NULL;
    size_t length = 0;
    if (file_map_open(&map, path, err))
        return -(int)err->code;
    int code = open_document(&map, &text, &length, err);
    if (!code)
        code = state_read(state, now, text, length, err);
    file_map_close(&map);
    return code ? err_prefix(err, "%s", path) : 0;
}
