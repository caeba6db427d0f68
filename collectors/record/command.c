#include "collectors/record/command.h"

#include "collectors/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

static sigset_t passed_set(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(&set, passed[i]);
    return set;
}

/* ---- the child's side ----------------------------------------------------------------------- */

/* Between fork and exec. Whatever the program itself ignores or blocks is put back. */
static void restore_signals(void) {
    sigset_t set = passed_set();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
}

static _Noreturn void become(char *const *command, char *const *environment, int go, int failure,
                             int output) {
    char word;
    restore_signals();
    if (output >= 0)
        dup2(output, STDOUT_FILENO);
    if (read(go, &word, 1) == 1) {
        execvpe(command[0], command, environment);
        int number = errno;
        ssize_t told = write(failure, &number, sizeof number);
        (void)told;
    }
    _exit(127);
}

/* ---- ours ----------------------------------------------------------------------------------- */

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pair(int pair[2]) {
    close_fd(&pair[0]);
    close_fd(&pair[1]);
}

struct start {
    int go[2], failure[2], output[2];
};

static int start(struct command_run *run, char *const *command, char **environment,
                 struct start *pipes, bool capture) {
    if (pipe2(pipes->go, O_CLOEXEC) || pipe2(pipes->failure, O_CLOEXEC) ||
        (capture && pipe2(pipes->output, O_CLOEXEC)))
        return -1;
    run->pid = fork();
    if (run->pid == 0) {
        close_fd(&pipes->go[1]); /* or it would wait for itself when we die */
        become(command, environment, pipes->go[0], pipes->failure[1], pipes->output[1]);
    }
    if (run->pid < 0)
        return -1;
    run->ended = (int)syscall(SYS_pidfd_open, run->pid, 0);
    return run->ended < 0 ? -1 : 0;
}

int command_prepare(struct command_run *run, char *const *command, const char *const *environment,
                    bool capture, struct err *err) {
    *run = (struct command_run){.go = -1, .failure = -1, .ended = -1, .output = -1, .code = -1};
    struct start pipes = {
        {-1, -1},
        {-1, -1},
        {-1, -1}
    };
    sigset_t set = passed_set();
    sigprocmask(SIG_BLOCK, &set, NULL);
    run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    char **merged = environment_with(environment);
    int code = run->signals < 0 || !merged ? -1 : start(run, command, merged, &pipes, capture);
    if (code)
        code = err_set_errno(err, ERR_ENVIRONMENT, "cannot start %s", command[0]);
    free(merged);
    run->go = pipes.go[1];
    run->failure = pipes.failure[0];
    run->output = pipes.output[0];
    if (run->output >= 0)
        fcntl(run->output, F_SETFL, O_NONBLOCK);
    pipes.go[1] = pipes.failure[0] = pipes.output[0] = -1;
    close_pair(pipes.go);
    close_pair(pipes.failure);
    close_pair(pipes.output);
    if (code)
        command_close(run);
    return code;
}

int command_go(struct command_run *run, const char *name, struct err *err) {
    int number = 0;
    ssize_t told;
    if (write(run->go, "g", 1) != 1)
        return err_set_errno(err, ERR_ENVIRONMENT, "the command ended before it began");
    close_fd(&run->go);
    do
        told = read(run->failure, &number, sizeof number);
    while (told < 0 && errno == EINTR);
    close_fd(&run->failure);
    if (told != sizeof number)
        return 0;
    errno = number;
    err_set_errno(err, ERR_INPUT, "%s: cannot be executed", name);
    return err_hint(err, "it is looked for on the PATH, and no shell reads it: for pipes and "
                         "variables record 'sh -c ...'");
}

void command_pass_signals(struct command_run *run) {
    struct signalfd_siginfo info;
    while (read(run->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_code != SI_KERNEL && !run->exited)
            kill(run->pid, (int)info.ssi_signo);
}

void command_reap(struct command_run *run) {
    int status = 0;
    while (wait4(run->pid, &status, 0, &run->usage) < 0 && errno == EINTR)
        ;
    run->pid = 0;
    run->exited = WIFEXITED(status);
    run->code = run->exited ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void command_close(struct command_run *run) {
    close_fd(&run->go);
    if (run->pid > 0) {
        kill(run->pid, SIGKILL);
        command_reap(run);
    }
    close_fd(&run->failure);
    close_fd(&run->ended);
    close_fd(&run->signals);
    close_fd(&run->output);
    sigset_t set = passed_set();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
