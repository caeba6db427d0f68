#include "jobs/coverage.h"

#include "core/op_kind.h"
#include "db/machine.h"
#include "db/run.h"

#include <string.h>

static struct run_filter runs_of(const struct place *place) {
    return (struct run_filter){
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
    };
}

static bool is_among(const char *const *list, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

int coverage_unseen(struct arena *arena, struct db *db, const struct place *place,
                    const char *const **unseen, uint32_t *count, struct err *err) {
    const struct run_filter filter = runs_of(place);
    const char **seen, **out = ARENA_ARRAY(arena, op_kind_count() + 1u, const char *);
    size_t seen_count;
    if (db_list_op_types(db, arena, &filter, &seen, &seen_count, err))
        return -(int)err->code;
    *count = 0;
    for (uint32_t i = 0; i < op_kind_count(); i++) {
        const char *type = op_kind_at(i)->type;
        if (!is_among(seen, seen_count, type) && !is_among(out, *count, type))
            out[(*count)++] = type;
    }
    *unseen = out;
    return 0;
}

int coverage_put_peaks(struct arena *arena, struct db *db, const struct place *place,
                       struct err *err) {
    const struct run_filter filter = runs_of(place);
    struct product_peak *found;
    size_t count;
    if (db_list_product_peaks(db, arena, &filter, &found, &count, err))
        return -(int)err->code;
    struct machine_peak *peaks = ARENA_ARRAY(arena, count + 1u, struct machine_peak);
    for (size_t i = 0; i < count; i++) {
        double value = found[i].flops_per_s;
        peaks[i] = (struct machine_peak){
            "flops_per_s", found[i].dtype, place->threads, value, value, value, NULL};
    }
    return db_put_peaks(db, &place->machine, peaks, count, err);
}
