/* What the sections of a recording's page share. */
#ifndef ASSAY_REPORTS_RECORDING_PAGE_H
#define ASSAY_REPORTS_RECORDING_PAGE_H

#include "reports/page.h"
#include "reports/recording_html.h"

/* From the first to the last that is known, spans or readings, in a unit that suits the length. */
struct time_axis {
    double from_ns, to_ns; /* on the recording's clock */
    double unit_ns;
    const char *unit; /* "ms" */
};

struct recording_page {
    struct page page; /* without a report */
    const struct recording_report *report;
    const struct recording *recording;
    struct recording_series *series;
    uint32_t series_count;
    struct time_axis axis;
};

/* Tables longer than this are cut and say so. */
enum { RECORDING_ROWS_MAX = 200 };

/* A fact that is a number; NaN when it was not said. */
double recording_fact_number(const struct recording *recording, const char *key);

/* Fills the axis from spans and series. */
void recording_page_axis(struct recording_page *page);
bool recording_page_has_axis(const struct recording_page *page);
double recording_page_time(const struct recording_page *page, double ns); /* in the axis' unit */
void recording_page_draw_axis(const struct recording_page *page, struct figure *figure);

void section_recording_memory(struct recording_page *page);
void section_recording_threads(struct recording_page *page);
void section_recording_readings(struct recording_page *page);

#endif
