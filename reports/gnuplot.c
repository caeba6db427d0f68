#include "reports/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIME_LIMIT_MS = 30000, OUTPUT_MAX = 16 << 20 };

/* The three descriptors gnuplot gets, and the end of the pipe that we read. */
struct plumbing {
    int script, messages;
    int read_end, write_end;
};

static void close_all(struct plumbing *p) {
    int *const fds[] = {&p->script, &p->messages, &p->read_end, &p->write_end};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static int write_script(int fd, const char *script) {
    size_t left = strlen(script);
    while (left) {
        ssize_t wrote = write(fd, script, left);
        if (wrote < 0 && errno != EINTR)
            return -1;
        if (wrote > 0) {
            script += wrote;
            left -= (size_t)wrote;
        }
    }
    return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static int open_all(struct plumbing *p, const char *script, struct err *err) {
    int ends[2];
    *p = (struct plumbing){-1, -1, -1, -1};
    p->script = memfd_create("gnuplot-script", MFD_CLOEXEC);
    p->messages = memfd_create("gnuplot-messages", MFD_CLOEXEC);
    if (p->script < 0 || p->messages < 0 || write_script(p->script, script) < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "gnuplot: no room for its script");
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "gnuplot: no pipe");
    p->read_end = ends[0];
    p->write_end = ends[1];
    return 0;
}

/* -d: no start-up files, so that every machine draws the same. */
static int spawn(const struct plumbing *p, pid_t *pid) {
    char program[] = "gnuplot", defaults[] = "-d", from_stdin[] = "-";
    char *argv[] = {program, defaults, from_stdin, NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions))
        return ENOMEM;
    int rc = posix_spawn_file_actions_adddup2(&actions, p->script, STDIN_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&actions, p->write_end, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&actions, p->messages, STDERR_FILENO);
    if (!rc)
        rc = posix_spawnp(pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads to the end. false when the time or the room is up. */
static bool read_picture(int fd, struct strbuf *out) {
    int64_t end = now_ms() + TIME_LIMIT_MS;
    size_t start = out->length;
    char block[8192];
    for (;;) {
        struct pollfd ready = {fd, POLLIN, 0};
        int64_t left = end - now_ms();
        int rc = left > 0 ? poll(&ready, 1, (int)left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0 || out->length - start > OUTPUT_MAX)
            return false;
        ssize_t got = read(fd, block, sizeof block);
        if (got == 0)
            return true;
        if (got > 0)
            strbuf_add(out, block, (size_t)got);
        else if (errno != EINTR)
            return false;
    }
}

/* The last line that says something. */
static void last_words(int fd, char *text, size_t size) {
    char all[2048];
    ssize_t got = pread(fd, all, sizeof all - 1, 0);
    all[got > 0 ? got : 0] = 0;
    snprintf(text, size, "no message");
    for (char *save, *line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (line[strspn(line, " \t^\"")])
            snprintf(text, size, "%s", line + strspn(line, " \t"));
}

static int finish(const struct plumbing *p, pid_t pid, bool complete, struct err *err) {
    int status = 0;
    char words[256];
    if (!complete)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!complete)
        return err_set(err, ERR_ENVIRONMENT, "gnuplot did not end within %d s",
                       TIME_LIMIT_MS / 1000);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    last_words(p->messages, words, sizeof words);
    return err_set(err, ERR_ENVIRONMENT, "gnuplot failed: %s", words);
}

int gnuplot_run(const char *script, struct strbuf *out, struct err *err) {
    struct plumbing p;
    pid_t pid = 0;
    int rc = open_all(&p, script, err);
    int spawned = rc ? 0 : spawn(&p, &pid);
    if (!rc && spawned) {
        errno = spawned;
        err_set_errno(err, ERR_ENVIRONMENT, "gnuplot cannot be started");
        rc = err_hint(err, "apt-get install gnuplot-nox");
    }
    if (!rc) {
        close(p.write_end); /* else the pipe never ends */
        p.write_end = -1;
        rc = finish(&p, pid, read_picture(p.read_end, out), err);
    }
    close_all(&p);
    return rc;
}
