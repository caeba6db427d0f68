#include "collectors/disturbance.h"

#include "base/file.h"

#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct tree {
    char root[64];
};

static void put(const struct tree *tree, const char *path, const char *text) {
    char full[512];
    struct err err = {0};
    snprintf(full, sizeof full, "%s%s", tree->root, path);
    char *slash = strrchr(full, '/');
    *slash = '\0';
    assert_int_equal(file_make_folders(full, &err), 0);
    *slash = '/';
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw) {
    (void)status;
    (void)flag;
    (void)ftw;
    return remove(path);
}

#define STAT(minor, major)                                                                         \
    "77 (odd ) name) R 1 2 3 4 5 6 " minor " 0 " major                                             \
    " 0 0 0 0 0 20 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 0 0\n"

static int make_tree(void **state) {
    struct tree *tree = malloc(sizeof *tree);
    assert_non_null(tree);
    strcpy(tree->root, "/tmp/assay-disturb-XXXXXX");
    assert_non_null(mkdtemp(tree->root));
    put(tree, "/proc/77/stat", STAT("1000", "10"));
    put(tree, "/proc/77/task/77/status",
        "voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n");
    put(tree, "/proc/77/task/78/status",
        "voluntary_ctxt_switches:\t50\nnonvoluntary_ctxt_switches:\t70\n");
    put(tree, "/proc/stat", "cpu  100 0 100 700 0 0 0 100 40 0\ncpu0 1 1 1 1 1 1 1 1\n");
    put(tree, "/proc/loadavg", "1.25 0.50 0.10 2/93 1\n");
    put(tree, "/proc/self/cgroup", "0::/\n");
    put(tree, "/proc/self/mountinfo", "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put(tree, "/sys/fs/cgroup/cgroup.controllers", "cpu\n");
    put(tree, "/sys/fs/cgroup/cpu.stat", "usage_usec 9\nnr_throttled 1\nthrottled_usec 100\n");
    put(tree, "/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "3000000\n");
    *state = tree;
    return 0;
}

static int remove_tree(void **state) {
    struct tree *tree = *state;
    nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(tree);
    return 0;
}

static struct disturbance_snapshot take(const struct tree *tree) {
    struct disturbance_snapshot snapshot;
    struct err err = {0};
    assert_int_equal(disturbance_snapshot_at(tree->root, &snapshot, 77, &err), 0);
    return snapshot;
}

static void differences_come_from_all_books(void **state) {
    const struct tree *tree = *state;
    struct disturbance_snapshot before = take(tree);
    put(tree, "/proc/77/stat", STAT("1300", "14"));
    put(tree, "/proc/77/task/78/status",
        "voluntary_ctxt_switches:\t53\nnonvoluntary_ctxt_switches:\t90\n");
    put(tree, "/proc/stat", "cpu  150 0 100 730 0 0 0 120 60 0\n");
    put(tree, "/proc/loadavg", "2.5 1 1 2/93 1\n");
    put(tree, "/sys/fs/cgroup/cpu.stat", "throttled_usec 350\n");
    put(tree, "/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "2400000\n");
    struct disturbance_snapshot after = take(tree);
    struct disturbance out;
    disturbance_between(&before, &after, &out);
    assert_int_equal(out.voluntary_switches, 3);
    assert_int_equal(out.involuntary_switches, 20);
    assert_int_equal(out.minor_faults, 300);
    assert_int_equal(out.major_faults, 4);
    assert_float_equal(out.steal_fraction, 0.2, 1e-9);
    assert_float_equal(out.throttled_ns, 250e3, 1e-9);
    assert_float_equal(out.load_average, 2.5, 1e-9);
    assert_float_equal(out.frequency_ratio, 0.8, 1e-9);
}

static void ended_threads_do_not_count_backwards(void **state) {
    struct disturbance_snapshot before = take(*state), after = before;
    after.voluntary_switches = 1;
    struct disturbance out;
    disturbance_between(&before, &after, &out);
    assert_int_equal(out.voluntary_switches, 0);
}

static void absent_process_is_an_error_that_names_it(void **state) {
    const struct tree *tree = *state;
    struct disturbance_snapshot snapshot;
    struct err err = {0};
    assert_int_equal(disturbance_snapshot_at(tree->root, &snapshot, 4711, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "4711"));
}

static void touch_pages(size_t count) {
    size_t bytes = count * 4096;
    char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < count; i++)
        pages[i * 4096] = 1;
    munmap(pages, bytes);
}

static void own_page_faults_are_seen(void **state) {
    (void)state;
    struct disturbance_snapshot before, after;
    struct disturbance out;
    struct err err = {0};
    assert_int_equal(disturbance_snapshot(&before, 0, &err), 0);
    touch_pages(1000);
    assert_int_equal(disturbance_snapshot(&after, 0, &err), 0);
    disturbance_between(&before, &after, &out);
    assert_true(out.minor_faults >= 1000 && out.minor_faults < 5000);
    assert_true(out.steal_fraction >= 0 && out.steal_fraction <= 1);
}

static void switches_of_a_child_are_seen(void **state) {
    (void)state;
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* sleeps 20 times, then waits to be let go */
        for (int i = 0; i < 20; i++)
            usleep(500);
        close(gate[1]);
        char byte;
        _exit(read(gate[0], &byte, 1) != 0);
    }
    struct disturbance_snapshot before, after;
    struct disturbance out;
    struct err err = {0};
    int first = disturbance_snapshot(&before, child, &err);
    usleep(100000);
    int second = disturbance_snapshot(&after, child, &err);
    close(gate[1]);
    waitpid(child, NULL, 0);
    close(gate[0]);
    assert_int_equal(first, 0);
    assert_int_equal(second, 0);
    disturbance_between(&before, &after, &out);
    assert_true(out.voluntary_switches >= 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(differences_come_from_all_books, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(ended_threads_do_not_count_backwards, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(absent_process_is_an_error_that_names_it, make_tree,
                                        remove_tree),
        cmocka_unit_test(own_page_faults_are_seen),
        cmocka_unit_test(switches_of_a_child_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
