#include "reports/html.h"

#include <string.h>

/* Colours of pictures and page; the dark values keep a contrast of 4.5 to 1 for text and 3 to 1
 * for marks on the dark ground (WCAG 2.1, 1.4.3 and 1.4.11). */
const char html_palette[] =
    ":root{color-scheme:light dark;--ground:#fff;--panel:#f6f8fa;--ink:#1f2328;--muted:#6b7280;"
    "--grid:#e3e6ea;--band:#e8eef4;--line:#d0d7de;--blue:#0072b2;--orange:#b97f00;--green:#00805d;"
    "--red:#c65500;--purple:#a8517f;--accent:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#14181d;--panel:#1c2229;--ink:#e6e9ed;"
    "--muted:#9aa4b0;--grid:#2b333c;--band:#222d38;--line:#36404a;--blue:#5ab4ec;--orange:#f0b429;"
    "--green:#2fc79a;--red:#ff8a4c;--purple:#e59cc3;--accent:#5ab4ec}}\n";

static const char style[] =
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif}\n"
    "header,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}\n"
    "header{padding-top:2.5rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}\n"
    "h2{font-size:1.3rem;margin:0 0 .75rem;letter-spacing:-.005em}\n"
    ".subtitle,footer{color:var(--muted)}\n"
    "section{margin:2.75rem 0}\n"
    "p{margin:.5rem 0 1rem;max-width:46rem}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;"
    "margin:1.5rem 0}\n"
    ".tile{background:var(--panel);border:1px solid var(--line);border-radius:.6rem;"
    "padding:.8rem 1rem}\n"
    ".tile b{display:block;font-size:1.45rem;line-height:1.25;font-weight:650;"
    "font-variant-numeric:tabular-nums}\n"
    ".tile "
    "span{display:block;margin-top:.2rem;color:var(--muted);font-size:.86rem;line-height:1.35}\n"
    ".note{border-left:.25rem solid var(--orange);background:var(--panel);padding:.5rem .9rem;"
    "border-radius:0 .4rem .4rem 0;max-width:none}\n"
    "figure{margin:1rem 0 1.25rem}\n"
    "figure svg{display:block;width:100%;height:auto;background:var(--ground);color:var(--ink);"
    "font-family:inherit}\n"
    "figcaption{color:var(--muted);font-size:.92rem;margin-top:.35rem;max-width:46rem}\n"
    ".scroll{overflow-x:auto;margin:.5rem 0 1rem}\n"
    "table{border-collapse:collapse;font-size:.88rem;line-height:1.35;min-width:50%}\n"
    "caption{text-align:left;color:var(--muted);padding:.2rem 0 .4rem}\n"
    "th,td{padding:.32rem .9rem .32rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid "
    "var(--grid);max-width:26rem;overflow-wrap:break-word;min-width:3.5rem}\n"
    "th{font-weight:600;border-bottom-color:var(--line);overflow-wrap:normal}\n"
    "td:first-child:not(.num){white-space:pre-wrap}\n" /* trees are indented by spaces */
    ".num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "th.num{white-space:normal}\n"
    "details{margin:.6rem 0;border:1px solid var(--line);border-radius:.6rem;padding:.5rem .9rem}\n"
    "details details{border-width:1px 0 0;border-radius:0;padding:.5rem 0;margin:.4rem 0}\n"
    "summary{cursor:pointer;font-weight:600}\n"
    "summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px}\n"
    "footer{padding-top:1rem;padding-bottom:3rem;font-size:.85rem;border-top:1px solid "
    "var(--line)}\n"
    "@media print{details{border:0;padding:0}section{break-inside:avoid-page}}\n";

void html_begin(struct strbuf *html, const char *title, const char *subtitle) {
    strbuf_puts(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_escape(title, html);
    strbuf_puts(html, "</title>\n<style>\n");
    strbuf_puts(html, html_palette);
    strbuf_puts(html, style);
    strbuf_puts(html, "</style>\n</head>\n<body>\n<header>\n<h1>");
    html_escape(title, html);
    strbuf_puts(html, "</h1>\n<p class=\"subtitle\">");
    html_escape(subtitle, html);
    strbuf_puts(html, "</p>\n</header>\n<main>\n");
}

void html_end(struct strbuf *html, const char *footer) {
    strbuf_puts(html, "</main>\n<footer>");
    html_escape(footer, html);
    strbuf_puts(html, "</footer>\n</body>\n</html>\n");
}

void html_section_begin(struct strbuf *html, const char *id, const char *heading) {
    strbuf_printf(html, "<section id=\"%s\" aria-labelledby=\"%s-heading\">\n", id, id);
    strbuf_printf(html, "<h2 id=\"%s-heading\">", id);
    html_escape(heading, html);
    strbuf_puts(html, "</h2>\n");
}

void html_section_end(struct strbuf *html) {
    strbuf_puts(html, "</section>\n");
}

static void add_element(struct strbuf *html, const char *open, const char *text,
                        const char *close) {
    strbuf_puts(html, open);
    html_escape(text, html);
    strbuf_puts(html, close);
}

void html_paragraph(struct strbuf *html, const char *text) {
    add_element(html, "<p>", text, "</p>\n");
}

void html_note(struct strbuf *html, const char *text) {
    add_element(html, "<p class=\"note\">", text, "</p>\n");
}

void html_table(struct strbuf *html, const struct table *table) {
    static const struct table_style plain = {0, false};
    if (table->row_count == 0)
        return;
    /* What scrolls must be reachable by keyboard. */
    strbuf_puts(html, "<div class=\"scroll\" tabindex=\"0\">\n");
    table_render_html(table, &plain, html);
    strbuf_puts(html, "</div>\n");
}

void html_details_begin(struct strbuf *html, const char *summary, bool open) {
    add_element(html, open ? "<details open><summary>" : "<details><summary>", summary,
                "</summary>\n");
}

void html_details_end(struct strbuf *html) {
    strbuf_puts(html, "</details>\n");
}

void html_folded_table(struct strbuf *html, const char *summary, const struct table *table) {
    if (table->row_count == 0)
        return;
    html_details_begin(html, summary, false);
    html_table(html, table);
    html_details_end(html);
}

void html_tiles(struct strbuf *html, const struct html_tile *tiles, uint32_t count) {
    strbuf_puts(html, "<div class=\"tiles\">\n");
    for (uint32_t i = 0; i < count; i++) {
        add_element(html, "<div class=\"tile\"><b>", tiles[i].value, "</b>");
        add_element(html, "<span>", tiles[i].label, "</span></div>\n");
    }
    strbuf_puts(html, "</div>\n");
}

/* Marks that would turn round the direction of what follows them (UAX 9, 2.1 to 2.4): U+202A to
 * U+202E and U+2066 to U+2069. */
static bool turns_text(const unsigned char *text) {
    return text[0] == 0xe2 && ((text[1] == 0x80 && text[2] >= 0xaa && text[2] <= 0xae) ||
                               (text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9));
}

/* Bytes of the UTF-8 sequence (RFC 3629) that starts here; 0 when none does that may stand. */
static size_t utf8_length(const unsigned char *text, size_t left) {
    size_t want = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (want == 1)
        return text[0] >= 0x20 && text[0] != 0x7f ? 1 : strchr("\t\n", text[0]) && text[0];
    if (text[0] < 0xc2 || text[0] > 0xf4 || left < want)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    bool outside = (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f);
    return overlong || outside || turns_text(text) ? 0 : want;
}

void html_scrub(const char *text, size_t length, struct strbuf *html) {
    for (size_t at = 0; at < length;) {
        size_t step = utf8_length((const unsigned char *)text + at, length - at);
        if (step)
            strbuf_add(html, text + at, step);
        else
            strbuf_puts(html, "\xef\xbf\xbd");
        at += step ? step : 1;
    }
}
