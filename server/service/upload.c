#include "server/service/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 32, EXIT_NOT_STARTED = 127 };

const struct upload_limits upload_limits_usual = {
    .memory_bytes = UINT64_C(1) << 30,
    .cpu_s = 10,
    .wall_s = 20,
    .answer_bytes = (size_t)64 << 20,
};

/* ---- the private folder ----------------------------------------------------------------------
 */

static int write_file(const char *path, const struct upload *upload, struct err *err) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s", path);
    const char *at = upload->bytes;
    size_t left = upload->count;
    while (left) {
        ssize_t written = write(fd, at, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", path);
            break;
        }
        at += written;
        left -= (size_t)written;
    }
    close(fd);
    return -(int)err->code;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status, (void)type, (void)at;
    return remove(path);
}

/* NULL when there can be none. */
static const char *make_folder(struct arena *arena, const struct upload *upload, struct err *err) {
    const char *parent = upload->temporary ? upload->temporary : getenv("TMPDIR");
    char *name =
        arena_printf(arena, "%s/assay-upload-XXXXXX", parent && parent[0] ? parent : "/tmp");
    if (mkdtemp(name))
        return name;
    err_set_errno(err, ERR_ENVIRONMENT, "%s: no folder for the upload", name);
    return NULL;
}

/* ---- the process -----------------------------------------------------------------------------
 */

/* All that it is started with, made before the fork: between fork and exec of a program with
 * threads nothing may be allocated. */
struct start {
    const char *program, *folder;
    const char *argv[ARGUMENTS_MAX];
    const char *envp[8];
    int out;  /* it prints into */
    int null; /* /dev/null */
    struct upload_limits limits;
};

static const char *own_program(struct arena *arena) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return length > 0 && (size_t)length < sizeof path ? arena_strndup(arena, path, (size_t)length)
                                                      : "/proc/self/exe";
}

static void fill_arguments(const struct upload *upload, struct start *start) {
    const char *const fixed[] = {start->program, "--db",   upload->db_path, "predict",
                                 upload->file,   "--json", "--quiet",       "--no-store",
                                 "--lowering",   "rules"};
    size_t count = sizeof fixed / sizeof *fixed;
    memcpy(start->argv, fixed, sizeof fixed);
    for (size_t i = 0; upload->arguments[i] && count < ARGUMENTS_MAX - 1; i++)
        start->argv[count++] = upload->arguments[i];
}

/* The runtime and its worker are named as files that are none: no foreign code is loaded. */
static void fill_environment(struct arena *arena, struct start *start) {
    start->envp[0] = arena_printf(arena, "TMPDIR=%s", start->folder);
    start->envp[1] = "ASSAY_ORT_LIBRARY=/dev/null";
    start->envp[2] = "ASSAY_WORKER=/dev/null";
    start->envp[3] = "LC_ALL=C.UTF-8";
}

static void limit(int what, uint64_t most) {
    const struct rlimit both = {most, most};
    setrlimit((__rlimit_resource_t)what, &both);
}

/* In the child, between fork and exec: system calls alone. */
static _Noreturn void become(const struct start *start) {
    if (start->limits.memory_bytes)
        limit(RLIMIT_AS, start->limits.memory_bytes);
    limit(RLIMIT_CPU, start->limits.cpu_s);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 64);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (dup2(start->null, 0) < 0 || dup2(start->out, 1) < 0 || dup2(start->null, 2) < 0 ||
        chdir(start->folder) != 0)
        _exit(EXIT_NOT_STARTED);
    close_range(3, ~0U, 0);
    execve(start->program, (char *const *)(uintptr_t)start->argv,
           (char *const *)(uintptr_t)start->envp);
    _exit(EXIT_NOT_STARTED);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Reads until the end, the deadline or too much; says which of the last two it was. */
static const char *read_answer(int in, const struct upload_limits *limits, struct strbuf *out) {
    double deadline = now_s() + limits->wall_s;
    char piece[65536];
    for (;;) {
        struct pollfd ready = {.fd = in, .events = POLLIN};
        double left = deadline - now_s();
        if (left <= 0 || poll(&ready, 1, (int)(left * 1e3) + 1) == 0)
            return "it took too long";
        ssize_t count = read(in, piece, sizeof piece);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return NULL;
        if (out->length + (size_t)count > limits->answer_bytes)
            return "its answer is too long";
        strbuf_add(out, piece, (size_t)count);
    }
}

static void settle(struct arena *arena, int status, const char *cut, const struct start *start,
                   struct upload_outcome *outcome) {
    *outcome = (struct upload_outcome){.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                       .end = cut};
    if (cut || !WIFSIGNALED(status))
        return;
    int number = WTERMSIG(status);
    bool cpu = number == SIGXCPU || number == SIGKILL;
    outcome->end =
        cpu ? arena_printf(arena, "it took more than %u s of CPU time", start->limits.cpu_s)
            : arena_printf(arena, "it failed with signal %d", number);
}

static int converse(struct arena *arena, struct start *start, int in, struct strbuf *out,
                    struct upload_outcome *outcome, struct err *err) {
    pid_t child = fork();
    if (child == 0)
        become(start);
    close(start->out);
    start->out = -1;
    if (child < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "no process for the prediction");
    const char *cut = read_answer(in, &start->limits, out);
    if (cut)
        kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    settle(arena, status, cut, start, outcome);
    if (outcome->exit_code == EXIT_NOT_STARTED)
        return err_set(err, ERR_ENVIRONMENT, "%s: cannot be started", start->program);
    return 0;
}

static int run(struct arena *arena, const struct upload *upload, const char *folder,
               struct strbuf *out, struct upload_outcome *outcome, struct err *err) {
    struct start start = {.program = upload->program ? upload->program : own_program(arena),
                          .folder = folder,
                          .limits = upload->limits};
    int pipe_ends[2];
    fill_arguments(upload, &start);
    fill_environment(arena, &start);
    start.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (start.null < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "/dev/null");
    int code;
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        code = err_set_errno(err, ERR_ENVIRONMENT, "no pipe for the prediction");
    } else {
        start.out = pipe_ends[1];
        code = converse(arena, &start, pipe_ends[0], out, outcome, err);
        close(pipe_ends[0]);
    }
    close(start.null);
    return code;
}

int upload_predict(struct arena *arena, const struct upload *upload, struct strbuf *out,
                   struct upload_outcome *outcome, struct err *err) {
    *outcome = (struct upload_outcome){0};
    const char *folder = make_folder(arena, upload, err);
    if (!folder)
        return -(int)err->code;
    const char *path = arena_printf(arena, "%s/%s", folder, upload->file);
    int code = write_file(path, upload, err);
    if (!code)
        code = run(arena, upload, folder, out, outcome, err);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return code;
}
