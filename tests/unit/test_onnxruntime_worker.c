/* Workers that crash, hang or talk nonsense do not take the program with them. */
#include "collectors/lowered.h"
#include "collectors/onnxruntime/fill.h"
#include "collectors/onnxruntime/weights.h"
#include "collectors/worker.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct script {
    char path[64];
    struct worker worker;
    struct err err;
};

/* A shell script plays the worker. */
static void start(struct script *script, const char *body) {
    *script = (struct script){.path = "/tmp/test-worker-XXXXXX"};
    int fd = mkstemp(script->path);
    assert_true(fd >= 0);
    dprintf(fd, "#!/bin/sh\n%s\n", body);
    fchmod(fd, 0700);
    close(fd);
    static const char *const environment[] = {"ASSAY_TEST_VARIABLE=yes", NULL};
    assert_int_equal(
        worker_open(&script->worker, "the worker", script->path, environment, &script->err), 0);
}

static int receive(struct script *script) {
    uint32_t kind;
    int code = worker_receive(&script->worker, &kind, &script->err);
    unlink(script->path);
    return code;
}

static void test_a_crash_is_an_error_that_names_the_signal(void **state) {
    (void)state;
    struct script script;
    start(&script, "echo 'terminate called: too bad' >&2; kill -SEGV $$");
    assert_int_equal(receive(&script), -ERR_INPUT);
    assert_non_null(strstr(script.err.message, "signal 11"));
    assert_non_null(strstr(script.err.message, "too bad"));
    assert_int_equal(script.worker.pid, 0);
}

static void test_being_killed_is_told_as_lack_of_memory(void **state) {
    (void)state;
    struct script script;
    start(&script, "kill -KILL $$");
    assert_int_equal(receive(&script), -ERR_ENVIRONMENT);
    assert_non_null(strstr(script.err.message, "memory"));
}

static void test_a_normal_end_without_an_answer_is_an_error(void **state) {
    (void)state;
    struct script script;
    start(&script, "echo first; echo last words; exit 7");
    assert_int_equal(receive(&script), -ERR_ENVIRONMENT);
    assert_non_null(strstr(script.err.message, "code 7"));
    assert_non_null(strstr(script.err.message, "last words"));
    assert_null(strstr(script.err.message, "first"));
}

static void test_silence_is_bounded(void **state) {
    (void)state;
    struct script script;
    start(&script, "exec sleep 100");
    script.worker.timeout_ms = 50;
    pid_t pid = script.worker.pid;
    assert_int_equal(receive(&script), -ERR_ENVIRONMENT);
    assert_non_null(strstr(script.err.message, "did not answer"));
    assert_int_equal(kill(pid, 0), -1);
}

static void test_nonsense_is_no_frame(void **state) {
    (void)state;
    struct script script;
    start(&script, "head -c 100000 /dev/zero | tr '\\0' '\\377' >&4; exec sleep 100");
    assert_int_equal(receive(&script), -ERR_ENVIRONMENT);
    assert_non_null(strstr(script.err.message, "no frame"));
}

static void test_a_failure_frame_becomes_its_error(void **state) {
    (void)state;
    struct script script;
    start(
        &script, /* kind 2, length 4 + 4 + 3 + 4 + 2; code 3, "bad", "do" */
        "printf '\\002\\0\\0\\0\\021\\0\\0\\0\\003\\0\\0\\0\\003\\0\\0\\0bad\\002\\0\\0\\0do' >&4; "
        "read x <&3");
    assert_int_equal(receive(&script), -ERR_INPUT);
    assert_string_equal(script.err.message, "bad");
    assert_string_equal(script.err.hint, "do");
    assert_true(script.worker.pid > 0);
    worker_close(&script.worker);
    assert_int_equal(script.worker.pid, 0);
}

static void test_a_worker_has_the_variables_given_and_no_input(void **state) {
    (void)state;
    struct script script;
    start(&script, "read line; echo \"$ASSAY_TEST_VARIABLE<$line>\"; exit 1");
    assert_int_equal(receive(&script), -ERR_ENVIRONMENT);
    assert_non_null(strstr(script.err.message, "yes<>"));
}

static void test_a_program_that_is_not_there_cannot_start(void **state) {
    (void)state;
    struct worker worker;
    struct err err = {0};
    static const char *const none[] = {NULL};
    assert_int_equal(worker_open(&worker, "x", "/nonexistent/worker", none, &err),
                     -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "/nonexistent/worker"));
    worker_kill(&worker);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void put_graph(struct strbuf *out) {
    frame_put_text(out, "g");
    frame_put_i64(out, 8);
    frame_put_u32(out, 1); /* opsets */
    frame_put_text(out, "ai.onnx");
    frame_put_i64(out, 17);
    frame_put_u32(out, 2); /* tensors */
    for (uint32_t i = 0; i < 2; i++) {
        frame_put_text(out, i ? "y" : "x");
        frame_put_u32(out, DTYPE_INT64);
        frame_put_u32(out, i ? 0 : TENSOR_INPUT);
        frame_put_u32(out, 1); /* rank */
        frame_put_i64(out, 3);
        frame_put_text(out, i ? "n" : NULL);
        frame_put_u32(out, i); /* values: none, ints */
        if (i) {
            frame_put_u32(out, 1);
            frame_put_i64(out, -5);
        }
    }
    frame_put_u32(out, 1); /* inputs */
    frame_put_u32(out, 0);
    frame_put_u32(out, 0); /* outputs */
    frame_put_u32(out, 1); /* operators */
    frame_put_text(out, "op");
    frame_put_text(out, "Neg");
    frame_put_text(out, "");
    frame_put_u32(out, 2); /* its inputs */
    frame_put_u32(out, 0);
    frame_put_u32(out, UINT32_MAX);
    frame_put_u32(out, 1); /* its outputs */
    frame_put_u32(out, 1);
    frame_put_u32(out, 1); /* attributes */
    frame_put_text(out, "axis");
    frame_put_u32(out, ATTRIBUTE_INT);
    frame_put_i64(out, -1);
}

static int read_frame(struct arena *arena, const struct strbuf *frame, size_t length,
                      struct graph **graph) {
    struct frame_cursor in = {(const unsigned char *)frame->text, length, false};
    struct err err = {0};
    return lowered_read(arena, &in, graph, &err);
}

static void test_a_graph_frame_is_read(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf frame;
    struct graph *graph;
    arena_init(&arena);
    strbuf_init(&frame);
    put_graph(&frame);
    assert_int_equal(read_frame(&arena, &frame, frame.length, &graph), 0);
    assert_true(graph->lowered);
    assert_int_equal(graph_opset_version(graph, ""), 17);
    assert_int_equal(graph->op_count, 1);
    assert_int_equal(graph->ops[0].inputs[1], GRAPH_NONE);
    assert_int_equal(op_int(&graph->ops[0], "axis", 0), -1);
    assert_int_equal(graph->tensors[1].values->ints[0], -5);
    assert_int_equal(graph->tensors[1].producer, 0);
    assert_string_equal(graph->symbols[graph->tensors[1].dims[0].symbol], "n");
    strbuf_done(&frame);
    arena_done(&arena);
}

static void test_a_damaged_graph_frame_is_refused(void **state) {
    (void)state;
    struct arena arena;
    struct strbuf frame;
    struct graph *graph;
    arena_init(&arena);
    strbuf_init(&frame);
    put_graph(&frame);
    for (size_t length = 0; length < frame.length; length++)
        assert_int_equal(read_frame(&arena, &frame, length, &graph), -ERR_BUG);
    for (size_t at = 0; at < frame.length; at++) {
        char kept = frame.text[at];
        frame.text[at] = (char)0xff; /* accepted or refused, but never beyond the end */
        read_frame(&arena, &frame, frame.length, &graph);
        frame.text[at] = kept;
    }
    strbuf_done(&frame);
    arena_done(&arena);
}

/* ---- values and weights ---------------------------------------------------------------------- */

static void test_values_depend_on_the_seed_alone(void **state) {
    (void)state;
    float a[1000], b[1000], c[1000];
    struct fill normal = {FILL_NORMAL, 0, 2};
    fill_values(a, DTYPE_FLOAT32, 1000, normal, 5);
    fill_values(b, DTYPE_FLOAT32, 1000, normal, 5);
    fill_values(c, DTYPE_FLOAT32, 1000, normal, 6);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
}

static void test_normal_values_have_their_mean_and_deviation(void **state) {
    (void)state;
    static float values[100000];
    double sum = 0, squares = 0;
    fill_values(values, DTYPE_FLOAT32, 100000, (struct fill){FILL_NORMAL, 1, 3}, 1);
    for (int i = 0; i < 100000; i++) {
        sum += (double)values[i];
        squares += ((double)values[i] - 1) * ((double)values[i] - 1);
    }
    assert_true(fabs(sum / 100000 - 1) < 0.05);
    assert_true(fabs(sqrt(squares / 100000) - 3) < 0.05);
}

static void test_integers_stay_in_their_range(void **state) {
    (void)state;
    int64_t wide[500];
    int8_t narrow[5000];
    int seen[4] = {0};
    fill_values(wide, DTYPE_INT64, 500, (struct fill){FILL_UNIFORM, 0, 3}, 1);
    for (int i = 0; i < 500; i++) {
        assert_in_range(wide[i], 0, 3);
        seen[wide[i]]++;
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
    fill_values(narrow, DTYPE_INT8, 5000, (struct fill){FILL_NORMAL, 0, 1e6}, 1);
    assert_true(narrow[0] == INT8_MAX || narrow[0] == INT8_MIN);
}

static void test_half_precision_is_rounded(void **state) {
    (void)state;
    uint16_t half, brain;
    fill_values(&half, DTYPE_FLOAT16, 1, (struct fill){FILL_CONSTANT, -1.5, 0}, 1);
    fill_values(&brain, DTYPE_BFLOAT16, 1, (struct fill){FILL_CONSTANT, -1.5, 0}, 1);
    assert_int_equal(half, 0xbe00);
    assert_int_equal(brain, 0xbfc0);
    fill_values(&half, DTYPE_FLOAT16, 1, (struct fill){FILL_CONSTANT, 1e9, 0}, 1);
    assert_int_equal(half, 0x7c00);
}

static void test_weight_files_are_made_and_removed(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct weight_slot slots[] = {
        {"sub/a.bin", 0,    400, DTYPE_FLOAT32, 100, 0.1},
        {"b.bin",     64,   8,   DTYPE_INT8,    8,   0  },
        {"sub/a.bin", 4096, 40,  DTYPE_FLOAT32, 10,  0  }
    };
    struct collect_config config = {
        .weights = WEIGHTS_SYNTHESIZED, .slots = slots, .slot_count = 3, .seed = 1};
    struct scratch place;
    struct err err = {0};
    assert_int_equal(weights_open(&place, &arena, &config, &err), 0);
    struct stat info;
    const char *path = arena_printf(&arena, "%s/sub/a.bin", place.path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 4136);
    FILE *file = fopen(path, "rb");
    float one = 0;
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
    assert_int_equal(fread(&one, sizeof one, 1, file), 1);
    fclose(file);
    assert_true(one == 1.0f);
    scratch_close(&place);
    assert_int_equal(stat(path, &info), -1);
    arena_done(&arena);
}

static void test_slots_that_cannot_be_are_refused(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct weight_slot slots[] = {
        {"a",      0,                 10,  DTYPE_FLOAT32, 100, 1},
        {"../a",   0,                 400, DTYPE_FLOAT32, 100, 1},
        {"/etc/a", 0,                 400, DTYPE_FLOAT32, 100, 1},
        {"a",      UINT64_MAX - 8,    400, DTYPE_FLOAT32, 100, 1},
        {"a",      (uint64_t)1 << 62, 400, DTYPE_FLOAT32, 100, 1}
    };
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        struct collect_config config = {
            .weights = WEIGHTS_ZERO_PAGES, .slots = &slots[i], .slot_count = 1};
        struct scratch place;
        struct err err = {0};
        assert_int_equal(weights_open(&place, &arena, &config, &err), -ERR_INPUT);
        assert_null(place.path);
    }
    arena_done(&arena);
}

static void test_what_a_killed_process_left_is_swept(void **state) {
    (void)state;
    struct arena arena;
    struct scratch outer, fresh;
    struct err err = {0};
    struct stat info;
    arena_init(&arena);
    assert_int_equal(scratch_open(&outer, &arena, "/tmp", &err), 0);
    const char *stale = arena_printf(&arena, "%s/assay-stale1", outer.path);
    const char *file = arena_printf(&arena, "%s/weights", stale);
    assert_int_equal(mkdir(stale, 0700), 0);
    fclose(fopen(file, "w"));
    struct timespec old[2] = {
        {1000, 0},
        {1000, 0}
    };
    assert_int_equal(utimensat(AT_FDCWD, stale, old, 0), 0);
    assert_int_equal(scratch_open(&fresh, &arena, outer.path, &err), 0);
    assert_int_equal(stat(stale, &info), -1);
    assert_int_equal(stat(fresh.path, &info), 0);
    scratch_close(&fresh);
    scratch_close(&outer);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crash_is_an_error_that_names_the_signal),
        cmocka_unit_test(test_being_killed_is_told_as_lack_of_memory),
        cmocka_unit_test(test_a_normal_end_without_an_answer_is_an_error),
        cmocka_unit_test(test_silence_is_bounded),
        cmocka_unit_test(test_nonsense_is_no_frame),
        cmocka_unit_test(test_a_failure_frame_becomes_its_error),
        cmocka_unit_test(test_a_worker_has_the_variables_given_and_no_input),
        cmocka_unit_test(test_a_program_that_is_not_there_cannot_start),
        cmocka_unit_test(test_a_graph_frame_is_read),
        cmocka_unit_test(test_a_damaged_graph_frame_is_refused),
        cmocka_unit_test(test_values_depend_on_the_seed_alone),
        cmocka_unit_test(test_normal_values_have_their_mean_and_deviation),
        cmocka_unit_test(test_integers_stay_in_their_range),
        cmocka_unit_test(test_half_precision_is_rounded),
        cmocka_unit_test(test_weight_files_are_made_and_removed),
        cmocka_unit_test(test_slots_that_cannot_be_are_refused),
        cmocka_unit_test(test_what_a_killed_process_left_is_swept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
