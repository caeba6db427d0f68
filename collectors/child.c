#include "collectors/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t ns_of(const struct timeval *time) {
    return (int64_t)time->tv_sec * 1000000000 + (int64_t)time->tv_usec * 1000;
}

/* ---- the child's side ----------------------------------------------------------------------- */

static _Noreturn void become(char *const *command, const int gate[2], const int said[2]) {
    char byte;
    close(gate[1]);
    close(said[0]);
    if (read(gate[0], &byte, 1) != 1) /* the parent is gone, or gave up */
        _exit(127);
    signal(SIGPIPE, SIG_DFL); /* which we ignore, and it would inherit */
    execvp(command[0], command);
    int number = errno;
    ssize_t written = write(said[1], &number, sizeof number);
    _exit(written == sizeof number ? 127 : 126);
}

/* ---- the parent's side ---------------------------------------------------------------------- */

int child_hold(struct child *child, char *const *command, struct err *err) {
    int gate[2], said[2];
    if (pipe2(gate, O_CLOEXEC))
        return err_set_errno(err, ERR_ENVIRONMENT, "a pipe to %s", command[0]);
    if (pipe2(said, O_CLOEXEC)) {
        close(gate[0]);
        close(gate[1]);
        return err_set_errno(err, ERR_ENVIRONMENT, "a pipe from %s", command[0]);
    }
    pid_t pid = fork();
    if (pid == 0)
        become(command, gate, said);
    close(gate[0]);
    close(said[1]);
    *child = (struct child){pid, gate[1], said[0]};
    if (pid > 0)
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "a process for %s", command[0]);
    close(gate[1]);
    close(said[0]);
    return -(int)err->code;
}

static void describe(int status, const struct rusage *usage, struct child_end *end) {
    end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->user_ns = ns_of(&usage->ru_utime);
    end->system_ns = ns_of(&usage->ru_stime);
    end->peak_bytes = (int64_t)usage->ru_maxrss * 1024;
    end->minor_faults = usage->ru_minflt;
    end->major_faults = usage->ru_majflt;
    end->voluntary_switches = usage->ru_nvcsw;
    end->involuntary_switches = usage->ru_nivcsw;
}

/* Interrupts from the terminal are the program's: what was counted until then is still told. */
static pid_t wait_for(pid_t pid, int *status, struct rusage *usage) {
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    pid_t got;
    sigaction(SIGINT, &ignore, &before);
    do
        got = wait4(pid, status, 0, usage);
    while (got < 0 && errno == EINTR);
    sigaction(SIGINT, &before, NULL);
    return got;
}

int child_run(struct child *child, const char *name, struct child_end *end, struct err *err) {
    struct rusage usage;
    int status = 0, number = 0;
    int64_t start = now_ns();
    bool gone = write(child->gate, "x", 1) != 1;
    close(child->gate);
    bool failed = read(child->exec_said, &number, sizeof number) == sizeof number;
    close(child->exec_said);
    if (wait_for(child->pid, &status, &usage) < 0 || gone)
        return err_set_errno(err, ERR_ENVIRONMENT, "waiting for %s", name);
    end->wall_ns = now_ns() - start;
    if (failed)
        return err_set(err, ERR_USAGE, "%s cannot be executed: %s", name, strerror(number));
    describe(status, &usage, end);
    return 0;
}

void child_abandon(struct child *child) {
    close(child->gate);
    close(child->exec_said);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
