#include "reports/recording_html.h"

#include "reports/recording.h"
#include "reports/recording_figure.h"
#include "reports/recording_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE_WIDTH = 960, CALLS_SHOWN = 30, TREE_DEPTH = 12, TREE_CHILDREN = 12 };

/* ---- numbers among the facts ----------------------------------------------------------------- */

static double number_of(const char *text) {
    char *end;
    double value = strtod(text, &end);
    return end != text && *end == 0 ? value : NAN;
}

double recording_fact_number(const struct recording *recording, const char *key) {
    const char *value = recording_fact(recording, key);
    return value ? number_of(value) : NAN;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), least = strlen(end);
    return length >= least && strcmp(text + length - least, end) == 0;
}

/* Our own facts carry their unit in the key. */
static const char *fact_text(struct arena *arena, const struct recording_fact *fact) {
    static const struct {
        const char *end;
        enum unit unit;
    } units[] = {
        {"_ns",    UNIT_NS   },
        {"_bytes", UNIT_BYTES}
    };
    char text[UNIT_TEXT_SIZE];
    double value = number_of(fact->value);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (isfinite(value) && ends_with(fact->key, units[i].end))
            return arena_strdup(arena, unit_format(text, value, units[i].unit));
    return fact->value;
}

static const char *quantity(struct arena *arena, double value, enum unit unit) {
    char text[UNIT_TEXT_SIZE];
    return arena_strdup(arena, unit_format(text, value, unit));
}

/* ---- the top --------------------------------------------------------------------------------- */

static void add_tile(struct html_tile *tiles, uint32_t *count, const char *value,
                     const char *label) {
    tiles[(*count)++] = (struct html_tile){value, label};
}

static void section_overview_tiles(struct recording_page *p) {
    const struct recording *r = p->recording;
    struct arena *arena = p->page.arena;
    struct html_tile tiles[4];
    uint32_t count = 0;
    double peak_bytes = recording_fact_number(r, "peak_rss_bytes");
    if (r->wall_ns > 0)
        add_tile(tiles, &count, quantity(arena, r->wall_ns, UNIT_NS),
                 "from the first span to the last");
    if (r->node_count)
        add_tile(tiles, &count, quantity(arena, r->node_count, UNIT_COUNT),
                 "different calls in the tree");
    if (r->device_span_ns > 0)
        add_tile(tiles, &count,
                 quantity(arena, r->device_busy_ns / r->device_span_ns, UNIT_FRACTION),
                 "of its time the device was busy");
    if (isfinite(peak_bytes))
        add_tile(tiles, &count, quantity(arena, peak_bytes, UNIT_BYTES), "most memory, resident");
    if (count)
        html_tiles(p->page.html, tiles, count);
}

static void add_pair(struct table *table, const char *name, const char *value) {
    if (!value || !*value)
        return;
    table_row(table);
    table_text(table, 0, name);
    table_text(table, 1, value);
}

static void facts_table(struct recording_page *p, struct table *table) {
    static const struct table_column columns[] = {
        {"fact",  "Fact", UNIT_PLAIN, TABLE_LEFT},
        {"value", "",     UNIT_PLAIN, TABLE_LEFT},
    };
    const struct recording *r = p->recording;
    table_init(table, p->page.arena, "", columns, 2);
    for (uint32_t i = 0; i < r->fact_count && i < RECORDING_ROWS_MAX; i++)
        add_pair(table, r->facts[i].key, fact_text(p->page.arena, &r->facts[i]));
}

static void section_head(struct recording_page *p) {
    const struct recording_report *report = p->report;
    struct table head, facts;
    html_section_begin(p->page.html, "recording", "The recording");
    recording_head_table(p->page.arena, p->recording, &head);
    add_pair(&head, "started", p->recording->started_at);
    add_pair(&head, "stored", report->created_at);
    add_pair(&head, "machine", report->machine);
    add_pair(&head, "SHA-256", p->recording->sha256);
    html_table(p->page.html, &head);
    facts_table(p, &facts);
    html_folded_table(p->page.html, "All that the source says of itself", &facts);
    html_section_end(p->page.html);
}

/* ---- where the time went --------------------------------------------------------------------- */

static void draw_tree(struct recording_page *p) {
    struct figure figure;
    struct err err = {0};
    const char *alt;
    if (recording_figure(p->page.arena, p->recording, PICTURE_WIDTH, &figure, &alt, &err)) {
        html_note(p->page.html, err.message);
        return;
    }
    html_paragraph(p->page.html, alt);
    page_figure(&p->page, &figure, alt,
                "A box per node of the tree, as wide as all its calls took together; below it what "
                "it called. Boxes stand by their time, not in the order of the calls.");
}

static void section_operators_of(struct recording_page *p) {
    struct arena *arena = p->page.arena;
    struct table calls, shaped, tree, categories;
    if (p->recording->node_count == 0)
        return;
    recording_calls_table(arena, p->recording, false, CALLS_SHOWN, &calls);
    recording_calls_table(arena, p->recording, true, CALLS_SHOWN, &shaped);
    recording_tree_table(arena, p->recording, TREE_DEPTH, TREE_CHILDREN, 0.005, &tree);
    recording_categories_table(arena, p->recording, &categories);
    html_section_begin(p->page.html, "operators", "Where the time went");
    draw_tree(p);
    html_paragraph(p->page.html, "By own time, which leaves out the calls inside; the share is of "
                                 "all own time:");
    html_table(p->page.html, &calls);
    if (p->recording->operators_with_shapes)
        html_folded_table(p->page.html, "The same, told apart by shapes", &shaped);
    html_folded_table(
        p->page.html,
        arena_printf(arena, "As a tree: %d levels, of what has at least 0.5 %%", TREE_DEPTH),
        &tree);
    html_section_end(p->page.html);
    if (categories.row_count < 2)
        return;
    html_section_begin(p->page.html, "categories", "Categories");
    html_table(p->page.html, &categories);
    html_section_end(p->page.html);
}

/* ---- the device ------------------------------------------------------------------------------ */

static void add_time(struct table *table, const char *name, double ns, double wall_ns) {
    table_row(table);
    table_text(table, 0, name);
    table_number(table, 1, fmax(ns, 0));
    table_number(table, 2, wall_ns > 0 ? fmax(ns, 0) / wall_ns : NAN);
}

static void section_device(struct recording_page *p) {
    static const struct table_column columns[] = {
        {"state",   "The device was",   UNIT_PLAIN,    TABLE_LEFT },
        {"time_ns", "Time",             UNIT_NS,       TABLE_RIGHT},
        {"share",   "Of the wall time", UNIT_FRACTION, TABLE_RIGHT},
    };
    const struct recording *r = p->recording;
    struct arena *arena = p->page.arena;
    struct table table;
    if (!(r->device_span_ns > 0))
        return;
    table_init(&table, arena, "", columns, 3);
    add_time(&table, "busy", r->device_busy_ns, r->wall_ns);
    add_time(&table, "idle, between its first work and its last",
             r->device_span_ns - r->device_busy_ns, r->wall_ns);
    add_time(&table, "not used yet, or no more", r->wall_ns - r->device_span_ns, r->wall_ns);
    html_section_begin(p->page.html, "device", "The device");
    html_paragraph(p->page.html,
                   arena_printf(arena,
                                "%" PRIu64 " kernels of %" PRIu64 " names took %s; of %" PRIu64
                                " the call that started them is known.",
                                r->kernels, r->kernel_names,
                                quantity(arena, r->kernel_total_ns, UNIT_NS),
                                r->kernels_with_call));
    html_table(p->page.html, &table);
    html_section_end(p->page.html);
}

/* ---- what it cost ---------------------------------------------------------------------------- */

static const char *cost_sentence(struct arena *arena, const struct recording *r) {
    double probes_ns = recording_fact_number(r, "probes_ns");
    double beside_ns = recording_fact_number(r, "recorder_ns");
    double command_ns = recording_fact_number(r, "command_cpu_ns");
    if (isnan(r->overhead_ns))
        return "The source does not say what recording cost.";
    const char *all = arena_printf(arena, "Recording cost %s of CPU time",
                                   quantity(arena, r->overhead_ns, UNIT_NS));
    if (isnan(probes_ns) || isnan(beside_ns) || !(command_ns > 0))
        return arena_printf(arena, "%s.", all);
    return arena_printf(arena,
                        "%s: %s inside the command, %.2f %% of its %s, by the price of a call "
                        "that was measured before; %s beside it.",
                        all, quantity(arena, probes_ns, UNIT_NS), 100 * probes_ns / command_ns,
                        quantity(arena, command_ns, UNIT_NS), quantity(arena, beside_ns, UNIT_NS));
}

static void section_cost(struct recording_page *p) {
    const struct recording *r = p->recording;
    double lost_events = fmax(recording_fact_number(r, "lost_events"), 0);
    double lost_calls = fmax(recording_fact_number(r, "lost_calls"), 0);
    html_section_begin(p->page.html, "cost", "What recording cost");
    html_paragraph(p->page.html, cost_sentence(p->page.arena, r));
    if (lost_events > 0 || lost_calls > 0)
        html_note(p->page.html, arena_printf(p->page.arena,
                                             "%.0f entries and returns found no room and %.0f "
                                             "calls were too deep: counts and times are low.",
                                             lost_events, lost_calls));
    html_section_end(p->page.html);
}

/* ---- the page -------------------------------------------------------------------------------- */

static void (*const sections[])(struct recording_page *) = {
    section_overview_tiles,     section_head,
    section_operators_of,       section_device,
    section_recording_memory,   section_recording_threads,
    section_recording_readings, section_cost,
};

void recording_html(struct arena *arena, const struct recording_report *report,
                    struct strbuf *html) {
    const struct recording *r = report->recording;
    struct strbuf raw;
    struct recording_page page = {
        .page = {.arena = arena, .html = &raw},
          .report = report, .recording = r
    };
    page.series = recording_series(arena, r, &page.series_count);
    recording_page_axis(&page);
    strbuf_init(&raw);
    html_begin(&raw, arena_printf(arena, "Recording %" PRId64, report->id),
               arena_printf(arena, "%.200s, %s, %s", r->path, r->format, report->generated));
    if (!r->complete)
        html_note(&raw, arena_printf(arena,
                                     "The source ends early: this is what stands in its first "
                                     "%" PRIu64 " bytes.",
                                     r->whole_bytes));
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        sections[i](&page);
    html_end(&raw,
             arena_printf(arena, "Made by assay %s, %s.", report->version, report->generated));
    html_scrub(raw.text, raw.length, html);
    strbuf_done(&raw);
}
