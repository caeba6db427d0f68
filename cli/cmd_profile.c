#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/print_prediction.h"
#include "db/db.h"
#include "jobs/decoder_phases.h"
#include "jobs/profile.h"

struct profile_options {
    struct model_options model;
    bool synthesize_weights;
    struct text_list groups, events;
    uint64_t budget_ns;
    int64_t processes, replicas, operators;
    bool no_memory, memory_timeline;
};

/* The text has the tables of memory when they are asked for, else sentences; JSON has all. */
static int print_measured(struct context *context, const struct profiled *profiled,
                          const struct profile_options *options, struct err *err) {
    struct prediction shown = profiled->measured;
    uint32_t limit = (uint32_t)options->operators;
    if (context->json || options->memory_timeline)
        return print_prediction(context, &shown, limit, err);
    shown.timeline = (struct memory_timeline){0};
    shown.memory = NULL;
    shown.played = (struct memory_agreement){0};
    if (print_prediction(context, &shown, limit, err))
        return -(int)err->code;
    print_memory_notes(context, &profiled->measured);
    return 0;
}

static void note_profile(const struct context *context, const struct profiled *profiled) {
    const struct measured *m = &profiled->details;
    if (profiled->memory_refused.code)
        print_note(context, "memory was not looked into: %s", profiled->memory_refused.message);
    bool cpu = m->threads == 1; /* then CPU time, which other programs disturb less */
    double sum = cpu ? m->operators_cpu_ns : m->operators_wall_ns;
    double whole = cpu ? m->cpu_ns.median : m->wall_ns.median;
    print_note(context,
               "operators sum to %.4g ms%s against %.4g ms unprofiled (%+.1f %%); measuring cost "
               "%.2f us per operator (%s) was subtracted",
               sum / 1e6, cpu ? " of CPU time" : "", whole / 1e6, 100 * (sum / whole - 1),
               (cpu ? m->overhead.cpu_ns : m->overhead.wall_ns) / 1e3,
               overhead_source_name(m->overhead.source));
    if (m->alone_wall_ns.count)
        print_note(context, "beside %u cop%s of itself it takes %.3f times as long as alone",
                   m->replicas - 1, m->replicas == 2 ? "y" : "ies", measured_slowdown(m));
    for (uint32_t i = 0; i < m->missing_event_count; i++)
        print_note(context, "not counted: %s", m->missing_events[i]);
    print_note(context, "stored as run %lld", (long long)profiled->run_id);
}

struct phases {
    struct decoder_phase items[DECODER_PHASES_MAX];
    struct profiled profiled[DECODER_PHASES_MAX];
    uint32_t count;
};

static int print_phase(struct context *context, const struct phases *phases, uint32_t i,
                       const struct profile_options *options, struct err *err) {
    const char *name = phases->items[i].name;
    const struct decoding *decoding = &phases->profiled[i].measured.decoding;
    if (name[0] &&
        print_line(context, err, "%s%s: %llu token%s at once", i ? "\n" : "", name,
                   (unsigned long long)decoding->tokens, decoding->tokens == 1 ? "" : "s"))
        return -(int)err->code;
    return print_measured(context, &phases->profiled[i], options, err);
}

static int print_phases(struct context *context, const struct phases *phases,
                        const struct profile_options *options, struct err *err) {
    struct named_prediction named[DECODER_PHASES_MAX];
    bool together = context->json && phases->count > 1;
    for (uint32_t i = 0; i < phases->count; i++) {
        named[i] = (struct named_prediction){phases->items[i].name, &phases->profiled[i].measured};
        if (!together && print_phase(context, phases, i, options, err))
            return -(int)err->code;
        note_profile(context, &phases->profiled[i]);
    }
    return together ? print_predictions_json(context, named, phases->count, err) : 0;
}

static int measure_phases(struct context *context, struct db *db,
                          const struct profile_request *request, struct phases *phases,
                          struct err *err) {
    if (decoder_phases(context->arena, &request->subject, phases->items, &phases->count, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < phases->count; i++) {
        struct profile_request each = *request;
        each.subject = phases->items[i].request;
        each.protocol.budget_ns /= phases->count;
        if (job_profile(context->arena, db, &each, context->progress, &phases->profiled[i], err))
            return -(int)err->code;
    }
    return 0;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct profile_options *options = given;
    struct profile_request request = {.protocol = protocol_default(), .purpose = "profile"};
    if (options->no_memory && options->memory_timeline)
        return err_set(err, ERR_USAGE, "--memory-timeline needs what --no-memory leaves out");
    if (model_options_request(context->arena, &options->model, &request.subject, err))
        return -(int)err->code;
    request.subject.synthesize_weights = options->synthesize_weights;
    request.subject.events = options->events.items;
    request.subject.event_count = options->events.count;
    request.groups = options->groups.items;
    request.group_count = options->groups.count;
    request.memory = !options->no_memory;
    request.protocol.budget_ns = options->budget_ns;
    request.protocol.processes = (uint32_t)options->processes;
    request.protocol.replicas = (uint32_t)options->replicas;
    struct db *db;
    if (context_db_open(context, DB_CREATE, &db, err))
        return -(int)err->code;
    struct phases phases;
    int code = measure_phases(context, db, &request, &phases, err);
    db_close(db);
    return code ? code : print_phases(context, &phases, options, err);
}

static const struct option_row options[] = {
    MODEL_OPTIONS(struct profile_options, model),
    {.name = "synthesize-weights",
                                     .type = OPTION_FLAG,
                                     .offset = offsetof(struct profile_options, synthesize_weights),
                                     .help = "fill external weights whose file does not exist with seeded values"},
    {.name = "group",
                                     .letter = 'g',
                                     .type = OPTION_WORDS,
                                     .metavar = "GROUPS",
                                     .offset = offsetof(struct profile_options, groups),
                                     .help = "groups of counters per operator, with what follows from them: 'assay list groups'"},
    {.name = "events",
                                     .letter = 'e',
                                     .type = OPTION_WORDS,
                                     .metavar = "EVENTS",
                                     .offset = offsetof(struct profile_options, events),
                                     .help = "counters per operator, by libpfm4 or perf names; what cannot open is said"},
    {.name = "budget",
                                     .type = OPTION_DURATION,
                                     .metavar = "TIME",
                                     .fallback = "20s",
                                     .offset = offsetof(struct profile_options, budget_ns),
                                     .help = "stop repeating after this time"},
    {.name = "processes",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "3",
                                     .min = 1,
                                     .max = PROTOCOL_PROCESSES_MAX,
                                     .offset = offsetof(struct profile_options, processes),
                                     .help = "fresh processes to measure in"},
    {.name = "replicas",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "1",
                                     .min = 1,
                                     .max = PROTOCOL_REPLICAS_MAX,
                                     .offset = offsetof(struct profile_options, replicas),
                                     .help = "copies side by side; one is measured, alone and beside the others"},
    {.name = "no-memory",
                                     .type = OPTION_FLAG,
                                     .offset = offsetof(struct profile_options, no_memory),
                                     .help = "leave out the process whose memory is looked into"},
    {.name = "memory-timeline",
                                     .type = OPTION_FLAG,
                                     .offset = offsetof(struct profile_options, memory_timeline),
                                     .help = "print memory operator by operator, and what held it"},
    {.name = "operators",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "10",
                                     .min = 0,
                                     .max = 1 << 30,
                                     .offset = offsetof(struct profile_options, operators),
                                     .help = "how many operators the text shows, costliest first; 0 is all"},
    {0                                                  },
};

static const struct argument_row arguments[] = {
    MODEL_ARGUMENT(struct profile_options, model),
    {0},
};

static const struct example examples[] = {
    {"assay profile resnet50.onnx",                    "measures every operator at one thread"},
    {"assay profile bert.onnx --dim batch=1 --dim seq=128",                                                "with free dimensions bound"},
    {"assay profile model.gguf","a prompt of 128 tokens, and one token behind it"},
    {"assay profile model.gguf --dim tokens=1 --dim past=512 --batch 4",
     "one token of each of 4 sequences"},
    {"assay profile model.onnx --batch 8 --threads 2",                                                "at another batch and two threads"},
    {"assay profile model.onnx --group default,memory",
     "with instructions per cycle and bandwidth"},
    {"assay profile model.onnx --events instructions,page-faults", "with counters per operator"},
    {0                                               },
};

const struct command cmd_profile = {
    .name = "profile",
    .summary = "run a model and record every operator",
    .description =
        "Runs the model in fresh processes until the median is known well enough or the budget is "
        "spent, and stores the run: latency without hooks, time of every operator of the optimised "
        "graph, memory and load time. When the command returns, the run is on the disk.\n\n"
        "What measuring itself costs per operator is calibrated once and subtracted; both numbers "
        "are reported. Of a GGUF model two runs are stored, prefill and decode, unless --dim says "
        "how many "
        "tokens are in a batch and how many are in the cache before it. Warnings say what "
        "disturbed the measurement and what to do about it.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct profile_options),
    .run = run,
};
