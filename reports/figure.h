/* One picture of a report: a gnuplot script that grows, drawn into an <svg> element that can stand
 * inside HTML beside others: no fixed colours (they are CSS variables, see reports/html.h), no id
 * used twice, nothing loaded, and a text that says what the picture shows. */
#ifndef ASSAY_REPORTS_FIGURE_H
#define ASSAY_REPORTS_FIGURE_H

#include "base/err.h"
#include "base/strbuf.h"

/* Colours as gnuplot is told; told apart also by those who see no red or no green (Okabe and Ito,
 * Color Universal Design, 2008). The page gives each a light and a dark value. */
#define FIGURE_INK    "#333333"
#define FIGURE_MUTED  "#888888"
#define FIGURE_GRID   "#dddddd"
#define FIGURE_BAND   "#e8eef4"
#define FIGURE_BLUE   "#0072b2"
#define FIGURE_ORANGE "#e69f00"
#define FIGURE_GREEN  "#009e73"
#define FIGURE_RED    "#d55e00"
#define FIGURE_PURPLE "#cc79a7"

struct figure {
    const char *id; /* unique in the document: letters, digits, "-" */
    struct strbuf script;
};

/* Starts the script with a canvas of that size in pixels and the house style. */
void figure_init(struct figure *figure, const char *id, int width, int height);
void figure_done(struct figure *figure);

/* Text of others (model names, operator types) as one field of a data block: what gnuplot or SVG
 * could read as something else is replaced, long text is shortened in the middle. */
void figure_label(struct figure *figure, const char *text);
/* A tab and the number; "NaN" is what gnuplot leaves out. */
void figure_value(struct figure *figure, double value);

/* Draws and appends the <svg>; `alt` is the finding in words. Fails as gnuplot_run. */
int figure_draw(const struct figure *figure, const char *alt, struct strbuf *html, struct err *err);

/* Draws and appends a whole SVG document, to stand as a file of its own: light or dark as the
 * reader prefers. */
int figure_document(const struct figure *figure, const char *alt, struct strbuf *svg,
                    struct err *err);

/* The <svg> of a page from what gnuplot's svg terminal printed. ERR_BUG when it is not that. */
int figure_clean(const char *svg, const char *id, const char *alt, struct strbuf *html,
                 struct err *err);

#endif
