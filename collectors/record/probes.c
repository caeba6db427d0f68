#include "collectors/record/probes.h"

#include "collectors/record/mend.h"
#include "collectors/record/self_probe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Taking a perf event's probe away costs the kernel 88 ms, so they are few. */
enum { LINKS_MAX = 1024, STOPPED_MAX = 64, PERF_MOST = 30 };

struct probes {
    const struct probe_route *route;
    pid_t pid;
    struct probe_maps maps;
    struct bpf_ring ring, alarms;
    int calls, guard; /* programs */
    int links[LINKS_MAX];
    uint32_t link_count, functions;
    uint64_t mended;
    pid_t stopped[STOPPED_MAX]; /* processes that wait for us */
    uint32_t stopped_count;
};

/* ---- the routes ----------------------------------------------------------------------------- */

#define RIGHTS "sudo setcap cap_bpf,cap_perfmon+ep $(command -v assay), or run it as root; needs "

const struct probe_route probe_routes[] = {
    {"bpf-session",                          "one BPF program for all functions; child processes too",
     RIGHTS "Linux 6.13 or newer on x86-64", BPF_UPROBE_SESSION, true, 0},
    {"bpf-multi", "one BPF program for all functions; the first process alone",
     RIGHTS "Linux 6.6 or newer on x86-64", BPF_UPROBE_MULTI, false, 0},
    {"bpf-perf",                                  "a perf event for each of at most 30 functions; the first process alone",
     RIGHTS "Linux 5.15 or newer on x86-64", BPF_PERF_EVENT, false, PERF_MOST},
    {0                                     },
};

int probe_route_available(const struct probe_route *route, struct err *err) {
#if defined(__x86_64__)
    int code = self_probe_try(route, err);
#else
    int code = err_set(err, ERR_ENVIRONMENT,
                       "functions are probed on x86-64 only: elsewhere exceptions would not pass");
#endif
    return code ? err_hint(err, "%s", route->mend) : 0;
}

int probe_route_choose(const char *name, const struct probe_route **out, struct err *err) {
    struct err last = {0}; /* that which asks least */
    bool known = !name;
    for (const struct probe_route *route = probe_routes; route->name; route++) {
        struct err reason = {0};
        if (name && strcmp(name, route->name) != 0)
            continue;
        known = true;
        *out = route;
        if (probe_route_available(route, &reason) == 0)
            return 0;
        last = reason;
    }
    if (!known) {
        err_set(err, ERR_USAGE, "no route '%s'", name);
        return err_hint(err, "'assay list probe-routes' names them");
    }
    *out = NULL;
    *err = last;
    return -(int)err->code;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* The guard never looks at returns. */
static uint32_t guard_attach(const struct probe_route *route) {
    return route->attach == BPF_PERF_EVENT ? BPF_PERF_EVENT : BPF_UPROBE_MULTI;
}

static int load_programs(struct probes *probes, struct err *err) {
    struct bpf_code *code = malloc(sizeof *code);
    if (!code)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    uint32_t attach = probes->route->attach;
    probe_program_calls(code, &probes->maps, attach == BPF_UPROBE_SESSION);
    probes->calls = bpf_program_load(code, attach, "assay_calls", err);
    probe_program_guard(code, &probes->maps);
    probes->guard = bpf_program_load(code, guard_attach(probes->route), "assay_guard", err);
    free(code);
    return -(int)err->code;
}

int probes_open(struct probes **out, const struct probe_route *route, pid_t pid,
                uint32_t ring_bytes, struct err *err) {
    struct probes *probes = *out = calloc(1, sizeof *probes);
    if (!probes)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    probes->route = route;
    probes->pid = pid;
    probes->calls = probes->guard = -1;
    if (probe_maps_open(&probes->maps, ring_bytes, err) ||
        bpf_ring_open(&probes->ring, probes->maps.ring, ring_bytes, err) ||
        bpf_ring_open(&probes->alarms, probes->maps.alarms, (uint32_t)sysconf(_SC_PAGESIZE), err) ||
        load_programs(probes, err))
        return -(int)err->code;
    probes_judge(probes, pid, PROBE_OURS);
    return 0;
}

static int add_single_links(struct probes *probes, const struct bpf_uprobes *uprobes,
                            struct err *err) {
    for (uint32_t i = 0; i < uprobes->count; i++) {
        int code = bpf_uprobe_attach_one(uprobes, i, &probes->links[probes->link_count], err);
        if (code)
            return code;
        probes->link_count += 2;
    }
    return 0;
}

static int add_link(struct probes *probes, const struct bpf_uprobes *uprobes, struct err *err) {
    bool single = uprobes->attach == BPF_PERF_EVENT;
    if (probes->link_count + (single ? 2 * uprobes->count : 1) > LINKS_MAX)
        return err_set(err, ERR_ENVIRONMENT, "more than %d probes", LINKS_MAX);
    if (single)
        return add_single_links(probes, uprobes, err);
    int link = bpf_uprobes_attach(uprobes, err);
    if (link < 0)
        return link;
    probes->links[probes->link_count++] = link;
    return 0;
}

/* Where children are followed every process gets the probes, and the program asks whose it is. */
static uint32_t target(const struct probes *probes) {
    return probes->route->children ? 0 : (uint32_t)probes->pid;
}

int probes_guard(struct probes *probes, const char *path, const struct probe_places *places,
                 struct err *err) {
    static const uint64_t no_cookies[PROBE_GUARDS_MAX];
    const struct bpf_uprobes guard = {
        .program = probes->guard,
        .attach = guard_attach(probes->route),
        .path = path,
        .offsets = places->guards,
        .cookies = no_cookies,
        .count = places->guard_count,
        .pid = target(probes),
    };
    return places->guard_count ? add_link(probes, &guard, err) : 0;
}

int probes_attach(struct probes *probes, const char *path, const struct probe_places *places,
                  struct err *err) {
    uint32_t most = probes->route->most ? probes->route->most : UINT32_MAX;
    struct bpf_uprobes calls = {
        .program = probes->calls,
        .attach = probes->route->attach,
        .path = path,
        .offsets = places->offsets,
        .cookies = places->cookies,
        .count = places->count < most ? places->count : most,
        .pid = target(probes),
    };
    if (!places->count)
        return 0;
    int code = add_link(probes, &calls, err);
    probes->functions += code ? 0 : calls.count;
    if (code || probes->route->attach == BPF_UPROBE_SESSION)
        return code;
    calls.returns = true;
    calls.cookies = places->return_cookies;
    return add_link(probes, &calls, err);
}

void probes_close(struct probes *probes) {
    if (!probes)
        return;
    for (uint32_t i = 0; i < probes->link_count; i++)
        close(probes->links[i]);
    probes_mend(probes); /* whoever was stopped while the guards went */
    if (probes->calls >= 0)
        close(probes->calls);
    if (probes->guard >= 0)
        close(probes->guard);
    bpf_ring_close(&probes->ring);
    bpf_ring_close(&probes->alarms);
    probe_maps_close(&probes->maps);
    free(probes);
}

/* ---- running -------------------------------------------------------------------------------- */

void probes_judge(struct probes *probes, pid_t pid, enum probe_verdict verdict) {
    uint32_t key = (uint32_t)pid;
    uint64_t value = verdict;
    bpf_map_put(probes->maps.processes, &key, &value);
}

void probes_forget_process(struct probes *probes, pid_t pid) {
    uint32_t key = (uint32_t)pid;
    bpf_map_drop(probes->maps.processes, &key);
}

void probes_forget_thread(struct probes *probes, pid_t tid) {
    uint32_t key = (uint32_t)tid;
    bpf_map_drop(probes->maps.frames, &key);
}

struct reading {
    probe_event_fn *take;
    void *context;
};

static int take_event(void *context, const void *record, uint32_t length, struct err *err) {
    const struct reading *reading = context;
    const struct probe_event *event = record;
    if (length < sizeof *event ||
        length != sizeof *event + probe_event_tensors(event) * sizeof *event->tensors)
        return err_set(err, ERR_BUG, "an event of %u bytes", length);
    return reading->take(reading->context, event, err);
}

int probes_read(struct probes *probes, probe_event_fn *take, void *context, struct err *err) {
    struct reading reading = {take, context};
    return bpf_ring_read(&probes->ring, take_event, &reading, err);
}

int probes_alarm(const struct probes *probes) {
    return probes->maps.alarms;
}

static void note_stopped(struct probes *probes, pid_t pid) {
    for (uint32_t i = 0; i < probes->stopped_count; i++)
        if (probes->stopped[i] == pid)
            return;
    if (probes->stopped_count < STOPPED_MAX)
        probes->stopped[probes->stopped_count++] = pid;
    else
        kill(pid, SIGCONT);
}

static int mend_one(void *context, const void *record, uint32_t length, struct err *err) {
    struct probes *probes = context;
    const struct probe_event *event = record;
    struct probe_frames frames;
    (void)length, (void)err;
    if (bpf_map_get(probes->maps.frames, &event->tid, &frames) == 0) {
        mend_thread((pid_t)event->pid, &frames);
        frames.depth = 0;
        bpf_map_put(probes->maps.frames, &event->tid, &frames);
    }
    probes->mended++;
    note_stopped(probes, (pid_t)event->pid);
    return 0;
}

void probes_mend(struct probes *probes) {
    struct err none = {0};
    if (!probes->alarms.consumer)
        return;
    /* To go on is of the whole process, and takes back a stop that is on its way: before any thread
     * may, all have stopped, and nothing has come since. */
    uint64_t before;
    do {
        before = probes->mended;
        bpf_ring_read(&probes->alarms, mend_one, probes, &none);
        for (uint32_t i = 0; i < probes->stopped_count; i++)
            mend_await_stop(probes->stopped[i]);
    } while (probes->mended != before);
    for (uint32_t i = 0; i < probes->stopped_count; i++)
        kill(probes->stopped[i], SIGCONT);
    probes->stopped_count = 0;
}

uint64_t probes_mended(const struct probes *probes) {
    return probes->mended;
}

uint32_t probes_functions(const struct probes *probes) {
    return probes->functions;
}

void probes_lost(const struct probes *probes, uint64_t lost[static PROBE_LOSSES]) {
    for (uint32_t i = 0; i < PROBE_LOSSES; i++)
        if (bpf_map_get(probes->maps.lost, &i, &lost[i]))
            lost[i] = 0;
}
