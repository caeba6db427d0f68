/* The top of the page: what it all comes to, the machine, the models. */
#include "reports/judgement.h"
#include "reports/page.h"
#include "reports/plan_text.h"

#include <inttypes.h>
#include <math.h>

/* ---- tiles ---------------------------------------------------------------------------------- */

void section_overview(struct page *page) {
    const struct report *report = page->report;
    struct judgement j = judge(report, quantity_latency);
    struct html_tile tiles[5];
    char percent[UNIT_TEXT_SIZE], price[UNIT_TEXT_SIZE];
    uint32_t count = 0;
    tiles[count++] = (struct html_tile){arena_printf(page->arena, "%" PRIu32, report->entry_count),
                                        report->entry_count == 1 ? "model" : "models"};
    if (j.count) {
        tiles[count++] = (struct html_tile){
            unit_format(percent, j.mean_error, UNIT_FRACTION),
            arena_printf(page->arena, "mean error of the latency of %" PRIu32 " models", j.count)};
        tiles[count++] = (struct html_tile){
            arena_printf(page->arena, "%" PRIu32 " of %" PRIu32, j.inside, j.count),
            "measured latencies inside the predicted 90 % interval"};
    }
    const struct plan *plan = report->plan;
    if (plan && !plan->high.reason) {
        tiles[count++] = (struct html_tile){
            arena_printf(page->arena, "%" PRIu64, plan->high.n.replicas),
            arena_printf(page->arena, "replicas of %s for %g requests/s, %s", plan->model,
                         plan->rate_per_second, plan_targets_text(page->arena, plan))};
        if (!isnan(plan->high.usd_per_hour))
            tiles[count++] =
                (struct html_tile){unit_format(price, plan->high.usd_per_hour, UNIT_USD_PER_HOUR),
                                   arena_printf(page->arena, "for nodes: %s",
                                                plan_nodes_text(page->arena, plan->high.nodes,
                                                                plan->high.node_count))};
    }
    html_tiles(page->html, tiles, count);
}

/* ---- machine -------------------------------------------------------------------------------- */

static void add_fact(struct table *table, const char *name, const char *value) {
    if (!value || !value[0])
        return;
    table_row(table);
    table_text(table, 0, name);
    table_text(table, 1, value);
}

static void add_quantity(struct table *table, const char *name, double value, enum unit unit) {
    char text[UNIT_TEXT_SIZE];
    if (value > 0)
        add_fact(table, name, unit_format(text, value, unit));
}

void section_machine(struct page *page) {
    static const struct table_column columns[] = {
        {"property", "Property", UNIT_PLAIN, TABLE_LEFT},
        {"value",    "Value",    UNIT_PLAIN, TABLE_LEFT},
    };
    const struct machine *machine = page->report->machine;
    struct table table;
    if (!machine)
        return;
    table_init(&table, page->arena, "", columns, 2);
    add_fact(&table, "Processor", machine->cpu);
    add_quantity(&table, "CPUs usable", machine->cpus, UNIT_COUNT);
    add_quantity(&table, "CPU quota", machine->cpu_quota, UNIT_PLAIN);
    add_fact(&table, "Extensions", machine->isa);
    for (int i = 0; i < MACHINE_CACHE_LEVELS; i++)
        add_quantity(&table, arena_printf(page->arena, "Cache, level %d", i + 1),
                     (double)machine->cache_bytes[i], UNIT_BYTES);
    add_quantity(&table, "Memory", (double)machine->memory_bytes, UNIT_BYTES);
    add_quantity(&table, "Memory limit", (double)machine->memory_limit_bytes, UNIT_BYTES);
    add_quantity(&table, "NUMA nodes", machine->numa_nodes, UNIT_COUNT);
    add_fact(&table, "Kernel", machine->kernel);
    add_fact(&table, "Frequency governor", machine->governor);
    add_fact(&table, "Virtualisation", machine->virtualisation);
    add_quantity(&table, "Reached arithmetic", page->report->peak_flops_per_s, UNIT_FLOPS_PER_S);
    add_quantity(&table, "Reached memory traffic", page->report->peak_bytes_per_s,
                 UNIT_BYTES_PER_S);
    html_section_begin(page->html, "machine", "The machine");
    html_table(page->html, &table);
    html_section_end(page->html);
}

/* ---- models --------------------------------------------------------------------------------- */

enum { NAME, NODES, OPERATORS, PARAMETERS, WORK, CONDITIONS, RUNTIME, HASH, COLUMNS };

static double total_flops(const struct prediction *p) {
    double flops = 0;
    for (uint32_t i = 0; i < p->operator_count; i++)
        flops += isnan(p->operators[i].flops) ? 0 : p->operators[i].flops;
    return flops;
}

static const char *conditions_text(struct arena *arena, const struct conditions *conditions) {
    const char *text = arena_printf(arena, "%" PRIu32 " thread%s", conditions->threads,
                                    conditions->threads == 1 ? "" : "s");
    if (conditions->batch > 0)
        text = arena_printf(arena, "%s, batch %" PRId64, text, conditions->batch);
    for (uint32_t i = 0; i < conditions->dim_count; i++)
        text = arena_printf(arena, "%s, %s=%" PRId64, text, conditions->dims[i].symbol,
                            conditions->dims[i].size);
    return text;
}

void section_models(struct page *page) {
    static const struct table_column columns[] = {
        [NAME] = {"name",       "Model",             UNIT_PLAIN, TABLE_LEFT },
        [NODES] = {"nodes",      "Nodes in the file", UNIT_COUNT, TABLE_RIGHT},
        [OPERATORS] = {"operators",  "Operators run",     UNIT_COUNT, TABLE_RIGHT},
        [PARAMETERS] = {"parameters", "Parameters",        UNIT_COUNT, TABLE_RIGHT},
        [WORK] = {"flops",      "Work",              UNIT_FLOPS, TABLE_RIGHT},
        [CONDITIONS] = {"conditions", "Conditions",        UNIT_PLAIN, TABLE_LEFT },
        [RUNTIME] = {"runtime",    "Runtime",           UNIT_PLAIN, TABLE_LEFT },
        [HASH] = {"sha256",     "SHA-256",           UNIT_PLAIN, TABLE_LEFT },
    };
    struct table table;
    table_init(&table, page->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct prediction *p = entry_best(&page->report->entries[i]);
        if (!p)
            continue;
        table_row(&table);
        table_text(&table, NAME, page->report->entries[i].name);
        table_int(&table, NODES, (int64_t)p->model.nodes);
        table_int(&table, OPERATORS, p->operator_count);
        table_int(&table, PARAMETERS, (int64_t)p->model.parameters);
        table_number(&table, WORK, total_flops(p));
        table_text(&table, CONDITIONS, conditions_text(page->arena, &p->conditions));
        table_textf(&table, RUNTIME, "%s %s", p->conditions.runtime, p->conditions.runtime_version);
        table_textf(&table, HASH, "%.8s", p->model.sha256 ? p->model.sha256 : "");
    }
    if (table.row_count == 0)
        return;
    html_section_begin(page->html, "models", "The models");
    html_table(page->html, &table);
    html_section_end(page->html);
}
