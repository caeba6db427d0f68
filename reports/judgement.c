#include "reports/judgement.h"

#include <inttypes.h>
#include <math.h>

const struct estimate *quantity_latency(const struct prediction *prediction) {
    return &prediction->latency_ns;
}

const struct estimate *quantity_cpu_time(const struct prediction *prediction) {
    return &prediction->cpu_time_ns;
}

const struct estimate *quantity_peak_memory(const struct prediction *prediction) {
    return &prediction->peak_memory_bytes;
}

bool judged_has_both(const struct report_entry *entry, quantity_of *quantity) {
    return entry->predicted && entry->measured && quantity(entry->predicted)->value > 0 &&
           quantity(entry->measured)->value > 0;
}

double judged_error(const struct report_entry *entry, quantity_of *quantity) {
    if (!judged_has_both(entry, quantity))
        return NAN;
    return quantity(entry->predicted)->value / quantity(entry->measured)->value - 1;
}

bool judged_inside(const struct report_entry *entry, quantity_of *quantity) {
    if (!judged_has_both(entry, quantity))
        return false;
    const struct estimate *predicted = quantity(entry->predicted);
    double measured = quantity(entry->measured)->value;
    return measured >= predicted->low && measured <= predicted->high;
}

struct judgement judge(const struct report *report, quantity_of *quantity) {
    struct judgement j = {.worst_name = ""};
    double sum = 0;
    for (uint32_t i = 0; i < report->entry_count; i++) {
        const struct report_entry *entry = &report->entries[i];
        double error = judged_error(entry, quantity);
        if (isnan(error))
            continue;
        if (j.count == 0 || fabs(error) > fabs(j.worst)) {
            j.worst = error;
            j.worst_name = entry->name;
        }
        sum += fabs(error);
        j.count++;
        j.inside += judged_inside(entry, quantity);
    }
    j.mean_error = j.count ? sum / j.count : NAN;
    return j;
}

const char *judgement_sentence(struct arena *arena, const struct judgement *j, const char *what) {
    if (j->count == 0)
        return NULL;
    if (j->count == 1)
        return arena_printf(arena,
                            "The predicted %s of %s is off by %+.1f %%; what was measured lies "
                            "%s the predicted interval.",
                            what, j->worst_name, 100 * j->worst, j->inside ? "inside" : "outside");
    return arena_printf(arena,
                        "The predicted %s of %" PRIu32 " models is off by %.1f %% on average, at "
                        "worst by %+.1f %% (%s); %" PRIu32 " of %" PRIu32
                        " measured values lie inside the predicted interval.",
                        what, j->count, 100 * j->mean_error, 100 * j->worst, j->worst_name,
                        j->inside, j->count);
}
