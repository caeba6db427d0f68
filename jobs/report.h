/* HTML pages: everything known of the models measured on this machine, or one recording. */
#ifndef ASSAY_JOBS_REPORT_H
#define ASSAY_JOBS_REPORT_H

#include "base/strbuf.h"
#include "core/plan.h"
#include "jobs/fit.h"

#include <stdbool.h>

struct progress;

struct report_request {
    const char *const *models; /* names; none: all that were measured */
    uint32_t model_count;
    const char *plan_model; /* whose plan the report shows; NULL: the first model of the report */
    double rate_per_second;
    const char *targets; /* NULL: no plan */
    enum routing routing;
    const char *const *nodes;
    uint32_t node_count;
    const char *catalog_path; /* more of them; NULL: none */
    const char *constraints;  /* a file or a text (jobs/constraints.h); NULL: none */
};

/* Appends the page. Every model is predicted by a fit that has not seen it, from its stored graph;
 * nothing is run. ERR_INPUT with a hint when no run is stored for the place. */
int job_report(struct arena *arena, struct db *db, const struct place *place,
               const struct report_request *request, struct progress *progress, struct strbuf *html,
               uint32_t *models_shown, struct err *err);

/* Appends the page of a recording. ERR_INPUT when there is none of that number. */
int job_report_recording(struct arena *arena, struct db *db, int64_t id, struct strbuf *html,
                         struct err *err);

#endif
