#include "collectors/record/record.h"

#include "collectors/counters.h"
#include "collectors/record/books.h"
#include "collectors/record/calls.h"
#include "collectors/record/command.h"
#include "collectors/record/libraries.h"
#include "collectors/record/probes.h"
#include "collectors/record/self_probe.h"
#include "collectors/record/sideband.h"
#include "collectors/record/verbose_output.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How often the ring of events is emptied, and what share of one CPU reading the books may take. */
enum { TURN_MS = 20 };
static const double books_share = 0.01;

struct death {
    pid_t pid, tid;
    uint64_t at_ns;
};

struct recording_run {
    struct arena *arena;
    const struct record_request *request;
    const struct span_sink *sink;
    struct record_outcome *out;
    struct err *err;

    struct command_run command;
    struct sideband sideband;
    bool has_sideband;
    struct process_tree tree;
    struct counters counters;
    const struct probe_route *route;
    struct probes *probes; /* NULL: none */
    struct probe_functions functions;
    struct probe_cost cost;
    struct libraries libraries;
    struct calls calls;
    struct verbose_output output; /* with request->onednn */
    struct death *deaths;         /* told, but events of before may still be in the ring */
    uint32_t death_count, death_capacity;
    uint64_t books_due_ns, shares_due_ns;
    double books_cpu_ns;
    uint32_t note_capacity;
};

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void note(struct recording_run *run, const char *what, const struct err *reason) {
    const char **text =
        ARENA_PUSH(run->arena, run->out->notes, run->out->note_count, run->note_capacity);
    *text = arena_printf(run->arena, "%s: %s%s%s", what, reason->message, *reason->hint ? "; " : "",
                         reason->hint);
}

/* ---- what the kernel tells ------------------------------------------------------------------ */

static void on_born(void *context, pid_t pid, pid_t tid, pid_t parent, uint64_t at_ns) {
    struct recording_run *run = context;
    const struct tree_thread *of = process_tree_find(&run->tree, pid == tid ? parent : pid);
    process_tree_born(&run->tree, pid, tid, of ? of->name : "", at_ns);
    if (run->probes && pid == tid && run->route->children)
        probes_judge(run->probes, pid, PROBE_OURS);
}

static void on_died(void *context, pid_t pid, pid_t tid, uint64_t at_ns) {
    struct recording_run *run = context;
    *ARENA_PUSH(run->arena, run->deaths, run->death_count, run->death_capacity) =
        (struct death){pid, tid, at_ns};
}

static void on_named(void *context, pid_t pid, pid_t tid, const char *name, uint64_t at_ns) {
    struct recording_run *run = context;
    (void)pid, (void)at_ns;
    process_tree_named(&run->tree, tid, name);
}

static void on_mapped(void *context, pid_t pid, const char *path, uint64_t at_ns) {
    struct recording_run *run = context;
    if (run->probes)
        libraries_note(&run->libraries, pid, path, at_ns);
}

static void read_sideband(struct recording_run *run) {
    const struct sideband_listener listener = {run, on_born, on_died, on_named, on_mapped};
    if (run->has_sideband)
        sideband_read(&run->sideband, &listener);
}

/* ---- probes --------------------------------------------------------------------------------- */

/* What a command mapped just before it ended is looked into, so that it can be told. */
static void attach_libraries(struct recording_run *run) {
    struct err reason = {0};
    if (!run->probes)
        return;
    int code = libraries_look(&run->libraries, &run->functions, run->probes, run->request->wishes,
                              run->request->wish_count, &reason);
    if (code == 0 && run->command.pid)
        code = libraries_attach(&run->libraries, run->probes, clock_ns(CLOCK_MONOTONIC), &reason);
    if (code)
        note(run, "some functions are not probed", &reason);
}

/* The first event of a thread. One that was born after the last look is known after another. */
static bool is_ours(struct recording_run *run, const struct probe_event *event) {
    struct tree_thread *thread = process_tree_find(&run->tree, (pid_t)event->tid);
    if (!thread)
        read_sideband(run);
    thread = process_tree_find(&run->tree, (pid_t)event->tid);
    if (thread)
        thread->told = true;
    return thread != NULL;
}

static int on_event(void *context, const struct probe_event *event, struct err *err) {
    struct recording_run *run = context;
    if (calls_know(&run->calls, event) || is_ours(run, event))
        return calls_take(&run->calls, event, err);
    probes_judge(run->probes, (pid_t)event->pid, PROBE_FOREIGN);
    return 0;
}

static int bury(struct recording_run *run) {
    int code = 0;
    for (uint32_t i = 0; i < run->death_count && code == 0; i++) {
        const struct death *death = &run->deaths[i];
        code = calls_end_thread(&run->calls, (uint32_t)death->tid, death->at_ns, run->err);
        process_tree_died(&run->tree, death->tid, death->at_ns);
        if (run->probes) {
            probes_forget_thread(run->probes, death->tid);
            if (death->pid == death->tid)
                probes_forget_process(run->probes, death->pid);
        }
    }
    run->death_count = 0;
    return code;
}

static int turn(struct recording_run *run) {
    read_sideband(run);
    attach_libraries(run);
    /* Deaths that are told while events are read may be of threads with events still to come. */
    uint32_t deaths = run->death_count;
    if (run->probes && probes_read(run->probes, on_event, run, run->err))
        return -(int)run->err->code;
    return deaths ? bury(run) : 0;
}

/* ---- the books ------------------------------------------------------------------------------ */

static void note_peak(struct recording_run *run, const struct books_reading *reading) {
    struct record_outcome *out = run->out;
    out->pss_bytes = fmax(out->pss_bytes, reading->pss_bytes); /* a NaN counts for nothing */
    if (!(isnan(out->peak.rss_bytes) || reading->rss_bytes > out->peak.rss_bytes))
        return;
    out->peak.rss_bytes = reading->rss_bytes;
    out->peak.at_ns = (int64_t)reading->at_ns;
    out->peak.open = calls_open_path(&run->calls, run->arena);
}

/* When the next reading of a sort may be: at the rate, and within its share of a CPU. */
static uint64_t due_ns(const struct recording_run *run, double cost_ns) {
    double wait_ns = fmax(1e9 / run->request->rate_hz, cost_ns / books_share);
    return clock_ns(CLOCK_MONOTONIC) + (uint64_t)wait_ns;
}

static int read_books(struct recording_run *run) {
    struct books_reading reading;
    uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    bool shares = clock_ns(CLOCK_MONOTONIC) >= run->shares_due_ns;
    int parts = (shares ? BOOKS_SHARES : 0) | (run->has_sideband ? 0 : BOOKS_PROCESSES);
    if (books_read(&run->tree, parts, run->sink, &reading, run->err))
        return -(int)run->err->code;
    double cost = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start);
    run->books_cpu_ns += cost;
    run->out->readings++;
    note_peak(run, &reading);
    if (shares)
        run->shares_due_ns = due_ns(run, cost);
    run->books_due_ns = due_ns(run, shares ? 0 : cost);
    return 0;
}

/* ---- running -------------------------------------------------------------------------------- */

enum { POLLED_OTHERS = 4 };

/* Milliseconds until something is due. */
static int patience(const struct recording_run *run) {
    if (run->request->bare)
        return -1;
    uint64_t now = clock_ns(CLOCK_MONOTONIC);
    int books = run->books_due_ns > now ? (int)((run->books_due_ns - now) / 1000000) + 1 : 0;
    return run->probes && books > TURN_MS ? TURN_MS : books;
}

static void fill_polled(const struct recording_run *run, struct pollfd *polled) {
    polled[0] = (struct pollfd){run->command.ended, POLLIN, 0};
    polled[1] = (struct pollfd){run->command.signals, POLLIN, 0};
    polled[2] = (struct pollfd){run->probes ? probes_alarm(run->probes) : -1, POLLIN, 0};
    polled[3] = (struct pollfd){run->command.output, POLLIN, 0};
    for (uint32_t i = 0; i < run->sideband.cpu_count; i++)
        polled[POLLED_OTHERS + i] = (struct pollfd){run->sideband.cpus[i].fd, POLLIN, 0};
}

/* What the command has printed since, where that comes to us. */
static int read_output(struct recording_run *run) {
    char bytes[16384];
    ssize_t length;
    while (run->command.output >= 0 &&
           (length = read(run->command.output, bytes, sizeof bytes)) > 0)
        if (verbose_output_take(&run->output, bytes, (size_t)length, run->err))
            return -(int)run->err->code;
    return 0;
}

/* Until the command has ended. */
static int watch(struct recording_run *run) {
    nfds_t count = POLLED_OTHERS + run->sideband.cpu_count;
    struct pollfd *polled = ARENA_ARRAY(run->arena, count, struct pollfd);
    fill_polled(run, polled);
    for (;;) {
        if (poll(polled, count, patience(run)) < 0 && errno != EINTR)
            return err_set_errno(run->err, ERR_ENVIRONMENT, "waiting for the command");
        if (polled[2].revents)
            probes_mend(run->probes);
        if (polled[1].revents)
            command_pass_signals(&run->command);
        if (turn(run) || read_output(run))
            return -(int)run->err->code;
        polled[3].fd = polled[3].revents & POLLHUP ? -1 : polled[3].fd;
        if (polled[0].revents)
            return 0;
        if (!run->request->bare && clock_ns(CLOCK_MONOTONIC) >= run->books_due_ns &&
            read_books(run))
            return -(int)run->err->code;
    }
}

/* ---- before --------------------------------------------------------------------------------- */

static void open_sideband(struct recording_run *run) {
    struct err reason = {0};
    run->has_sideband = sideband_open(&run->sideband, run->arena, run->command.pid, &reason) == 0;
    if (!run->has_sideband)
        note(run, "threads and processes are seen only when memory is read", &reason);
}

static int open_probes(struct recording_run *run) {
    struct err reason = {0};
    const char *name = run->request->route;
    if (run->request->wish_count == 0 || (name && strcmp(name, "none") == 0))
        return 0;
    if (probe_route_choose(name, &run->route, &reason) == 0 &&
        self_probe_cost(run->route, &run->cost, &reason) == 0 && run->has_sideband &&
        probes_open(&run->probes, run->route, run->command.pid, PROBES_RING_BYTES, &reason) == 0)
        return 0;
    probes_close(run->probes);
    run->probes = NULL;
    if (reason.code == ERR_USAGE) {
        *run->err = reason;
        return -(int)reason.code;
    }
    if (run->has_sideband)
        note(run, "no functions are probed", &reason);
    return 0;
}

static int open_counters(struct recording_run *run) {
    return counters_open_thread(&run->counters, COUNTERS_COMMAND, (int)run->command.pid,
                                run->request->events, run->request->event_count, run->err);
}

/* Puts everything in place that looks at the command. */
static int look(struct recording_run *run) {
    open_sideband(run);
    if (open_counters(run) || open_probes(run))
        return -(int)run->err->code;
    if (run->probes) {
        libraries_expect(&run->libraries, run->request->wishes, run->request->wish_count);
        attach_libraries(run);
    }
    return 0;
}

/* What is asked for, and what makes oneDNN print. */
static const char *const *environment(struct recording_run *run) {
    const char **list = NULL;
    uint32_t count = 0, capacity = 0;
    for (const char *const *e = run->request->environment; e && *e; e++)
        *ARENA_PUSH(run->arena, list, count, capacity) = *e;
    for (const char *const *e = verbose_environment; run->request->onednn && *e; e++)
        *ARENA_PUSH(run->arena, list, count, capacity) = *e;
    *ARENA_PUSH(run->arena, list, count, capacity) = NULL;
    return list;
}

static int begin(struct recording_run *run) {
    const char *const *added = environment(run);
    bool capture = run->request->onednn && !run->request->bare;
    if (capture)
        verbose_output_init(&run->output, run->sink, STDOUT_FILENO);
    if (calls_open(&run->calls, run->arena, &run->functions, run->sink, run->err) ||
        command_prepare(&run->command, run->request->command, added, capture, run->err))
        return -(int)run->err->code;
    process_tree_begin(&run->tree, run->arena, run->command.pid, clock_ns(CLOCK_MONOTONIC));
    if (!run->request->bare && look(run))
        return -(int)run->err->code;
    run->out->start_ns = (int64_t)clock_ns(CLOCK_MONOTONIC);
    return command_go(&run->command, run->request->command[0], run->err);
}

/* ---- after ---------------------------------------------------------------------------------- */

/* Names of tracks, and when threads lived, of those that something was said of. */
static int tell_threads(struct recording_run *run) {
    const struct span_sink *sink = run->sink;
    for (uint32_t i = run->tree.count; i-- > 0;) {
        const struct tree_thread *thread = &run->tree.threads[i];
        const struct track_sample life[] = {
            {"alive", "1", (uint64_t)thread->tid, (int64_t)thread->born_ns, 1},
            {"alive", "1", (uint64_t)thread->tid, (int64_t)thread->died_ns, 0},
        };
        const char *name = arena_printf(run->arena, "%s %d", thread->name, (int)thread->tid);
        if (!thread->told)
            continue;
        if (sink->track(sink->context, (uint64_t)thread->tid, TRACK_THREAD, name, run->err) ||
            sink->sample(sink->context, &life[0], run->err) ||
            (thread->died_ns && sink->sample(sink->context, &life[1], run->err)))
            return -(int)run->err->code;
    }
    return 0;
}

static double seconds_ns(const struct timeval *time) {
    return (double)time->tv_sec * 1e9 + (double)time->tv_usec * 1e3;
}

static void price_probes(struct recording_run *run) {
    for (uint32_t i = 0; i < run->functions.count; i++) {
        const struct probe_function *function = &run->functions.items[i];
        double each = (function->emulated ? run->cost.emulated_ns : run->cost.stepped_ns) +
                      function->tensors * run->cost.tensor_ns;
        run->out->probes_ns += (double)function->calls * each;
    }
}

static const char *why_not(struct recording_run *run, const char *name) {
    for (uint32_t i = 0; i < run->counters.missing_count; i++)
        if (strcmp(run->counters.missing[i].name, name) == 0)
            return arena_strdup(run->arena, run->counters.missing[i].reason);
    return "";
}

/* They began at 0. */
static void read_counters(struct recording_run *run) {
    struct record_outcome *out = run->out;
    struct counters_reading before = {0}, after = {0};
    double values[METRIC_COUNTER_MAX];
    counters_read(&run->counters, &after);
    counters_difference(&run->counters, &before, &after, values);
    out->counter_count = run->request->event_count;
    out->counters = ARENA_ARRAY(run->arena, out->counter_count + 1u, struct record_counter);
    for (uint32_t i = 0; i < out->counter_count; i++)
        out->counters[i] = (struct record_counter){run->request->events[i], values[i],
                                                   why_not(run, run->request->events[i])};
}

static void summarise(struct recording_run *run, uint64_t end_ns) {
    struct record_outcome *out = run->out;
    const struct rusage *usage = &run->command.usage;
    out->code = run->command.code;
    out->wall_ns = (double)(end_ns - (uint64_t)out->start_ns);
    out->cpu_ns = seconds_ns(&usage->ru_utime) + seconds_ns(&usage->ru_stime);
    out->high_water_bytes = 1024.0 * (double)usage->ru_maxrss;
    out->processes = run->tree.processes;
    out->threads = run->tree.count;
    out->threads_at_once = run->tree.alive_most;
    out->reading_ns = out->readings ? run->books_cpu_ns / (double)out->readings : 0;
    out->calls = run->calls.spans;
    if (run->probes) {
        out->functions = probes_functions(run->probes);
        out->route = out->functions ? run->route->name : NULL;
        out->unwindings = probes_mended(run->probes);
        probes_lost(run->probes, out->lost);
        price_probes(run);
    }
}

static void note_layout(struct recording_run *run) {
    struct err reason = {0};
    if (tensor_args_trusted(&run->calls.tensors))
        return;
    err_set(&reason, ERR_ENVIRONMENT, "tensors lie otherwise in memory than in known versions");
    note(run, "shapes are not told", &reason);
}

static void note_lost(struct recording_run *run) {
    struct err reason = {0};
    if (!run->has_sideband || !run->sideband.lost)
        return;
    err_set(&reason, ERR_ENVIRONMENT, "the kernel dropped %llu records for want of room",
            (unsigned long long)run->sideband.lost);
    note(run, "some threads, processes and libraries are not seen", &reason);
}

static bool is_found(const struct recording_run *run, const struct probe_wish *wish) {
    for (uint32_t i = 0; i < run->functions.count; i++)
        if (run->functions.items[i].wish == wish)
            return true;
    return false;
}

/* What was asked for and not probed. */
static void note_unseen(struct recording_run *run) {
    for (uint32_t i = 0; i < run->request->wish_count; i++) {
        const struct probe_wish *wish = &run->request->wishes[i];
        struct err reason = {0};
        if (!wish->asked || is_found(run, wish))
            continue;
        err_set(&reason, ERR_INPUT, "matches no function of what the command loaded");
        err_hint(&reason, "LIBRARY is the name or the whole path of the file that the kernel maps");
        note(run, wish->name, &reason);
    }
    for (uint32_t i = 0; i < run->libraries.count; i++) {
        const struct library *library = &run->libraries.items[i];
        struct err reason = {0};
        if (!library->places.count || library->attached)
            continue;
        err_set(&reason, ERR_INPUT, "the command ended before its functions were probed");
        err_hint(&reason, "--probe with the whole path is in place before the command begins");
        note(run, library->path, &reason);
    }
}

static int finish(struct recording_run *run) {
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC);
    command_reap(&run->command);
    if (read_output(run) || (run->request->onednn && verbose_output_end(&run->output, run->err)))
        return -(int)run->err->code;
    run->out->primitives = run->output.onednn.spans;
    if (turn(run) || bury(run) || calls_end(&run->calls, end_ns, run->err) || tell_threads(run))
        return -(int)run->err->code;
    note_layout(run);
    note_lost(run);
    if (run->probes)
        note_unseen(run);
    read_counters(run);
    summarise(run, end_ns);
    return 0;
}

/* What was seen could not be kept: that is no reason to end the command. Without probes, for nobody
 * would wake it after an exception. */
static void let_finish(struct recording_run *run) {
    char bytes[16384];
    probes_close(run->probes);
    run->probes = NULL;
    struct pollfd polled[] = {
        {run->command.ended,   POLLIN, 0},
        {run->command.signals, POLLIN, 0},
        {run->command.output,  POLLIN, 0}
    };
    while (!(polled[0].revents & POLLIN) && (poll(polled, 3, -1) > 0 || errno == EINTR)) {
        ssize_t length = polled[2].revents ? read(polled[2].fd, bytes, sizeof bytes) : 0;
        if (length > 0 && write(STDOUT_FILENO, bytes, (size_t)length) != length)
            break;
        polled[2].fd = polled[2].revents && length == 0 ? -1 : polled[2].fd;
        command_pass_signals(&run->command);
    }
    command_reap(&run->command);
}

int record_command(struct arena *arena, const struct record_request *request,
                   const struct span_sink *sink, struct record_outcome *out, struct err *err) {
    struct recording_run run = {
        .arena = arena,
        .request = request,
        .sink = sink,
        .out = out,
        .err = err,
        .functions = {.arena = arena},
        .libraries = {.arena = arena},
    };
    *out = (struct record_outcome){.peak.rss_bytes = NAN, .pss_bytes = NAN};
    int code = begin(&run);
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    bool begun = code == 0;
    if (begun)
        code = watch(&run);
    if (code == 0)
        code = finish(&run);
    else if (begun && run.command.pid)
        let_finish(&run);
    out->recorder_ns = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    probes_close(run.probes);
    counters_close(&run.counters);
    sideband_close(&run.sideband);
    command_close(&run.command);
    calls_close(&run.calls);
    if (run.output.held.text)
        verbose_output_done(&run.output);
    return code;
}
