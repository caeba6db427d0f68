#include "profiler/neighbours.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_NS = 100000000, BATCH_MOST = 1024, WARM_RUNS = 2 };

/* ---- the driver ------------------------------------------------------------------------------ */

static void drop(void *context, const struct sample *sample) {
    (void)context;
    (void)sample;
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Batches long enough that the commands between them take no time to speak of. */
static int run_on(const struct collector *collector, struct collect_session *session,
                  struct sink *sink, struct err *err) {
    uint32_t repeats = 1;
    for (;;) {
        double start = now_ns();
        if (collector->run(session, repeats, sink, err))
            return -(int)err->code;
        double one_ns = (now_ns() - start) / repeats;
        repeats = one_ns * BATCH_MOST < BATCH_NS ? BATCH_MOST : (uint32_t)(BATCH_NS / one_ns) + 1;
    }
}

/* Tells by a byte 0 that it is warm, or by an error that it is not. */
static _Noreturn void drive(const struct collector *collector, const struct collect_config *config,
                            int report, pid_t parent) {
    struct arena arena;
    struct err err = {0};
    struct collect_session *session;
    struct sink sink = {drop, NULL};
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    arena_init(&arena);
    int code = collector->open(&arena, config, &sink, &session, &err);
    if (!code)
        code = collector->run(session, WARM_RUNS, &sink, &err);
    const void *said = code ? (const void *)&err : "";
    size_t length = code ? sizeof err : 1;
    if (write(report, said, length) != (ssize_t)length || code)
        _exit(1);
    run_on(collector, session, &sink, &err);
    _exit(1);
}

/* ---- starting -------------------------------------------------------------------------------- */

static int await(int report, struct err *err) {
    struct err said;
    ssize_t got;
    do
        got = read(report, &said, sizeof said);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return 0;
    if (got != (ssize_t)sizeof said)
        return err_set(err, ERR_ENVIRONMENT, "a replica beside the measured one ended by itself");
    *err = said;
    return err_prefix(err, "a replica beside the measured one");
}

static int start_one(struct neighbours *neighbours, const struct collector *collector,
                     const struct collect_config *config, struct err *err) {
    int report[2];
    pid_t parent = getpid();
    if (pipe2(report, O_CLOEXEC))
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make a pipe for a replica");
    pid_t pid = fork();
    if (pid == 0)
        drive(collector, config, report[1], parent);
    close(report[1]);
    int code = 0;
    if (pid < 0) {
        code = err_set_errno(err, ERR_ENVIRONMENT, "cannot start a replica");
    } else {
        setpgid(pid, pid); /* whoever comes first */
        neighbours->drivers[neighbours->count++] = pid;
        code = await(report[0], err);
    }
    close(report[0]);
    if (!code)
        kill(-pid, SIGSTOP);
    return code;
}

int neighbours_open(struct neighbours *neighbours, struct arena *arena,
                    const struct collector *collector, const struct collect_config *config,
                    uint32_t count, struct err *err) {
    struct collect_config plain = *config;
    plain.hooked = NULL;
    plain.event_count = 0;
    *neighbours = (struct neighbours){ARENA_ARRAY(arena, count + 1u, pid_t), 0};
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* workers whose driver is gone become ours, to be reaped */
    fflush(NULL);                     /* the drivers must not print what waits to be printed */
    for (uint32_t i = 0; i < count; i++) {
        if (start_one(neighbours, collector, &plain, err) == 0)
            continue;
        neighbours_close(neighbours);
        return -(int)err->code;
    }
    return 0;
}

/* ---- while they run -------------------------------------------------------------------------- */

static void signal_all(const struct neighbours *neighbours, int number) {
    for (uint32_t i = 0; i < neighbours->count; i++)
        kill(-neighbours->drivers[i], number);
}

void neighbours_go(const struct neighbours *neighbours) {
    signal_all(neighbours, SIGCONT);
}

void neighbours_halt(const struct neighbours *neighbours) {
    signal_all(neighbours, SIGSTOP);
}

int neighbours_check(const struct neighbours *neighbours, struct err *err) {
    for (uint32_t i = 0; i < neighbours->count; i++) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)neighbours->drivers[i], &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid != 0)
            return err_set(err, ERR_ENVIRONMENT,
                           "a replica beside the measured one ended by itself");
    }
    return 0;
}

/* A driver and its worker end together, halted or not. */
void neighbours_close(struct neighbours *neighbours) {
    signal_all(neighbours, SIGKILL);
    for (uint32_t i = 0; i < neighbours->count; i++)
        while (waitpid(-neighbours->drivers[i], NULL, 0) > 0 || errno == EINTR)
            ;
    if (neighbours->drivers)
        prctl(PR_SET_CHILD_SUBREAPER, 0);
    *neighbours = (struct neighbours){0};
}
