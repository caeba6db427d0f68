#include "collectors/perf_rights.h"

#include "collectors/kernfs.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif

/* What container runtimes leave behind: docker, podman, and systemd's and LXC's variable. */
static bool in_container(const char *root) {
    char text[256];
    static const char *const marks[] = {"/.dockerenv", "/run/.containerenv",
                                        "/run/systemd/container"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        snprintf(text, sizeof text, "%s%s", root, marks[i]);
        if (access(text, F_OK) == 0)
            return true;
    }
    const char *container = *root ? NULL : getenv("container");
    return container && *container;
}

void perf_rights_read(const char *root, struct perf_rights *out) {
    char text[8192], value[64];
    *out = (struct perf_rights){.paranoid = PARANOID_UNKNOWN, .container = in_container(root)};
    if (kernfs_read(root, text, sizeof text, "/proc/sys/kernel/perf_event_paranoid"))
        out->paranoid = (int)strtol(text, NULL, 10);
    if (!kernfs_read(root, text, sizeof text, "/proc/self/status"))
        return;
    if (kernfs_field(text, "CapEff", value, sizeof value)) {
        uint64_t effective = strtoull(value, NULL, 16);
        out->capable = (effective >> CAP_PERFMON & 1) || (effective >> CAP_SYS_ADMIN & 1);
    }
    out->filtered = kernfs_field_number(text, "Seccomp", 0) == 2;
}

/* 0 or errno. */
static int try_open(bool user_only) {
    struct perf_event_attr attr = {.size = sizeof attr,
                                   .type = PERF_TYPE_SOFTWARE,
                                   .config = PERF_COUNT_SW_PAGE_FAULTS,
                                   .exclude_kernel = user_only,
                                   .exclude_hv = user_only};
    long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    int number = fd < 0 ? errno : 0;
    if (fd >= 0)
        close((int)fd);
    return number;
}

void perf_rights_find(struct perf_rights *out) {
    perf_rights_read("", out);
    out->user_errno = try_open(true);
    out->whole_errno = try_open(false);
}

static bool is_denied(int number) {
    return number == EACCES || number == EPERM;
}

/* Where the level forbids it; otherwise a filter or a security module does. */
static bool level_forbids(const struct perf_rights *rights) {
    int allowed = is_denied(rights->user_errno) ? 2 : 1;
    return !rights->capable && rights->paranoid > allowed;
}

void perf_rights_reason(const struct perf_rights *rights, char *text, size_t size) {
    if (rights->user_errno == ENOSYS)
        snprintf(text, size, "this kernel has no perf events");
    else if (level_forbids(rights))
        snprintf(text, size, "not permitted: kernel.perf_event_paranoid is %d", rights->paranoid);
    else
        snprintf(text, size, "not permitted: perf_event_open is blocked%s",
                 rights->filtered ? " by a seccomp filter, as container runtimes do"
                                  : ", as security modules and container runtimes do");
}

void perf_rights_command(const struct perf_rights *rights, const char *program, char *text,
                         size_t size) {
    bool user = is_denied(rights->user_errno), whole = is_denied(rights->whole_errno);
    if (!user && !whole)
        snprintf(text, size, "%s", "");
    else if (rights->container || (!level_forbids(rights) && rights->filtered))
        snprintf(text, size, "docker run --cap-add PERFMON IMAGE");
    else if (level_forbids(rights))
        snprintf(text, size, "sudo sysctl kernel.perf_event_paranoid=%d", user ? 2 : 1);
    else
        snprintf(text, size, "sudo setcap cap_perfmon=ep \"$(command -v %s)\"", program);
}
