#include "collectors/replay.h"

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* ---- the script -------------------------------------------------------------------------------
 */

static int read_script(cJSON **script, struct err *err) {
    const char *path = getenv(REPLAY_VARIABLE);
    if (!path || !path[0]) {
        err_set(err, ERR_ENVIRONMENT, "there is no script to replay");
        return err_hint(err, "name one with " REPLAY_VARIABLE "=FILE (docs/onnxruntime.md)");
    }
    struct file_map map;
    int code = file_map_open(&map, path, err);
    if (code)
        return code;
    *script = json_parse((const char *)map.bytes, (size_t)map.size, path, err);
    file_map_close(&map);
    if (*script && !cJSON_IsObject(*script)) {
        cJSON_Delete(*script);
        *script = NULL;
        err_set(err, ERR_INPUT, "%s: a script is an object", path);
    }
    return *script ? 0 : -(int)err->code;
}

static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* A number, or the element of a list whose turn it is (the list is repeated); absent: false. */
static bool value_at(const cJSON *values, uint32_t repeat, double *value) {
    if (cJSON_IsArray(values) && cJSON_GetArraySize(values) > 0)
        values = cJSON_GetArrayItem(values, (int)(repeat % (uint32_t)cJSON_GetArraySize(values)));
    if (!cJSON_IsNumber(values))
        return false;
    *value = values->valuedouble;
    return true;
}

static const char *text_at(const cJSON *object, const char *key, const char *absent) {
    const cJSON *text = member(object, key);
    return cJSON_IsString(text) ? text->valuestring : absent;
}

/* ---- a session --------------------------------------------------------------------------------
 */

struct collect_session {
    cJSON *script;
    const struct collect_config *config;
    struct rng rng;
    double spread;
    const char *missing[METRIC_COUNTER_MAX];
    uint32_t missing_count;
    uint32_t repeat;
};

/* {"fail": {"at": "run", "after": 3, "code": "environment", "message": "..."}} */
static int scripted_failure(const cJSON *script, const char *at, uint32_t repeat, struct err *err) {
    const cJSON *fail = member(script, "fail");
    double after = 0;
    value_at(member(fail, "after"), 0, &after);
    if (!fail || strcmp(text_at(fail, "at", ""), at) != 0 || repeat < after)
        return 0;
    enum err_code code = ERR_ENVIRONMENT;
    for (int c = ERR_FINDING; c <= ERR_BUG; c++)
        if (strcmp(err_code_name((enum err_code)c), text_at(fail, "code", "")) == 0)
            code = (enum err_code)c;
    err_set(err, code, "%s", text_at(fail, "message", "the script says so"));
    const char *hint = text_at(fail, "hint", "");
    return hint[0] ? err_hint(err, "%s", hint) : -(int)code;
}

static void put(struct collect_session *session, struct sink *sink, int32_t op, uint32_t metric,
                uint16_t phase, double value) {
    struct sample sample = {op, (uint16_t)metric, phase, session->repeat, value};
    sink->put(sink->context, &sample);
}

/* Built-in metrics under their own names, counters under theirs in "events". Times vary by the
 * script's spread; the same factor goes to all values of an operator in one run. */
static void put_values(struct collect_session *session, struct sink *sink, int32_t op,
                       uint16_t phase, const cJSON *values) {
    static const enum metric metrics[] = {METRIC_WALL_NS, METRIC_CPU_NS};
    const struct collect_config *config = session->config;
    double factor = 1 + session->spread * rng_normal(&session->rng), value;
    if (factor < 0.1)
        factor = 0.1;
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        if (value_at(member(values, metric_info(metrics[i])->name), session->repeat, &value))
            put(session, sink, op, metrics[i], phase, value * factor);
    const cJSON *events = member(values, "events");
    for (uint32_t i = 0; i < config->event_count && i < METRIC_COUNTER_MAX; i++)
        if (value_at(member(events, config->events[i]), session->repeat, &value))
            put(session, sink, op, METRIC_COUNTER_FIRST + i, phase, value);
    const cJSON *running = member(values, "running");
    for (uint32_t i = 0; i < config->event_count && i < METRIC_COUNTER_MAX; i++)
        if (value_at(member(running, config->events[i]), session->repeat, &value))
            put(session, sink, op, METRIC_RUNNING_FIRST + i, phase, value);
}

static const enum metric cold_metrics[] = {
    METRIC_LIBRARY_LOAD_NS, METRIC_LOAD_NS,          METRIC_FIRST_RUN_NS,  METRIC_BASELINE_BYTES,
    METRIC_LOADED_BYTES,    METRIC_PROCESS_START_NS, METRIC_LIBRARY_BYTES, METRIC_READ_PARSE_NS,
    METRIC_OPTIMISE_NS,     METRIC_REORDER_NS,       METRIC_PREPACK_NS,
};
static const enum metric last_metrics[] = {METRIC_PEAK_BYTES, METRIC_RESIDENT_BYTES,
                                           METRIC_FILE_READ_NS, METRIC_CACHE_BYTES};

static void put_cold(struct collect_session *session, struct sink *sink, const enum metric *metrics,
                     size_t count) {
    const cJSON *cold = member(session->script, "cold");
    double value;
    for (size_t i = 0; i < count; i++)
        if (value_at(member(cold, metric_info(metrics[i])->name), 0, &value))
            put(session, sink, SAMPLE_OF_RUN, metrics[i], PHASE_COLD, value);
}

static void list_missing(struct collect_session *session, struct arena *arena) {
    const cJSON *missing = member(session->script, "missing_events"), *item;
    cJSON_ArrayForEach(item, missing) if (cJSON_IsString(item) &&
                                          session->missing_count < METRIC_COUNTER_MAX)
        session->missing[session->missing_count++] = arena_strdup(arena, item->valuestring);
}

/* What the script says of an operator: by path, by type, or for all others. */
static const cJSON *script_of(const struct collect_session *session, const struct flat_op *flat) {
    const cJSON *operators = member(session->script, "operators");
    const cJSON *found = member(operators, flat->path);
    if (!found)
        found = member(operators, flat->op->type);
    return found ? found : member(operators, "*");
}

/* ---- the row ----------------------------------------------------------------------------------
 */

static int replay_available(struct err *err) {
    cJSON *script = NULL;
    int code = read_script(&script, err);
    cJSON_Delete(script);
    return code;
}

static int replay_version(struct arena *arena, const char **name, const char **version,
                          struct err *err) {
    cJSON *script;
    int code = read_script(&script, err);
    if (code)
        return code;
    *name = arena_strdup(arena, text_at(script, "runtime", "replay"));
    *version = arena_strdup(arena, text_at(script, "version", "1"));
    cJSON_Delete(script);
    return 0;
}

static int replay_open(struct arena *arena, const struct collect_config *config, struct sink *sink,
                       struct collect_session **out, struct err *err) {
    cJSON *script;
    int code = read_script(&script, err);
    if (code)
        return code;
    code = scripted_failure(script, "open", 0, err);
    if (code) {
        cJSON_Delete(script);
        return code;
    }
    struct collect_session *session = ARENA_NEW(arena, struct collect_session);
    session->script = script;
    session->config = config;
    rng_init(&session->rng, config->seed);
    value_at(member(script, "spread"), 0, &session->spread);
    list_missing(session, arena);
    put_cold(session, sink, cold_metrics, sizeof cold_metrics / sizeof cold_metrics[0]);
    *out = session;
    return 0;
}

static void run_once(struct collect_session *session, struct sink *sink) {
    const struct flat_graph *hooked = session->config->hooked;
    if (!hooked) {
        put_values(session, sink, SAMPLE_OF_RUN, PHASE_PLAIN, member(session->script, "plain"));
    } else {
        const cJSON *profiled = member(session->script, "profiled");
        put_values(session, sink, SAMPLE_OF_RUN, PHASE_PROFILED,
                   profiled ? profiled : member(session->script, "plain"));
        for (uint32_t i = 0; i < hooked->count; i++)
            put_values(session, sink, (int32_t)i, PHASE_PROFILED,
                       script_of(session, &hooked->ops[i]));
    }
    session->repeat++;
}

static int replay_run(struct collect_session *session, uint32_t repeats, struct sink *sink,
                      struct err *err) {
    for (uint32_t i = 0; i < repeats; i++) {
        int code = scripted_failure(session->script, "run", session->repeat, err);
        if (code)
            return code;
        run_once(session, sink);
    }
    return 0;
}

static int replay_disturbance(struct collect_session *session, struct disturbance *out,
                              struct err *err) {
    (void)err;
    const cJSON *script = member(session->script, "disturbance");
    const struct {
        const char *key;
        uint64_t *count;
    } counts[] = {
        {"voluntary_switches",   &out->voluntary_switches  },
        {"involuntary_switches", &out->involuntary_switches},
        {"minor_faults",         &out->minor_faults        },
        {"major_faults",         &out->major_faults        },
    };
    double value;
    *out = (struct disturbance){0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (value_at(member(script, counts[i].key), 0, &value) && value >= 0)
            *counts[i].count = (uint64_t)value;
    value_at(member(script, "steal_fraction"), 0, &out->steal_fraction);
    value_at(member(script, "throttled_ns"), 0, &out->throttled_ns);
    value_at(member(script, "load_average"), 0, &out->load_average);
    value_at(member(script, "frequency_ratio"), 0, &out->frequency_ratio);
    return 0;
}

static uint32_t replay_missing_events(const struct collect_session *session,
                                      const char *const **reasons) {
    *reasons = session->missing;
    return session->missing_count;
}

static void replay_abandon(struct collect_session *session) {
    cJSON_Delete(session->script);
    session->script = NULL;
}

static int replay_finish(struct collect_session *session, struct sink *sink, struct err *err) {
    int code = scripted_failure(session->script, "finish", session->repeat, err);
    if (!code)
        put_cold(session, sink, last_metrics, sizeof last_metrics / sizeof last_metrics[0]);
    replay_abandon(session);
    return code;
}

const struct collector collector_replay = {
    .name = "replay",
    .help = "values from a script instead of a runtime, for trying and testing what follows",
    .available = replay_available,
    .version = replay_version,
    .open = replay_open,
    .run = replay_run,
    .disturbance = replay_disturbance,
    .missing_events = replay_missing_events,
    .finish = replay_finish,
    .abandon = replay_abandon,
};
