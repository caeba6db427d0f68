#include "cli/command.h"
#include "cli/load_options.h"
#include "cli/manifest_options.h"
#include "cli/option_command.h"
#include "cli/predict_options.h"
#include "db/db.h"
#include "jobs/manifests.h"
#include "jobs/plan.h"
#include "reports/plan_json.h"
#include "reports/plan_text.h"

struct plan_options {
    struct model_options model;
    struct predict_options_given predict;
    struct load_options load;
    struct manifest_options manifests;
    uint64_t service_ns;
};

static void add_manifests(cJSON *tree, const struct manifests_written *written) {
    cJSON *list = json_add_array(tree, "manifests");
    for (uint32_t i = 0; i < written->count; i++)
        json_add_text(list, NULL, written->paths[i]);
}

static int print_plan(struct context *context, const struct planned *planned,
                      const struct manifests_written *written, struct err *err) {
    const struct plan *plan = &planned->plan;
    if (context->json) {
        cJSON *tree = plan_json(plan);
        if (written->count)
            add_manifests(tree, written);
        int code = print_json(context, tree, err);
        cJSON_Delete(tree);
        return code;
    }
    struct table answer, proof;
    const struct table *tables[] = {&answer, &proof};
    plan_answer_table(context->arena, plan, &answer);
    plan_proof_table(context->arena, plan, &proof);
    if (print_line(context, err, "%s", plan_sentence(context->arena, plan)) ||
        print_answer(context, NULL, tables, 2, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < planned->predicted.prediction.warning_count; i++)
        print_note(context, "%s", planned->predicted.prediction.warnings[i]);
    for (uint32_t i = 0; i < written->count; i++)
        print_note(context, "wrote %s", written->paths[i]);
    return 0;
}

static int make_request(struct context *context, const struct plan_options *options,
                        struct plan_request *request, struct err *err) {
    *request = (struct plan_request){0};
    if (predict_options_request(context->arena, &options->model, &options->predict,
                                &request->predict, err))
        return -(int)err->code;
    request->service_ns = (double)options->service_ns;
    request->rate_per_second = options->load.rate;
    request->targets = options->load.slo;
    request->routing = (enum routing)options->load.routing;
    request->nodes = options->load.nodes.items;
    request->node_count = options->load.nodes.count;
    if (!options->load.slo)
        return err_hint((err_set(err, ERR_USAGE, "a response target is missing"), err),
                        "for example --slo p99=50ms");
    if (!options->model.model && options->service_ns == 0)
        return err_hint((err_set(err, ERR_USAGE, "what is to be planned is missing"), err),
                        "give a MODEL, or --service TIME for a known service time");
    if (options->model.model && options->service_ns)
        return err_set(err, ERR_USAGE, "--service stands in for a model: give one of both");
    if (!options->model.model && options->manifests.folder)
        return err_hint((err_set(err, ERR_USAGE, "--manifests needs a MODEL"), err),
                        "a service time alone says nothing of the memory that a pod must ask for");
    return 0;
}

static const struct option_row plan_rows[] = {
    LOAD_OPTIONS(struct plan_options, load),
    {.name = "service",
                                 .type = OPTION_DURATION,
                                 .metavar = "TIME",
                                 .offset = offsetof(struct plan_options, service_ns),
                                 .help = "a known service time, instead of a model"},
    MODEL_OPTIONS(struct plan_options, model),
    PREDICT_OPTIONS(struct plan_options, predict),
    MANIFEST_OPTIONS(struct plan_options, manifests),
    {0},
};

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

static int run(struct context *context, const void *given, struct err *err) {
    const struct plan_options *options = given;
    struct plan_request request;
    struct planned planned;
    struct manifests_written written = {0};
    struct db *db = NULL;
    if (make_request(context, options, &request, err))
        return -(int)err->code;
    if (options->model.model && context_db_open(context, DB_WRITE_IF_ABLE | DB_CREATE, &db, err))
        return -(int)err->code;
    int code = job_plan(context->arena, db, &request, &planned, err);
    db_close(db);
    if (code == -ERR_FINDING && planned.plan.high.reason) {
        struct err printing = {0};
        if (print_plan(context, &planned, &written, &printing) == 0)
            return ERR_FINDING;
    }
    if (code || write_manifests(context, options, &planned, &written, err))
        return -(int)err->code;
    return print_plan(context, &planned, &written, err);
}

static const struct example examples[] = {
    {"assay plan model.onnx --rate 200 --slo p99=50ms",                  "replicas for 200 requests a second"},
    {"assay plan model.onnx --rate 200 --slo p99=50ms --node cpus=8,memory=32GiB,price=0.38",
     "and the nodes to hold them"},
    {"assay plan --service 1s --rate 50 --slo p99=2s --routing central",
     "for a service time known from elsewhere"},
    {"assay plan model.onnx --rate 200 --slo p99=50ms --manifests deploy",
     "and what Kubernetes needs to run it"},
    {0                                                                 },
};

const struct command cmd_plan = {
    .name = "plan",
    .summary = "tell how many replicas and nodes a load needs",
    .description =
        "Computes the fewest replicas whose response time meets the target under Poisson arrivals, "
        "from the exact waiting time distribution: one M/D/1 queue per replica with --routing "
        "random (what kube-proxy gives), one M/D/c queue with --routing central. It plans for the "
        "upper end of the predicted latency and prints the answer for its middle beside it. One "
        "replica takes as many CPUs as it has threads and the upper bound of its memory; they are "
        "packed on the cheapest nodes given, after what the system keeps for itself.\n\n"
        "A target that cannot be met is said so with the reason; the exit code is then 1.\n\n"
        "With --manifests, a Deployment, Service, autoscalers and alerts that follow from the plan "
        "are written into a folder, for `kubectl apply -k`. Files there that this command did not "
        "write are never overwritten.",
    .examples = examples,
    .options = plan_rows,
    .arguments = arguments,
    .options_size = sizeof(struct plan_options),
    .run = run,
};
