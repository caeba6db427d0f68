/* Replicas beside the measured one: they run, halt, fail and end as they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profiler/neighbours.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared with the drivers. */
struct board {
    atomic_ullong runs;
    atomic_int fail_open, fail_run, saw_hooks;
};

static struct board *board;
static struct arena arena;

struct collect_session {
    int unused;
};

static int board_open(struct arena *into, const struct collect_config *config, struct sink *sink,
                      struct collect_session **session, struct err *err) {
    (void)sink;
    atomic_store(&board->saw_hooks, config->hooked != NULL || config->event_count > 0);
    if (atomic_load(&board->fail_open))
        return err_hint((err_set(err, ERR_INPUT, "no such model"), err), "find one");
    *session = ARENA_NEW(into, struct collect_session);
    return 0;
}

static int board_run(struct collect_session *session, uint32_t repeats, struct sink *sink,
                     struct err *err) {
    (void)session;
    (void)sink;
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    atomic_fetch_add(&board->runs, repeats);
    return atomic_load(&board->fail_run) ? err_set(err, ERR_ENVIRONMENT, "out of memory") : 0;
}

static const struct collector boarded = {.name = "board", .open = board_open, .run = board_run};

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return board == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    munmap(board, sizeof *board);
    return 0;
}

static void rest(void) {
    nanosleep(&(struct timespec){0, 20000000}, NULL);
}

/* Waits as long as it takes, within reason. */
static bool grows_beyond(unsigned long long runs) {
    for (int i = 0; i < 500 && atomic_load(&board->runs) <= runs; i++)
        rest();
    return atomic_load(&board->runs) > runs;
}

static unsigned long long settled_runs(void) {
    unsigned long long before = 0;
    for (int i = 0; i < 100; i++) {
        rest();
        if (atomic_load(&board->runs) == before)
            break;
        before = atomic_load(&board->runs);
    }
    return before;
}

static bool has_children(void) {
    return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static void replicas_run_when_told_and_halt_between(void **state) {
    (void)state;
    struct neighbours neighbours;
    struct err err = {0};
    const char *events[] = {"cycles"};
    struct flat_graph flat = {0};
    struct collect_config config = {.hooked = &flat, .events = events, .event_count = 1};
    assert_int_equal(neighbours_open(&neighbours, &arena, &boarded, &config, 2, &err), 0);
    assert_int_equal(neighbours.count, 2);
    assert_int_equal(atomic_load(&board->saw_hooks), 0);
    unsigned long long halted = settled_runs();
    neighbours_go(&neighbours);
    assert_true(grows_beyond(halted));
    neighbours_halt(&neighbours);
    halted = settled_runs();
    rest();
    assert_true(atomic_load(&board->runs) == halted);
    assert_int_equal(neighbours_check(&neighbours, &err), 0);
    neighbours_close(&neighbours);
    assert_false(has_children());
}

static void a_replica_that_cannot_start_says_why(void **state) {
    (void)state;
    struct neighbours neighbours;
    struct err err = {0};
    const struct collect_config config = {0};
    atomic_store(&board->fail_open, 1);
    assert_int_equal(neighbours_open(&neighbours, &arena, &boarded, &config, 2, &err), -ERR_INPUT);
    assert_string_equal(err.message, "a replica beside the measured one: no such model");
    assert_string_equal(err.hint, "find one");
    assert_false(has_children());
}

static void a_replica_that_ends_is_noticed(void **state) {
    (void)state;
    struct neighbours neighbours;
    struct err err = {0};
    const struct collect_config config = {0};
    assert_int_equal(neighbours_open(&neighbours, &arena, &boarded, &config, 1, &err), 0);
    atomic_store(&board->fail_run, 1);
    neighbours_go(&neighbours);
    for (int i = 0; i < 500 && neighbours_check(&neighbours, &err) == 0; i++)
        rest();
    assert_int_equal(err.code, ERR_ENVIRONMENT);
    neighbours_close(&neighbours);
    assert_false(has_children());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(replicas_run_when_told_and_halt_between),
        TEST(a_replica_that_cannot_start_says_why),
        TEST(a_replica_that_ends_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
