#include "reports/memory_timeline.h"

#include <string.h>

static void add_measured(cJSON *item, const struct memory_step *step) {
    json_add_number(item, "allocated_bytes", step->allocated_bytes);
    json_add_number(item, "freed_bytes", step->freed_bytes);
    json_add_number(item, "arena_reserved_bytes", step->reserved_bytes);
    json_add_number(item, "other_allocated_bytes", step->other_bytes);
    json_add_number(item, "page_faults", step->faults);
}

void memory_timeline_add_json(cJSON *parent, const struct memory_timeline *t) {
    if (t->step_count == 0)
        return;
    cJSON *object = json_add_object(parent, "memory_timeline");
    cJSON *peak = json_add_object(object, "peak");
    json_add_bool(object, "measured", t->measured);
    json_add_text(peak, "owner", t->owner);
    json_add_number(peak, "bytes", t->peak_bytes);
    json_add_text(object, "most_live", t->steps[t->live_peak].name);
    json_add_number(object, "weight_bytes", t->weight_bytes);
    json_add_number(object, "input_bytes", t->feed_bytes);
    json_add_number(object, "loading_bytes", t->loading_bytes);
    json_add_number(object, "later_runs_arena_bytes", t->later_bytes);
    cJSON *steps = json_add_array(object, "steps");
    for (uint32_t i = 0; i < t->step_count; i++) {
        cJSON *item = json_add_object(steps, NULL);
        json_add_text(item, "name", t->steps[i].name);
        json_add_text(item, "op", t->steps[i].type);
        json_add_number(item, "live_bytes", t->steps[i].live_bytes);
        json_add_number(item, "arena_bytes", t->steps[i].arena_bytes);
        json_add_number(item, "held_bytes", memory_timeline_held(t, i));
        if (t->measured)
            add_measured(item, &t->steps[i]);
    }
}

enum { STEP, NAME, TYPE, LIVE, ARENA, WEIGHTS, HELD, MARK, PLAYED_COLUMNS };
enum { ALLOCATED = PLAYED_COLUMNS, FREED, FAULTS, COLUMNS };

static void add_row(struct table *table, const char *name, double held_bytes) {
    table_row(table);
    table_text(table, NAME, name);
    table_number(table, HELD, held_bytes);
}

static void add_step(struct table *table, const struct memory_timeline *t, uint32_t i) {
    const struct memory_step *step = &t->steps[i];
    add_row(table, step->name, memory_timeline_held(t, i));
    table_int(table, STEP, (int64_t)i + 1);
    table_text(table, TYPE, step->type);
    table_number(table, LIVE, step->live_bytes);
    table_number(table, ARENA, step->arena_bytes);
    table_number(table, WEIGHTS, t->weight_bytes);
    if (t->measured) {
        table_number(table, ALLOCATED, step->allocated_bytes);
        table_number(table, FREED, step->freed_bytes);
        table_number(table, FAULTS, step->faults);
    }
    if (strcmp(t->owner, step->name) == 0)
        table_text(table, MARK, "peak");
    else if (i == t->live_peak)
        table_text(table, MARK, "most live");
}

void memory_timeline_table(struct arena *arena, const struct memory_timeline *t,
                           struct table *table) {
    static const struct table_column columns[] = {
        [STEP] = {"step",            "Step",                   UNIT_PLAIN, TABLE_RIGHT},
        [NAME] = {"name",            "In order of execution",  UNIT_PLAIN, TABLE_LEFT },
        [TYPE] = {"op",              "Type",                   UNIT_PLAIN, TABLE_LEFT },
        [LIVE] = {"live_bytes",      "Live activations",       UNIT_BYTES, TABLE_RIGHT},
        [ARENA] = {"arena_bytes",     "Arena",                  UNIT_BYTES, TABLE_RIGHT},
        [WEIGHTS] = {"weight_bytes",    "Weights",                UNIT_BYTES, TABLE_RIGHT},
        [HELD] = {"held_bytes",      "Held besides a process", UNIT_BYTES, TABLE_RIGHT},
        [MARK] = {"mark",            "",                       UNIT_PLAIN, TABLE_LEFT },
        [ALLOCATED] = {"allocated_bytes", "Taken",                  UNIT_BYTES, TABLE_RIGHT},
        [FREED] = {"freed_bytes",     "Given back",             UNIT_BYTES, TABLE_RIGHT},
        [FAULTS] = {"page_faults",     "Page faults",            UNIT_COUNT, TABLE_RIGHT},
    };
    table_init(table, arena, "", columns, t->measured ? COLUMNS : PLAYED_COLUMNS);
    if (t->step_count == 0)
        return;
    add_row(table, MEMORY_OWNER_LOADING, t->loading_bytes);
    if (strncmp(t->owner, MEMORY_OWNER_LOADING, strlen(MEMORY_OWNER_LOADING)) == 0)
        table_text(table, MARK, "peak");
    for (uint32_t i = 0; i < t->step_count; i++)
        add_step(table, t, i);
    add_row(table, MEMORY_OWNER_LATER, t->weight_bytes + t->feed_bytes + t->later_bytes);
    table_number(table, ARENA, t->later_bytes);
    table_number(table, WEIGHTS, t->weight_bytes);
    if (strcmp(t->owner, MEMORY_OWNER_LATER) == 0)
        table_text(table, MARK, "peak");
}

const char *memory_timeline_sentence(struct arena *arena, const struct memory_timeline *t) {
    char peak[UNIT_TEXT_SIZE], live[UNIT_TEXT_SIZE];
    if (t->step_count == 0)
        return NULL;
    return arena_printf(
        arena, "The peak, %s besides the process, belongs to %s; most activations (%s) live at %s.",
        unit_format(peak, t->peak_bytes, UNIT_BYTES), t->owner,
        unit_format(live, t->steps[t->live_peak].live_bytes, UNIT_BYTES),
        t->steps[t->live_peak].name);
}
