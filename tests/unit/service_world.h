/* A service over a database of its own, with hands on its clock, and a way to ask its routes. */
#ifndef ASSAY_TESTS_SERVICE_WORLD_H
#define ASSAY_TESTS_SERVICE_WORLD_H

#include "base/file.h"
#include "base/json.h"
#include "db/db.h"
#include "db/prediction.h"
#include "server/routes/routes.h"
#include "server/service/service.h"
#include "tests/unit/test_db_sample.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

struct world {
    struct sample_folder *folder;
    char state[128];
    struct moment now;
    struct serving_options options;
    struct serving *service;
    char warnings[4096];
    int status; /* of the last request */
    char content_type[128];
    struct strbuf body;
    cJSON *json; /* of the last answer; NULL when it is none, or when it is an error */
    struct err err;
};

static const struct service_target fifty_ms = {NULL, 50};

#define NAME_OF_M  "m"
#define SHA_OF_M   "1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER_SHA  "2222222222222222222222222222222222222222222222222222222222222222"
#define SERVICE_OF 12e6 /* ns: the upper end of what is predicted of m */
#define PEAK_OF    1e8
#define PEAK_UPPER 1.3e8
#define PREDICTION_OF_M                                                                            \
    "{\"schema\":1,\"model\":{\"name\":\"m\",\"path\":\"m.onnx\",\"sha256\":\"" SHA_OF_M           \
    "\",\"nodes\":3,\"parameters\":7},"                                                            \
    "\"machine\":\"a "                                                                             \
    "machine\",\"conditions\":{\"threads\":2,\"replicas\":1,\"batch\":null,\"dims\":{}},"          \
    "\"latency_ns\":{\"value\":10000000,\"low\":8000000,\"high\":12000000,\"tier\":\"fitted\","    \
    "\"evidence\":\"fit:1\"},"                                                                     \
    "\"cpu_time_ns\":{\"value\":15000000,\"low\":9000000,\"high\":20000000,\"tier\":\"fitted\","   \
    "\"evidence\":\"fit:1\"},"                                                                     \
    "\"peak_memory_bytes\":{\"value\":100000000,\"low\":90000000,\"high\":120000000,\"tier\":"     \
    "\"fitted\",\"evidence\":\"fit:1\","                                                           \
    "\"upper\":{\"confidence\":0.99,\"value\":130000000}},"                                        \
    "\"cold_start\":{\"page_cache\":\"warm\",\"total_ns\":{\"value\":2000000000,\"low\":"          \
    "1000000000,\"high\":3000000000,\"tier\":\"fitted\",\"evidence\":\"\"},\"phases\":[]},"        \
    "\"operators\":[],\"refused\":[],\"lowering\":\"cache\",\"warnings\":[]}"

static inline struct moment world_clock(void *context) {
    return ((struct world *)context)->now;
}

static inline void world_warned(void *context, const char *text) {
    struct world *w = context;
    size_t length = strlen(w->warnings);
    snprintf(w->warnings + length, sizeof w->warnings - length, "%s\n", text);
}

static inline void world_store(struct world *w, const char *name, const char *sha256,
                               const char *json) {
    struct db *db;
    int64_t id;
    struct stored_prediction stored = {.json = json};
    stored.model =
        (struct stored_model){.sha256 = sha256, .name = name, .path = "m.onnx", .format = "onnx"};
    stored.machine = (struct machine){.fingerprint = "abcdef0123456789", .label = "a machine"};
    stored.conditions =
        (struct conditions){.runtime = "onnxruntime", .runtime_version = "1.30.0", .threads = 2};
    stored.latency_ns = (struct estimate){10e6, 8e6, 12e6, TIER_FITTED, ""};
    assert_done(w->folder, db_open(w->folder->db, DB_CREATE, &db, &w->folder->err));
    assert_done(w->folder, db_put_prediction(db, &stored, &id, &w->folder->err));
    db_close(db);
}

static inline void world_sql(struct world *w, const char *sql) {
    sqlite3 *handle;
    char *message = NULL;
    assert_int_equal(sqlite3_open(w->folder->db, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(handle);
}

static inline void world_start(struct world *w) {
    struct err err = {0};
    if (service_open(&w->options, &w->service, &err))
        fail_msg("%s", err.message);
}

static inline void world_stop(struct world *w) {
    service_close(w->service);
    w->service = NULL;
}

/* In memory where that can be had: hundreds of small files are synced. */
static inline struct sample_folder *world_folder(void) {
    struct sample_folder *folder = calloc(1, sizeof *folder);
    strcpy(folder->path, "/dev/shm/assay-test-service-XXXXXX");
    if (mkdtemp(folder->path) == NULL) {
        strcpy(folder->path, "/tmp/assay-test-service-XXXXXX");
        assert_non_null(mkdtemp(folder->path));
    }
    snprintf(folder->db, sizeof folder->db, "%s/assay.db", folder->path);
    arena_init(&folder->arena);
    return folder;
}

static inline struct world *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    w->folder = world_folder();
    snprintf(w->state, sizeof w->state, "%s/state.json", w->folder->path);
    w->now = (struct moment){1e6, 1.8e9};
    w->options = service_defaults(w->folder->db);
    w->options.state_path = w->state;
    w->options.refresh_s = 0; /* rounds are made by hand */
    w->options.save_s = 0;
    w->options.targets = &fifty_ms;
    w->options.target_count = 1;
    w->options.routing = ROUTING_CENTRAL;
    w->options.timepiece = (struct timepiece){world_clock, w};
    w->options.warn = world_warned;
    w->options.context = w;
    strbuf_init(&w->body);
    return w;
}

static inline void world_delete(struct world *w) {
    world_stop(w);
    cJSON_Delete(w->json);
    strbuf_done(&w->body);
    void *folder = w->folder;
    sample_teardown(&folder);
    free(w);
}

static inline void world_pass(struct world *w, double seconds) {
    w->now.steady_s += seconds;
    w->now.wall_s += seconds;
}

static inline const struct route *route_named(const char *name) {
    for (const struct route *route = routes; route->method; route++)
        if (strcmp(route->name, name) == 0)
            return route;
    fail_msg("no route %s", name);
    return NULL;
}

/* "a=1&b=2" without escapes. */
static inline uint32_t split_query(char *text, struct http_field *fields, uint32_t most) {
    uint32_t count = 0;
    char *rest = NULL;
    for (char *part = strtok_r(text, "&", &rest); part && count < most;
         part = strtok_r(NULL, "&", &rest)) {
        char *equals = strchr(part, '=');
        *equals = '\0';
        fields[count++] = (struct http_field){part, equals + 1};
    }
    return count;
}

static inline int status_of(const struct err *err, int status) {
    static const int statuses[] = {200, 422, 400, 400, 503, 500};
    return status != 200 ? status : statuses[err->code];
}

/* What a listener does; the answer stands in w. */
static inline void world_ask_with(struct world *w, const char *name, const char *model,
                                  const char *query, const char *accept, const char *type,
                                  const void *body, size_t bytes) {
    struct arena arena;
    char text[512];
    struct http_field fields[8];
    struct http_field captured[2];
    captured[0] = (struct http_field){"model", model ? model : ""};
    captured[1] = (struct http_field){"namespace", "default"};
    snprintf(text, sizeof text, "%s", query);
    struct http_request request = {.method = "GET",
                                   .path = "",
                                   .captured = captured,
                                   .captured_count = 2,
                                   .query = fields,
                                   .query_count = split_query(text, fields, 8),
                                   .accept = accept,
                                   .content_type = type,
                                   .body = body,
                                   .body_bytes = bytes};
    struct http_answer answer = {.status = 200, .content_type = "application/json"};
    strbuf_done(&w->body);
    cJSON_Delete(w->json);
    w->json = NULL;
    w->err = (struct err){0};
    arena_init(&arena);
    strbuf_init(&answer.body);
    int code = route_named(name)->handle(w->service, &arena, &request, &answer, &w->err);
    assert_int_equal(code, -(int)w->err.code);
    w->status = status_of(&w->err, answer.status);
    w->body = answer.body;
    snprintf(w->content_type, sizeof w->content_type, "%s", answer.content_type);
    if (code == 0 && strcmp(answer.content_type, "application/json") == 0) {
        struct err err = {0};
        w->json = json_parse(w->body.text, w->body.length, name, &err);
        assert_non_null(w->json);
    }
    arena_done(&arena);
}

static inline void world_ask(struct world *w, const char *name, const char *model,
                             const char *query) {
    world_ask_with(w, name, model, query, "", "", NULL, 0);
}

static inline void world_push(struct world *w, const char *model, const char *body) {
    world_ask_with(w, "observations", model, "", "", "application/json", body, strlen(body));
}

static inline double number_of(const struct world *w, const char *key) {
    double value = NAN;
    struct err err = {0};
    if (!w->json)
        fail_msg("no answer: %s", w->err.message);
    json_get_number(w->json, key, &value, &err);
    return value;
}

static inline bool bool_of(const struct world *w, const char *key) {
    bool value = false;
    struct err err = {0};
    if (!w->json || json_get_bool(w->json, key, &value, &err))
        fail_msg("no %s: %s", key, w->err.message);
    return value;
}

static inline const char *text_of(const struct world *w, const char *key) {
    const char *value = "";
    struct err err = {0};
    json_get_text(w->json, key, &value, &err);
    return value;
}

#endif
