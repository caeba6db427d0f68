#include "reports/memory_use.h"

#include <math.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_moment(cJSON *moments, const struct memory_use *use, enum memory_moment moment) {
    const struct memory_parts *parts = &use->at[moment];
    cJSON *object = json_add_object(moments, memory_moment_name(moment));
    json_add_number(object, "resident_bytes", memory_parts_resident(parts));
    json_add_number(object, "proportional_bytes", memory_parts_proportional(parts));
    cJSON *list = json_add_object(object, "parts");
    for (int i = 0; i < MEMORY_PARTS; i++) {
        cJSON *part = json_add_object(list, memory_part_name((enum memory_part)i));
        json_add_number(part, "resident_bytes", parts->resident_bytes[i]);
        json_add_number(part, "proportional_bytes", parts->proportional_bytes[i]);
    }
}

void memory_use_add_json(cJSON *parent, const struct prediction *prediction) {
    const struct memory_use *use = prediction->memory;
    if (!use)
        return;
    cJSON *object = json_add_object(parent, "memory");
    json_add_number(object, "high_water_bytes", use->high_water_bytes);
    cJSON *moments = json_add_object(object, "moments");
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++)
        add_moment(moments, use, (enum memory_moment)moment);
    const struct memory_agreement *played = &prediction->played;
    if (played->steps == 0)
        return;
    cJSON *agreement = json_add_object(object, "played_through");
    json_add_int(agreement, "operators", played->steps);
    json_add_number(agreement, "live_error", played->live);
    json_add_number(agreement, "arena_error", played->arena);
    json_add_number(agreement, "later_error", played->later);
    json_add_number(agreement, "loading_error", played->loading);
}

/* ---- text ------------------------------------------------------------------------------------ */

static const char *const titles[MEMORY_PARTS] = {
    [MEMORY_LIBRARIES] = "libraries and programs",
    [MEMORY_FILES] = "mapped files",
    [MEMORY_WEIGHTS] = "weights",
    [MEMORY_ARENA] = "the runtime's arena",
    [MEMORY_LARGE] = "other large blocks",
    [MEMORY_HEAP] = "heap",
    [MEMORY_STACKS] = "stacks",
};

enum { PART, MOMENT_FIRST, SHARED = MOMENT_FIRST + MEMORY_MOMENTS, COLUMNS };

static void add_row(struct table *table, const struct memory_use *use, const char *title,
                    int part) {
    table_row(table);
    table_text(table, PART, title);
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++) {
        const struct memory_parts *parts = &use->at[moment];
        table_number(table, (uint32_t)(MOMENT_FIRST + moment),
                     part < MEMORY_PARTS ? parts->resident_bytes[part]
                                         : memory_parts_resident(parts));
    }
    const struct memory_parts *later = &use->at[MEMORY_LATER];
    table_number(table, SHARED,
                 part < MEMORY_PARTS ? later->proportional_bytes[part]
                                     : memory_parts_proportional(later));
}

void memory_use_table(struct arena *arena, const struct memory_use *use, struct table *table) {
    static const struct table_column columns[COLUMNS] = {
        [PART] = {"part",            "Held by",                UNIT_PLAIN, TABLE_LEFT },
        [MOMENT_FIRST + MEMORY_STARTED] = {"started_bytes",   "Started",                UNIT_BYTES, TABLE_RIGHT},
        [MOMENT_FIRST + MEMORY_LOADED] = {"loaded_bytes",    "Loaded",                 UNIT_BYTES, TABLE_RIGHT},
        [MOMENT_FIRST +
            MEMORY_FIRST_RUN] = {"first_run_bytes", "First run",              UNIT_BYTES, TABLE_RIGHT},
        [MOMENT_FIRST + MEMORY_LATER] = {"later_bytes",     "Later",                  UNIT_BYTES, TABLE_RIGHT},
        [MOMENT_FIRST + MEMORY_PEAK] = {"peak_bytes",      "Peak",                   UNIT_BYTES, TABLE_RIGHT},
        [SHARED] = {"later_pss_bytes", "Later, its share (PSS)", UNIT_BYTES, TABLE_RIGHT},
    };
    table_init(table, arena, "", columns, COLUMNS);
    for (int part = 0; part < MEMORY_PARTS; part++)
        add_row(table, use, titles[part], part);
    add_row(table, use, "together", MEMORY_PARTS);
}

static enum memory_part largest(const struct memory_parts *parts) {
    int most = 0;
    for (int i = 0; i < MEMORY_PARTS; i++)
        if (parts->resident_bytes[i] > parts->resident_bytes[most])
            most = i;
    return (enum memory_part)most;
}

const char *memory_use_sentence(struct arena *arena, const struct prediction *prediction) {
    const struct memory_use *use = prediction->memory;
    if (!use)
        return NULL;
    const struct memory_parts *peak = &use->at[MEMORY_PEAK];
    double sum = memory_parts_resident(peak);
    char total[UNIT_TEXT_SIZE], part[UNIT_TEXT_SIZE];
    return arena_printf(arena,
                        "at the peak %s were held, the most by %s (%s); by the kernel's own count "
                        "it was %+.1f %%",
                        unit_format(total, sum, UNIT_BYTES), titles[largest(peak)],
                        unit_format(part, peak->resident_bytes[largest(peak)], UNIT_BYTES),
                        100 * (use->high_water_bytes / sum - 1));
}

const char *memory_played_sentence(struct arena *arena, const struct prediction *prediction) {
    const struct memory_agreement *played = &prediction->played;
    if (played->steps == 0)
        return NULL;
    return arena_printf(
        arena,
        "played through from the graph alone, the live bytes of %u operators are "
        "%.1f %% off (median), the arena %+.1f %%, later %+.1f %%, loading %+.1f %%",
        played->steps, 100 * played->live, 100 * played->arena, 100 * played->later,
        100 * played->loading);
}
