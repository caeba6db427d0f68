/* Models of strangers: predicted by the command line in a process of its own, whose fate is an
 * answer and never ours. */
#include "server/service/upload.h"
#include "tests/unit/describe.h"
#include "tests/unit/service_world.h"

#include "models/zoo/zoo.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

static char program[PATH_MAX], database[PATH_MAX + 32], folder[] = "/tmp/assay-test-upload-XXXXXX";
static char *model;
static size_t model_bytes;

static char *whole_file(const char *path, size_t *count) {
    struct file_map map;
    struct err err = {0};
    if (file_map_open(&map, path, &err))
        fail_msg("%s", err.message);
    char *copy = malloc(map.size + 1);
    memcpy(copy, map.bytes, map.size);
    *count = map.size;
    file_map_close(&map);
    return copy;
}

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...) {
    char command[4 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static const char script[] =
    "{\"runtime\": \"onnxruntime\", \"version\": \"1.30.0\", \"cold\": {\"process_start_ns\": 3e6,"
    "\"library_load_ns\": 2e7, \"load_ns\": 1e8, \"first_run_ns\": 2e7, \"baseline_bytes\": 25e6,"
    "\"loaded_bytes\": 3e7, \"peak_bytes\": 3.2e7, \"resident_bytes\": 3e7},"
    "\"plain\": {\"wall_ns\": 1e6, \"cpu_ns\": 1e6}, \"operators\": {\"Conv\": {\"wall_ns\": 2e5,"
    "\"cpu_ns\": 2e5}, \"*\": {\"wall_ns\": 1e4, \"cpu_ns\": 1e4}}, \"spread\": 0.01}";

/* A database that predicts: three models "measured" by the replay collector. */
static int make_database(void **state) {
    (void)state;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = program;
    for (int parts = 0; length > 0 && parts < 3; parts++) {
        program[length] = '\0';
        slash = strrchr(program, '/');
        length = slash - program;
    }
    strcpy(slash, "/assay");
    if (!mkdtemp(folder))
        return -1;
    snprintf(database, sizeof database, "%s/assay.db", folder);
    char path[PATH_MAX];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/replay.json", folder);
    if (file_replace(path, script, strlen(script), &err))
        return -1;
    return shell("cd %s && export ASSAY_REPLAY=%s/replay.json && a=$(realpath %s) &&"
                 "for m in resnet8 ds_cnn mobilenet_v1_025; do $a -q zoo write $m $m.onnx &&"
                 " $a -q --db %s profile $m.onnx --collector replay --budget 50ms; done >/dev/null"
                 " 2>&1 && $a -q --db %s fit --collector replay >/dev/null 2>&1",
                 folder, folder, program, database, database)
               ? -1
               : 0;
}

static int remove_database(void **state) {
    (void)state;
    return shell("rm -rf %s", folder);
}

static int set_up(void **state) {
    char path[PATH_MAX];
    struct world *w = world_new();
    snprintf(path, sizeof path, "%s/resnet8.onnx", folder);
    model = whole_file(path, &model_bytes);
    w->options.db_path = database;
    w->options.state_path = NULL;
    w->options.program = program;
    w->options.temporary = w->folder->path;
    w->options.upload_wait_s = 0.1;
#ifdef __SANITIZE_ADDRESS__
    w->options.upload_memory_bytes = 0;
#endif
    world_start(w);
    *state = w;
    return 0;
}

static void expect_empty_folder(const struct world *w) {
    DIR *listing = opendir(w->folder->path);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, "program", 7) != 0)
            fail_msg("%s was left behind", entry->d_name);
    closedir(listing);
}

static int tear_down(void **state) {
    struct world *w = *state;
    expect_empty_folder(w);
    free(model);
    world_delete(w);
    return 0;
}

static void upload(struct world *w, const char *query, const char *type, const void *bytes,
                   size_t count) {
    world_ask_with(w, "predict", NULL, query, "", type, bytes, count);
}

/* What the command line says of the same file under the same name. */
static char *by_command_line(struct world *w, const char *name, const void *bytes, size_t count,
                             const char *options, size_t *length) {
    char path[PATH_MAX];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_replace(path, bytes, count, &err), 0);
    (void)w;
    assert_int_equal(shell("a=$(realpath %s); cd %s && ASSAY_ORT_LIBRARY=/dev/null $a -q --db %s "
                           "predict %s --json --lowering rules --no-store %s >said 2>/dev/null",
                           program, folder, database, name, options),
                     0);
    snprintf(path, sizeof path, "%s/said", folder);
    return whole_file(path, length);
}

static void an_upload_is_answered_as_the_command_line_would(void **state) {
    struct world *w = *state;
    size_t length;
    upload(w, "batch=4&name=mine", "application/octet-stream", model, model_bytes);
    if (w->status != 200)
        fail_msg("%d: %s%s", w->status, w->err.message, w->body.text);
    char *said =
        by_command_line(w, "model.onnx", model, model_bytes, "--batch 4 --name mine", &length);
    assert_int_equal(w->body.length, length);
    assert_memory_equal(w->body.text, said, length);
    free(said);
    const cJSON *name = cJSON_GetObjectItem(cJSON_GetObjectItem(w->json, "model"), "name");
    assert_string_equal(name->valuestring, "mine");
}

static void a_described_graph_is_predicted_like_its_file(void **state) {
    struct world *w = *state;
    struct zoo_model built;
    const struct zoo_options options = {0};
    struct arena arena;
    struct strbuf text;
    struct err err = {0};
    arena_init(&arena);
    strbuf_init(&text);
    assert_int_equal(zoo_build(&arena, "resnet8", &options, &built, &err), 0);
    describe(built.graph, &text);
    upload(w, "", "application/octet-stream", model, model_bytes);
    const cJSON *latency = cJSON_GetObjectItem(w->json, "latency_ns");
    double of_file = cJSON_GetObjectItem(latency, "value")->valuedouble;
    upload(w, "", "application/json; charset=utf-8", text.text, text.length);
    if (w->status != 200)
        fail_msg("%d: %s%s", w->status, w->err.message, w->body.text);
    latency = cJSON_GetObjectItem(w->json, "latency_ns");
    assert_true(cJSON_GetObjectItem(latency, "value")->valuedouble == of_file);
    strbuf_done(&text);
    arena_done(&arena);
}

static void nothing_of_an_upload_is_stored(void **state) {
    struct world *w = *state;
    upload(w, "name=resnet8", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 200);
    service_refresh(w->service);
    world_ask(w, "models", NULL, "");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(w->json, "models")), 0);
}

static void what_is_no_model_is_refused_with_its_reason(void **state) {
    struct world *w = *state;
    upload(w, "", "application/octet-stream", "hello", 5);
    assert_int_equal(w->status, 400);
    assert_non_null(strstr(w->body.text, "\"error\""));
    upload(w, "", "application/octet-stream", model, model_bytes / 2);
    assert_int_equal(w->status, 400);
    upload(w, "", "application/json", "{\"assay_graph\":1}", 17);
    assert_int_equal(w->status, 400);
    assert_non_null(strstr(w->body.text, "is missing"));
    upload(w, "", "application/octet-stream", "", 0);
    assert_int_equal(w->status, 400);
    upload(w, "", "text/html", model, model_bytes);
    assert_int_equal(w->status, 415);
    upload(w, "lowering=runtime", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 400);
    upload(w, "threads=7", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 400); /* nothing was measured with 7 threads */
}

static void put_program(struct world *w, const char *text) {
    static char path[PATH_MAX];
    struct err err = {0};
    world_stop(w);
    snprintf(path, sizeof path, "%s/program", w->folder->path);
    assert_int_equal(file_replace(path, text, strlen(text), &err), 0);
    chmod(path, 0700);
    w->options.program = path;
    world_start(w);
}

/* A reader with a hole in it would be ended like this. */
static void a_process_that_crashes_is_an_answer(void **state) {
    struct world *w = *state;
    put_program(w, "#!/bin/sh\nkill -SEGV $$\n");
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 422);
    assert_non_null(strstr(w->err.message, "signal 11"));
    put_program(w, "#!/bin/sh\necho half an answ\nkill -ABRT $$\n");
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 422);
    assert_int_equal(w->body.length, 0);
    put_program(w, "#!/bin/sh\nexit 4\n");
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 422);
    put_program(w, "#!/bin/sh\nexit 5\n");
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 500);
    put_program(w, "#!/no/such/shell\n");
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 503);
    world_ask(w, "healthz", NULL, "");
    assert_int_equal(w->status, 200);
}

static struct upload_outcome outcome_of(struct world *w, const char *text,
                                        struct upload_limits limits, struct strbuf *out) {
    static const char *const none[] = {NULL};
    struct upload_outcome outcome;
    struct err err = {0};
    put_program(w, text);
    const struct upload one = {.bytes = "x",
                               .count = 1,
                               .file = "model.onnx",
                               .program = w->options.program,
                               .db_path = database,
                               .temporary = w->folder->path,
                               .arguments = none,
                               .limits = limits};
    if (upload_predict(&w->folder->arena, &one, out, &outcome, &err))
        fail_msg("%s", err.message);
    return outcome;
}

static void a_process_that_takes_too_long_or_says_too_much_is_ended(void **state) {
    struct world *w = *state;
    struct strbuf out;
    struct upload_limits limits = upload_limits_usual;
    strbuf_init(&out);
    limits.wall_s = 0.2;
    struct upload_outcome outcome = outcome_of(w, "#!/bin/sh\nexec sleep 100\n", limits, &out);
    assert_non_null(strstr(outcome.end, "too long"));
    limits.wall_s = 20;
    limits.answer_bytes = 1 << 20;
    outcome = outcome_of(w, "#!/bin/sh\nexec cat /dev/zero\n", limits, &out);
    assert_non_null(strstr(outcome.end, "answer is too long"));
    assert_true(out.length <= limits.answer_bytes);
    limits.cpu_s = 1;
    outcome = outcome_of(w, "#!/bin/sh\nwhile :; do :; done\n", limits, &out);
    assert_non_null(strstr(outcome.end, "1 s of CPU"));
    strbuf_done(&out);
}

/* What the process is given: its folder, its limits, no descriptor of ours, no right to gain. */
static void the_process_is_confined(void **state) {
    struct world *w = *state;
    struct strbuf out;
    strbuf_init(&out);
    outcome_of(w,
               "#!/bin/sh\nls; ls /proc/self/fd | wc -l; ulimit -v; ulimit -t; ulimit -c;"
               "grep NoNewPrivs /proc/self/status; env | grep -c TOKEN; echo \"$TMPDIR\" | grep -c "
               "assay-upload\n",
               upload_limits_usual, &out);
    assert_string_equal(out.text, "model.onnx\n4\n1048576\n10\n0\nNoNewPrivs:\t1\n0\n1\n");
    strbuf_done(&out);
}

static void uploads_beyond_the_places_are_told_to_wait(void **state) {
    struct world *w = *state;
    for (uint32_t i = 0; i < w->options.uploads_at_once; i++)
        assert_true(service_enter_upload(w->service));
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 503);
    for (uint32_t i = 0; i < w->options.uploads_at_once; i++)
        service_leave_upload(w->service);
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 200);
}

static void without_the_database_an_upload_is_told_so(void **state) {
    struct world *w = *state;
    world_stop(w);
    w->options.db_path = "/nonexistent/assay.db";
    world_start(w);
    upload(w, "", "application/octet-stream", model, model_bytes);
    assert_int_equal(w->status, 503);
    assert_non_null(strstr(w->body.text, "/nonexistent/assay.db"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    setenv("SECRET_TOKEN", "must not be handed on", 1);
    const struct CMUnitTest tests[] = {
        TEST(an_upload_is_answered_as_the_command_line_would),
        TEST(a_described_graph_is_predicted_like_its_file),
        TEST(nothing_of_an_upload_is_stored),
        TEST(what_is_no_model_is_refused_with_its_reason),
        TEST(a_process_that_crashes_is_an_answer),
        TEST(a_process_that_takes_too_long_or_says_too_much_is_ended),
        TEST(the_process_is_confined),
        TEST(uploads_beyond_the_places_are_told_to_wait),
        TEST(without_the_database_an_upload_is_told_so),
    };
    return cmocka_run_group_tests(tests, make_database, remove_database);
}
