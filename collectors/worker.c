#include "collectors/worker.h"

#include "collectors/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SILENCE_DEFAULT_MS = 30 * 60 * 1000, CLOSE_WAIT_MS = 5000 };

extern char **environ;

/* ---- start ------------------------------------------------------------------------------------
 */

struct pipes {
    int commands[2], replies[2], output[2];
};

static void close_pair(int pair[2]) {
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static void close_pipes(struct pipes *pipes) {
    close_pair(pipes->commands);
    close_pair(pipes->replies);
    close_pair(pipes->output);
}

static int open_pipes(struct pipes *pipes, struct err *err) {
    *pipes = (struct pipes){
        {-1, -1},
        {-1, -1},
        {-1, -1}
    };
    if (!pipe2(pipes->commands, O_CLOEXEC) && !pipe2(pipes->replies, O_CLOEXEC) &&
        !pipe2(pipes->output, O_CLOEXEC))
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "cannot make pipes for a worker");
    close_pipes(pipes);
    return -ERR_ENVIRONMENT;
}

/* Sixteen hexadecimal digits: snprintf() is not safe between fork and exec. */
static void write_hex(uint64_t value, char text[static 17]) {
    for (int i = 15; i >= 0; i--, value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    text[16] = '\0';
}

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* In the child, between fork and exec: only calls that are safe there. Descriptors are moved out
 * of the way first, since a pipe end may itself be 3 or 4. */
static _Noreturn void become_worker(const struct pipes *pipes, const char *program,
                                    char *const *environment, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    int commands = fcntl(pipes->commands[0], F_DUPFD_CLOEXEC, 16);
    int replies = fcntl(pipes->replies[1], F_DUPFD_CLOEXEC, 16);
    int output = fcntl(pipes->output[1], F_DUPFD_CLOEXEC, 16);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (commands < 0 || replies < 0 || output < 0 || null < 0 || dup2(null, 0) < 0 ||
        dup2(output, 1) < 0 || dup2(output, 2) < 0 || dup2(commands, WORKER_COMMANDS) < 0 ||
        dup2(replies, WORKER_REPLIES) < 0)
        _exit(127);
    signal(SIGPIPE, SIG_DFL);
    char started[17];
    write_hex(monotonic_ns(), started);
    char *const argv[] = {(char[]){"assay-worker"}, started, NULL};
    execve(program, argv, environment);
    _exit(126);
}

int worker_open(struct worker *worker, const char *name, const char *program,
                const char *const *environment, struct err *err) {
    *worker = (struct worker){.name = name, .commands = -1, .replies = -1, .output = -1};
    worker->timeout_ms = SILENCE_DEFAULT_MS;
    if (access(program, X_OK))
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot start %s", program);
    struct pipes pipes;
    int code = open_pipes(&pipes, err);
    if (code)
        return code;
    char **merged = environment_with(environment);
    pid_t parent = getpid();
    pid_t pid = merged ? fork() : -1;
    if (pid == 0)
        become_worker(&pipes, program, merged, parent);
    if (pid < 0) {
        code = err_set_errno(err, ERR_ENVIRONMENT, "cannot start %s", program);
        close_pipes(&pipes);
        free(merged);
        return code;
    }
    free(merged);
    close(pipes.commands[0]);
    close(pipes.replies[1]);
    close(pipes.output[1]);
    worker->commands = pipes.commands[1];
    worker->replies = pipes.replies[0];
    worker->output = pipes.output[0];
    fcntl(worker->output, F_SETFL, O_NONBLOCK);
    worker->pid = pid;
    strbuf_init(&worker->frame);
    strbuf_init(&worker->pieces);
    return 0;
}

/* ---- end --------------------------------------------------------------------------------------
 */

static void close_descriptors(struct worker *worker) {
    int *all[] = {&worker->commands, &worker->replies, &worker->output};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
}

static void forget(struct worker *worker) {
    close_descriptors(worker);
    strbuf_done(&worker->frame);
    strbuf_done(&worker->pieces);
    worker->pid = 0;
}

static int reap(const struct worker *worker) {
    int status = 0;
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Waits a moment for it to end by itself, then ends it. The status of waitpid(). */
static int reap_soon(const struct worker *worker) {
    for (int waited = 0; waited < CLOSE_WAIT_MS; waited += 2) {
        int status;
        if (waitpid(worker->pid, &status, WNOHANG) == worker->pid)
            return status;
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    kill(worker->pid, SIGKILL);
    return reap(worker);
}

void worker_kill(struct worker *worker) {
    if (!worker->pid)
        return;
    kill(worker->pid, SIGKILL);
    reap(worker);
    forget(worker);
}

void worker_close(struct worker *worker) {
    if (!worker->pid)
        return;
    close(worker->commands);
    worker->commands = -1;
    reap_soon(worker);
    forget(worker);
}

/* ---- what it prints ---------------------------------------------------------------------------
 */

static void keep_printed(struct worker *worker, const char *bytes, size_t length) {
    size_t room = sizeof worker->printed - 1;
    if (length > room) {
        bytes += length - room;
        length = room;
    }
    size_t have = strlen(worker->printed);
    size_t keep = have + length > room ? room - length : have;
    memmove(worker->printed, worker->printed + have - keep, keep);
    for (size_t i = 0; i < length; i++)
        worker->printed[keep + i] = bytes[i] ? bytes[i] : ' ';
    worker->printed[keep + length] = 0;
}

static void drain_output(struct worker *worker) {
    char block[1024];
    ssize_t n;
    while ((n = read(worker->output, block, sizeof block)) > 0)
        keep_printed(worker, block, (size_t)n);
    if (n == 0) {
        close(worker->output);
        worker->output = -1;
    }
}

/* The last line printed that is not empty, without its end; "" when there is none. */
static const char *last_line(struct worker *worker) {
    char *end = worker->printed + strlen(worker->printed);
    while (end > worker->printed && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
        *--end = 0;
    char *line = strrchr(worker->printed, '\n');
    return line ? line + 1 : worker->printed;
}

/* ---- frames -----------------------------------------------------------------------------------
 */

/* Its pipe is closed, so it has ended or is about to: says how, in an error, and forgets it. */
static int ended(struct worker *worker, struct err *err) {
    int status = reap_soon(worker);
    if (worker->output >= 0)
        drain_output(worker);
    const char *line = last_line(worker);
    const char *said = line[0] ? "; it printed: " : "";
    int code;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        code = err_set(err, ERR_ENVIRONMENT,
                       "%s was killed (SIGKILL): the machine or its container may be out of "
                       "memory%s%s",
                       worker->name, said, line);
    else if (WIFSIGNALED(status))
        code = err_set(err, ERR_INPUT, "%s crashed with signal %d (%s)%s%s", worker->name,
                       WTERMSIG(status), strsignal(WTERMSIG(status)), said, line);
    else
        code = err_set(err, ERR_ENVIRONMENT, "%s ended unexpectedly with code %d%s%s", worker->name,
                       WEXITSTATUS(status), said, line);
    forget(worker);
    return code;
}

int worker_send(struct worker *worker, uint32_t kind, const void *payload, size_t length,
                struct err *err) {
    if (!worker->pid)
        return err_set(err, ERR_BUG, "%s is not running", worker->name);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    bool sent = frame_send(worker->commands, kind, payload, length);
    sigaction(SIGPIPE, &before, NULL);
    return sent ? 0 : ended(worker, err);
}

/* Takes the first whole frame out of worker->pieces. False: there is none yet. */
static bool take_frame(struct worker *worker, uint32_t *kind) {
    struct strbuf *pieces = &worker->pieces;
    struct frame_head head;
    if (pieces->length < sizeof head)
        return false;
    memcpy(&head, pieces->text, sizeof head);
    if (pieces->length - sizeof head < head.length)
        return false;
    worker->frame.length = 0;
    strbuf_add(&worker->frame, pieces->text + sizeof head, head.length);
    size_t used = sizeof head + head.length;
    memmove(pieces->text, pieces->text + used, pieces->length - used);
    pieces->length -= used;
    *kind = head.kind;
    return true;
}

static int failed_frame(struct worker *worker, struct err *err) {
    struct frame_cursor in = {(const unsigned char *)worker->frame.text, worker->frame.length,
                              false};
    struct arena arena;
    arena_init(&arena);
    uint32_t code = frame_get_u32(&in);
    const char *message = frame_get_text(&in, &arena);
    const char *hint = frame_get_text(&in, &arena);
    if (in.failed || code == ERR_OK || code > ERR_BUG)
        code = ERR_BUG;
    err_set(err, (enum err_code)code, "%s", message ? message : "no message");
    if (hint && hint[0])
        err_hint(err, "%s", hint);
    arena_done(&arena);
    return -(int)code;
}

static int silent(struct worker *worker, struct err *err) {
    worker_kill(worker);
    err_set(err, ERR_ENVIRONMENT, "%s did not answer for %u seconds and was ended", worker->name,
            worker->timeout_ms / 1000);
    return err_hint(err, "ASSAY_WORKER_TIMEOUT=SECONDS sets the longest silence that is allowed");
}

/* Reads what there is. False: the reply pipe is at its end. */
static bool read_pieces(struct worker *worker) {
    char block[65536];
    ssize_t n = read(worker->replies, block, sizeof block);
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    strbuf_add(&worker->pieces, block, (size_t)n);
    return true;
}

/* Only something else than a worker of ours announces more. */
static bool is_sound(const struct worker *worker) {
    struct frame_head head;
    if (worker->pieces.length < sizeof head)
        return true;
    memcpy(&head, worker->pieces.text, sizeof head);
    return head.length <= FRAME_LENGTH_MAX;
}

int worker_receive(struct worker *worker, uint32_t *kind, struct err *err) {
    if (!worker->pid)
        return err_set(err, ERR_BUG, "%s is not running", worker->name);
    while (!take_frame(worker, kind)) {
        if (!is_sound(worker)) {
            worker_kill(worker);
            return err_set(err, ERR_ENVIRONMENT, "%s sent what is no frame", worker->name);
        }
        struct pollfd polled[2] = {
            {worker->replies, POLLIN, 0},
            {worker->output,  POLLIN, 0}
        };
        int ready = poll(polled, 2, (int)worker->timeout_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            return silent(worker, err);
        if (polled[1].revents)
            drain_output(worker);
        if (polled[0].revents && !read_pieces(worker))
            return ended(worker, err);
    }
    return *kind == WORKER_FAILED ? failed_frame(worker, err) : 0;
}

bool worker_reply_failed(int fd, const struct err *err) {
    struct strbuf out;
    strbuf_init(&out);
    frame_put_u32(&out, err->code);
    frame_put_text(&out, err->message);
    frame_put_text(&out, err->hint);
    bool sent = frame_send(fd, WORKER_FAILED, out.text, out.length);
    strbuf_done(&out);
    return sent;
}
