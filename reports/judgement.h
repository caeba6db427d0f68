/* How far the predictions of a report are from what was measured. */
#ifndef ASSAY_REPORTS_JUDGEMENT_H
#define ASSAY_REPORTS_JUDGEMENT_H

#include "base/arena.h"
#include "reports/report.h"

/* Which of a prediction's numbers is judged. */
typedef const struct estimate *quantity_of(const struct prediction *prediction);
const struct estimate *quantity_latency(const struct prediction *prediction);
const struct estimate *quantity_cpu_time(const struct prediction *prediction);
const struct estimate *quantity_peak_memory(const struct prediction *prediction);

/* Predicted and measured, both with a value. */
bool judged_has_both(const struct report_entry *entry, quantity_of *quantity);
/* predicted / measured - 1; NaN unless it has both. */
double judged_error(const struct report_entry *entry, quantity_of *quantity);
/* The measured value lies inside the predicted interval. */
bool judged_inside(const struct report_entry *entry, quantity_of *quantity);

struct judgement {
    uint32_t count, inside;
    double mean_error; /* of the error's size; NaN when count is 0 */
    double worst;      /* the largest one, with its sign */
    const char *worst_name;
};

struct judgement judge(const struct report *report, quantity_of *quantity);

/* "The predicted peak memory of 6 models is off by 4.1 % on average, at worst by +9.0 % (vgg11); 5
 * of them lie inside the predicted interval."; NULL when there is nothing to judge. */
const char *judgement_sentence(struct arena *arena, const struct judgement *judgement,
                               const char *what);

#endif
