#include "reports/figure.h"

#include "base/table.h"
#include "reports/gnuplot.h"
#include "reports/html.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { LABEL_MAX = 38 };

void figure_init(struct figure *figure, const char *id, int width, int height) {
    figure->id = id;
    strbuf_init(&figure->script);
    strbuf_printf(&figure->script,
                  "set encoding utf8\n"
                  "set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,13' "
                  "linewidth 1.2\n"
                  "set datafile separator \"\\t\"\n"
                  "set border 3 linecolor rgb '" FIGURE_MUTED "'\n"
                  "set tics nomirror scale 0.5 textcolor rgb '" FIGURE_INK "'\n"
                  "set grid linecolor rgb '" FIGURE_GRID "' dashtype solid\n"
                  "set key textcolor rgb '" FIGURE_INK "' samplen 2\n"
                  "set style fill solid 1 noborder\n",
                  width, height);
}

void figure_done(struct figure *figure) {
    strbuf_done(&figure->script);
}

/* ---- text of others ------------------------------------------------------------------------- */

/* Bytes of the UTF-8 sequence that starts here, 1 for a byte that starts none. */
static size_t sequence_length(const unsigned char *text) {
    size_t want = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc2 ? 2 : 1;
    for (size_t i = 1; i < want; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 1;
    return want;
}

static void add_safe(struct strbuf *out, const unsigned char *text, size_t length) {
    /* Quotes and backslashes end fields or escape, backquotes and @ run macros, the angle brackets
     * and & would be markup in the SVG. */
    static const char unsafe[] = "\"'\\`@<>&$#";
    static const char stands_for[] = "''/'a()+S:";
    const char *found = length == 1 && text[0] ? strchr(unsafe, text[0]) : NULL;
    if (found)
        strbuf_add(out, &stands_for[found - unsafe], 1);
    else if (length == 1 && (text[0] < 0x20 || text[0] >= 0x7f))
        strbuf_puts(out, "?");
    else
        strbuf_add(out, (const char *)text, length);
}

static size_t count_characters(const unsigned char *text) {
    size_t count = 0;
    for (; *text; text += sequence_length(text))
        count++;
    return count;
}

void figure_label(struct figure *figure, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    size_t count = count_characters(at), cut = count > LABEL_MAX ? count - LABEL_MAX : 0;
    size_t keep = (LABEL_MAX - 1) / 3; /* the end of a path tells more than its start */
    strbuf_puts(&figure->script, "\"");
    for (size_t i = 0; i < count; i++) {
        size_t length = sequence_length(at);
        if (!cut || i < keep || i > keep + cut)
            add_safe(&figure->script, at, length);
        else if (i == keep)
            strbuf_puts(&figure->script, "…");
        at += length;
    }
    strbuf_puts(&figure->script, "\"");
}

void figure_value(struct figure *figure, double value) {
    if (isfinite(value))
        strbuf_printf(&figure->script, "\t%.9g", value);
    else
        strbuf_puts(&figure->script, "\tNaN");
}

/* ---- from gnuplot's document to an element of ours ------------------------------------------ */

/* What is rewritten on the way; "@" stands for the figure's id. Colours come from black and from
 * the palette in figure.h, as the svg terminal spells them. */
static const struct rewrite {
    const char *from, *to;
} rewrites[] = {
    {"xlink:href='#",               "href='#@-"       },
    {" id='",                       " id='@-"         },
    {" id=\"",                      " id=\"@-"        },
    {" color=\"black\"",            ""                },
    {" color=\"white\"",            ""                },
    {" color=\"gray\"",             ""                },
    {"\"black\"",                   "\"currentColor\""},
    {"'black'",                     "'currentColor'"  },
    {" font-family=\"sans-serif\"", ""                },
    {"rgb( 51,  51,  51)",          "var(--ink)"      },
    {"rgb(51,51,51)",               "var(--ink)"      },
    {"rgb(136, 136, 136)",          "var(--muted)"    },
    {"rgb(136,136,136)",            "var(--muted)"    },
    {"rgb(221, 221, 221)",          "var(--grid)"     },
    {"rgb(232, 238, 244)",          "var(--band)"     },
    {"rgb(  0, 114, 178)",          "var(--blue)"     },
    {"rgb(0,114,178)",              "var(--blue)"     },
    {"rgb(230, 159,   0)",          "var(--orange)"   },
    {"rgb(230,159,0)",              "var(--orange)"   },
    {"rgb(  0, 158, 115)",          "var(--green)"    },
    {"rgb(0,158,115)",              "var(--green)"    },
    {"rgb(213,  94,   0)",          "var(--red)"      },
    {"rgb(213,94,0)",               "var(--red)"      },
    {"rgb(204, 121, 167)",          "var(--purple)"   },
    {"rgb(204,121,167)",            "var(--purple)"   },
};

/* Elements that say nothing here, from their first byte to their last. */
static const struct cut {
    const char *from, *to;
} cuts[] = {
    {"<title>", "</title>" },
    {"<desc>",  "</desc>"  },
    {"<filter", "</filter>"},
};

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* How many bytes to leave out here. */
static size_t cut_length(const char *at) {
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const char *end = starts_with(at, cuts[i].from) ? strstr(at, cuts[i].to) : NULL;
        if (end)
            return (size_t)(end - at) + strlen(cuts[i].to);
    }
    /* <g ...> with nothing in it: the terminal writes one for every change of pen. */
    if (starts_with(at, "<g ")) {
        const char *close = strchr(at, '>');
        const char *next = close ? close + 1 + strspn(close + 1, " \t\n") : NULL;
        if (next && starts_with(next, "</g>"))
            return (size_t)(next - at) + strlen("</g>");
    }
    /* Blank lines and indentation. */
    if (*at == '\n')
        return strspn(at + 1, " \t\n") ? strspn(at + 1, " \t\n") + 1 : 0;
    return 0;
}

static const struct rewrite *find_rewrite(const char *at) {
    for (size_t i = 0; i < sizeof rewrites / sizeof *rewrites; i++)
        if (starts_with(at, rewrites[i].from))
            return &rewrites[i];
    return NULL;
}

static void add_rewritten(const char *text, const char *id, struct strbuf *html) {
    for (const char *mark; (mark = strchr(text, '@')); text = mark + 1) {
        strbuf_add(html, text, (size_t)(mark - text));
        strbuf_puts(html, id);
    }
    strbuf_puts(html, text);
}

static void clean_body(const char *at, const char *end, const char *id, struct strbuf *html) {
    while (at < end) {
        size_t skip = cut_length(at);
        const struct rewrite *rewrite = skip ? NULL : find_rewrite(at);
        if (skip && *at == '\n')
            strbuf_puts(html, "\n");
        else if (rewrite)
            add_rewritten(rewrite->to, id, html);
        else if (!skip)
            strbuf_add(html, at, 1);
        at += skip ? skip : rewrite ? strlen(rewrite->from) : 1;
    }
}

int figure_clean(const char *svg, const char *id, const char *alt, struct strbuf *html,
                 struct err *err) {
    const char *open = strstr(svg, "<svg"), *box = open ? strstr(open, "viewBox=\"") : NULL;
    const char *body = box ? strchr(box, '>') : NULL, *end = body ? strstr(body, "</svg>") : NULL;
    if (!end)
        return err_set(err, ERR_BUG, "figure %s: gnuplot's output is no SVG document", id);
    box += strlen("viewBox=\"");
    strbuf_puts(html, "<svg role=\"img\" viewBox=\"");
    strbuf_add(html, box, strcspn(box, "\""));
    strbuf_puts(html, "\" aria-label=\"");
    html_escape(alt, html);
    strbuf_puts(html, "\">");
    clean_body(body + 1, end, id, html);
    strbuf_puts(html, "</svg>\n");
    return 0;
}

int figure_draw(const struct figure *figure, const char *alt, struct strbuf *html,
                struct err *err) {
    struct strbuf svg;
    strbuf_init(&svg);
    int rc = gnuplot_run(figure->script.text, &svg, err);
    if (!rc)
        rc = figure_clean(svg.text, figure->id, alt, html, err);
    strbuf_done(&svg);
    return rc;
}

int figure_document(const struct figure *figure, const char *alt, struct strbuf *svg,
                    struct err *err) {
    static const char element[] = "<svg ";
    struct strbuf drawn;
    strbuf_init(&drawn);
    int code = figure_draw(figure, alt, &drawn, err);
    const char *head_end = code ? NULL : strchr(drawn.text, '>');
    if (head_end) {
        strbuf_puts(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                         "xmlns:xlink=\"http://www.w3.org/1999/xlink\" ");
        strbuf_add(svg, drawn.text + strlen(element),
                   (size_t)(head_end + 1 - drawn.text) - strlen(element));
        strbuf_puts(svg, "<style>\n");
        strbuf_puts(svg, html_palette);
        strbuf_puts(svg, "svg{background:var(--ground);color:var(--ink);font-family:sans-serif}\n"
                         "</style>");
        strbuf_puts(svg, head_end + 1);
    }
    strbuf_done(&drawn);
    return code;
}
