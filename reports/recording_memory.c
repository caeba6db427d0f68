/* Memory over time, and all readings as a table. */
#include "reports/recording_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 5, POINTS_MAX = 1500 };

#define MIB 1048576.0

static const char *const colors[LINES_MAX] = {FIGURE_BLUE, FIGURE_ORANGE, FIGURE_GREEN,
                                              FIGURE_PURPLE, FIGURE_RED};

/* What the program itself reads of memory, in the words of docs/record.md. */
static const char *metric_title(const char *metric) {
    static const char *const titles[][2] = {
        {"rss_bytes",       "resident"          },
        {"pss_bytes",       "proportional (PSS)"},
        {"anon_bytes",      "anonymous"         },
        {"file_bytes",      "file"              },
        {"allocated_bytes", "allocated"         },
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(metric, titles[i][0]) == 0)
            return titles[i][1];
    return metric;
}

static const char *track_name(const struct recording *r, uint64_t track) {
    for (uint32_t i = 0; i < r->track_count; i++)
        if (r->tracks[i].track == track && *r->tracks[i].name)
            return r->tracks[i].name;
    return "";
}

static const char *line_title(struct recording_page *p, const struct recording_series *series) {
    const struct track_sample *first = series->samples;
    const char *title = metric_title(first->metric);
    const char *track = first->track ? track_name(p->recording, first->track) : "";
    return *track ? arena_printf(p->page.arena, "%s, %s", title, track) : title;
}

/* ---- the lines ------------------------------------------------------------------------------- */

static int by_peak(const void *a, const void *b) {
    const struct recording_series *left = a, *right = b;
    if (left->high->value != right->high->value)
        return left->high->value < right->high->value ? 1 : -1;
    return (left->samples > right->samples) - (left->samples < right->samples);
}

/* Readings in bytes, the highest first. */
static uint32_t collect(struct recording_page *p, struct recording_series *lines) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->series_count; i++)
        if (strcmp(p->series[i].samples[0].unit, "bytes") == 0)
            lines[count++] = p->series[i];
    if (count)
        qsort(lines, count, sizeof *lines, by_peak);
    return count < LINES_MAX ? count : LINES_MAX;
}

static void add_point(struct recording_page *p, struct figure *figure,
                      const struct track_sample *sample) {
    strbuf_printf(&figure->script, "%.9g", recording_page_time(p, (double)sample->at_ns));
    figure_value(figure, sample->value / MIB);
    strbuf_puts(&figure->script, "\n");
}

/* Of more readings than can be seen the largest of each few. */
static void add_line(struct recording_page *p, struct figure *figure,
                     const struct recording_series *line, uint32_t number) {
    uint32_t each = (line->count + POINTS_MAX - 1) / POINTS_MAX;
    strbuf_printf(&figure->script, "$line%u << EOD\n", number);
    for (uint32_t i = 0; i < line->count; i += each) {
        const struct track_sample *largest = &line->samples[i];
        for (uint32_t k = i; k < i + each && k < line->count; k++)
            if (line->samples[k].value > largest->value)
                largest = &line->samples[k];
        add_point(p, figure, largest);
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void add_peak(struct recording_page *p, struct figure *figure,
                     const struct track_sample *peak) {
    char text[UNIT_TEXT_SIZE];
    double at = recording_page_time(p, (double)peak->at_ns);
    bool late = at > recording_page_time(p, p->axis.to_ns) / 2;
    strbuf_puts(&figure->script, "$peak << EOD\n");
    add_point(p, figure, peak);
    strbuf_puts(&figure->script, "EOD\nset label 1 ");
    figure_label(figure, unit_format(text, peak->value, UNIT_BYTES));
    strbuf_printf(&figure->script,
                  " at %.9g,%.9g %s offset %d,0.7 textcolor rgb '" FIGURE_INK "'\n", at,
                  peak->value / MIB, late ? "right" : "left", late ? -1 : 1);
}

static void draw(struct recording_page *p, const struct recording_series *lines, uint32_t count,
                 const char *alt) {
    struct figure figure;
    figure_init(&figure, "memory-lines", 760, 340);
    for (uint32_t i = 0; i < count; i++)
        add_line(p, &figure, &lines[i], i);
    add_peak(p, &figure, lines[0].high);
    recording_page_draw_axis(p, &figure);
    strbuf_puts(&figure.script, "set ylabel 'MiB' textcolor rgb '" FIGURE_INK
                                "'\nset yrange [*<0:*]\nset offsets graph 0, 0, 0.08, 0\n"
                                "set key outside top center horizontal\nplot ");
    for (uint32_t i = 0; i < count; i++) {
        strbuf_printf(&figure.script,
                      "$line%u using 1:2 with steps linewidth 2 linecolor rgb '%s' title ", i,
                      colors[i]);
        figure_label(&figure, line_title(p, &lines[i]));
        strbuf_puts(&figure.script, ", ");
    }
    strbuf_puts(&figure.script, "$peak using 1:2 with points pointtype 7 pointsize 0.8 linecolor "
                                "rgb '" FIGURE_INK "' title 'peak'\n");
    page_figure(&p->page, &figure, alt,
                "Memory as it was read from time to time; between two readings it may have been "
                "higher. The point is the highest reading.");
}

/* The source's own words are about the largest reading of resident memory. */
static const char *when(struct recording_page *p, const struct recording_series *line) {
    char at[UNIT_TEXT_SIZE];
    bool resident = strcmp(line->samples[0].metric, "rss_bytes") == 0;
    double known_ns = resident ? recording_fact_number(p->recording, "peak_at_ns") : NAN;
    const char *inside = resident ? recording_fact(p->recording, "peak_inside") : NULL;
    if (isnan(known_ns))
        return arena_printf(p->page.arena, "%s after the first that was seen",
                            unit_format(at, (double)line->high->at_ns - p->axis.from_ns, UNIT_NS));
    return arena_printf(p->page.arena, "%s after the command began, %s%.400s",
                        unit_format(at, known_ns, UNIT_NS), inside ? "inside " : "outside of calls",
                        inside ? inside : "");
}

static const char *finding(struct recording_page *p, const struct recording_series *line) {
    char text[UNIT_TEXT_SIZE];
    double high_water = recording_fact_number(p->recording, "high_water_bytes");
    const char *sentence = arena_printf(p->page.arena, "Most memory: %s %.80s, %s.",
                                        unit_format(text, line->high->value, UNIT_BYTES),
                                        line_title(p, line), when(p, line));
    if (!(high_water > 0))
        return sentence;
    return arena_printf(p->page.arena,
                        "%s The kernel's own high-water mark of the largest process: %s.", sentence,
                        unit_format(text, high_water, UNIT_BYTES));
}

void section_recording_memory(struct recording_page *p) {
    struct recording_series *lines =
        ARENA_ARRAY(p->page.arena, p->series_count + 1u, struct recording_series);
    uint32_t count = collect(p, lines);
    if (count == 0)
        return;
    const char *alt = finding(p, &lines[0]);
    html_section_begin(p->page.html, "memory", "Memory over time");
    html_paragraph(p->page.html, alt);
    if (lines[0].count > 1 && recording_page_has_axis(p))
        draw(p, lines, count, alt);
    html_section_end(p->page.html);
}

/* ---- the table ------------------------------------------------------------------------------- */

enum { METRIC, TRACK, COUNT, LOW, HIGH, HIGH_AT, LAST, COLUMNS };

static const char *reading(struct arena *arena, const struct track_sample *sample, double value) {
    char text[UNIT_TEXT_SIZE];
    enum unit unit = strcmp(sample->unit, "bytes") == 0 ? UNIT_BYTES
                     : strcmp(sample->unit, "ns") == 0  ? UNIT_NS
                                                        : UNIT_PLAIN;
    return arena_strdup(arena, unit_format(text, value, unit));
}

static void add_reading(struct recording_page *p, const struct recording_series *series,
                        struct table *table) {
    const struct track_sample *first = series->samples, *last = first + series->count - 1;
    table_row(table);
    table_text(table, METRIC, first->metric);
    table_text(table, TRACK, first->track ? track_name(p->recording, first->track) : NULL);
    table_int(table, COUNT, series->count);
    table_text(table, LOW, reading(p->page.arena, first, series->low));
    table_text(table, HIGH, reading(p->page.arena, first, series->high->value));
    table_number(table, HIGH_AT, (double)series->high->at_ns - p->axis.from_ns);
    table_text(table, LAST, reading(p->page.arena, first, last->value));
}

void section_recording_readings(struct recording_page *p) {
    static const struct table_column columns[COLUMNS] = {
        [METRIC] = {"metric",     "Metric",   UNIT_PLAIN, TABLE_LEFT },
        [TRACK] = {"track",      "Track",    UNIT_PLAIN, TABLE_LEFT },
        [COUNT] = {"count",      "Readings", UNIT_COUNT, TABLE_RIGHT},
        [LOW] = {"low",        "Lowest",   UNIT_PLAIN, TABLE_RIGHT},
        [HIGH] = {"high",       "Highest",  UNIT_PLAIN, TABLE_RIGHT},
        [HIGH_AT] = {"high_at_ns", "at",       UNIT_NS,    TABLE_RIGHT},
        [LAST] = {"last",       "Last",     UNIT_PLAIN, TABLE_RIGHT},
    };
    struct table table;
    if (p->series_count == 0)
        return;
    table_init(&table, p->page.arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < p->series_count && i < RECORDING_ROWS_MAX; i++)
        add_reading(p, &p->series[i], &table);
    html_section_begin(p->page.html, "readings", "Readings");
    if (p->series_count > RECORDING_ROWS_MAX)
        html_note(p->page.html, arena_printf(p->page.arena, "The first %d of %u series.",
                                             RECORDING_ROWS_MAX, p->series_count));
    html_folded_table(p->page.html, "What was read, and its range", &table);
    html_section_end(p->page.html);
}
