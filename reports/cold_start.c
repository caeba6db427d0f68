#include "reports/cold_start.h"

#include "reports/estimate_json.h"

#include <math.h>

void cold_start_add_json(cJSON *parent, const struct cold_start *cold_start) {
    if (cold_start->phase_count == 0) {
        json_add_null(parent, "cold_start");
        return;
    }
    cJSON *object = json_add_object(parent, "cold_start");
    json_add_text(object, "page_cache", page_cache_name(cold_start->page_cache));
    report_add_estimate(object, "total_ns", &cold_start->total_ns);
    cJSON *phases = json_add_array(object, "phases");
    for (uint32_t i = 0; i < cold_start->phase_count; i++) {
        const struct cold_phase *phase = &cold_start->phases[i];
        cJSON *item = json_add_object(phases, NULL);
        json_add_text(item, "name", phase->name);
        report_add_estimate(item, "ns", &phase->ns);
        json_add_text(item, "how", phase->how);
    }
}

enum { PHASE, TIME, SHARE, TIER, HOW, COLUMNS };

static void add_row(struct table *table, const char *title, const struct estimate *ns,
                    double total_ns, const char *how) {
    struct json_estimate time = report_estimate(ns);
    table_row(table);
    table_text(table, PHASE, title);
    if (ns->tier != TIER_REFUSED) {
        table_estimate(table, TIME, &time);
        table_number(table, SHARE, ns->value / total_ns);
    }
    table_text(table, TIER, tier_name(ns->tier));
    table_text(table, HOW, how);
}

void cold_start_table(struct arena *arena, const struct cold_start *cold_start,
                      struct table *table) {
    static const struct table_column columns[] = {
        [PHASE] = {"phase",    "Cold start",           UNIT_PLAIN,    TABLE_LEFT },
        [TIME] = {"ns",       "Time (90 % interval)", UNIT_NS,       TABLE_RIGHT},
        [SHARE] = {"share",    "Share",                UNIT_FRACTION, TABLE_RIGHT},
        [TIER] = {"known_by", "Known by",             UNIT_PLAIN,    TABLE_LEFT },
        [HOW] = {"how",      "From",                 UNIT_PLAIN,    TABLE_LEFT },
    };
    double total_ns = cold_start->total_ns.value;
    table_init(table, arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < cold_start->phase_count; i++) {
        const struct cold_phase *phase = &cold_start->phases[i];
        add_row(table, phase->title, &phase->ns, total_ns, phase->how);
    }
    if (cold_start->phase_count)
        add_row(table, "total", &cold_start->total_ns, total_ns,
                arena_printf(arena, "page cache %s", page_cache_name(cold_start->page_cache)));
}
