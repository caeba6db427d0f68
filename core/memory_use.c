#include "core/memory_use.h"

#include "base/stats.h"

#include <math.h>
#include <string.h>

static const char *const part_names[MEMORY_PARTS] = {
    [MEMORY_LIBRARIES] = "libraries", [MEMORY_FILES] = "files",        [MEMORY_WEIGHTS] = "weights",
    [MEMORY_ARENA] = "arena",         [MEMORY_LARGE] = "large_blocks", [MEMORY_HEAP] = "heap",
    [MEMORY_STACKS] = "stacks",
};

static const char *const moment_names[MEMORY_MOMENTS] = {
    [MEMORY_STARTED] = "started", [MEMORY_LOADED] = "loaded", [MEMORY_FIRST_RUN] = "first_run",
    [MEMORY_LATER] = "later",     [MEMORY_PEAK] = "peak",
};

static const char *const phase_names[LOADING_PHASES] = {
    [LOADING_READ] = "reading the file",
    [LOADING_OPTIMISE] = "optimising the graph",
    [LOADING_REORDER] = "reordering filters",
    [LOADING_PACK] = "packing weights",
};

const char *memory_part_name(enum memory_part part) {
    return part_names[part];
}

const char *memory_moment_name(enum memory_moment moment) {
    return moment_names[moment];
}

const char *loading_phase_name(enum loading_phase phase) {
    return phase_names[phase];
}

static double sum(const double *values) {
    double total = 0;
    for (int i = 0; i < MEMORY_PARTS; i++)
        total += values[i];
    return total;
}

double memory_parts_resident(const struct memory_parts *parts) {
    return sum(parts->resident_bytes);
}

double memory_parts_proportional(const struct memory_parts *parts) {
    return sum(parts->proportional_bytes);
}

/* ---- as a timeline ----------------------------------------------------------------------------
 */

struct operator_names operator_names_of(struct arena *arena, const struct flat_graph *flat) {
    struct operator_names out = {ARENA_ARRAY(arena, flat->count + 1u, const char *),
                                 ARENA_ARRAY(arena, flat->count + 1u, const char *), flat->count};
    for (uint32_t i = 0; i < flat->count; i++) {
        out.names[i] = flat->ops[i].path;
        out.types[i] = flat->ops[i].op->type;
    }
    return out;
}

static bool is_named(const struct operator_names *names, int32_t op) {
    return op >= 0 && (uint32_t)op < names->count;
}

static const char *owner_name(struct arena *arena, const struct memory_use *use,
                              const struct operator_names *names) {
    if (use->owner == OWNER_LATER)
        return MEMORY_OWNER_LATER;
    if (use->owner == OWNER_OPERATOR)
        return is_named(names, use->owner_op) ? names->names[use->owner_op] : "the first run";
    return arena_printf(arena, MEMORY_OWNER_LOADING ": %s", phase_names[use->phase]);
}

static struct memory_step step_of(const struct memory_use_step *step,
                                  const struct operator_names *names) {
    return (struct memory_step){.name = names->names[step->op],
                                .type = names->types[step->op],
                                .live_bytes = step->live_bytes,
                                .arena_bytes = step->written_bytes,
                                .allocated_bytes = step->allocated_bytes,
                                .freed_bytes = step->freed_bytes,
                                .reserved_bytes = step->reserved_bytes,
                                .other_bytes = step->other_bytes,
                                .faults = step->faults};
}

void memory_use_timeline(struct arena *arena, const struct memory_use *use,
                         const struct operator_names *names, struct memory_timeline *out) {
    double process = memory_parts_resident(&use->at[MEMORY_STARTED]);
    *out = (struct memory_timeline){
        .measured = true,
        .steps = ARENA_ARRAY(arena, use->step_count + 1u, struct memory_step),
        .weight_bytes = memory_parts_resident(&use->at[MEMORY_LOADED]) - process,
        .feed_bytes = use->feed_bytes,
        .loading_bytes = use->loading_high_water_bytes - process,
        .later_bytes = use->at[MEMORY_LATER].resident_bytes[MEMORY_ARENA],
        .owner = owner_name(arena, use, names),
        .peak_bytes = use->high_water_bytes - process,
    };
    for (uint32_t i = 0; i < use->step_count; i++) {
        if (!is_named(names, use->steps[i].op))
            continue;
        uint32_t n = out->step_count++;
        out->steps[n] = step_of(&use->steps[i], names);
        if (out->steps[n].live_bytes > out->steps[out->live_peak].live_bytes)
            out->live_peak = n;
        if (out->steps[n].arena_bytes > out->steps[out->arena_peak].arena_bytes)
            out->arena_peak = n;
    }
}

/* ---- two of them ------------------------------------------------------------------------------
 */

static double off(double a, double b) {
    return b > 0 ? a / b - 1 : NAN;
}

/* Most steps stand in the same place in both; the others are looked for. */
static const struct memory_step *same_step(const struct memory_timeline *t, uint32_t i,
                                           const char *name) {
    for (uint32_t k = 0; k < t->step_count; k++) {
        const struct memory_step *step = &t->steps[(i + k) % t->step_count];
        if (strcmp(step->name, name) == 0)
            return step;
    }
    return NULL;
}

void memory_timelines_compare(struct arena *arena, const struct memory_timeline *a,
                              const struct memory_timeline *b, struct memory_agreement *out) {
    enum { LEAST_BYTES = 1 << 20 };
    *out = (struct memory_agreement){NAN, NAN, NAN, NAN, 0};
    if (a->step_count == 0 || b->step_count == 0)
        return;
    double *errors = ARENA_ARRAY(arena, b->step_count, double);
    for (uint32_t i = 0; i < b->step_count; i++) {
        const struct memory_step *step = same_step(a, i, b->steps[i].name);
        if (step && b->steps[i].live_bytes >= LEAST_BYTES)
            errors[out->steps++] = fabs(off(step->live_bytes, b->steps[i].live_bytes));
    }
    out->live = stats_median(errors, out->steps);
    out->arena = off(a->steps[a->arena_peak].arena_bytes, b->steps[b->arena_peak].arena_bytes);
    out->later = off(a->later_bytes, b->later_bytes);
    out->loading = off(a->loading_bytes, b->loading_bytes);
}
