/* The report: one self-contained HTML file about the models that were measured or predicted on a
 * machine, and the plan made for one of them. Filled from core's nouns alone. */
#ifndef ASSAY_REPORTS_REPORT_H
#define ASSAY_REPORTS_REPORT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/machine.h"
#include "core/plan.h"
#include "core/prediction.h"

#include <stdbool.h>
#include <stdint.h>

/* One model under one set of conditions. */
struct report_entry {
    const char *name;
    const struct prediction *predicted; /* NULL: not predicted */
    const struct prediction *measured;  /* NULL: never run */
    bool held_out;                      /* the fit behind the prediction has not seen this model */
};

struct report {
    const char *title;             /* "Assay report" */
    const char *generated;         /* when, for people; the caller honours SOURCE_DATE_EPOCH */
    const char *version;           /* of the program */
    const struct machine *machine; /* NULL: not known */
    double peak_flops_per_s;       /* the roofs; NaN: not known */
    double peak_bytes_per_s;
    const char *peaks_source; /* "best seen in 812 operators" */
    const struct report_entry *entries;
    uint32_t entry_count;
    const struct plan *plan;  /* NULL: none asked for */
    const char *const *notes; /* sentences that stand at the top */
    uint32_t note_count;
};

/* Appends the page. Without gnuplot the pictures are missing, the page says so, and every table is
 * there. Same report, same bytes. */
int report_html(struct arena *arena, const struct report *report, struct strbuf *html,
                struct err *err);

#endif
