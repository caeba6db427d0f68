/* libassay-hooks.so as engines meet it. Every program here is a process of its own. */
#include "collectors/hooks/streams.h"
#include "collectors/recorder.h"
#include "tests/unit/hooks_library.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

struct place {
    char folder[64];
    char stream[96];
};

static int make_place(void **state) {
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/assay-hooks-XXXXXX");
    if (!place || !mkdtemp(place->folder))
        return -1;
    snprintf(place->stream, sizeof place->stream, "%s/s.hooks", place->folder);
    *state = place;
    return 0;
}

static int files_in(const char *folder, char last[static PATH_MAX]) {
    DIR *listing = opendir(folder);
    int count = 0;
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (entry->d_name[0] != '.') {
            snprintf(last, PATH_MAX, "%s/%s", folder, entry->d_name);
            count++;
        }
    if (listing)
        closedir(listing);
    return count;
}

static int remove_place(void **state) {
    struct place *place = *state;
    char path[PATH_MAX];
    while (files_in(place->folder, path) > 0 && unlink(path) == 0)
        ;
    rmdir(place->folder);
    free(place);
    return 0;
}

static void read_or_fail(const char *path, struct seen *seen) {
    if (see_stream(path, seen) != 0)
        fail_msg("%s", seen->err.message);
}

/* ---- off and on -------------------------------------------------------------------------------
 */

static int uses_all_functions(const struct hooks *hooks, void *context) {
    (void)context;
    uint32_t kind = hooks->kind(ASSAY_HOOKS_OPERATOR, "Conv", NULL);
    hooks->thread("main");
    hooks->begin(kind, NULL, 0);
    hooks->end();
    hooks->stop(hooks->start(kind, NULL, 0));
    return hooks->abi() != ASSAY_HOOKS_ABI || kind != 0 || hooks->stream() != NULL;
}

static void without_the_variable_nothing_is_recorded(void **state) {
    (void)state;
    assert_int_equal(run_program(uses_all_functions, NULL, NULL), 0);
}

static void a_file_that_cannot_be_made_leaves_the_program_alone(void **state) {
    (void)state;
    int errors = dup(2);
    assert_true(freopen("/dev/null", "w", stderr) != NULL);
    int status = run_program(uses_all_functions, NULL, "/nowhere/at/all");
    dup2(errors, 2);
    close(errors);
    assert_int_equal(status, 0);
}

static int runs_a_layer(const struct hooks *hooks, void *context) {
    (void)context;
    const int64_t image[] = {1, 3, 224, 224}, weights[] = {64, 3, 7, 7};
    const assay_hooks_tensor inputs[] = {
        {ASSAY_HOOKS_FLOAT32, 4, image  },
        {ASSAY_HOOKS_FLOAT16, 4, weights},
        {ASSAY_HOOKS_INT64,   0, NULL   }
    };
    uint32_t conv = hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", "engine");
    uint32_t layer = hooks->kind(ASSAY_HOOKS_ANNOTATION, "outer", NULL);
    hooks->thread("worker");
    hooks->begin(layer, NULL, 0);
    hooks->begin(conv, inputs, 3);
    usleep(2000);
    hooks->end();
    hooks->begin(conv, inputs, 3);
    usleep(1000);
    hooks->end();
    hooks->end();
    return strcmp(hooks->stream(), context) != 0;
}

static void nested_operators_come_back_with_shapes_and_times(void **state) {
    struct place *place = *state;
    struct seen seen;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(run_program(runs_a_layer, place->stream, place->stream), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 3);
    assert_true(seen.out.complete);
    assert_string_equal(seen.first.name, "inner");
    assert_string_equal(seen.first.category, "engine");
    assert_string_equal(seen.first.shapes, "1x3x224x224 64x3x7x7 -");
    assert_string_equal(seen.first.dtypes, "float32 float16 int64");
    assert_string_equal(seen.track_names[0], "worker");
    assert_true(seen.inside_ns >= 3000000 && seen.inside_ns <= seen.outside_ns);
    /* On CLOCK_MONOTONIC, as everything else that is recorded. */
    assert_true(seen.first.start_ns > before.tv_sec * 1000000000 + before.tv_nsec);
    assert_true(seen.ended_ns < after.tv_sec * 1000000000 + after.tv_nsec);
    arena_done(&seen.arena);
}

/* As `assay import` reads it: found by its content and gathered into a tree. */
static void a_stream_is_imported_as_a_tree(void **state) {
    struct place *place = *state;
    struct arena arena;
    struct recorder *recorder;
    struct recording recording = {0};
    const struct foreign_format *format;
    struct foreign_outcome out;
    struct err err = {0};
    assert_int_equal(run_program(runs_a_layer, place->stream, place->stream), 0);
    arena_init(&arena);
    const struct foreign_request request = {.path = place->stream, .arena = &arena};
    assert_int_equal(recorder_open(&recorder, 0, &err), 0);
    struct span_sink sink = recorder_sink(recorder);
    if (foreign_read(&request, NULL, &sink, &format, &out, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(recorder_finish(recorder, &arena, &recording, &err), 0);
    recorder_close(recorder);
    assert_string_equal(format->name, "hooks");
    assert_int_equal(recording.node_count, 2);
    assert_string_equal(recording.nodes[0].name, "outer");
    assert_string_equal(recording.nodes[1].name, "inner");
    assert_int_equal(recording.nodes[1].parent, 0);
    assert_int_equal(recording.nodes[1].count, 2);
    assert_int_equal(recording.operators_with_shapes, 2);
    arena_done(&arena);
}

static int runs_big_tensors(const struct hooks *hooks, void *context) {
    (void)context;
    int64_t dims[12];
    assay_hooks_tensor inputs[20];
    for (int i = 0; i < 12; i++)
        dims[i] = INT64_MAX;
    for (int i = 0; i < 20; i++)
        inputs[i] = (assay_hooks_tensor){ASSAY_HOOKS_FLOAT32, 12, dims};
    for (int i = 0; i < 1000; i++) { /* over several segments */
        hooks->begin(hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL), inputs, 20);
        hooks->end();
    }
    return 0;
}

static void more_tensors_than_a_record_holds_are_left_out(void **state) {
    struct place *place = *state;
    struct seen seen;
    assert_int_equal(run_program(runs_big_tensors, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 1000);
    const size_t shape = 8 * 19 + 7;
    assert_int_equal(strlen(seen.first.shapes), 16 * shape + 15);
    arena_done(&seen.arena);
}

enum { SHAPES = 600 };

static int runs_many_shapes(const struct hooks *hooks, void *context) {
    (void)context;
    char name[32];
    for (int i = 0; i < 3 * SHAPES; i++) {
        const int64_t dims[] = {i % SHAPES, 2};
        const assay_hooks_tensor input = {ASSAY_HOOKS_FLOAT32, 2, dims};
        snprintf(name, sizeof name, "%dx2", i % SHAPES);
        hooks->begin(hooks->kind(ASSAY_HOOKS_OPERATOR, name, NULL), &input, 1);
        hooks->end();
    }
    return 0;
}

static int compare_shapes(void *context, const struct span *span, struct err *err) {
    (void)err;
    *(int *)context += span->shapes && strcmp(span->name, span->shapes) == 0;
    return 0;
}

static void each_operator_keeps_its_own_of_many_shapes(void **state) {
    struct place *place = *state;
    int alike = 0;
    struct span_sink sink = {.context = &alike, .span = compare_shapes};
    struct foreign_outcome out;
    struct arena arena;
    struct err err = {0};
    assert_int_equal(run_program(runs_many_shapes, NULL, place->stream), 0);
    arena_init(&arena);
    assert_int_equal(hooks_stream_read(place->stream, &arena, &sink, &out, &err), 0);
    assert_int_equal(alike, 3 * SHAPES);
    arena_done(&arena);
}

static int ends_too_often(const struct hooks *hooks, void *context) {
    (void)context;
    uint32_t kind = hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL);
    hooks->begin(kind, NULL, 0);
    hooks->end();
    hooks->end();
    hooks->begin(kind, NULL, 0);
    hooks->end();
    return 0;
}

static void an_end_without_a_begin_is_no_operator(void **state) {
    struct place *place = *state;
    struct seen seen;
    assert_int_equal(run_program(ends_too_often, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 2);
    assert_true(seen.out.complete);
    arena_done(&seen.arena);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

enum { THREADS = 4, THREAD_PAIRS = 30000 };

struct worker {
    const struct hooks *hooks;
    uint32_t kind;
    uint64_t started;
    int pairs;
};

static void *run_pairs(void *argument) {
    const struct worker *worker = argument;
    for (int i = 0; i < worker->pairs; i++) {
        worker->hooks->begin(worker->kind, NULL, 0);
        if (i % 3 == 0) {
            worker->hooks->begin(worker->kind, NULL, 0);
            worker->hooks->end();
        }
        worker->hooks->end();
    }
    worker->hooks->stop(worker->started);
    return NULL;
}

static int runs_threads(const struct hooks *hooks, void *context) {
    (void)context;
    pthread_t threads[THREADS];
    struct worker worker = {hooks, hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL), 0,
                            THREAD_PAIRS};
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run_pairs, &worker);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

static void threads_lose_nothing(void **state) {
    struct place *place = *state;
    struct seen seen;
    assert_int_equal(run_program(runs_threads, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_true(seen.out.complete);
    assert_int_equal(seen.tracks, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(seen.by_track[i], THREAD_PAIRS + THREAD_PAIRS / 3);
    arena_done(&seen.arena);
}

static int runs_short_threads(const struct hooks *hooks, void *context) {
    (void)context;
    struct worker worker = {hooks, hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL), 0, 3};
    for (int i = 0; i < 1000; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run_pairs, &worker);
        pthread_join(thread, NULL);
    }
    return 0;
}

static void threads_that_end_leave_their_room_to_others(void **state) {
    struct place *place = *state;
    struct seen seen;
    struct stat file;
    assert_int_equal(run_program(runs_short_threads, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.tracks, 1000);
    assert_int_equal(seen.spans, 4000);
    assert_int_equal(stat(place->stream, &file), 0);
    assert_true(file.st_size < 2 << 20);
    arena_done(&seen.arena);
}

static int hands_work_over(const struct hooks *hooks, void *context) {
    (void)context;
    uint32_t outer = hooks->kind(ASSAY_HOOKS_ANNOTATION, "outer", NULL);
    uint64_t first = hooks->start(outer, NULL, 0);
    usleep(1000);
    struct worker worker = {hooks, 0, hooks->start(outer, NULL, 0), 0};
    hooks->stop(first);
    pthread_t thread;
    pthread_create(&thread, NULL, run_pairs, &worker);
    pthread_join(thread, NULL);
    hooks->start(outer, NULL, 0); /* never stopped */
    hooks->stop(0);
    return 0;
}

static void a_range_may_end_on_another_thread(void **state) {
    struct place *place = *state;
    struct seen seen;
    assert_int_equal(run_program(hands_work_over, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 2);
    assert_true(seen.outside_ns >= 1000000);
    assert_int_equal(seen.by_track[2], 1); /* they cross: a row each, behind the threads */
    assert_int_equal(seen.by_track[3], 1);
    assert_string_equal(seen.out.cut, "1 ranges did not end");
    arena_done(&seen.arena);
}

/* ---- kinds ------------------------------------------------------------------------------------
 */

enum { MANY_KINDS = 65536 };

static int makes_many_kinds(const struct hooks *hooks, void *context) {
    (void)context;
    char name[32];
    for (int i = 0; i < MANY_KINDS; i++) {
        snprintf(name, sizeof name, "kind %d", i);
        uint32_t kind = hooks->kind(ASSAY_HOOKS_OPERATOR, name, "many");
        if (kind != (uint32_t)i + 1 || hooks->kind(ASSAY_HOOKS_OPERATOR, name, "many") != kind)
            return 1;
        hooks->begin(kind, NULL, 0);
        hooks->end();
    }
    return hooks->kind(ASSAY_HOOKS_CALL, "kind 1", "many") != MANY_KINDS + 1 ||
           hooks->kind(ASSAY_HOOKS_OPERATOR, "kind 1", "few") != MANY_KINDS + 2;
}

static void tens_of_thousands_of_kinds_keep_their_names(void **state) {
    struct place *place = *state;
    struct seen seen;
    assert_int_equal(run_program(makes_many_kinds, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, MANY_KINDS);
    assert_int_equal(seen.distinct, MANY_KINDS);
    assert_string_equal(seen.last_name, "kind 65535");
    arena_done(&seen.arena);
}

static int makes_a_long_kind(const struct hooks *hooks, void *context) {
    (void)context;
    char name[2000];
    for (size_t i = 0; i + 2 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa9", 3);
    hooks->begin(hooks->kind(ASSAY_HOOKS_OPERATOR, name, name + 1), NULL, 0);
    hooks->end();
    return 0;
}

static void long_names_are_cut_between_characters(void **state) {
    struct place *place = *state;
    struct seen seen;
    assert_int_equal(run_program(makes_a_long_kind, NULL, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(strlen(seen.first.name), 500);
    assert_memory_equal(seen.first.name + 498, "\xc3\xa9", 3);
    arena_done(&seen.arena);
}

/* ---- other processes --------------------------------------------------------------------------
 */

static pid_t fork_unseen(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); /* no handlers of the C library run */
}

static int forks(const struct hooks *hooks, void *context) {
    pid_t (*make_child)(void) = *(pid_t(**)(void))context;
    uint32_t kind = hooks->kind(ASSAY_HOOKS_OPERATOR, "outer", NULL);
    hooks->begin(kind, NULL, 0);
    hooks->end();
    hooks->begin(kind, NULL, 0);
    pid_t pid = make_child();
    if (pid == 0) {
        hooks->end(); /* the parent's: not the child's to end */
        for (int i = 0; i < 5; i++) {
            hooks->begin(kind, NULL, 0);
            hooks->end();
        }
        if (hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL) != kind + 1)
            _exit(1);
        _exit(0);
    }
    int status = 1;
    waitpid(pid, &status, 0);
    hooks->end();
    return status;
}

static void forked_with(struct place *place, pid_t (*make_child)(void)) {
    struct seen seen;
    char child[PATH_MAX];
    assert_int_equal(run_program(forks, &make_child, place->stream), 0);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 2);
    assert_true(seen.out.complete);
    arena_done(&seen.arena);
    unlink(place->stream);
    assert_int_equal(files_in(place->folder, child), 1);
    assert_memory_equal(child, place->stream, strlen(place->stream)); /* s.hooks.PID */
    read_or_fail(child, &seen);
    assert_int_equal(seen.spans, 5);
    assert_string_equal(seen.first.name, "outer");
    arena_done(&seen.arena);
}

static void a_forked_child_writes_a_file_of_its_own(void **state) {
    forked_with(*state, fork);
}

static void a_child_the_c_library_does_not_see_does_too(void **state) {
    forked_with(*state, fork_unseen);
}

static void what_is_there_is_not_written_over(void **state) {
    struct place *place = *state;
    char path[PATH_MAX];
    FILE *file = fopen(place->stream, "w");
    fputs("mine", file);
    fclose(file);
    assert_int_equal(run_program(ends_too_often, NULL, place->stream), 0);
    struct stat kept;
    assert_int_equal(stat(place->stream, &kept), 0);
    assert_int_equal(kept.st_size, 4);
    assert_int_equal(files_in(place->folder, path), 2);
}

static int runs_as_the_environment_says(const char *const *environment) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; environment[i]; i++)
            putenv(strdup(environment[i]));
        struct hooks hooks = load_hooks();
        exit(ends_too_often(&hooks, NULL));
    }
    waitpid(pid, &status, 0);
    return status;
}

static void all_streams_of_a_command_are_read_and_removed(void **state) {
    (void)state;
    struct hooks_streams streams;
    struct arena arena;
    struct err err = {0};
    struct seen seen = {.spans = 0};
    struct span_sink sink = {.context = &seen, .span = see_span, .track = see_track};
    uint32_t files;
    arena_init(&arena);
    arena_init(&seen.arena);
    assert_int_equal(hooks_streams_open(&streams, &arena, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(runs_as_the_environment_says(streams.environment), 0);
    char early[PATH_MAX]; /* of a program that ended while it made its stream */
    snprintf(early, sizeof early, "%s/stream.early", streams.folder);
    close(open(early, O_WRONLY | O_CREAT, 0600));
    if (hooks_streams_read(&streams, &arena, &sink, &files, &seen.out, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(files, 3);
    assert_int_equal(seen.spans, 6);
    assert_int_equal(seen.out.events, 6);
    assert_true(seen.out.complete);
    assert_int_equal(seen.tracks, 0); /* threads are named by who watches them */
    const char *folder = streams.folder;
    hooks_streams_close(&streams);
    assert_int_equal(access(folder, F_OK), -1);
    arena_done(&seen.arena);
    arena_done(&arena);
}

/* ---- programs that die ------------------------------------------------------------------------
 */

struct ended_count {
    atomic_uint_fast64_t ended;
};

static int runs_until_killed(const struct hooks *hooks, void *context) {
    struct ended_count *progress = context;
    uint32_t outer = hooks->kind(ASSAY_HOOKS_ANNOTATION, "outer", NULL);
    uint32_t inner = hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL);
    hooks->begin(outer, NULL, 0);
    for (;;) {
        hooks->begin(inner, NULL, 0);
        hooks->end();
        atomic_fetch_add(&progress->ended, 1);
    }
    return 0;
}

static void kill_once(struct place *place, struct ended_count *progress, unsigned delay_us) {
    struct seen seen;
    int status;
    atomic_store(&progress->ended, 0);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("ASSAY_HOOKS_STREAM", place->stream, 1);
        struct hooks hooks = load_hooks();
        _exit(runs_until_killed(&hooks, progress));
    }
    while (atomic_load(&progress->ended) == 0)
        usleep(100);
    usleep(delay_us);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    uint64_t ended = atomic_load(&progress->ended);
    read_or_fail(place->stream, &seen);
    assert_in_range(seen.spans, ended, ended + 1);
    assert_false(seen.out.complete);
    assert_non_null(strstr(seen.out.cut, " was in "));
    arena_done(&seen.arena);
    unlink(place->stream);
}

static void a_killed_program_leaves_all_that_ended(void **state) {
    const char *wanted = getenv("ASSAY_HOOKS_KILLS");
    int kills = wanted ? atoi(wanted) : 20;
    struct ended_count *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    srand(1);
    for (int i = 0; i < kills; i++)
        kill_once(*state, progress, (unsigned)rand() % 20000);
    munmap(progress, sizeof *progress);
}

static int crashes(const struct hooks *hooks, void *context) {
    (void)context;
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    hooks->begin(hooks->kind(ASSAY_HOOKS_OPERATOR, "fine", NULL), NULL, 0);
    hooks->end();
    hooks->begin(hooks->kind(ASSAY_HOOKS_ANNOTATION, "layer3", NULL), NULL, 0);
    hooks->begin(hooks->kind(ASSAY_HOOKS_OPERATOR, "culprit", NULL), NULL, 0);
    raise(SIGSEGV);
    return 0;
}

static void the_operator_that_crashed_is_named(void **state) {
    struct place *place = *state;
    struct seen seen;
    int status = run_program(crashes, NULL, place->stream);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 1);
    assert_non_null(strstr(seen.out.cut, "the program ended inside 2 operators; thread "));
    assert_non_null(strstr(seen.out.cut, " was in culprit"));
    arena_done(&seen.arena);
}

/* ---- no room ----------------------------------------------------------------------------------
 */

static int runs_many(const struct hooks *hooks, void *context) {
    (void)context;
    struct worker worker = {hooks, hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL), 0, 60000};
    hooks->begin(worker.kind, NULL, 0);
    run_pairs(&worker);
    hooks->end();
    return 0;
}

/* What fitted is whole and the rest is counted. */
static void assert_full(const char *path) {
    struct seen seen;
    uint64_t lost = 0;
    read_or_fail(path, &seen);
    assert_false(seen.out.complete);
    assert_int_equal(sscanf(seen.out.cut, "there was no room for %lu operators", &lost), 1);
    assert_true(seen.spans > 1000);
    /* Those that had begun and did not end are neither. */
    assert_in_range(seen.spans + lost, 80001 - 3, 80001);
    arena_done(&seen.arena);
}

static void at_its_limit_a_stream_stops_and_counts(void **state) {
    struct place *place = *state;
    setenv("ASSAY_HOOKS_LIMIT", "1500000", 1);
    int status = run_program(runs_many, NULL, place->stream);
    unsetenv("ASSAY_HOOKS_LIMIT");
    assert_int_equal(status, 0);
    assert_full(place->stream);
}

static int runs_many_in_small_files(const struct hooks *hooks, void *context) {
    const struct rlimit small = {1500000, 1500000};
    setrlimit(RLIMIT_FSIZE, &small);
    return runs_many(hooks, context);
}

static void a_limit_on_files_does_not_kill(void **state) {
    struct place *place = *state;
    assert_int_equal(run_program(runs_many_in_small_files, NULL, place->stream), 0);
    assert_full(place->stream);
}

/* Exit codes: 0 as it should be, 77 this cannot be tried here. */
static int fills_a_disk(void *place) {
    const char *folder = ((struct place *)place)->folder;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=1500k") != 0)
        return 77;
    int status = run_program(runs_many, NULL, ((struct place *)place)->stream);
    if (status == 0)
        assert_full(((struct place *)place)->stream);
    return status != 0;
}

static void a_full_disk_does_not_kill(void **state) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fills_a_disk(*state));
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        printf("skip: a full disk: no right to mount one\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/* ---- the library ------------------------------------------------------------------------------
 */

static int unloads_and_loads(const struct hooks *hooks, void *context) {
    (void)context;
    ends_too_often(hooks, NULL);
    dlclose(hooks->library);
    struct hooks again = load_hooks();
    ends_too_often(&again, NULL);
    dlclose(again.library);
    return 0;
}

static void unloading_the_library_loses_nothing(void **state) {
    struct place *place = *state;
    struct seen seen;
    char path[PATH_MAX];
    assert_int_equal(run_program(unloads_and_loads, NULL, place->stream), 0);
    assert_int_equal(files_in(place->folder, path), 1);
    read_or_fail(place->stream, &seen);
    assert_int_equal(seen.spans, 4);
    arena_done(&seen.arena);
}

static int touches_pages(const struct hooks *hooks, void *context) {
    (void)context;
    size_t bytes = 200 * 4096;
    hooks->begin(hooks->kind(ASSAY_HOOKS_OPERATOR, "inner", NULL), NULL, 0);
    char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < bytes; i += 4096)
        pages[i] = 1;
    hooks->end();
    return 0;
}

static void counters_are_read_at_both_ends(void **state) {
    struct place *place = *state;
    struct seen seen;
    setenv("ASSAY_HOOKS_COUNTERS", "page-faults,no-such-event", 1);
    int status = run_program(touches_pages, NULL, place->stream);
    unsetenv("ASSAY_HOOKS_COUNTERS");
    assert_int_equal(status, 0);
    read_or_fail(place->stream, &seen);
    uint64_t samples = seen.samples;
    double faults = seen.last_value;
    arena_done(&seen.arena);
    if (samples == 0) {
        printf("skip: page-faults cannot be counted here\n");
        skip();
    }
    assert_int_equal(samples, 2);
    assert_true(faults >= 200 && faults < 400);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_variable_nothing_is_recorded),
        cmocka_unit_test(a_file_that_cannot_be_made_leaves_the_program_alone),
        IN_PLACE(nested_operators_come_back_with_shapes_and_times),
        IN_PLACE(a_stream_is_imported_as_a_tree),
        IN_PLACE(more_tensors_than_a_record_holds_are_left_out),
        IN_PLACE(each_operator_keeps_its_own_of_many_shapes),
        IN_PLACE(an_end_without_a_begin_is_no_operator),
        IN_PLACE(threads_lose_nothing),
        IN_PLACE(threads_that_end_leave_their_room_to_others),
        IN_PLACE(a_range_may_end_on_another_thread),
        IN_PLACE(tens_of_thousands_of_kinds_keep_their_names),
        IN_PLACE(long_names_are_cut_between_characters),
        IN_PLACE(a_forked_child_writes_a_file_of_its_own),
        IN_PLACE(a_child_the_c_library_does_not_see_does_too),
        IN_PLACE(what_is_there_is_not_written_over),
        cmocka_unit_test(all_streams_of_a_command_are_read_and_removed),
        IN_PLACE(a_killed_program_leaves_all_that_ended),
        IN_PLACE(the_operator_that_crashed_is_named),
        IN_PLACE(at_its_limit_a_stream_stops_and_counts),
        IN_PLACE(a_limit_on_files_does_not_kill),
        IN_PLACE(a_full_disk_does_not_kill),
        IN_PLACE(unloading_the_library_loses_nothing),
        IN_PLACE(counters_are_read_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
