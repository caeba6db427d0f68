#include "collectors/disturbance.h"

#include "collectors/kernfs.h"

#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- the process ---------------------------------------------------------------------------- */

static void books_of_self(struct disturbance_snapshot *snapshot) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    snapshot->voluntary_switches = (uint64_t)usage.ru_nvcsw;
    snapshot->involuntary_switches = (uint64_t)usage.ru_nivcsw;
    snapshot->minor_faults = (uint64_t)usage.ru_minflt;
    snapshot->major_faults = (uint64_t)usage.ru_majflt;
}

/* /proc/PID/status counts the first thread's switches only, so each thread is asked. */
static void switches_of(const char *root, pid_t pid, struct disturbance_snapshot *snapshot) {
    char folder[KERNFS_PATH_SIZE], status[8192];
    int length = snprintf(folder, sizeof folder, "%s/proc/%d/task", root, (int)pid);
    DIR *threads = length > 0 && (size_t)length < sizeof folder ? opendir(folder) : NULL;
    if (!threads)
        return;
    for (const struct dirent *entry; (entry = readdir(threads));) {
        if (entry->d_name[0] == '.' ||
            !kernfs_read(folder, status, sizeof status, "/%s/status", entry->d_name))
            continue;
        snapshot->voluntary_switches += kernfs_field_number(status, "voluntary_ctxt_switches", 0);
        snapshot->involuntary_switches +=
            kernfs_field_number(status, "nonvoluntary_ctxt_switches", 0);
    }
    closedir(threads);
}

/* Fields of /proc/PID/stat by their numbers in proc(5). The name may hold blanks and brackets, so
 * counting starts behind the last bracket. */
static int faults_of(const char *root, pid_t pid, struct disturbance_snapshot *snapshot,
                     unsigned *cpu, struct err *err) {
    enum { STATE = 3, MINOR = 10, MAJOR = 12, PROCESSOR = 39 };
    char text[1024];
    char *at;
    if (!kernfs_read(root, text, sizeof text, "/proc/%d/stat", (int)pid) ||
        !(at = strrchr(text, ')')))
        return err_set(err, ERR_ENVIRONMENT, "process %d is not there", (int)pid);
    char *rest = NULL;
    int number = STATE;
    for (char *word = strtok_r(at + 1, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (number == MINOR)
            snapshot->minor_faults = strtoull(word, NULL, 10);
        else if (number == MAJOR)
            snapshot->major_faults = strtoull(word, NULL, 10);
        else if (number == PROCESSOR)
            *cpu = (unsigned)strtoul(word, NULL, 10);
        number++;
    }
    return 0;
}

/* ---- the machine ---------------------------------------------------------------------------- */

/* First line of /proc/stat: "cpu user nice system idle iowait irq softirq steal guest ...", where
 * guest is part of user. */
static void books_of_cpus(const char *root, struct disturbance_snapshot *snapshot) {
    enum { STEAL = 7, LAST = 7 };
    char text[512];
    if (!kernfs_read(root, text, sizeof text, "/proc/stat") || strncmp(text, "cpu ", 4) != 0)
        return;
    char *at = text + 4;
    for (int i = 0; i <= LAST; i++) {
        uint64_t ticks = strtoull(at, &at, 10);
        snapshot->all_ticks += ticks;
        if (i == STEAL)
            snapshot->steal_ticks = ticks;
    }
}

static uint64_t throttled_ns(const char *root) {
    struct cgroup_folder folder;
    char text[1024];
    if (!cgroup_folder_find(root, "cpu", &folder))
        return 0;
    uint64_t most = 0; /* a parent's throttling stops its children too, and counts it alone */
    do {
        if (!kernfs_read(folder.path, text, sizeof text, "/cpu.stat"))
            continue;
        uint64_t ns = folder.unified ? 1000 * kernfs_field_number(text, "throttled_usec", 0)
                                     : kernfs_field_number(text, "throttled_time", 0);
        most = ns > most ? ns : most;
    } while (cgroup_folder_up(&folder));
    return most;
}

static void books_of_machine(const char *root, unsigned cpu,
                             struct disturbance_snapshot *snapshot) {
    char text[64];
    books_of_cpus(root, snapshot);
    snapshot->throttled_ns = throttled_ns(root);
    snapshot->frequency_khz =
        kernfs_number(root, 0, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", cpu);
    if (kernfs_read(root, text, sizeof text, "/proc/loadavg"))
        snapshot->load_average = strtod(text, NULL);
}

int disturbance_snapshot_at(const char *root, struct disturbance_snapshot *snapshot, pid_t pid,
                            struct err *err) {
    unsigned cpu = 0;
    memset(snapshot, 0, sizeof *snapshot);
    int status = faults_of(root, pid, snapshot, &cpu, err);
    if (status != 0)
        return status;
    switches_of(root, pid, snapshot);
    books_of_machine(root, cpu, snapshot);
    return 0;
}

int disturbance_snapshot(struct disturbance_snapshot *snapshot, pid_t pid, struct err *err) {
    if (pid != 0 && pid != getpid())
        return disturbance_snapshot_at("", snapshot, pid, err);
    int cpu = sched_getcpu();
    memset(snapshot, 0, sizeof *snapshot);
    books_of_self(snapshot);
    books_of_machine("", cpu < 0 ? 0 : (unsigned)cpu, snapshot);
    return 0;
}

/* ---- the difference ------------------------------------------------------------------------- */

/* A thread that ended takes its numbers with it; that is no negative disturbance. */
static uint64_t grown(uint64_t before, uint64_t after) {
    return after > before ? after - before : 0;
}

void disturbance_between(const struct disturbance_snapshot *before,
                         const struct disturbance_snapshot *after, struct disturbance *out) {
    uint64_t ticks = grown(before->all_ticks, after->all_ticks);
    uint64_t slow = before->frequency_khz, fast = after->frequency_khz;
    if (slow > fast) {
        uint64_t swap = slow;
        slow = fast;
        fast = swap;
    }
    *out = (struct disturbance){
        .voluntary_switches = grown(before->voluntary_switches, after->voluntary_switches),
        .involuntary_switches = grown(before->involuntary_switches, after->involuntary_switches),
        .minor_faults = grown(before->minor_faults, after->minor_faults),
        .major_faults = grown(before->major_faults, after->major_faults),
        .steal_fraction =
            ticks ? (double)grown(before->steal_ticks, after->steal_ticks) / (double)ticks : 0,
        .throttled_ns = (double)grown(before->throttled_ns, after->throttled_ns),
        .load_average = after->load_average,
        .frequency_ratio = slow ? (double)slow / (double)fast : 0,
    };
}
