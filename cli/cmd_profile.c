#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/print_prediction.h"
#include "db/db.h"
#include "jobs/profile.h"

struct profile_options {
    struct model_options model;
    bool synthesize_weights;
    struct text_list groups, events;
    uint64_t budget_ns;
    int64_t processes, replicas, operators;
};

static int print_profile(struct context *context, const struct profiled *profiled, uint32_t limit,
                         struct err *err) {
    const struct measured *m = &profiled->details;
    if (print_prediction(context, &profiled->measured, limit, err))
        return -(int)err->code;
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
    return 0;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct profile_options *options = given;
    struct profile_request request = {.protocol = protocol_default(), .purpose = "profile"};
    if (model_options_request(context->arena, &options->model, &request.subject, err))
        return -(int)err->code;
    request.subject.synthesize_weights = options->synthesize_weights;
    request.subject.events = options->events.items;
    request.subject.event_count = options->events.count;
    request.groups = options->groups.items;
    request.group_count = options->groups.count;
    request.protocol.budget_ns = options->budget_ns;
    request.protocol.processes = (uint32_t)options->processes;
    request.protocol.replicas = (uint32_t)options->replicas;
    struct db *db;
    if (context_db_open(context, DB_CREATE, &db, err))
        return -(int)err->code;
    struct profiled profiled;
    int code = job_profile(context->arena, db, &request, context->progress, &profiled, err);
    db_close(db);
    return code ? code : print_profile(context, &profiled, (uint32_t)options->operators, err);
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
    {.name = "operators",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "10",
                                     .min = 0,
                                     .max = 1 << 30,
                                     .offset = offsetof(struct profile_options, operators),
                                     .help = "how many operators the text shows, costliest first; 0 is all"},
    {0                                                                           },
};

static const struct argument_row arguments[] = {
    MODEL_ARGUMENT(struct profile_options, model),
    {0},
};

static const struct example examples[] = {
    {"assay profile resnet50.onnx",                    "measures every operator at one thread"},
    {"assay profile bert.onnx --dim batch=1 --dim seq=128",                                                "with free dimensions bound"},
    {"assay profile model.onnx --batch 8 --threads 2","at another batch and two threads"},
    {"assay profile model.onnx --group default,memory",
     "with instructions per cycle and bandwidth"},
    {"assay profile model.onnx --events instructions,page-faults",                                                "with counters per operator"},
    {0     },
};

const struct command cmd_profile = {
    .name = "profile",
    .summary = "run a model and record every operator",
    .description =
        "Runs the model in fresh processes until the median is known well enough or the budget is "
        "spent, and stores the run: latency without hooks, time of every operator of the optimised "
        "graph, memory and load time. When the command returns, the run is on the disk.\n\n"
        "What measuring itself costs per operator is calibrated once and subtracted; both numbers "
        "are reported. Warnings say what disturbed the measurement and what to do about it.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct profile_options),
    .run = run,
};
