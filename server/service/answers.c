#include "server/service/answers.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NS     86400e9 /* no inference takes a day */
#define LARGEST_BYTES  1e15
#define THREADS_MAX    1024
#define DOCUMENT_BYTES ((size_t)64 << 20)

/* ---- one prediction --------------------------------------------------------------------------
 */

static int implausible(const char *key, double value, struct err *err) {
    return err_set(err, ERR_INPUT, "\"%s\" is %g: no plausible value", key, value);
}

/* NaN and infinities stand as null in JSON: a null is "not known". */
static int read_estimate(const cJSON *root, const char *key, double most, struct estimate *out,
                         struct err *err) {
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, key);
    const char *tier;
    *out = estimate_refused();
    if (!object || cJSON_IsNull(object))
        return 0;
    if (json_get_number(object, "value", &out->value, err) ||
        json_get_number(object, "low", &out->low, err) ||
        json_get_number(object, "high", &out->high, err) ||
        json_get_text(object, "tier", &tier, err))
        return err_prefix(err, "\"%s\"", key);
    if (!(out->value > 0 && out->value <= most))
        return implausible(key, out->value, err);
    if (!(out->low >= 0 && out->low <= out->value && out->value <= out->high && out->high <= most))
        return err_set(err, ERR_INPUT, "\"%s\" is %g in an interval from %g to %g", key, out->value,
                       out->low, out->high);
    out->tier = tier_by_name(tier);
    if (out->tier >= TIER_REFUSED)
        return err_set(err, ERR_INPUT, "\"%s\" has no known tier", key);
    return 0;
}

static int read_upper(const cJSON *root, struct upper_bound *out, struct err *err) {
    const cJSON *peak = cJSON_GetObjectItemCaseSensitive(root, "peak_memory_bytes");
    const cJSON *upper = cJSON_GetObjectItemCaseSensitive(peak, "upper");
    if (!cJSON_IsObject(upper))
        return 0;
    if (json_get_number(upper, "confidence", &out->confidence, err) ||
        json_get_number(upper, "value", &out->value, err))
        return err_prefix(err, "\"upper\"");
    return out->value > 0 && out->value <= LARGEST_BYTES ? 0
                                                         : implausible("upper", out->value, err);
}

static int read_head(struct answer *answer, const cJSON *root, struct err *err) {
    int64_t schema, threads;
    const cJSON *conditions;
    const char *machine;
    if (json_get_int(root, "schema", &schema, err) ||
        json_get_text(root, "machine", &machine, err) ||
        json_get_tree(root, "conditions", cJSON_Object, &conditions, err) ||
        json_get_int(conditions, "threads", &threads, err))
        return -(int)err->code;
    if (schema != 1)
        return err_set(err, ERR_INPUT, "its schema is %lld, not 1", (long long)schema);
    if (threads < 1 || threads > THREADS_MAX)
        return implausible("threads", (double)threads, err);
    answer->machine = arena_strdup(answer->arena, machine);
    answer->threads = (uint32_t)threads;
    return 0;
}

static int read_numbers(struct answer *answer, const cJSON *root, struct err *err) {
    const cJSON *cold = cJSON_GetObjectItemCaseSensitive(root, "cold_start");
    answer->cold_start_ns = estimate_refused();
    if (read_estimate(root, "latency_ns", LONGEST_NS, &answer->latency_ns, err) ||
        read_estimate(root, "cpu_time_ns", THREADS_MAX * LONGEST_NS, &answer->cpu_time_ns, err) ||
        read_estimate(root, "peak_memory_bytes", LARGEST_BYTES, &answer->peak_memory_bytes, err) ||
        read_upper(root, &answer->peak_memory_upper, err) ||
        read_estimate(cold, "total_ns", LONGEST_NS, &answer->cold_start_ns, err))
        return -(int)err->code;
    if (answer->latency_ns.tier == TIER_REFUSED)
        return err_set(err, ERR_INPUT, "\"latency_ns\" is null: the prediction was refused");
    return 0;
}

static void keep_texts(struct answer *answer, const cJSON *root) {
    static const char end[] = "\n}";
    struct strbuf text;
    strbuf_init(&text);
    json_print(root, false, &text);
    answer->json = arena_strdup(answer->arena, text.text);
    strbuf_done(&text);
    strbuf_init(&text);
    json_print(root, true, &text);
    answer->pretty = arena_strndup(answer->arena, text.text, text.length - strlen(end));
    strbuf_done(&text);
}

static struct answer *answer_new(const char *name, const char *sha256) {
    struct arena *arena = calloc(1, sizeof *arena), first;
    if (!arena) {
        arena_init(&first);
        arena = ARENA_NEW(&first, struct arena); /* says that memory is out */
    }
    struct answer *answer = ARENA_NEW(arena, struct answer);
    answer->arena = arena;
    answer->name = arena_strdup(arena, name);
    answer->sha256 = arena_strdup(arena, sha256);
    answer->predicted_at = "";
    answer->holders = ARENA_NEW(arena, uint32_t);
    *answer->holders = 1;
    return answer;
}

int answer_read(const char *name, const char *sha256, const char *json, struct answer **out,
                struct err *err) {
    *out = NULL;
    size_t length = strlen(json);
    if (length > DOCUMENT_BYTES)
        return err_set(err, ERR_INPUT, "a prediction of %zu bytes", length);
    cJSON *root = json_parse(json, length, "prediction", err);
    if (!root)
        return -(int)err->code;
    struct answer *answer = answer_new(name, sha256);
    int code = read_head(answer, root, err) || read_numbers(answer, root, err);
    if (!code)
        keep_texts(answer, root);
    cJSON_Delete(root);
    if (code) {
        answer_release(answer);
        return -(int)err->code;
    }
    *out = answer;
    return 0;
}

struct answer *answer_hold(struct answer *answer) {
    __atomic_add_fetch(answer->holders, 1, __ATOMIC_RELAXED);
    return answer;
}

void answer_release(struct answer *answer) {
    if (__atomic_sub_fetch(answer->holders, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    struct arena *arena = answer->arena;
    arena_done(arena);
    free(arena);
}

/* ---- sets of them ----------------------------------------------------------------------------
 */

struct answers *answers_new(void) {
    struct arena arena;
    arena_init(&arena);
    struct answers *answers = ARENA_NEW(&arena, struct answers);
    answers->arena = arena;
    answers->holders = 1;
    return answers;
}

void answers_add(struct answers *answers, struct answer *answer, double confirmed_s,
                 const char *trouble) {
    *ARENA_PUSH(&answers->arena, answers->rows, answers->count, answers->capacity) =
        (struct answer_row){answer, confirmed_s,
                            trouble ? arena_strdup(&answers->arena, trouble) : NULL};
}

static int by_name(const void *a, const void *b) {
    const struct answer_row *left = a, *right = b;
    int order = strcmp(left->answer->name, right->answer->name);
    return order ? order : strcmp(left->answer->sha256, right->answer->sha256);
}

void answers_sort(struct answers *answers) {
    if (answers->count)
        qsort(answers->rows, answers->count, sizeof *answers->rows, by_name);
}

struct answers *answers_hold(struct answers *answers) {
    __atomic_add_fetch(&answers->holders, 1, __ATOMIC_RELAXED);
    return answers;
}

void answers_release(struct answers *answers) {
    if (!answers || __atomic_sub_fetch(&answers->holders, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (uint32_t i = 0; i < answers->count; i++)
        answer_release(answers->rows[i].answer);
    struct arena arena = answers->arena; /* it holds `answers` itself */
    arena_done(&arena);
}

struct answers *answers_troubled(const struct answers *old, const char *trouble) {
    struct answers *answers = answers_new();
    answers->trouble = arena_strdup(&answers->arena, trouble);
    for (uint32_t i = 0; i < old->count; i++)
        answers_add(answers, answer_hold(old->rows[i].answer), old->rows[i].confirmed_s, trouble);
    return answers;
}

/* ---- finding ---------------------------------------------------------------------------------
 */

static uint32_t first_of(const struct answers *answers, const char *name) {
    uint32_t low = 0, high = answers->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(answers->rows[middle].answer->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_named(const struct answers *answers, uint32_t at, const char *name) {
    return at < answers->count && strcmp(answers->rows[at].answer->name, name) == 0;
}

enum found answers_find(const struct answers *answers, const char *name,
                        const struct answer_row **row, struct err *err) {
    uint32_t at = first_of(answers, name);
    if (!is_named(answers, at, name)) {
        err_set(err, ERR_INPUT, "there is no prediction of a model \"%.200s\"", name);
        err_hint(err, "GET /v1/models lists the models; `assay predict FILE --name NAME` adds one");
        return FOUND_NONE;
    }
    if (is_named(answers, at + 1, name)) {
        err_set(err, ERR_INPUT, "\"%.200s\" names two models: %.16s and %.16s", name,
                answers->rows[at].answer->sha256, answers->rows[at + 1].answer->sha256);
        err_hint(err, "`assay predict FILE --name OTHER` gives one of them another name");
        return FOUND_SEVERAL;
    }
    *row = &answers->rows[at];
    return FOUND_ONE;
}
