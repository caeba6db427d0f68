/* The skeleton of a self-contained HTML page: one file, no script, nothing loaded from anywhere
 * (its own content security policy forbids it), light and dark by the reader's preference, fit for
 * paper and for narrow screens. Text is escaped here; tables come from base/table.h. */
#ifndef ASSAY_REPORTS_HTML_H
#define ASSAY_REPORTS_HTML_H

#include "base/strbuf.h"
#include "base/table.h"

/* The colours as CSS variables, light and dark. */
extern const char html_palette[];

void html_begin(struct strbuf *html, const char *title, const char *subtitle);
void html_end(struct strbuf *html, const char *footer);

void html_section_begin(struct strbuf *html, const char *id, const char *heading);
void html_section_end(struct strbuf *html);

/* <p>, escaped. */
void html_paragraph(struct strbuf *html, const char *text);
/* A sentence that warns or says that something is missing. */
void html_note(struct strbuf *html, const char *text);
/* A table that scrolls by itself when the screen is narrow. Left out when it has no rows. */
void html_table(struct strbuf *html, const struct table *table);
/* The same, folded under a summary line. */
void html_folded_table(struct strbuf *html, const char *summary, const struct table *table);

void html_details_begin(struct strbuf *html, const char *summary, bool open);
void html_details_end(struct strbuf *html);

/* Large numbers in a row. */
struct html_tile {
    const char *value, *label;
};
void html_tiles(struct strbuf *html, const struct html_tile *tiles, uint32_t count);

/* Appends the text with U+FFFD in the place of bytes that are no UTF-8, of control characters and
 * of marks that turn the direction of writing: names come from foreign files. */
void html_scrub(const char *text, size_t length, struct strbuf *html);

#endif
