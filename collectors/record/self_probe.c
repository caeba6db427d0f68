#include "collectors/record/self_probe.h"

#include "base/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NAKED  __attribute__((naked, noinline, used))
#define UNUSED __attribute__((unused))

static NAKED void begins_with_push(void *unused UNUSED) {
    __asm__("push %rbp\n\tpop %rbp\n\tret");
}

static NAKED void begins_with_move(void *unused UNUSED) {
    __asm__("mov %rsp, %rax\n\tret");
}

static NAKED void takes_a_tensor(void *tensor UNUSED) {
    __asm__("push %rbx\n\tpop %rbx\n\tret");
}
#else
static void begins_with_push(void *unused) {
    (void)unused;
}

static void begins_with_move(void *unused) {
    (void)unused;
}

static void takes_a_tensor(void *tensor) {
    (void)tensor;
}
#endif

typedef void target_fn(void *argument);

enum { ELSEWHERE_BYTES = 4 << 20 }; /* more than a core has of its own */

/* How the linker laid a function of ours into our file: proc_pid_maps(5). */
static int place_of(target_fn *function, uint64_t *offset, struct err *err) {
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long long start, end, at, address = (uintptr_t)function;
    char line[512];
    bool found = false;
    while (maps && !found && fgets(line, sizeof line, maps))
        found = sscanf(line, "%llx-%llx %*4s %llx", &start, &end, &at) == 3 && address >= start &&
                address < end;
    if (maps)
        fclose(maps);
    if (!found)
        return err_set(err, ERR_ENVIRONMENT, "/proc/self/maps does not say where our program lies");
    *offset = address - start + at;
    return 0;
}

static int open_self(struct probes **probes, const struct probe_route *route, struct err *err) {
    enum { RING_BYTES = 64 << 10 };
    uint64_t offsets[3], cookies[3] = {probe_cookie(0, 0), probe_cookie(1, 0), probe_cookie(2, 1)};
    uint64_t returns[3];
    struct probe_places places = {
        .offsets = offsets, .cookies = cookies, .return_cookies = returns, .count = 3};
    for (int i = 0; i < 3; i++)
        returns[i] = cookies[i] | PROBE_RETURNS;
    *probes = NULL;
    if (place_of(begins_with_push, &offsets[0], err) ||
        place_of(begins_with_move, &offsets[1], err) ||
        place_of(takes_a_tensor, &offsets[2], err) ||
        probes_open(probes, route, getpid(), RING_BYTES, err) ||
        probes_attach(*probes, "/proc/self/exe", &places, err))
        return -(int)err->code;
    return 0;
}

static int count_event(void *context, const struct probe_event *event, struct err *err) {
    (void)event, (void)err;
    ++*(uint32_t *)context;
    return 0;
}

int self_probe_try(const struct probe_route *route, struct err *err) {
    struct probes *probes;
    uint32_t events = 0;
    if (open_self(&probes, route, err) == 0) {
        begins_with_push(NULL);
        if (probes_read(probes, count_event, &events, err) == 0 && events != 2)
            err_set(err, ERR_ENVIRONMENT, "a probe on ourselves gave %u events instead of 2",
                    events);
    }
    probes_close(probes);
    return -(int)err->code;
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What a program does between two calls: its own data and code fill the core's caches. */
static void do_something_else(unsigned char *bytes, size_t count) {
    enum { LINE_BYTES = 64 };
    for (size_t at = 0; at < count; at += LINE_BYTES)
        ((volatile unsigned char *)bytes)[at]++;
}

static void nothing(void *argument) {
    (void)argument;
}

/* Of one call, caches cold. */
static int time_calls(struct probes *probes, target_fn *function, unsigned char *elsewhere,
                      double *out, struct err *err) {
    enum { CALLS = 60 };
    static const unsigned char impl[PROBE_TENSOR_AT + sizeof(struct probe_tensor)];
    const void *tensor = impl;
    double took[CALLS];
    uint32_t events = 0;
    for (int i = 0; i < CALLS; i++) {
        do_something_else(elsewhere, ELSEWHERE_BYTES);
        double start = now_ns();
        function(&tensor);
        took[i] = now_ns() - start;
    }
    *out = stats_median(took, CALLS);
    return probes_read(probes, count_event, &events, err);
}

/* Without what the clock takes. */
static int measure(struct probes *probes, target_fn *function, double *out, struct err *err) {
    unsigned char *elsewhere = calloc(1, ELSEWHERE_BYTES);
    double clock_ns = 0;
    if (!elsewhere)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    int code = time_calls(probes, nothing, elsewhere, &clock_ns, err);
    if (!code)
        code = time_calls(probes, function, elsewhere, out, err);
    *out = fmax(*out - clock_ns, 0);
    free(elsewhere);
    return code;
}

int self_probe_cost(const struct probe_route *route, struct probe_cost *out, struct err *err) {
    struct probes *probes;
    double with = 0;
    *out = (struct probe_cost){0};
    if (open_self(&probes, route, err) == 0 &&
        measure(probes, begins_with_push, &out->emulated_ns, err) == 0 &&
        measure(probes, takes_a_tensor, &with, err) == 0 &&
        measure(probes, begins_with_move, &out->stepped_ns, err) == 0)
        out->tensor_ns = fmax(with - out->emulated_ns, 0);
    probes_close(probes);
    return -(int)err->code;
}
