#include "base/term.h"
#include "cli/command.h"
#include "db/db.h"
#include "jobs/record.h"
#include "reports/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct record_options {
    struct text_list command, probes, events;
    const char *route, *output, *trace;
    bool tree, shapes, onednn, no_store;
    int64_t limit, baseline;
    double rate_hz;
};

/* ---- tables ---------------------------------------------------------------------------------- */

static void add_row(struct table *table, const char *name, const char *value) {
    table_row(table);
    table_text(table, 0, name);
    table_text(table, 1, value);
}

static const char *quantity(struct arena *arena, double value, enum unit unit) {
    char text[UNIT_TEXT_SIZE];
    return arena_strdup(arena, unit_format(text, value, unit));
}

static void add_peak(struct arena *arena, const struct record_outcome *o, struct table *table) {
    if (isnan(o->peak.rss_bytes))
        return;
    add_row(table, "most memory",
            arena_printf(arena, "%s resident, %s after the start, %s",
                         quantity(arena, o->peak.rss_bytes, UNIT_BYTES),
                         quantity(arena, (double)(o->peak.at_ns - o->start_ns), UNIT_NS),
                         o->peak.open ? arena_printf(arena, "inside %s", o->peak.open)
                                      : "outside of probed calls"));
}

static void add_probes(struct arena *arena, const struct record_outcome *o, struct table *table) {
    if (!o->route)
        return;
    add_row(table, "probes",
            arena_printf(arena, "%" PRIu32 " functions by %s, %" PRIu64 " calls", o->functions,
                         o->route, o->calls));
    if (o->lost[PROBE_LOST_FULL] || o->lost[PROBE_LOST_DEEP])
        add_row(table, "lost",
                arena_printf(arena, "%" PRIu64 " entries and returns, %" PRIu64 " calls too deep",
                             o->lost[PROBE_LOST_FULL], o->lost[PROBE_LOST_DEEP]));
    if (o->unwindings)
        add_row(table, "exceptions",
                arena_printf(arena, "%" PRIu64 " went through probed calls", o->unwindings));
}

static void add_told(struct arena *arena, const struct recorded *recorded, struct table *table) {
    const char *reason = recorded->told_reason;
    if (recorded->told || reason)
        add_row(table, "told",
                arena_printf(arena, "%" PRIu64 " events by hooks, ITT or NVTX%s%s", recorded->told,
                             reason ? "; " : "", reason ? reason : ""));
    if (recorded->outcome.primitives)
        add_row(table, "oneDNN",
                arena_printf(arena, "%" PRIu64 " primitives", recorded->outcome.primitives));
}

static void add_overhead(struct arena *arena, const struct recorded *recorded,
                         struct table *table) {
    const struct record_outcome *o = &recorded->outcome;
    double wall = 100 * (recorded->recorded_wall_ns / recorded->bare_wall_ns - 1);
    double cpu = 100 * (recorded->recorded_cpu_ns / recorded->bare_cpu_ns - 1);
    const char *probes =
        o->route
            ? arena_printf(arena,
                           "%s in the command, %.2f %% of its CPU time, by the price of a "
                           "call measured here; ",
                           quantity(arena, o->probes_ns, UNIT_NS), 100 * o->probes_ns / o->cpu_ns)
            : "";
    add_row(table, "overhead",
            arena_printf(arena, "%s%s of CPU time beside it, for %" PRIu64 " readings among others",
                         probes, quantity(arena, o->recorder_ns, UNIT_NS), o->readings));
    if (!isnan(wall))
        add_row(table, "without recording",
                arena_printf(arena,
                             "%s instead of %s (%+.1f %%), CPU time %s instead of %s "
                             "(%+.1f %%); medians",
                             quantity(arena, recorded->bare_wall_ns, UNIT_NS),
                             quantity(arena, recorded->recorded_wall_ns, UNIT_NS), wall,
                             quantity(arena, recorded->bare_cpu_ns, UNIT_NS),
                             quantity(arena, recorded->recorded_cpu_ns, UNIT_NS), cpu));
}

static void summary_table(struct context *context, const struct recorded *recorded,
                          struct table *table) {
    static const struct table_column columns[] = {
        {"what",  "Recorded", UNIT_PLAIN, TABLE_LEFT},
        {"value", "",         UNIT_PLAIN, TABLE_LEFT},
    };
    struct arena *arena = context->arena;
    const struct record_outcome *o = &recorded->outcome;
    table_init(table, arena, "", columns, 2);
    add_row(table, "command", recorded->recording.path);
    add_row(table, "ended",
            arena_printf(arena, "with code %d after %s, CPU time %s", o->code,
                         quantity(arena, o->wall_ns, UNIT_NS),
                         quantity(arena, o->cpu_ns, UNIT_NS)));
    add_row(table, "threads",
            arena_printf(arena, "%" PRIu32 " in %" PRIu32 " processes, at most %" PRIu32 " at once",
                         o->threads, o->processes, o->threads_at_once));
    add_peak(arena, o, table);
    add_probes(arena, o, table);
    add_told(arena, recorded, table);
    add_overhead(arena, recorded, table);
}

static void counters_table(struct context *context, const struct record_outcome *o,
                           struct table *table) {
    enum { NAME, VALUE, REASON };
    static const struct table_column columns[] = {
        [NAME] = {"counter", "Counter", UNIT_PLAIN, TABLE_LEFT },
        [VALUE] = {"value",   "Value",   UNIT_COUNT, TABLE_RIGHT},
        [REASON] = {"reason",  "Why not", UNIT_PLAIN, TABLE_LEFT },
    };
    table_init(table, context->arena, "", columns, 3);
    for (uint32_t i = 0; i < o->counter_count; i++) {
        table_row(table);
        table_text(table, NAME, o->counters[i].name);
        table_number(table, VALUE, o->counters[i].value);
        table_text(table, REASON, o->counters[i].reason);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_outcome_json(cJSON *tree, const struct recorded *recorded) {
    const struct record_outcome *o = &recorded->outcome;
    json_add_int(tree, "exit_code", o->code);
    json_add_number(tree, "command_wall_ns", o->wall_ns);
    json_add_number(tree, "command_cpu_ns", o->cpu_ns);
    json_add_uint(tree, "processes", o->processes);
    json_add_uint(tree, "threads", o->threads);
    cJSON *peak = json_add_object(tree, "peak");
    json_add_number(peak, "rss_bytes", o->peak.rss_bytes);
    json_add_number(peak, "at_ns",
                    isnan(o->peak.rss_bytes) ? NAN : (double)(o->peak.at_ns - o->start_ns));
    json_add_text(peak, "inside", o->peak.open);
    json_add_text(tree, "probe_route", o->route);
    json_add_uint(tree, "probed_functions", o->functions);
    json_add_uint(tree, "calls", o->calls);
    json_add_uint(tree, "lost_events", o->lost[PROBE_LOST_FULL]);
    json_add_uint(tree, "lost_calls", o->lost[PROBE_LOST_DEEP]);
    json_add_uint(tree, "unwindings", o->unwindings);
    json_add_uint(tree, "told_events", recorded->told);
    json_add_uint(tree, "primitives", o->primitives);
    json_add_number(tree, "probes_ns", o->probes_ns);
    json_add_number(tree, "recorder_ns", o->recorder_ns);
    json_add_number(tree, "bare_wall_ns", recorded->bare_wall_ns);
    json_add_number(tree, "bare_cpu_ns", recorded->bare_cpu_ns);
    json_add_number(tree, "recorded_wall_ns", recorded->recorded_wall_ns);
    json_add_number(tree, "recorded_cpu_ns", recorded->recorded_cpu_ns);
    cJSON *notes = json_add_array(tree, "notes");
    for (uint32_t i = 0; i < o->note_count; i++)
        json_add_text(notes, NULL, o->notes[i]);
}

static cJSON *answer_json(struct context *context, const struct recorded *recorded,
                          const struct table *counters, const struct table *operators, bool tree) {
    cJSON *answer = recording_json(context->arena, &recorded->recording);
    add_outcome_json(answer, recorded);
    if (recorded->id)
        json_add_int(answer, "recording", recorded->id);
    else
        json_add_null(answer, "recording");
    json_add(answer, "counters", table_json(counters));
    json_add(answer, tree ? "tree" : "calls_by_self_time", table_json(operators));
    return answer;
}

/* ---- printing -------------------------------------------------------------------------------- */

static int print_recorded(struct context *context, const struct record_options *options,
                          const struct recorded *recorded, struct err *err) {
    const struct recording *r = &recorded->recording;
    uint32_t limit = (uint32_t)options->limit;
    struct table summary, counters, operators, tracks;
    summary_table(context, recorded, &summary);
    counters_table(context, &recorded->outcome, &counters);
    recording_tracks_table(context->arena, r, &tracks);
    if (options->tree)
        recording_tree_table(context->arena, r, 0, limit, 0.005, &operators);
    else
        recording_calls_table(context->arena, r, options->shapes, limit, &operators);
    const struct table *shown[4] = {&summary};
    size_t count = 1;
    if (r->node_count)
        shown[count++] = &operators;
    if (r->track_count > 1)
        shown[count++] = &tracks;
    if (counters.row_count)
        shown[count++] = &counters;
    cJSON *tree = answer_json(context, recorded, &counters, &operators, options->tree);
    int code = print_answer(context, tree, shown, count, err);
    cJSON_Delete(tree);
    if (context->json && context->out == stderr)
        return code; /* the document has what follows, and stays one */
    for (uint32_t i = 0; i < recorded->outcome.note_count; i++)
        print_note(context, "%s", recorded->outcome.notes[i]);
    if (recorded->id && code == 0)
        print_note(context, "recording %" PRId64 " is stored: `assay recordings %" PRId64 "`",
                   recorded->id, recorded->id);
    return code;
}

/* Standard output belongs to the command: what is to be said goes elsewhere. */
static int open_output(struct context *context, const char *path, struct err *err) {
    context->out = stderr;
    if (path && strcmp(path, "-") == 0)
        context->out = stdout;
    else if (path)
        context->out = fopen(path, "we");
    if (!context->out)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", path);
    context->style.width = term_width(context->out);
    context->style.color &= term_colors(context->out);
    return 0;
}

static int close_output(struct context *context, const char *path, struct err *err) {
    FILE *out = context->out;
    context->out = stdout;
    bool failed = ferror(out) || fflush(out) != 0;
    if (out != stderr && out != stdout)
        failed |= fclose(out) != 0;
    return failed ? err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be written", path) : 0;
}

static int record(struct context *context, const struct record_options *options,
                  struct recorded *recorded, struct err *err) {
    const struct record_job job = {
        .command = (char *const *)(uintptr_t)options->command.items,
        .probes = options->probes.items,
        .probe_count = options->probes.count,
        .route = options->route,
        .events = options->events.items,
        .event_count = options->events.count,
        .rate_hz = options->rate_hz,
        .onednn = options->onednn,
        .trace_path = options->trace,
        .baseline = (uint32_t)options->baseline,
    };
    struct db *db = NULL;
    if (!options->no_store && context_db_open(context, DB_CREATE, &db, err))
        return -(int)err->code;
    int code = job_record(context->arena, db, &job, recorded, err);
    db_close(db);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    struct record_options options = *(const struct record_options *)given;
    struct recorded recorded = {0};
    /* execvp() wants a NULL behind the last word. */
    *ARENA_PUSH(context->arena, options.command.items, options.command.count,
                options.command.capacity) = NULL;
    if (open_output(context, options.output, err))
        return -(int)err->code;
    int code = record(context, &options, &recorded, err);
    if (code == 0)
        code = print_recorded(context, &options, &recorded, err);
    int closed = close_output(context, options.output, err);
    return code ? code : closed ? closed : recorded.outcome.code;
}

/* clang-format off */
static const struct option_row options[] = {
    {.name = "probe", .letter = 'p', .type = OPTION_LIST, .metavar = "LIBRARY:SYMBOL",
     .offset = offsetof(struct record_options, probes),
     .help = "functions to see calls of, with * for anything; PyTorch's operators need no asking"},
    {.name = "events", .letter = 'e', .type = OPTION_WORDS, .metavar = "EVENTS",
     .offset = offsetof(struct record_options, events),
     .help = "counters of the whole command; `assay list events` names them"},
    {.name = "rate", .type = OPTION_NUMBER, .metavar = "HZ", .fallback = "20", .min = 0.1, .max = 1000,
     .offset = offsetof(struct record_options, rate_hz), .help = "how often memory and threads are read, at most"},
    {.name = "route", .type = OPTION_TEXT, .metavar = "NAME", .offset = offsetof(struct record_options, route),
     .help = "how functions are probed; `assay list probe-routes`; none: not at all"},
    {.name = "baseline", .type = OPTION_INT, .metavar = "N", .fallback = "0", .min = 0, .max = 1000,
     .offset = offsetof(struct record_options, baseline),
     .help = "run it N times without recording and N times with it, in turn, and say what differs"},
    {.name = "tree", .type = OPTION_FLAG, .offset = offsetof(struct record_options, tree),
     .help = "operators as a tree, instead of by their own time"},
    {.name = "shapes", .type = OPTION_FLAG, .offset = offsetof(struct record_options, shapes),
     .help = "one row per shapes too, where they are known"},
    {.name = "limit", .type = OPTION_INT, .metavar = "N", .fallback = "15", .min = 0, .max = 1e6,
     .offset = offsetof(struct record_options, limit), .help = "operators to show; 0: all"},
    {.name = "output", .letter = 'o', .type = OPTION_TEXT, .metavar = "FILE",
     .offset = offsetof(struct record_options, output),
     .help = "where the answer goes: standard error unless told; - is standard output"},
    {.name = "onednn", .type = OPTION_FLAG, .offset = offsetof(struct record_options, onednn),
     .help = "primitives of oneDNN too, taken out of what the command prints"},
    {.name = "trace", .type = OPTION_TEXT, .metavar = "FILE", .offset = offsetof(struct record_options, trace),
     .help = "write every span too, as JSON for timeline viewers"},
    {.name = "no-store", .type = OPTION_FLAG, .offset = offsetof(struct record_options, no_store),
     .help = "keep nothing in the database"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "COMMAND", .kind = ARGUMENT_SOME, .offset = offsetof(struct record_options, command),
     .help = "what to run, behind --; no shell reads it"},
    {0},
};

static const struct example examples[] = {
    {"assay record -- python3 serve.py", "operators of PyTorch, memory and threads of a program"},
    {"assay record --probe 'libggml*:ggml_compute_*' -- ./engine model.gguf", "calls of an engine of your own"},
    {"assay record --baseline 5 -- python3 serve.py", "what recording costs, measured"},
    {"assay record --trace run.json -- python3 serve.py", "the same as a timeline"},
    {0},
};
/* clang-format on */

const struct command cmd_record = {
    .name = "record",
    .summary = "run any program and see its operators, memory and threads",
    .description =
        "Runs a command as it is and records its memory, its threads and processes over time, "
        "counters of the whole, and every call of the functions that are probed in the libraries "
        "it loads: PyTorch's operators by themselves, others with --probe. Nothing has to be "
        "built anew.\n\n"
        "The command keeps its standard streams; the answer goes to standard error or --output. "
        "The exit code is the command's (128 + signal when it was killed), or one of ours when "
        "it could not be recorded. Without the right to probe, the rest is recorded and the "
        "reason told; `assay doctor` says what would allow it.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct record_options),
    .run = run,
};
