#include "collectors/machine.h"

#include "base/file.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a tree of kernel files in a temporary folder ------------------------------------------- */

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

/* An Intel server with frequency scaling under control groups version 2. */
static int make_tree(void **state) {
    struct tree *tree = malloc(sizeof *tree);
    assert_non_null(tree);
    strcpy(tree->root, "/tmp/assay-machine-XXXXXX");
    assert_non_null(mkdtemp(tree->root));
    put(tree, "/proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n"
        "model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz\n"
        "flags\t\t: fpu sse4_2 avx fma avx2 avx512f amx_bf16 hypervisor\n\n");
    put(tree, "/proc/meminfo", "MemTotal:       32752196 kB\nMemFree:  1 kB\n");
    put(tree, "/proc/sys/kernel/ostype", "Linux\n");
    put(tree, "/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
    put(tree, "/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-3,8\n");
    put(tree, "/sys/devices/system/cpu/online", "0-15\n");
    put(tree, "/proc/self/cgroup", "0::/user/job\n");
    put(tree, "/proc/self/mountinfo",
        "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    put(tree, "/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    put(tree, "/sys/fs/cgroup/user/cpu.max", "250000 100000\n");
    put(tree, "/sys/fs/cgroup/user/memory.max", "max\n");
    put(tree, "/sys/fs/cgroup/user/job/cgroup.controllers", "cpu memory\n");
    put(tree, "/sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
    put(tree, "/sys/fs/cgroup/user/job/memory.max", "2147483648\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index1/level", "1\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index1/type", "Instruction\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index1/size", "32K\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index2/level", "2\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index2/type", "Unified\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cache/index2/size", "2M\n");
    put(tree, "/sys/devices/system/node/online", "0-1\n");
    put(tree, "/sys/class/dmi/id/sys_vendor", "Google\n");
    *state = tree;
    return 0;
}

static int remove_tree(void **state) {
    struct tree *tree = *state;
    nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(tree);
    return 0;
}

static struct machine describe(const struct tree *tree) {
    struct machine machine;
    struct err err = {0};
    assert_int_equal(machine_describe_at(tree->root, &machine, &err), 0);
    return machine;
}

/* ---- what it says --------------------------------------------------------------------------- */

static void reads_cpu_caches_memory_and_kernel(void **state) {
    struct machine machine = describe(*state);
    assert_string_equal(machine.cpu, "Intel Xeon Platinum 8481C (Sapphire Rapids)");
    assert_string_equal(machine.isa, "sse4_2 avx fma avx2 avx512f amx_bf16");
    assert_int_equal(machine.cpus, 5);
    assert_int_equal(machine.cpus_online, 16);
    assert_true(machine.memory_bytes == UINT64_C(32752196) * 1024);
    assert_true(machine.cache_bytes[0] == 48 << 10);
    assert_true(machine.cache_bytes[1] == 2 << 20);
    assert_true(machine.cache_bytes[2] == 0);
    assert_string_equal(machine.kernel, "Linux 6.1.0-13-amd64");
    assert_string_equal(machine.governor, "powersave");
    assert_string_equal(machine.virtualisation, "kvm");
    assert_int_equal(machine.numa_nodes, 2);
    assert_string_equal(machine.label,
                        "Intel Xeon Platinum 8481C (Sapphire Rapids), 16 CPUs, 32 GiB");
    assert_int_equal(strlen(machine.fingerprint), 64);
}

static void tightest_limit_of_the_groups_above_counts(void **state) {
    struct machine machine = describe(*state);
    assert_float_equal(machine.cpu_quota, 2.5, 1e-9);
    assert_true(machine.memory_limit_bytes == UINT64_C(2147483648));
}

static void version_1_groups_are_read(void **state) {
    const struct tree *tree = *state;
    put(tree, "/proc/self/cgroup", "3:memory:/a\n2:cpu,cpuacct:/a/b\n0::/\n");
    put(tree, "/proc/self/mountinfo",
        "31 22 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "32 22 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "33 22 0:28 / /sys/fs/cgroup/memory rw shared:1 - cgroup cgroup rw,memory\n");
    put(tree, "/sys/fs/cgroup/unified/cgroup.controllers", "\n");
    put(tree, "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "150000\n");
    put(tree, "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put(tree, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
    put(tree, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    put(tree, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    struct machine machine = describe(tree);
    assert_float_equal(machine.cpu_quota, 1.5, 1e-9);
    assert_true(machine.memory_limit_bytes == 0);
}

static void mount_that_begins_inside_the_group_is_read(void **state) {
    const struct tree *tree = *state;
    put(tree, "/proc/self/cgroup", "2:cpu:/docker/abc\n");
    put(tree, "/proc/self/mountinfo",
        "32 22 0:27 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    put(tree, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    put(tree, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_float_equal(describe(tree).cpu_quota, 0.5, 1e-9);
}

static void arm_is_named_by_its_part_number(void **state) {
    const struct tree *tree = *state;
    put(tree, "/proc/cpuinfo",
        "processor\t: 0\nFeatures\t: fp asimd asimddp sve bf16\nCPU implementer\t: 0x41\n"
        "CPU part\t: 0xd40\n");
    struct machine machine = describe(tree);
    assert_string_equal(machine.cpu, "Neoverse V1");
    assert_string_equal(machine.isa, "asimd asimddp sve bf16");
    assert_string_equal(machine.virtualisation, "");
}

static void fingerprint_outlives_kernel_governor_and_binding(void **state) {
    const struct tree *tree = *state;
    struct machine before = describe(tree);
    put(tree, "/proc/sys/kernel/osrelease", "6.12.0\n");
    put(tree, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    put(tree, "/proc/meminfo", "MemTotal:       32751000 kB\n");
    put(tree, "/proc/self/status", "Cpus_allowed_list:\t0\n");
    assert_string_equal(describe(tree).fingerprint, before.fingerprint);
}

static void fingerprint_changes_with_what_decides_speed(void **state) {
    const struct tree *tree = *state;
    static const char *const changes[][2] = {
        {"/sys/fs/cgroup/user/cpu.max",                    "150000 100000\n"                     },
        {"/sys/fs/cgroup/user/job/memory.max",             "1073741824\n"                        },
        {"/sys/devices/system/cpu/online",                 "0-7\n"                               },
        {"/sys/devices/system/cpu/cpu0/cache/index2/size", "1M\n"                                },
        {"/proc/meminfo",                                  "MemTotal:   16752196 kB\n"           },
        {"/proc/cpuinfo",                                  "model name\t: Other\nflags\t: avx2\n"},
    };
    struct machine before = describe(tree);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        put(tree, changes[i][0], changes[i][1]);
        struct machine after = describe(tree);
        assert_string_not_equal(after.fingerprint, before.fingerprint);
        before = after;
    }
}

static void absent_cpuinfo_is_an_error_that_names_it(void **state) {
    (void)state;
    struct machine machine;
    struct err err = {0};
    assert_int_equal(machine_describe_at("/nonexistent", &machine, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "/nonexistent/proc/cpuinfo"));
}

static void this_machine_is_described(void **state) {
    (void)state;
    struct machine machine, again;
    struct err err = {0};
    assert_int_equal(machine_describe(&machine, &err), 0);
    assert_int_equal(machine_describe(&again, &err), 0);
    assert_true(machine.cpus >= 1 && (long)machine.cpus <= sysconf(_SC_NPROCESSORS_CONF));
    assert_true(machine.memory_bytes > UINT64_C(1) << 28);
    assert_true(machine.cpu[0] != '\0' && machine.label[0] != '\0');
    assert_string_equal(machine.fingerprint, again.fingerprint);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_cpu_caches_memory_and_kernel, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(tightest_limit_of_the_groups_above_counts, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(version_1_groups_are_read, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(mount_that_begins_inside_the_group_is_read, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(arm_is_named_by_its_part_number, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(fingerprint_outlives_kernel_governor_and_binding, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(fingerprint_changes_with_what_decides_speed, make_tree,
                                        remove_tree),
        cmocka_unit_test(absent_cpuinfo_is_an_error_that_names_it),
        cmocka_unit_test(this_machine_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
