#include "cli/command.h"
#include "cli/counts.h"
#include "cli/load_options.h"
#include "cli/manifest_options.h"
#include "cli/option_command.h"
#include "cli/service_options.h"
#include "db/db.h"
#include "jobs/manifests.h"
#include "jobs/plan.h"
#include "jobs/plan_vary.h"
#include "jobs/simulate.h"
#include "reports/plan_figure.h"
#include "reports/plan_json.h"
#include "reports/plan_text.h"

#include <string.h>

struct plan_options {
    struct model_options model;
    struct predict_options_given predict;
    struct load_options load;
    struct service_options service;
    struct manifest_options manifests;
    struct text_list threads, batches, vary;
    const char *picture;
    double growth, shortfall;
    uint64_t memory_bytes, reaction_ns, overhead_ns;
    int64_t spares;
};

static void add_manifests(cJSON *tree, const struct manifests_written *written) {
    cJSON *list = json_add_array(tree, "manifests");
    for (uint32_t i = 0; i < written->count; i++)
        json_add_text(list, NULL, written->paths[i]);
}

/* What stands beside the plan. */
struct extras {
    struct plan_variation *variations;
    uint32_t variation_count;
    struct manifests_written manifests;
};

static int print_tree(struct context *context, const struct plan *plan, const struct extras *extras,
                      struct err *err) {
    cJSON *tree = plan_json(plan);
    if (extras->variation_count)
        plan_json_add_variations(tree, extras->variations, extras->variation_count);
    if (extras->manifests.count)
        add_manifests(tree, &extras->manifests);
    int code = print_json(context, tree, err);
    cJSON_Delete(tree);
    return code;
}

static int print_tables(struct context *context, const struct plan *plan,
                        const struct extras *extras, struct err *err) {
    uint32_t count = plan->option_count > 1 ? 3 : 2;
    struct table *all = ARENA_ARRAY(context->arena, count + extras->variation_count, struct table);
    const struct table **tables =
        ARENA_ARRAY(context->arena, count + extras->variation_count, const struct table *);
    plan_answer_table(context->arena, plan, &all[0]);
    plan_proof_table(context->arena, plan, &all[1]);
    if (count == 3)
        plan_options_table(context->arena, plan, &all[2]);
    for (uint32_t i = 0; i < extras->variation_count; i++)
        plan_variation_table(context->arena, &extras->variations[i], &all[count + i]);
    for (uint32_t i = 0; i < count + extras->variation_count; i++)
        tables[i] = &all[i];
    return print_answer(context, NULL, tables, count + extras->variation_count, err);
}

static int print_plan(struct context *context, const struct planned *planned,
                      const struct extras *extras, struct err *err) {
    const struct plan *plan = &planned->plan;
    if (planned->constraints_note)
        print_note(context, "%s", planned->constraints_note);
    if (planned->constraints_unchecked)
        print_note(context, "not checked: %s", planned->constraints_unchecked);
    if (context->json)
        return print_tree(context, plan, extras, err);
    if (print_line(context, err, "%s", plan_sentence(context->arena, plan)) ||
        print_tables(context, plan, extras, err))
        return -(int)err->code;
    for (uint32_t i = 0; plan_note(context->arena, plan, i); i++)
        print_note(context, "%s", plan_note(context->arena, plan, i));
    for (uint32_t i = 0; i < planned->predicted.prediction.warning_count; i++)
        print_note(context, "%s", planned->predicted.prediction.warnings[i]);
    for (uint32_t i = 0; i < extras->manifests.count; i++)
        print_note(context, "wrote %s", extras->manifests.paths[i]);
    return 0;
}

static int read_choices(struct arena *arena, const struct plan_options *options,
                        struct plan_request *request, struct err *err) {
    const struct text_list *threads = &options->threads, *batches = &options->batches;
    bool any_threads = threads->count == 1 && strcmp(threads->items[0], "auto") == 0;
    bool any_batch = batches->count == 1 && strcmp(batches->items[0], "auto") == 0;
    if (!any_threads && counts_read(arena, "threads", threads, 1024, &request->threads,
                                    &request->thread_count, err))
        return -(int)err->code;
    if (!any_batch && counts_read(arena, "batch-max", batches, SERVICE_BATCH_MAX, &request->batches,
                                  &request->batch_count, err))
        return -(int)err->code;
    return 0;
}

static int make_request(struct context *context, const struct plan_options *options,
                        struct plan_request *request, struct err *err) {
    const char *unused;
    *request = (struct plan_request){
        .memory_bytes = (double)options->memory_bytes,
        .distribution = simulate_shape_at((uint32_t)options->service.shape, &unused),
        .scv = service_options_scv(&options->service),
        .delay_ns = (double)options->service.delay_ns,
        .overhead_ns = (double)options->overhead_ns,
        .rate_per_second = options->load.rate,
        .targets = options->load.slo,
        .routing = (enum routing)options->load.routing,
        .nodes = options->load.nodes.items,
        .node_count = options->load.nodes.count,
        .catalog_path = options->load.catalog,
        .constraints = options->load.constraints,
        .headroom = {.spares = (uint32_t)options->spares,
                     .growth_per_minute = options->growth,
                     .lead_time_ns = (double)options->reaction_ns,
                     .shortfall = options->shortfall},
        .seed = (uint64_t)options->model.seed,
    };
    if (!options->load.slo && !options->load.constraints)
        return err_hint((err_set(err, ERR_USAGE, "a response target is missing"), err),
                        "for example --slo p99=50ms");
    if (options->model.model && options->memory_bytes)
        return err_set(err, ERR_USAGE, "--memory goes with --service: a model's is predicted");
    if (!options->model.model && options->manifests.folder)
        return err_hint((err_set(err, ERR_USAGE, "--manifests needs a MODEL"), err),
                        "a service time alone says nothing of the memory that a pod must ask for");
    if (read_choices(context->arena, options, request, err))
        return -(int)err->code;
    struct model_options model = options->model;
    model.threads = request->thread_count ? request->threads[0] : 1;
    if (service_options_request(context->arena, &options->service, &model, &options->predict,
                                &request->service, err))
        return -(int)err->code;
    /* Manifests say of which file they are. */
    request->service.predict.subject.hash_anew = options->manifests.folder != NULL;
    return 0;
}

/* clang-format off */
#define AT(field) .offset = offsetof(struct plan_options, field)
static const struct option_row plan_rows[] = {
    LOAD_OPTIONS(struct plan_options, load),
    {.name = "threads", .letter = 't', .type = OPTION_WORDS, .metavar = "N", .fallback = "auto",
     AT(threads), .help = "intra-op threads of a replica; several to choose from"},
    {.name = "batch-max", .type = OPTION_WORDS, .metavar = "N", .fallback = "auto", AT(batches),
     .help = "requests that a replica serves together at most; several to choose from"},
    {.name = "memory", .type = OPTION_BYTES, .metavar = "SIZE", AT(memory_bytes),
     .help = "of one replica, beside --service"},
    {.name = "overhead", .type = OPTION_DURATION, .metavar = "TIME", AT(overhead_ns),
     .help = "of a response outside the replica: network, proxies, encoding"},
    {.name = "spares", .type = OPTION_INT, .metavar = "N", .fallback = "0", .min = 0,
     .max = 100000, AT(spares), .help = "replicas that may fail at once"},
    {.name = "growth", .type = OPTION_NUMBER, .metavar = "SHARE", .fallback = "0", .min = 0,
     .max = 100, AT(growth), .help = "by which the rate may grow per minute, 0.05 is 5 %"},
    {.name = "reaction", .type = OPTION_DURATION, .metavar = "TIME", .fallback = "45s",
     AT(reaction_ns),
     .help = "from a higher rate until a replica is started: poll and sync of the autoscaler"},
    {.name = "shortfall", .type = OPTION_NUMBER, .metavar = "SHARE", .fallback = "0", .min = 0,
     .max = 1, AT(shortfall),
     .help = "by which the autoscaler stays below what is asked for; 0.1 for Kubernetes"},
    {.name = "picture", .type = OPTION_TEXT, .metavar = "FILE", AT(picture),
     .help = "the configurations by cost and response, as SVG"},
    {.name = "vary", .type = OPTION_LIST, .metavar = "NAME=VALUES", AT(vary),
     .help = "the plan at other values: rate=500,1000; also slo, routing, spares, growth, "
             "max-delay"},
    SERVICE_OPTIONS(struct plan_options, service),
    MODEL_INPUT_OPTIONS(struct plan_options, model),
    PREDICT_OPTIONS(struct plan_options, predict),
    MANIFEST_OPTIONS(struct plan_options, manifests),
    {0},
};
/* clang-format on */

static const struct argument_row arguments[] = {
    {.name = "MODEL",
     .kind = ARGUMENT_OPTIONAL,
     .offset = offsetof(struct plan_options, model.model),
     .help = "the model file"},
    {0},
};

/* The folder is left open: the same plan gives the same bytes wherever it is written. */
static int write_manifests(struct context *context, const struct plan_options *options,
                           const struct planned *planned, struct manifests_written *written,
                           struct err *err) {
    if (!options->manifests.folder)
        return 0;
    struct plan_options again = *options;
    struct manifest_settings settings;
    again.manifests.folder = "DIR";
    const char *command =
        option_command(context->arena, "assay plan", arguments, plan_rows, &again, sizeof again);
    manifest_options_settings(&options->manifests, command, &settings);
    if (job_manifests(context->arena, planned, &settings, options->manifests.folder, written, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < written->note_count; i++)
        print_note(context, "%s", written->notes[i]);
    return 0;
}

static int vary(struct context *context, const struct plan_options *options,
                const struct planned *planned, struct extras *extras, struct err *err) {
    uint32_t count = options->vary.count;
    extras->variations = ARENA_ARRAY(context->arena, count, struct plan_variation);
    for (uint32_t i = 0; i < count; i++)
        if (plan_vary(context->arena, planned, options->vary.items[i], &extras->variations[i], err))
            return -(int)err->code;
    extras->variation_count = count;
    return 0;
}

static int draw(struct context *context, const struct plan *plan, const char *path,
                struct err *err) {
    struct strbuf svg;
    strbuf_init(&svg);
    int code = plan_picture(context->arena, plan, &svg, err);
    if (!code)
        code = write_picture(context, &svg, path, err);
    strbuf_done(&svg);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct plan_options *options = given;
    struct plan_request request;
    struct planned planned;
    struct extras extras = {0};
    struct err none = {0};
    struct db *db = NULL;
    if (make_request(context, options, &request, err))
        return -(int)err->code;
    if (options->model.model && context_db_open(context, DB_WRITE_IF_ABLE | DB_CREATE, &db, err))
        return -(int)err->code;
    int code = job_plan(context->arena, db, &request, context->progress, &planned, &none);
    bool refused = code == -ERR_FINDING && planned.plan.high.reason;
    db_close(db);
    if (code && !refused) {
        *err = none;
        return code;
    }
    if (vary(context, options, &planned, &extras, err) ||
        (!refused && write_manifests(context, options, &planned, &extras.manifests, err)) ||
        print_plan(context, &planned, &extras, err))
        return -(int)err->code;
    if (!refused && options->picture && draw(context, &planned.plan, options->picture, err))
        return -(int)err->code;
    return refused ? ERR_FINDING : 0;
}

static const struct example examples[] = {
    {"assay plan model.onnx --rate 200 --slo p99=50ms",                  "replicas for 200 requests a second"},
    {"assay plan model.onnx --rate 200 --slo p99=50ms --node cpus=8,memory=32GiB,price=0.38",
     "and the nodes to hold them"},
    {"assay plan --service 1s --rate 50 --slo p99=2s --routing central",
     "for a service time known from elsewhere"},
    {"assay plan model.onnx --rate 200 --slo p99=50ms --vary rate=100,200,400 --vary "
     "routing=random,least-loaded", "and how it changes with the rate and the routing"},
    {"assay plan model.onnx --rate 200 --slo p99=50ms --manifests deploy",
     "and what Kubernetes needs to run it"},
    {0               },
};

const struct command cmd_plan = {
    .name = "plan",
    .summary = "tell how many replicas and nodes a load needs",
    .description =
        "Finds the cheapest way to keep a response target: threads of a replica, requests it "
        "serves together, replicas that share a node and slow each other down, kinds and numbers "
        "of nodes after what the system keeps for itself. Without prices the fewest CPUs win. "
        "Requests come as a Poisson process; how they find a replica is --routing, by default at "
        "random, which is what kube-proxy does and often decides the answer. One request at a time "
        "with a steady service time is solved exactly, a varying one by interpolation, batches and "
        "other routings by simulation.\n\n"
        "It plans for the upper end of the predicted latency and prints the answer for its middle "
        "beside it. The proof is simulated request by request: the number of replicas meets the "
        "target, one fewer does not. A target that cannot be met is said so with the reason; the "
        "exit code is then 1.\n\n"
        "With --manifests, a Deployment, Service, autoscalers and alerts that follow from the plan "
        "are written into a folder, for `kubectl apply -k`. Files there that this command did not "
        "write are never overwritten.",
    .examples = examples,
    .options = plan_rows,
    .arguments = arguments,
    .options_size = sizeof(struct plan_options),
    .run = run,
};
