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

const char *memory_part_name(enum memory_part part) {
    return part_names[part];
}

const char *memory_moment_name(enum memory_moment moment) {
    return moment_names[moment];
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

static const char *owner_name(struct arena *arena, const struct memory_use *use,
                              const struct flat_graph *flat) {
    if (use->owner == OWNER_LATER)
        return MEMORY_OWNER_LATER;
    if (use->owner == OWNER_OPERATOR && use->owner_op >= 0 && (uint32_t)use->owner_op < flat->count)
        return flat->ops[use->owner_op].path;
    return use->phase && use->phase[0]
               ? arena_printf(arena, MEMORY_OWNER_LOADING ": %s", use->phase)
               : MEMORY_OWNER_LOADING;
}

static struct memory_step step_of(const struct memory_use_step *step,
                                  const struct flat_graph *flat) {
    const struct flat_op *op = &flat->ops[step->op];
    return (struct memory_step){.name = op->path,
                                .type = op->op->type,
                                .live_bytes = step->live_bytes,
                                .arena_bytes = step->written_bytes,
                                .allocated_bytes = step->allocated_bytes,
                                .freed_bytes = step->freed_bytes,
                                .reserved_bytes = step->reserved_bytes,
                                .other_bytes = step->other_bytes,
                                .faults = step->faults};
}

void memory_use_timeline(struct arena *arena, const struct memory_use *use,
                         const struct flat_graph *flat, struct memory_timeline *out) {
    double process = memory_parts_resident(&use->at[MEMORY_STARTED]);
    double loaded = memory_parts_resident(&use->at[MEMORY_LOADED]);
    *out = (struct memory_timeline){
        .measured = true,
        .steps = ARENA_ARRAY(arena, use->step_count + 1u, struct memory_step),
        .weight_bytes = loaded - process,
        .feed_bytes = use->feed_bytes,
        .loading_bytes = use->loading_high_water_bytes - process,
        .later_bytes = use->at[MEMORY_LATER].resident_bytes[MEMORY_ARENA],
        .owner = owner_name(arena, use, flat),
        .peak_bytes = use->high_water_bytes - process,
    };
    for (uint32_t i = 0; i < use->step_count; i++) {
        if (use->steps[i].op < 0 || (uint32_t)use->steps[i].op >= flat->count)
            continue;
        uint32_t n = out->step_count++;
        out->steps[n] = step_of(&use->steps[i], flat);
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
