/* The load that is planned for: options shared by plan and report. */
#ifndef ASSAY_CLI_LOAD_OPTIONS_H
#define ASSAY_CLI_LOAD_OPTIONS_H

#include "cli/option.h"

struct load_options {
    double rate;
    const char *slo, *constraints;
    int routing; /* enum routing */
    struct text_list nodes;
    const char *catalog;
};

/* The words that --routing may be. */
const char *routing_choice(size_t index, const char **help);

/* clang-format off */
#define LOAD_OPTIONS(owner, field)                                                                 \
    {.name = "rate", .letter = 'r', .type = OPTION_NUMBER, .metavar = "PER_SECOND",                \
     .fallback = "1", .min = 0, .max = 1e9, .offset = offsetof(owner, field.rate),                 \
     .help = "requests per second, arriving at random (Poisson)"},                                 \
    {.name = "slo", .type = OPTION_TEXT, .metavar = "pN=TIME",                                     \
     .offset = offsetof(owner, field.slo),                                                         \
     .help = "response target of the plan, such as p99=50ms; several with commas"},                \
    {.name = "routing", .type = OPTION_CHOICE, .metavar = "HOW", .fallback = "random",             \
     .choice = routing_choice, .offset = offsetof(owner, field.routing),                           \
     .help = "how requests find a replica"},                                                       \
    {.name = "node", .type = OPTION_LIST, .metavar = "SPEC",                                       \
     .offset = offsetof(owner, field.nodes),                                                       \
     .help = "a node that can be had, cpus=8,memory=32GiB,price=0.38; may be repeated"},           \
    {.name = "catalog", .type = OPTION_TEXT, .metavar = "FILE",                                    \
     .offset = offsetof(owner, field.catalog),                                                     \
     .help = "nodes that can be had, as YAML (docs/catalog.md), beside those of --node"},          \
    {.name = "constraints", .type = OPTION_TEXT, .metavar = "FILE|TEXT",                           \
     .offset = offsetof(owner, field.constraints),                                                 \
     .help = "what to keep to: Triton Model Analyzer's YAML, or 'latency:p99<50ms;cost<1.5'"}
/* clang-format on */

#endif
