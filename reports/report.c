#include "reports/report.h"

#include "reports/page.h"

static void (*const sections[])(struct page *) = {
    section_overview,  section_machine,  section_models, section_accuracy, section_shares,
    section_operators, section_roofline, section_memory, section_start,    section_plan,
};

const struct prediction *entry_best(const struct report_entry *entry) {
    return entry->measured ? entry->measured : entry->predicted;
}

void page_figure(struct page *page, struct figure *figure, const char *alt, const char *caption) {
    struct strbuf svg;
    struct err err = {0};
    strbuf_init(&svg);
    if (figure_draw(figure, alt, &svg, &err)) {
        html_note(page->html, arena_printf(page->arena,
                                           "No picture here: %s. Its numbers are in "
                                           "the table.",
                                           err.message));
    } else {
        strbuf_puts(page->html, "<figure>\n");
        strbuf_puts(page->html, svg.text);
        strbuf_puts(page->html, "<figcaption>");
        html_escape(caption, page->html);
        strbuf_puts(page->html, "</figcaption>\n</figure>\n");
    }
    strbuf_done(&svg);
    figure_done(figure);
}

int report_html(struct arena *arena, const struct report *report, struct strbuf *html,
                struct err *err) {
    struct strbuf raw;
    struct page page = {.arena = arena, .report = report, .html = &raw};
    if (report->entry_count == 0 && !report->plan)
        return err_set(err, ERR_FINDING, "nothing to report: no model was measured or predicted");
    strbuf_init(&raw);
    html_begin(&raw, report->title,
               arena_printf(arena, "%s%s%s", report->machine ? report->machine->label : "",
                            report->machine ? ", " : "", report->generated));
    for (uint32_t i = 0; i < report->note_count; i++)
        html_note(&raw, report->notes[i]);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        sections[i](&page);
    html_end(&raw, arena_printf(arena,
                                "Made by assay %s, %s. Times are medians; intervals are 90 %%; "
                                "one multiply-add is 2 FLOPs.",
                                report->version, report->generated));
    html_scrub(raw.text, raw.length, html);
    strbuf_done(&raw);
    return 0;
}
