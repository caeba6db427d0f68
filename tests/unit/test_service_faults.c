/* What is broken, and what must be answered all the same. Every row starts from a healthy server: a
 * model m, 200 requests per second observed, N replicas answered; then something is broken, a round
 * goes by (or the server is started anew), and the same is asked again. */
#include "base/sha256.h"
#include "tests/unit/service_world.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct fault {
    const char *name;
    void (*breaks)(struct world *w);
    bool restart;       /* the server is ended before, and started after */
    bool stale;         /* what must be told */
    const char *reason; /* a part of it; NULL: none is asked for */
    int status;         /* 0: 200 and the N replicas of before */
};

/* ---- the store -------------------------------------------------------------------------------
 */

static void write_db(struct world *w, const char *bytes, size_t count) {
    char companion[128];
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    for (size_t i = 0; i < 3; i++) {
        snprintf(companion, sizeof companion, "%s%s", w->folder->db, suffixes[i]);
        unlink(companion);
    }
    int fd = open(w->folder->db, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    close(fd);
}

static void lose_file(struct world *w) {
    assert_int_equal(unlink(w->folder->db), 0);
}
static void put_folder_there(struct world *w) {
    lose_file(w);
    assert_int_equal(mkdir(w->folder->db, 0755), 0);
}
static void put_fifo_there(struct world *w) {
    lose_file(w);
    assert_int_equal(mkfifo(w->folder->db, 0644), 0);
}
static void put_loop_there(struct world *w) {
    lose_file(w);
    assert_int_equal(symlink(w->folder->db, w->folder->db), 0);
}
static void put_text_there(struct world *w) {
    write_db(w, "hello, this is a letter and not a database", 42);
}
static void empty_file(struct world *w) {
    write_db(w, "", 0);
}

/* The file as a whole, everything merged into it. */
static char *whole_db(struct world *w, size_t *count) {
    struct file_map map;
    struct err err = {0};
    world_sql(w, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(file_map_open(&map, w->folder->db, &err), 0);
    char *copy = malloc(map.size);
    memcpy(copy, map.bytes, map.size);
    *count = map.size;
    file_map_close(&map);
    return copy;
}

static void cut_file(struct world *w) {
    size_t count;
    char *bytes = whole_db(w, &count);
    write_db(w, bytes, count / 3);
    free(bytes);
}
static void zero_first_page(struct world *w) {
    size_t count;
    char *bytes = whole_db(w, &count);
    memset(bytes + 100, 0, 3996);
    write_db(w, bytes, count);
    free(bytes);
}
static void scramble_pages(struct world *w) {
    size_t count;
    char *bytes = whole_db(w, &count);
    for (size_t i = 4096; i < count; i++)
        bytes[i] = (char)(bytes[i] ^ 0x5a);
    write_db(w, bytes, count);
    free(bytes);
}

static void mark_newer(struct world *w) {
    world_sql(w, "ALTER TABLE predictions RENAME TO forecasts; PRAGMA user_version = 9999");
}
static void mark_newer_but_readable(struct world *w) {
    world_sql(w, "PRAGMA user_version = 9999");
}
static void mark_as_others(struct world *w) {
    world_sql(w, "PRAGMA application_id = 77");
}
static void drop_tables(struct world *w) {
    world_sql(w, "DROP TABLE predictions");
}
static void delete_predictions(struct world *w) {
    world_sql(w, "DELETE FROM predictions");
}

static sqlite3 *holder;
static void lock_it(struct world *w) {
    assert_int_equal(sqlite3_open(w->folder->db, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder,
                                  "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE;"
                                  "BEGIN EXCLUSIVE; UPDATE models SET path = 'x'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
}

/* Another database in its place, without the model. */
static void exchange_file(struct world *w) {
    write_db(w, "", 0);
    lose_file(w);
    world_store(w, "other", OTHER_SHA, PREDICTION_OF_M);
}

/* ---- what a prediction says ------------------------------------------------------------------
 */

#define LATENCY(text)                                                                              \
    "{\"schema\":1,\"machine\":\"x\",\"conditions\":{\"threads\":1},\"latency_ns\":" text "}"
#define ESTIMATE(value, low, high)                                                                 \
    LATENCY("{\"value\":" value ",\"low\":" low ",\"high\":" high ",\"tier\":\"fitted\"}")

#define STORES(name, json)                                                                         \
    static void name(struct world *w) {                                                            \
        world_store(w, NAME_OF_M, SHA_OF_M, json);                                                 \
    }
STORES(store_nan, ESTIMATE("null", "null", "null"))
STORES(store_null_interval, ESTIMATE("10e6", "null", "12e6"))
STORES(store_refused, LATENCY("null"))
STORES(store_zero, ESTIMATE("0", "0", "0"))
STORES(store_negative, ESTIMATE("-5e6", "-6e6", "-4e6"))
STORES(store_a_year, ESTIMATE("3e16", "3e16", "3e16"))
STORES(store_infinite, ESTIMATE("1e999", "1", "1e999"))
STORES(store_crossed, ESTIMATE("10e6", "11e6", "12e6"))
STORES(store_high_below_value, ESTIMATE("10e6", "8e6", "9e6"))
STORES(store_text_number, ESTIMATE("\"fast\"", "1", "2"))
STORES(store_no_threads, "{\"schema\":1,\"machine\":\"x\",\"conditions\":{\"threads\":0}}")
STORES(store_other_schema, "{\"schema\":7}")
STORES(store_other_tier, LATENCY("{\"value\":1e6,\"low\":1e6,\"high\":1e6,\"tier\":\"dreamt\"}"))
STORES(store_half, "{\"schema\":1,\"machine\":\"x\",\"condit")
STORES(store_empty, "")
STORES(store_array, "[1,2,3]")
STORES(store_absurd_memory,
       "{\"schema\":1,\"machine\":\"x\",\"conditions\":{\"threads\":1},\"latency_ns\":{\"value\":"
       "10000000,\"low\":8000000,\"high\":12000000,\"tier\":\"fitted\"},\"peak_memory_bytes\":"
       "{\"value\":-1,\"low\":-1,\"high\":-1,\"tier\":\"fitted\"}}")

static void store_deep(struct world *w) {
    char json[5001];
    memset(json, '[', 5000);
    json[5000] = '\0';
    world_store(w, NAME_OF_M, SHA_OF_M, json);
}

/* What cannot meet the target any more, where a moment ago it could. */
STORES(store_slow, ESTIMATE("10e9", "9e9", "11e9"))

static void spoil_all(struct world *w) {
    world_sql(w, "UPDATE predictions SET id = id + 100, json = '{}'");
}

/* ---- the clock -------------------------------------------------------------------------------
 */

static void a_day_ahead(struct world *w) {
    w->now.wall_s += 86400;
}
static void a_day_back(struct world *w) {
    w->now.wall_s -= 86400;
}
static void before_1970(struct world *w) {
    w->now.wall_s = -5;
}

/* As after a restart of the machine: the steady clock begins anew, another boot id. */
static void edit_state(struct world *w, const char *from, const char *to);
static void new_boot(struct world *w) {
    char boot[BOOT_ID_SIZE];
    moment_boot_id(boot);
    edit_state(w, boot, "00000000-0000-0000-0000-000000000000");
    w->now.steady_s = 12;
}
static void new_boot_a_day_back(struct world *w) {
    new_boot(w);
    w->now.wall_s -= 86400;
}

/* ---- rates -----------------------------------------------------------------------------------
 */

static void rate_stops(struct world *w) {
    world_pass(w, 300);
}
static void rate_stops_for_a_day(struct world *w) {
    world_pass(w, 86400);
}
static void push_nan(struct world *w) {
    world_push(w, "m", "{\"rate\": NaN}");
    assert_int_equal(w->status, 400);
}
static void push_huge(struct world *w) {
    world_push(w, "m", "{\"rate\": 1e300}");
    assert_int_equal(w->status, 400);
}
static void push_negative(struct world *w) {
    world_push(w, "m", "{\"rate\": -200}");
    assert_int_equal(w->status, 400);
}
static void push_from_the_future(struct world *w) {
    world_push(w, "m", "{\"rate\": 0, \"timestamp\": 1.8002e9}");
    assert_int_equal(w->status, 400);
}
static void push_an_old_zero(struct world *w) {
    world_push(w, "m", "{\"rate\": 0, \"timestamp\": 1.7999e9}");
    assert_int_equal(w->status, 400);
}
static void push_a_late_zero(struct world *w) {
    char body[80];
    snprintf(body, sizeof body, "{\"rate\": 0, \"timestamp\": %.0f}", w->now.wall_s - 30);
    world_push(w, "m", body);
    assert_int_equal(w->status, 200);
}

/* ---- the state file --------------------------------------------------------------------------
 */

static void write_state(struct world *w, const void *bytes, size_t count) {
    struct err err = {0};
    assert_int_equal(file_replace(w->state, bytes, count, &err), 0);
}

static char *whole_state(struct world *w, size_t *count) {
    struct file_map map;
    struct err err = {0};
    assert_int_equal(file_map_open(&map, w->state, &err), 0);
    char *copy = calloc(1, map.size + 1);
    memcpy(copy, map.bytes, map.size);
    *count = map.size;
    file_map_close(&map);
    return copy;
}

/* Keeps the checksum right, as a bug of ours would. */
static void edit_state(struct world *w, const char *from, const char *to) {
    char sha256[65], head[128];
    size_t count;
    char *text = whole_state(w, &count);
    char *document = strchr(text, '\n') + 1;
    char *at = strstr(document, from);
    assert_non_null(at);
    struct strbuf edited, file;
    strbuf_init(&edited);
    strbuf_init(&file);
    strbuf_add(&edited, document, (size_t)(at - document));
    strbuf_puts(&edited, to);
    strbuf_puts(&edited, at + strlen(from));
    sha256_hex(edited.text, edited.length - 1, sha256);
    snprintf(head, sizeof head, "{\"assay_state\":1,\"sha256\":\"%s\"}\n", sha256);
    strbuf_puts(&file, head);
    strbuf_add(&file, edited.text, edited.length);
    write_state(w, file.text, file.length);
    strbuf_done(&edited);
    strbuf_done(&file);
    free(text);
}

static void lose_state(struct world *w) {
    assert_int_equal(unlink(w->state), 0);
}
static void state_is_a_letter(struct world *w) {
    write_state(w, "dear server,\nall is well\n", 25);
}
static void state_is_empty(struct world *w) {
    write_state(w, "", 0);
}
static void state_is_cut(struct world *w) {
    size_t count;
    char *text = whole_state(w, &count);
    write_state(w, text, count / 2);
    free(text);
}
static void state_has_a_flipped_bit(struct world *w) {
    size_t count;
    char *text = whole_state(w, &count);
    text[count / 2] ^= 1;
    write_state(w, text, count);
    free(text);
}
static void state_is_a_folder(struct world *w) {
    lose_state(w);
    assert_int_equal(mkdir(w->state, 0755), 0);
}
static void state_has_negative_replicas(struct world *w) {
    edit_state(w, "\"replicas\":", "\"replicas\":-");
}
static void state_lacks_a_member(struct world *w) {
    edit_state(w, "\"observations\"", "\"observation\"");
}
static void state_and_store_are_lost(struct world *w) {
    lose_state(w);
    lose_file(w);
}
static void store_is_lost_and_a_day_passes(struct world *w) {
    lose_file(w);
    world_pass(w, 86400);
}
static void store_is_lost_clock_back(struct world *w) {
    lose_file(w);
    a_day_back(w);
}
static void store_is_lost_new_boot(struct world *w) {
    lose_file(w);
    new_boot(w);
}

/* ---- all of them -----------------------------------------------------------------------------
 */

static const struct fault faults[] = {
    {"nothing",                        NULL,                           false, false, NULL,               0  },
    {"nothing, restarted",             NULL,                           true,  false, NULL,               0  },
    {"store lost",                     lose_file,                      false, true,  "assay.db",         0  },
    {"store lost, restarted",          lose_file,                      true,  true,  "assay.db",         0  },
    {"store is a folder",              put_folder_there,               false, true,  "a folder",         0  },
    {"store is a FIFO",                put_fifo_there,                 false, true,  "a device or pipe", 0  },
    {"store is a loop of links",       put_loop_there,                 false, true,  "assay.db",         0  },
    {"store is a letter",              put_text_there,                 false, true,  "not a database",   0  },
    {"store is empty",                 empty_file,                     false, true,  "assay.db",         0  },
    {"store is cut",                   cut_file,                       false, true,  "assay.db",         0  },
    {"store's first page is zero",     zero_first_page,                false, true,  "assay.db",         0  },
    {"store is scrambled",             scramble_pages,                 false, true,  "assay.db",         0  },
    {"store is scrambled, restarted",  scramble_pages,                 true,  true,  "assay.db",         0  },
    {"store is locked",                lock_it,                        false, true,  "locked",           0  },
    {"store is locked, restarted",     lock_it,                        true,  true,  "locked",           0  },
    {"store is of a newer program",    mark_newer,                     false, true,  "assay.db",         0  },
    {"store is newer but readable",    mark_newer_but_readable,        false, false, NULL,               0  },
    {"store is another program's",     mark_as_others,                 false, true,  "another program",  0  },
    {"store has no predictions table", drop_tables,                    false, true,  "assay.db",         0  },
    {"store forgot the model",         delete_predictions,             false, true,  "no longer holds",  0  },
    {"store forgot it, restarted",     delete_predictions,             true,  true,  "no longer holds",  0  },
    {"store was exchanged",            exchange_file,                  false, true,  "no longer holds",  0  },
    {"latency is NaN",                 store_nan,                      false, true,  "latency_ns",       0  },
    {"latency is NaN, restarted",      store_nan,                      true,  true,  "latency_ns",       0  },
    {"latency's low end is NaN",       store_null_interval,            false, true,  "latency_ns",       0  },
    {"latency was refused",            store_refused,                  false, true,  "refused",          0  },
    {"latency is zero",                store_zero,                     false, true,  "latency_ns",       0  },
    {"latency is negative",            store_negative,                 false, true,  "latency_ns",       0  },
    {"latency is a year",              store_a_year,                   false, true,  "latency_ns",       0  },
    {"latency is infinite",            store_infinite,                 false, true,  "latency_ns",       0  },
    {"interval begins above value",    store_crossed,                  false, true,  "latency_ns",       0  },
    {"interval ends below value",      store_high_below_value,         false, true,  "latency_ns",       0  },
    {"latency is a text",              store_text_number,              false, true,  "latency_ns",       0  },
    {"no threads",                     store_no_threads,               false, true,  "threads",          0  },
    {"another schema",                 store_other_schema,             false, true,  "prediction",       0  },
    {"an unknown tier",                store_other_tier,               false, true,  "tier",             0  },
    {"half a document",                store_half,                     false, true,  "not JSON",         0  },
    {"no document",                    store_empty,                    false, true,  "not JSON",         0  },
    {"an array",                       store_array,                    false, true,  "prediction",       0  },
    {"nested 5000 deep",               store_deep,                     false, true,  "not JSON",         0  },
    {"memory is negative",             store_absurd_memory,            false, true,  "peak_memory",      0  },
    {"every prediction is spoilt",     spoil_all,                      true,  true,  NULL,               0  },
    {"target became unreachable",      store_slow,                     false, true,  "no number",        0  },
    {"clock a day ahead",              a_day_ahead,                    false, false, NULL,               0  },
    {"clock a day back",               a_day_back,                     false, false, NULL,               0  },
    {"clock before 1970",              before_1970,                    false, false, NULL,               0  },
    {"clock a day ahead, restarted",   a_day_ahead,                    true,  false, NULL,               0  },
    {"clock a day back, restarted",    a_day_back,                     true,  false, NULL,               0  },
    {"machine restarted",              new_boot,                       true,  false, NULL,               0  },
    {"machine restarted a day back",   new_boot_a_day_back,            true,  false, NULL,               0  },
    {"no rate for 5 minutes",          rate_stops,                     false, true,  "observed rate",    0  },
    {"no rate for a day",              rate_stops_for_a_day,           false, true,  "observed rate",    0  },
    {"no rate for a day, restarted",   rate_stops_for_a_day,           true,  true,  "observed rate",    0  },
    {"a rate of NaN",                  push_nan,                       false, false, NULL,               0  },
    {"a rate of 1e300",                push_huge,                      false, false, NULL,               0  },
    {"a negative rate",                push_negative,                  false, false, NULL,               0  },
    {"a rate from the future",         push_from_the_future,           false, false, NULL,               0  },
    {"a zero of the day before",       push_an_old_zero,               false, false, NULL,               0  },
    {"a zero of half a minute ago",    push_a_late_zero,               false, false, NULL,               0  },
    {"state lost, restarted",          lose_state,                     true,  false, NULL,               503},
    {"state is a letter",              state_is_a_letter,              true,  false, NULL,               503},
    {"state is empty",                 state_is_empty,                 true,  false, NULL,               503},
    {"state is cut",                   state_is_cut,                   true,  false, NULL,               503},
    {"state has a flipped bit",        state_has_a_flipped_bit,        true,  false, NULL,               503},
    {"state is a folder",              state_is_a_folder,              true,  false, NULL,               503},
    {"state has -N replicas",          state_has_negative_replicas,    true,  false, NULL,               503},
    {"state lacks a member",           state_lacks_a_member,           true,  false, NULL,               503},
    {"state and store lost",           state_and_store_are_lost,       true,  false, NULL,               404},
    {"store lost a day ago",           store_is_lost_and_a_day_passes, true,  true,  NULL,               0  },
    {"store lost, clock back",         store_is_lost_clock_back,       true,  true,  NULL,               0  },
    {"store lost, machine restarted",  store_is_lost_new_boot,         true,  true,  NULL,               0  },
};

enum { FAULTS = sizeof faults / sizeof *faults };

static struct world *healthy(double *replicas) {
    struct world *w = world_new();
    world_store(w, NAME_OF_M, SHA_OF_M, PREDICTION_OF_M);
    world_start(w);
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, "replicas", "m", "");
    *replicas = number_of(w, "replicas");
    assert_true(*replicas >= 3);
    world_pass(w, 20);
    return w;
}

static void go_through(struct world *w, const struct fault *fault) {
    if (fault->restart)
        world_stop(w);
    if (fault->breaks)
        fault->breaks(w);
    if (fault->restart)
        world_start(w);
    service_refresh(w->service);
}

/* The number, and that the same is told by every route. */
static void check(struct world *w, const struct fault *fault, double replicas) {
    world_ask(w, "replicas", "m", "");
    if (w->status != (fault->status ? fault->status : 200))
        fail_msg("%s: status %d: %s", fault->name, w->status, w->err.message);
    if (fault->status)
        return;
    if (number_of(w, "replicas") != replicas)
        fail_msg("%s: %g replicas instead of %g", fault->name, number_of(w, "replicas"), replicas);
    if (bool_of(w, "stale") != fault->stale)
        fail_msg("%s: stale is not %d: %s", fault->name, fault->stale, text_of(w, "reason"));
    if (!(number_of(w, "age_seconds") >= 0))
        fail_msg("%s: an age of %g s", fault->name, number_of(w, "age_seconds"));
    if (fault->reason && !strstr(text_of(w, "reason"), fault->reason))
        fail_msg("%s: \"%s\" lacks \"%s\"", fault->name, text_of(w, "reason"), fault->reason);
    static const char *const others[] = {"prediction", "recommendation",  "models",
                                         "metrics",    "external_metric", "readyz"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        world_ask(w, others[i], "m", "");
        if (w->status != 200)
            fail_msg("%s: %s has status %d", fault->name, others[i], w->status);
    }
}

static void every_fault_is_answered_safely(void **state) {
    (void)state;
    assert_true(FAULTS >= 40);
    for (size_t i = 0; i < FAULTS; i++) {
        double replicas;
        struct world *w = healthy(&replicas);
        go_through(w, &faults[i]);
        check(w, &faults[i], replicas);
        sqlite3_close(holder);
        holder = NULL;
        world_delete(w);
    }
    printf("%d faults\n", FAULTS);
}

/* ---- what does not fit a row -----------------------------------------------------------------
 */

static void the_age_grows_while_the_store_is_lost_and_falls_when_it_is_back(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    size_t count;
    char *bytes = whole_db(w, &count);
    lose_file(w);
    for (int round = 1; round <= 3; round++) {
        world_pass(w, 100);
        service_refresh(w->service);
        world_ask(w, "prediction", "m", "");
        assert_true(bool_of(w, "stale") && number_of(w, "age_seconds") == 20 + 100 * round);
    }
    assert_non_null(strstr(w->warnings, "last answers stay"));
    write_db(w, bytes, count);
    free(bytes);
    service_refresh(w->service);
    world_ask(w, "prediction", "m", "");
    assert_true(!bool_of(w, "stale") && number_of(w, "age_seconds") == 0);
    assert_non_null(strstr(w->warnings, "can be read again"));
    world_delete(w);
}

static void a_reader_that_hangs_is_noticed(void **state) {
    (void)state;
    struct world *w = world_new();
    world_store(w, NAME_OF_M, SHA_OF_M, PREDICTION_OF_M);
    w->options.refresh_s = w->options.save_s =
        3600; /* its thread sleeps on the real clock, ours runs ahead */
    world_start(w);
    world_pass(w, 3 * 3600);
    world_ask(w, "prediction", "m", "");
    assert_false(bool_of(w, "stale"));
    world_pass(w, 60);
    world_ask(w, "prediction", "m", "");
    assert_true(bool_of(w, "stale"));
    assert_non_null(strstr(text_of(w, "reason"), "several rounds"));
    world_delete(w);
}

static void a_zero_that_grows_old_brings_one_replica_back(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    while (replicas > 0) {
        world_pass(w, 16);
        world_push(w, "m", "{\"rate\": 0}");
        world_ask(w, "replicas", "m", "");
        replicas = number_of(w, "replicas");
    }
    assert_false(bool_of(w, "stale"));
    world_pass(w, 61);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "replicas") == 1 && bool_of(w, "stale") && bool_of(w, "active"));
    world_delete(w);
}

static void what_is_measured_no_more_takes_no_replicas_away(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    world_push(w, "m", "{\"rate\": 1}");
    world_ask(w, "replicas", "m", "");
    double held = number_of(w, "replicas");
    assert_true(held == ceil(replicas / 2));
    for (int round = 0; round < 5; round++) {
        world_pass(w, 100);
        world_ask(w, "replicas", "m", "");
        assert_true(number_of(w, "replicas") == held);
    }
    world_delete(w);
}

static void a_prometheus_that_is_away_makes_the_rate_stale_and_never_zero(void **state) {
    (void)state;
    struct world *w = world_new();
    world_store(w, NAME_OF_M, SHA_OF_M, PREDICTION_OF_M);
    w->options.prometheus_url = "http://127.0.0.1:1";
    w->options.prometheus_query = "sum(rate(requests_total{model=\"{model}\"}[1m]))";
    w->options.scrape_s = 0.02;
    world_start(w);
    world_push(w, "m", "{\"rate\": 200}");
    world_ask(w, "replicas", "m", "");
    double replicas = number_of(w, "replicas");
    for (int i = 0; i < 500 && service_counted(w->service, COUNT_SCRAPE_FAILURES) < 3; i++)
        usleep(10000);
    assert_true(service_counted(w->service, COUNT_SCRAPE_FAILURES) >= 3);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "replicas") == replicas && !bool_of(w, "stale"));
    world_pass(w, 90);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "replicas") == replicas && bool_of(w, "stale"));
    world_delete(w);
}

static void a_state_that_cannot_be_written_costs_no_answer(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    struct err err = {0};
    world_stop(w);
    lose_state(w);
    w->options.state_path = "/nonexistent/folder/state.json";
    world_start(w);
    assert_int_equal(service_save(w->service, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(w->warnings, "the state cannot be written"));
    world_ask(w, "replicas", "m", "rate=200");
    assert_int_equal(w->status, 200);
    world_ask(w, "metrics", NULL, "");
    assert_non_null(strstr(w->body.text, "assay_state_write_failures_total 1\n"));
    world_delete(w);
}

/* A full disk, as a limit on the size of files: the older state stays whole. */
static void a_full_disk_leaves_the_older_state(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    struct err err = {0};
    struct rlimit before, tight;
    assert_int_equal(service_save(w->service, &err), 0);
    world_push(w, "m", "{\"rate\": 100}");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    tight = (struct rlimit){64, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tight);
    int code = service_save(w->service, &err);
    world_stop(w); /* tries once more */
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(code, -ERR_ENVIRONMENT);
    lose_file(w);
    world_start(w);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "replicas") == replicas && number_of(w, "rate_per_second") == 200);
    world_delete(w);
}

/* kill -9 at any moment of a server that saves all the time; the store goes with it. */
static void a_killed_server_comes_back_with_its_last_answers(void **state) {
    (void)state;
    for (int kill_after_ms = 0; kill_after_ms < 12; kill_after_ms += 3) {
        double replicas;
        struct world *w = healthy(&replicas);
        struct err err = {0};
        int ready[2];
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0;; i++) {
                service_save(w->service, &err);
                if (i == 0 && write(ready[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        usleep((useconds_t)kill_after_ms * 1000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(ready[0]);
        close(ready[1]);
        w->options.state_path = NULL; /* ours writes nothing more */
        struct world again = *w;
        again.options.state_path = again.state;
        again.options.timepiece.context = &again;
        again.options.context = &again;
        again.service = NULL;
        again.json = NULL;
        strbuf_init(&again.body);
        lose_file(w);
        world_start(&again);
        world_ask(&again, "replicas", "m", "");
        assert_true(number_of(&again, "replicas") == replicas && bool_of(&again, "stale"));
        world_stop(&again);
        cJSON_Delete(again.json);
        strbuf_done(&again.body);
        world_delete(w);
    }
}

static void two_of_one_name_stay_an_error_without_the_store(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    world_store(w, NAME_OF_M, OTHER_SHA, PREDICTION_OF_M);
    service_refresh(w->service);
    world_stop(w);
    lose_file(w);
    world_start(w);
    world_ask(w, "replicas", "m", "rate=5");
    assert_int_equal(w->status, 409);
    world_delete(w);
}

static void a_model_that_came_anew_replaces_the_forgotten_one_of_its_name(void **state) {
    (void)state;
    double replicas;
    struct world *w = healthy(&replicas);
    world_sql(w, "DELETE FROM predictions");
    world_store(w, NAME_OF_M, OTHER_SHA, PREDICTION_OF_M);
    service_refresh(w->service);
    world_ask(w, "replicas", "m", "rate=5");
    assert_true(w->status == 200 && !bool_of(w, "stale"));
    world_delete(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_answered_safely),
        cmocka_unit_test(the_age_grows_while_the_store_is_lost_and_falls_when_it_is_back),
        cmocka_unit_test(a_reader_that_hangs_is_noticed),
        cmocka_unit_test(a_zero_that_grows_old_brings_one_replica_back),
        cmocka_unit_test(what_is_measured_no_more_takes_no_replicas_away),
        cmocka_unit_test(a_prometheus_that_is_away_makes_the_rate_stale_and_never_zero),
        cmocka_unit_test(a_state_that_cannot_be_written_costs_no_answer),
        cmocka_unit_test(a_full_disk_leaves_the_older_state),
        cmocka_unit_test(a_killed_server_comes_back_with_its_last_answers),
        cmocka_unit_test(two_of_one_name_stay_an_error_without_the_store),
        cmocka_unit_test(a_model_that_came_anew_replaces_the_forgotten_one_of_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
