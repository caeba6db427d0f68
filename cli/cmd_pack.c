#include "cli/command.h"
#include "jobs/pack.h"
#include "reports/pack_json.h"
#include "reports/pack_text.h"

#define NS_PER_S 1e9

struct pack_options {
    const char *pods, *catalog;
    struct text_list nodes;
    uint64_t time_ns;
};

static int print_packed(struct context *context, const struct packed *packed, struct err *err) {
    if (context->json) {
        cJSON *tree = pack_json(&packed->packing, packed->kinds, packed->kind_count);
        int code = print_json(context, tree, err);
        cJSON_Delete(tree);
        return code;
    }
    struct table nodes, loads;
    const struct table *tables[] = {&nodes, &loads};
    pack_nodes_table(context->arena, &packed->packing, &nodes);
    pack_loads_table(context->arena, &packed->packing, packed->kinds, packed->kind_count, &loads);
    if (print_line(context, err, "%s", pack_sentence(context->arena, &packed->packing)))
        return -(int)err->code;
    return print_answer(context, NULL, tables, 2, err);
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct pack_options *options = given;
    struct pack_request request = {options->pods, options->catalog, options->nodes.items,
                                   options->nodes.count, (double)options->time_ns / NS_PER_S};
    struct packed packed;
    if (!options->catalog && options->nodes.count == 0)
        return err_hint((err_set(err, ERR_USAGE, "the nodes that can be had are missing"), err),
                        "give --catalog FILE or --node cpus=8,memory=32GiB,price=0.38");
    int code = job_pack(context->arena, &request, &packed, err);
    return code ? code : print_packed(context, &packed, err);
}

static const struct option_row options[] = {
    {.name = "catalog",
     .letter = 'c',
     .type = OPTION_TEXT,
     .metavar = "FILE",
     .offset = offsetof(struct pack_options, catalog),
     .help = "the nodes that can be had, as YAML (docs/catalog.md)"},
    {.name = "node",
     .type = OPTION_LIST,
     .metavar = "SPEC",
     .offset = offsetof(struct pack_options, nodes),
     .help = "a node that can be had, cpus=8,memory=32GiB,price=0.38; may be repeated"},
    {.name = "time",
     .type = OPTION_DURATION,
     .metavar = "TIME",
     .fallback = "10s",
     .offset = offsetof(struct pack_options, time_ns),
     .help = "look for a cheaper packing for so long"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "PODS_FILE",
     .kind = ARGUMENT_ONE,
     .offset = offsetof(struct pack_options, pods),
     .help = "the pods: YAML or CSV of name, count, cpus, memory, gpus"},
    {0},
};

static const struct example examples[] = {
    {"assay pack pods.yaml --catalog nodes.yaml", "the cheapest nodes, and what goes where"},
    {"assay pack pods.csv --node cpus=8,memory=32GiB,price=0.38 --json",                                           "without a catalogue"},
    {0},
};

const struct command cmd_pack = {
    .name = "pack",
    .summary = "put pods of many kinds onto nodes at least cost",
    .description =
        "Finds the cheapest nodes that hold all pods by CPU, memory, GPUs and number of pods, "
        "after "
        "what the system and daemon sets keep, and says what goes where. A lower bound for every "
        "packing is computed beside it; where both meet, the answer is proven to be the cheapest. "
        "Else the gap between them is printed.\n\n"
        "Without prices the fewest nodes are sought. A pod that fits no node is named with what it "
        "is short of; the exit code is then 1.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct pack_options),
    .run = run,
};
