#include "collectors/record/books.h"

#include "collectors/kernfs.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct reader {
    struct process_tree *tree;
    const struct span_sink *sink;
    struct books_reading *out;
    uint64_t at_ns;
    double rss, anon, pss;
    struct err *err;
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int say(struct reader *reader, const char *metric, const char *unit, uint64_t track,
               double value) {
    const struct track_sample sample = {metric, unit, track, (int64_t)reader->at_ns, value};
    if (!reader->sink->sample || isnan(value))
        return 0;
    return reader->sink->sample(reader->sink->context, &sample, reader->err);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* proc_pid_status(5): "RssAnon:    1234 kB". */
static void add_resident(struct reader *reader, pid_t pid) {
    char text[4096];
    if (!kernfs_read("", text, sizeof text, "/proc/%d/status", (int)pid))
        return;
    reader->rss += 1024.0 * (double)kernfs_field_number(text, "VmRSS", 0);
    reader->anon += 1024.0 * (double)kernfs_field_number(text, "RssAnon", 0);
}

static void add_shares(struct reader *reader, pid_t pid) {
    char text[2048];
    if (kernfs_read("", text, sizeof text, "/proc/%d/smaps_rollup", (int)pid))
        reader->pss += 1024.0 * (double)kernfs_field_number(text, "Pss", 0);
}

/* A program that is about to begin or end has none. */
static double some(double bytes) {
    return bytes > 0 ? bytes : NAN;
}

static int say_memory(struct reader *reader) {
    reader->out->rss_bytes = some(reader->rss);
    reader->out->anon_bytes = some(reader->anon);
    reader->out->pss_bytes = some(reader->pss);
    if (say(reader, "rss_bytes", "bytes", 0, reader->out->rss_bytes) ||
        say(reader, "anon_bytes", "bytes", 0, reader->out->anon_bytes) ||
        say(reader, "file_bytes", "bytes", 0, reader->out->rss_bytes - reader->anon) ||
        say(reader, "pss_bytes", "bytes", 0, reader->out->pss_bytes))
        return -(int)reader->err->code;
    return 0;
}

/* ---- threads -------------------------------------------------------------------------------- */

static void meet_thread(struct reader *reader, pid_t pid, pid_t tid) {
    char name[THREAD_NAME_SIZE + 1] = "";
    if (process_tree_find(reader->tree, tid))
        return;
    kernfs_read("", name, sizeof name, "/proc/%d/task/%d/comm", (int)pid, (int)tid);
    process_tree_born(reader->tree, pid, tid, name, reader->at_ns);
}

static void meet_children(struct reader *reader, pid_t pid, pid_t tid) {
    char text[4096], *at = text, *end;
    if (!kernfs_read("", text, sizeof text, "/proc/%d/task/%d/children", (int)pid, (int)tid))
        return;
    for (long child; (child = strtol(at, &end, 10)) > 0 && end > at; at = end)
        meet_thread(reader, (pid_t)child, (pid_t)child);
}

static void meet_threads(struct reader *reader, pid_t pid, bool look) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        meet_thread(reader, pid, tid);
        if (look)
            meet_children(reader, pid, tid);
    }
    if (folder)
        closedir(folder);
}

/* The first number of schedstat is the time on a CPU (Documentation/scheduler/sched-stats). */
static int say_thread(struct reader *reader, struct tree_thread *thread) {
    uint64_t cpu = kernfs_number("", UINT64_MAX, "/proc/%d/task/%d/schedstat", (int)thread->pid,
                                 (int)thread->tid);
    if (cpu == UINT64_MAX || cpu == thread->cpu_ns)
        return 0;
    thread->cpu_ns = cpu;
    thread->told = true;
    return say(reader, "cpu_ns", "ns", (uint64_t)thread->tid, (double)cpu);
}

int books_read(struct process_tree *tree, int parts, const struct span_sink *sink,
               struct books_reading *out, struct err *err) {
    struct reader reader = {.tree = tree, .sink = sink, .out = out, .err = err};
    reader.at_ns = out->at_ns = now_ns();
    /* The tree grows while it is walked: what is found is walked too. */
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct tree_thread thread = tree->threads[i];
        if (thread.died_ns || thread.pid != thread.tid)
            continue;
        add_resident(&reader, thread.pid);
        if (parts & BOOKS_SHARES)
            add_shares(&reader, thread.pid);
        meet_threads(&reader, thread.pid, parts & BOOKS_PROCESSES);
    }
    int code = say_memory(&reader);
    for (uint32_t i = 0; i < tree->count && code == 0; i++)
        if (!tree->threads[i].died_ns)
            code = say_thread(&reader, &tree->threads[i]);
    return code ? code : say(&reader, "threads", "1", 0, tree->alive);
}
