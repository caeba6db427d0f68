/* What the sections of the report share: the page being written and how a picture gets into it. */
#ifndef ASSAY_REPORTS_PAGE_H
#define ASSAY_REPORTS_PAGE_H

#include "reports/figure.h"
#include "reports/html.h"
#include "reports/report.h"

struct page {
    struct arena *arena;
    const struct report *report;
    struct strbuf *html;
};

/* Draws, wraps in <figure> and ends the figure. `alt` states the finding, `caption` how to read
 * the picture. When gnuplot cannot draw, a note stands in its place. */
void page_figure(struct page *page, struct figure *figure, const char *alt, const char *caption);

/* The measured form of an entry, or the predicted one; NULL when it has neither. */
const struct prediction *entry_best(const struct report_entry *entry);

/* The sections, in the order of the page; each leaves itself out when it has nothing to say. */
void section_overview(struct page *page);
void section_machine(struct page *page);
void section_models(struct page *page);
void section_accuracy(struct page *page);
void section_shares(struct page *page);
void section_operators(struct page *page);
void section_roofline(struct page *page);
void section_memory(struct page *page);
void section_start(struct page *page);
void section_plan(struct page *page);

#endif
