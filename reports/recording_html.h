/* One recording as a page: what and when, where the time went (the tree as a picture, names by own
 * time, categories), what a device did, memory and threads over time, and what recording cost. Of
 * the same make as reports/report.h: one file that loads nothing; names are foreign and escaped. */
#ifndef ASSAY_REPORTS_RECORDING_HTML_H
#define ASSAY_REPORTS_RECORDING_HTML_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "core/recording.h"

struct recording_report {
    int64_t id;
    const char *created_at; /* when it was stored */
    const char *machine;    /* where it ran, for people; NULL: not known */
    const char *generated;  /* when the page was made; the caller honours SOURCE_DATE_EPOCH */
    const char *version;    /* of the program */
    const struct recording *recording; /* with nodes and samples */
};

/* Appends the page. Without gnuplot the pictures are missing, the page says so, and every table is
 * there. Same recording, same bytes. */
void recording_html(struct arena *arena, const struct recording_report *report,
                    struct strbuf *html);

#endif
