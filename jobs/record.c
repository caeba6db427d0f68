#include "jobs/record.h"

#include "base/stats.h"
#include "collectors/hooks/streams.h"
#include "collectors/machine.h"
#include "collectors/record/trace_writer.h"
#include "collectors/recorder.h"
#include "db/machine.h"
#include "db/recording.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

struct recording_job {
    struct arena *arena;
    const struct record_job *job;
    struct record_request request;
    struct err *err;
};

/* ---- what is asked for ----------------------------------------------------------------------- */

/* The user's patterns come first: a function that both name is theirs. */
static int list_wishes(struct recording_job *r) {
    const struct record_job *job = r->job;
    uint32_t known = 0;
    while (probe_wishes[known].name)
        known++;
    struct probe_wish *wishes = ARENA_ARRAY(r->arena, job->probe_count + known, struct probe_wish);
    for (uint32_t i = 0; i < job->probe_count; i++)
        if (probe_wish_parse(r->arena, job->probes[i], &wishes[i], r->err))
            return -(int)r->err->code;
    for (uint32_t i = 0; i < known; i++)
        wishes[job->probe_count + i] = probe_wishes[i];
    r->request.wishes = wishes;
    r->request.wish_count = job->probe_count + known;
    return 0;
}

static int make_request(struct recording_job *r) {
    const struct record_job *job = r->job;
    r->request = (struct record_request){
        .command = job->command,
        .route = job->route,
        .events = job->events,
        .event_count = job->event_count,
        .rate_hz = job->rate_hz,
        .onednn = job->onednn,
    };
    return list_wishes(r);
}

/* ---- facts ----------------------------------------------------------------------------------- */

struct teller {
    struct recording_job *job;
    const struct span_sink *sink;
    int code;
};

static void tell(struct teller *teller, const char *key, const char *value) {
    if (teller->code == 0 && value)
        teller->code = teller->sink->fact(teller->sink->context, key, value, teller->job->err);
}

static void tell_number(struct teller *teller, const char *key, double value) {
    if (!isnan(value))
        tell(teller, key, arena_printf(teller->job->arena, "%.17g", value));
}

static void tell_counters(struct teller *teller, const struct record_outcome *outcome) {
    for (uint32_t i = 0; i < outcome->counter_count; i++)
        tell_number(teller,
                    arena_printf(teller->job->arena, "counter.%s", outcome->counters[i].name),
                    outcome->counters[i].value);
}

static int tell_facts(struct recording_job *r, const struct span_sink *sink,
                      const struct record_outcome *outcome) {
    struct teller teller = {r, sink, 0};
    tell_number(&teller, "exit_code", outcome->code);
    tell_number(&teller, "command_wall_ns", outcome->wall_ns);
    tell_number(&teller, "command_cpu_ns", outcome->cpu_ns);
    tell_number(&teller, "peak_rss_bytes", outcome->peak.rss_bytes);
    tell_number(&teller, "high_water_bytes", outcome->high_water_bytes);
    tell_number(&teller, "peak_at_ns",
                outcome->peak.rss_bytes > 0 ? (double)(outcome->peak.at_ns - outcome->start_ns)
                                            : NAN);
    tell(&teller, "peak_inside", outcome->peak.open);
    tell_number(&teller, "peak_pss_bytes", outcome->pss_bytes);
    tell_number(&teller, "processes", outcome->processes);
    tell_number(&teller, "threads", outcome->threads);
    tell(&teller, "probe_route", outcome->route);
    tell_number(&teller, "probed_functions", outcome->functions);
    tell_number(&teller, "lost_events", (double)outcome->lost[PROBE_LOST_FULL]);
    tell_number(&teller, "lost_calls", (double)outcome->lost[PROBE_LOST_DEEP]);
    tell_number(&teller, "unwindings", (double)outcome->unwindings);
    tell_number(&teller, "probes_ns", outcome->probes_ns);
    tell_number(&teller, "recorder_ns", outcome->recorder_ns);
    tell_counters(&teller, outcome);
    return teller.code;
}

/* ---- one run --------------------------------------------------------------------------------- */

static const char *command_line(struct arena *arena, char *const *command) {
    const char *line = "";
    for (char *const *word = command; *word; word++)
        line = arena_printf(arena, "%s%s%s", line, word == command ? "" : " ", *word);
    return line;
}

static const char *time_text(struct arena *arena, time_t seconds) {
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return arena_strdup(arena, text);
}

/* What the command's programs told by hooks, ITT and NVTX: not having it is no failure. */
static void read_told(struct recording_job *r, const struct hooks_streams *streams,
                      const struct span_sink *sink, struct recorded *out) {
    struct err reason = {0};
    struct foreign_outcome outcome;
    uint32_t files;
    if (hooks_streams_read(streams, r->arena, sink, &files, &outcome, &reason))
        out->told_reason = arena_strdup(r->arena, reason.message);
    else if (!outcome.complete)
        out->told_reason = outcome.cut;
    out->told = outcome.events;
}

static int run_told(struct recording_job *r, const struct span_sink *sink, struct recorded *out) {
    struct record_request request = r->request;
    struct hooks_streams streams;
    if (hooks_streams_open(&streams, r->arena, r->err))
        return -(int)r->err->code;
    request.environment = streams.environment;
    int code = record_command(r->arena, &request, sink, &out->outcome, r->err);
    if (code == 0)
        read_told(r, &streams, sink, out);
    hooks_streams_close(&streams);
    return code;
}

static int run_into(struct recording_job *r, const struct span_sink *sink, struct recorded *out) {
    int code = run_told(r, sink, out);
    return code ? code : tell_facts(r, sink, &out->outcome);
}

static int run_traced(struct recording_job *r, const struct span_sink *sink, struct recorded *out) {
    struct trace_writer writer;
    if (!r->job->trace_path)
        return run_into(r, sink, out);
    if (trace_writer_open(&writer, r->job->trace_path, sink, r->err))
        return -(int)r->err->code;
    const struct span_sink traced = trace_writer_sink(&writer);
    if (run_into(r, &traced, out) == 0)
        return trace_writer_commit(&writer, r->err);
    trace_writer_abandon(&writer);
    return -(int)r->err->code;
}

static int record_once(struct recording_job *r, struct recorded *out) {
    struct recorder *recorder;
    time_t started = time(NULL);
    if (recorder_open(&recorder, 0, r->err))
        return -(int)r->err->code;
    const struct span_sink sink = recorder_sink(recorder);
    int code = run_traced(r, &sink, out);
    if (code == 0)
        code = recorder_finish(recorder, r->arena, &out->recording, r->err);
    recorder_close(recorder);
    if (code)
        return code;
    out->recording.format = "record";
    out->recording.path = command_line(r->arena, r->job->command);
    out->recording.sha256 = "";
    out->recording.started_at = time_text(r->arena, started);
    out->recording.events = out->outcome.calls + out->outcome.primitives + out->told;
    out->recording.complete = true;
    out->recording.overhead_ns = out->outcome.probes_ns + out->outcome.recorder_ns;
    return 0;
}

/* ---- beside bare runs ------------------------------------------------------------------------ */

struct runs {
    double *bare_wall, *bare_cpu, *with_wall, *with_cpu;
};

static int run_pair(struct recording_job *r, uint32_t i, struct runs *runs, struct recorded *kept) {
    struct record_request bare = r->request;
    struct record_outcome outcome = {0};
    struct recorded again = {0};
    bare.bare = true;
    if (record_command(r->arena, &bare, NULL, &outcome, r->err) ||
        record_once(r, i == 0 ? kept : &again))
        return -(int)r->err->code;
    const struct record_outcome *with = i == 0 ? &kept->outcome : &again.outcome;
    runs->bare_wall[i] = outcome.wall_ns;
    runs->bare_cpu[i] = outcome.cpu_ns;
    runs->with_wall[i] = with->wall_ns;
    runs->with_cpu[i] = with->cpu_ns;
    return 0;
}

static int record_beside(struct recording_job *r, uint32_t count, struct recorded *out) {
    double *all = ARENA_ARRAY(r->arena, 4 * (size_t)count, double);
    struct runs runs = {all, all + count, all + 2 * (size_t)count, all + 3 * (size_t)count};
    for (uint32_t i = 0; i < count; i++)
        if (run_pair(r, i, &runs, out))
            return -(int)r->err->code;
    out->bare_wall_ns = stats_median(runs.bare_wall, count);
    out->bare_cpu_ns = stats_median(runs.bare_cpu, count);
    out->recorded_wall_ns = stats_median(runs.with_wall, count);
    out->recorded_cpu_ns = stats_median(runs.with_cpu, count);
    return 0;
}

/* ---- keeping it ------------------------------------------------------------------------------ */

static int store(struct recording_job *r, struct db *db, struct recorded *out) {
    struct machine machine;
    int64_t machine_id;
    bool fresh;
    if (machine_describe(&machine, r->err) || db_put_machine(db, &machine, &machine_id, r->err))
        return -(int)r->err->code;
    const struct stored_recording stored = {.machine = machine.fingerprint,
                                            .recording = out->recording};
    return db_put_recording(db, &stored, &out->id, &fresh, r->err);
}

int job_record(struct arena *arena, struct db *db, const struct record_job *job,
               struct recorded *out, struct err *err) {
    struct recording_job r = {.arena = arena, .job = job, .err = err};
    *out = (struct recorded){
        .bare_wall_ns = NAN, .bare_cpu_ns = NAN, .recorded_wall_ns = NAN, .recorded_cpu_ns = NAN};
    int code = make_request(&r);
    if (code == 0)
        code = job->baseline ? record_beside(&r, job->baseline, out) : record_once(&r, out);
    return code || !db ? code : store(&r, db, out);
}
