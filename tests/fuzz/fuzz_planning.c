/* Any bytes as what people hand to plan and pack: a catalogue, constraints (a file or a text) and
 * pods (YAML or CSV); the first byte chooses. An error, or values within their ranges. */
#include "jobs/catalog.h"
#include "jobs/constraints.h"
#include "jobs/pods_file.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const seeds[] = {
    "0reserve: eks\ndaemonsets: {cpus: 100m, memory: 64Mi}\nnodes:\n  - {name: a, cpus: 4, "
    "memory: 8GiB, price: 0.2, gpus: 1, spot: true, interruption_rate_per_hour: 0.1, limit: 3, "
    "labels: {zone: z}}\n",
    "1constraints:\n  perf_latency_p99: {max: 100}\nobjectives: {perf_throughput: 2}\n"
    "latency_budget: 50\nprofile_models:\n  m:\n    constraints: {gpu_used_memory: {max: 2}}\n",
    "2latency:p99<50ms;throughput>200;memory<2GiB;cost<1.5;utilisation>=70%",
    "3- {name: a, count: 3, cpus: 500m, memory: 2Gi, gpus: 1}\n",
    "4name,count,cpus,memory,gpus\na,3,500m,2Gi,1\n",
};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    for (size_t i = 0; folder && i < sizeof seeds / sizeof *seeds; i++) {
        snprintf(path, sizeof path, "%s/seed%zu", folder, i);
        FILE *file = fopen(path, "w");
        if (!file)
            continue;
        fputs(seeds[i], file);
        fclose(file);
    }
    return 0;
}

static void check_catalog(const struct catalog *catalog) {
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct node_type *type = &catalog->types[i];
        if (!type->name || !type->reserve || !(type->cpus > 0) || !(type->memory_bytes > 0) ||
            type->usd_per_hour < 0 || type->pods_max == 0)
            abort();
    }
}

static void check_constraints(const struct constraints *constraints) {
    for (uint32_t i = 0; i < constraints->count; i++) {
        const struct constraint *item = &constraints->items[i];
        if (item->metric >= METRIC_COUNT || !(item->value >= 0) || !isfinite(item->value) ||
            !(item->percentile >= 0 && item->percentile < 100) || !item->text || !item->source)
            abort();
    }
}

static void check_pods(const struct pods_file *pods) {
    for (uint32_t i = 0; i < pods->count; i++)
        if (!pods->kinds[i].name || pods->kinds[i].count == 0 || !(pods->kinds[i].cpus >= 0) ||
            !(pods->kinds[i].memory_bytes >= 0))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct catalog catalog;
    struct constraints constraints;
    struct pods_file pods;
    struct err err = {0};
    if (size == 0)
        return 0;
    arena_init(&arena);
    const char *text = (const char *)data + 1;
    size--;
    switch (data[0] % 5) {
    case 3:
        if (catalog_parse(&arena, text, size, "fuzz", &catalog, &err) == 0)
            check_catalog(&catalog);
        break;
    case 4:
        if (constraints_parse_yaml(&arena, text, size, "fuzz", NULL, &constraints, &err) == 0)
            check_constraints(&constraints);
        break;
    case 0:
        if (constraints_parse_text(&arena, arena_strndup(&arena, text, size), &constraints, &err) ==
            0)
            check_constraints(&constraints);
        break;
    case 1:
        if (pods_file_parse_yaml(&arena, text, size, "fuzz", &pods, &err) == 0)
            check_pods(&pods);
        break;
    default:
        if (pods_file_parse_csv(&arena, text, size, "fuzz", &pods, &err) == 0)
            check_pods(&pods);
    }
    if (err.code && !err.message[0])
        abort();
    arena_done(&arena);
    return 0;
}
