#include "reports/pack_text.h"

#include <inttypes.h>
#include <math.h>

double pack_gap(const struct pod_packing *packing) {
    return packing->proven || !(packing->cost > 0) ? 0 : 1 - packing->bound / packing->cost;
}

double pack_interruptions(const struct pod_packing *packing) {
    double sum = 0;
    for (uint32_t i = 0; i < packing->filled_count; i++)
        sum += packing->filled[i].nodes * packing->filled[i].type->interruptions_per_hour;
    return sum;
}

uint64_t pack_nodes_of(const struct pod_packing *packing, uint32_t i) {
    uint64_t count = 0;
    for (uint32_t k = 0; k < packing->filled_count; k++) {
        if (packing->filled[k].type != packing->filled[i].type)
            continue;
        if (k < i)
            return 0;
        count += packing->filled[k].nodes;
    }
    return count;
}

static const char *amount(const struct pod_packing *packing, double value,
                          char out[static UNIT_TEXT_SIZE]) {
    if (packing->priced)
        return unit_format(out, value, UNIT_USD_PER_HOUR);
    return unit_format(out, value, UNIT_COUNT);
}

const char *pack_sentence(struct arena *arena, const struct pod_packing *packing) {
    char cost[UNIT_TEXT_SIZE], bound[UNIT_TEXT_SIZE], gap[UNIT_TEXT_SIZE];
    const char *price = "";
    if (packing->priced)
        price = arena_printf(arena, " for %s", amount(packing, packing->cost, cost));
    if (packing->proven)
        return arena_printf(arena, "%" PRIu64 " node%s%s; no packing %s.", packing->nodes,
                            packing->nodes == 1 ? "" : "s", price,
                            packing->priced ? "is cheaper" : "takes fewer");
    return arena_printf(arena,
                        "%" PRIu64 " node%s%s; none can take less than %s (a gap of %s): more "
                        "time may find a better one.",
                        packing->nodes, packing->nodes == 1 ? "" : "s", price,
                        amount(packing, packing->bound, bound),
                        unit_format(gap, pack_gap(packing), UNIT_FRACTION));
}

enum { TYPE, COUNT, PRICE, ALL, SPOT, DATE, SOURCE, NODE_COLUMNS };

void pack_nodes_table(struct arena *arena, const struct pod_packing *packing, struct table *table) {
    static const struct table_column columns[] = {
        [TYPE] = {"type",             "Node",         UNIT_PLAIN,        TABLE_LEFT },
        [COUNT] = {"count",            "Count",        UNIT_COUNT,        TABLE_RIGHT},
        [PRICE] = {"usd_per_hour",     "Price of one", UNIT_USD_PER_HOUR, TABLE_RIGHT},
        [ALL] = {"usd_per_hour_all", "Of all",       UNIT_USD_PER_HOUR, TABLE_RIGHT},
        [SPOT] = {"spot",             "Spot",         UNIT_PLAIN,        TABLE_LEFT },
        [DATE] = {"price_date",       "Price of",     UNIT_PLAIN,        TABLE_LEFT },
        [SOURCE] = {"price_source",     "From",         UNIT_PLAIN,        TABLE_LEFT },
    };
    table_init(table, arena, "", columns, NODE_COLUMNS);
    for (uint32_t i = 0; i < packing->filled_count; i++) {
        const struct node_type *type = packing->filled[i].type;
        uint64_t count = pack_nodes_of(packing, i);
        if (count == 0)
            continue;
        table_row(table);
        table_text(table, TYPE, type->name);
        table_int(table, COUNT, (int64_t)count);
        table_number(table, PRICE, type->usd_per_hour);
        table_number(table, ALL, (double)count * type->usd_per_hour);
        table_bool(table, SPOT, type->spot);
        table_text(table, DATE, type->price_date);
        table_text(table, SOURCE, type->price_source);
    }
}

static const char *load_text(struct arena *arena, const uint32_t *pods,
                             const struct pod_kind *kinds, uint32_t kind_count) {
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t k = 0; k < kind_count; k++)
        if (pods[k] == 1)
            strbuf_printf(&text, "%s%s", text.length ? ", " : "", kinds[k].name);
        else if (pods[k])
            strbuf_printf(&text, "%s%u x %s", text.length ? ", " : "", pods[k], kinds[k].name);
    const char *copy = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return copy;
}

enum { L_TYPE, L_COUNT, L_CPU, L_MEMORY, L_PODS, LOAD_COLUMNS };

void pack_loads_table(struct arena *arena, const struct pod_packing *packing,
                      const struct pod_kind *kinds, uint32_t kind_count, struct table *table) {
    static const struct table_column columns[] = {
        [L_TYPE] = {"type",        "Node",         UNIT_PLAIN,    TABLE_LEFT },
        [L_COUNT] = {"count",       "Count",        UNIT_COUNT,    TABLE_RIGHT},
        [L_CPU] = {"cpu_used",    "CPU used",     UNIT_FRACTION, TABLE_RIGHT},
        [L_MEMORY] = {"memory_used", "Memory used",  UNIT_FRACTION, TABLE_RIGHT},
        [L_PODS] = {"pods",        "Pods of each", UNIT_PLAIN,    TABLE_LEFT },
    };
    table_init(table, arena, "", columns, LOAD_COLUMNS);
    for (uint32_t i = 0; i < packing->filled_count; i++) {
        const struct filled_node *filled = &packing->filled[i];
        double cpus = 0, memory = 0;
        for (uint32_t k = 0; k < kind_count; k++) {
            cpus += filled->pods[k] * kinds[k].cpus;
            memory += filled->pods[k] * kinds[k].memory_bytes;
        }
        table_row(table);
        table_text(table, L_TYPE, filled->type->name);
        table_int(table, L_COUNT, filled->nodes);
        table_number(table, L_CPU, cpus / filled->type->cpus);
        table_number(table, L_MEMORY, memory / filled->type->memory_bytes);
        table_text(table, L_PODS, load_text(arena, filled->pods, kinds, kind_count));
    }
}
