/* Threads and queues over time. */
#include "reports/recording_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 24, SLICES_MAX = 400, ROW_HEIGHT = 24, FRAME = 90 };

#define HALF_HEIGHT 0.38

struct lane {
    const struct recording_track *track;
    double from_ns, to_ns;              /* of spans and readings; from > to: neither is known */
    const struct recording_series *cpu; /* readings of its CPU time; NULL: none */
    double use_ns;                      /* CPU time, else what its spans were busy */
};

/* ---- collecting ------------------------------------------------------------------------------ */

static void add_series(struct lane *lane, const struct recording_series *series) {
    const struct track_sample *first = series->samples;
    lane->from_ns = fmin(lane->from_ns, (double)first->at_ns);
    lane->to_ns = fmax(lane->to_ns, (double)first[series->count - 1].at_ns);
    if (strcmp(first->metric, "cpu_ns") == 0 && strcmp(first->unit, "ns") == 0) {
        lane->cpu = series;
        lane->use_ns = series->high->value;
    }
}

static struct lane lane_of(struct recording_page *p, const struct recording_track *track) {
    struct lane lane = {track, INFINITY, -INFINITY, NULL, track->busy_ns};
    if (track->spans) {
        lane.from_ns = track->start_ns;
        lane.to_ns = track->end_ns;
    }
    for (uint32_t i = 0; i < p->series_count; i++)
        if (p->series[i].samples[0].track == track->track)
            add_series(&lane, &p->series[i]);
    return lane;
}

static int by_use(const void *a, const void *b) {
    const struct lane *left = a, *right = b;
    if (left->use_ns != right->use_ns)
        return left->use_ns < right->use_ns ? 1 : -1;
    return (left->track > right->track) - (left->track < right->track);
}

static struct lane *collect(struct recording_page *p) {
    const struct recording *r = p->recording;
    struct lane *lanes = ARENA_ARRAY(p->page.arena, r->track_count + 1u, struct lane);
    for (uint32_t i = 0; i < r->track_count; i++)
        lanes[i] = lane_of(p, &r->tracks[i]);
    if (r->track_count)
        qsort(lanes, r->track_count, sizeof *lanes, by_use);
    return lanes;
}

static const char *name_of(const struct recording_track *track) {
    return *track->name ? track->name : "(not named)";
}

/* ---- the picture ----------------------------------------------------------------------------- */

/* A box from the row's bottom that is `height` (0 to 1) of it high: x, y, half a width, half a
 * height, name. */
static void add_box(struct recording_page *p, struct figure *figure, const struct lane *lane,
                    uint32_t row, double from_ns, double to_ns, double height) {
    double from = recording_page_time(p, from_ns), to = recording_page_time(p, to_ns);
    double half = HALF_HEIGHT * fmin(fmax(height, 0), 1);
    strbuf_printf(&figure->script, "%.9g\t%.9g\t%.9g\t%.9g\t", (from + to) / 2,
                  -(double)row - HALF_HEIGHT + half, (to - from) / 2, half);
    figure_label(figure, name_of(lane->track));
    strbuf_puts(&figure->script, "\n");
}

static void add_use(struct recording_page *p, struct figure *figure, const struct lane *lane,
                    uint32_t row) {
    double least_ns = (p->axis.to_ns - p->axis.from_ns) / SLICES_MAX;
    double at_ns = lane->from_ns, used_ns = 0,
           span_ns = lane->track->end_ns - lane->track->start_ns;
    if (!lane->cpu) {
        add_box(p, figure, lane, row, lane->track->start_ns, lane->track->end_ns,
                span_ns > 0 ? lane->track->busy_ns / span_ns : 1);
        return;
    }
    for (uint32_t i = 0; i < lane->cpu->count; i++) {
        const struct track_sample *sample = &lane->cpu->samples[i];
        double passed_ns = (double)sample->at_ns - at_ns;
        if (passed_ns <= 0 || (passed_ns < least_ns && i + 1 < lane->cpu->count))
            continue;
        add_box(p, figure, lane, row, at_ns, (double)sample->at_ns,
                (sample->value - used_ns) / passed_ns);
        at_ns = (double)sample->at_ns;
        used_ns = sample->value;
    }
}

static void draw(struct recording_page *p, const struct lane *lanes, uint32_t count,
                 const char *alt) {
    struct figure figure;
    figure_init(&figure, "threads-lanes", 760, (int)count * ROW_HEIGHT + FRAME);
    strbuf_puts(&figure.script, "$life << EOD\n");
    for (uint32_t i = 0; i < count; i++)
        add_box(p, &figure, &lanes[i], i, lanes[i].from_ns, lanes[i].to_ns, 1);
    strbuf_puts(&figure.script, "EOD\n$use << EOD\n");
    for (uint32_t i = 0; i < count; i++)
        add_use(p, &figure, &lanes[i], i);
    strbuf_puts(&figure.script, "EOD\n");
    recording_page_draw_axis(p, &figure);
    strbuf_printf(&figure.script,
                  "set yrange [%g:0.6]\nset border 1\nset ytics scale 0\nunset grid\n"
                  "set key outside top center horizontal\n"
                  "plot $life using 1:2:3:4:ytic(5) with boxxyerror fillcolor rgb '" FIGURE_GRID
                  "' title 'alive', $use using 1:2:3:4 with boxxyerror fillcolor rgb '" FIGURE_BLUE
                  "' title 'in use'\n",
                  0.4 - count);
    page_figure(&p->page, &figure, alt,
                "A lane per thread or queue, from the first to the last that was seen of it. The "
                "filled part is as high as its use of one CPU between two readings; where no CPU "
                "time was read, as the part of its time that its spans fill.");
}

/* ---- the table ------------------------------------------------------------------------------- */

enum { NAME, KIND, SPANS, FIRST, LAST, BUSY, CPU, COLUMNS };

static void fill_table(struct recording_page *p, const struct lane *lanes, struct table *table) {
    static const struct table_column columns[COLUMNS] = {
        [NAME] = {"name",     "Track",      UNIT_PLAIN, TABLE_LEFT },
        [KIND] = {"kind",     "Kind",       UNIT_PLAIN, TABLE_LEFT },
        [SPANS] = {"spans",    "Spans",      UNIT_COUNT, TABLE_RIGHT},
        [FIRST] = {"first_ns", "First seen", UNIT_NS,    TABLE_RIGHT},
        [LAST] = {"last_ns",  "Last seen",  UNIT_NS,    TABLE_RIGHT},
        [BUSY] = {"busy_ns",  "In spans",   UNIT_NS,    TABLE_RIGHT},
        [CPU] = {"cpu_ns",   "CPU time",   UNIT_NS,    TABLE_RIGHT},
    };
    table_init(table, p->page.arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < p->recording->track_count && i < RECORDING_ROWS_MAX; i++) {
        const struct lane *lane = &lanes[i];
        bool seen = lane->from_ns <= lane->to_ns;
        table_row(table);
        table_text(table, NAME, name_of(lane->track));
        table_text(table, KIND, track_kind_name(lane->track->kind));
        table_int(table, SPANS, (int64_t)lane->track->spans);
        table_number(table, FIRST, seen ? lane->from_ns - p->axis.from_ns : NAN);
        table_number(table, LAST, seen ? lane->to_ns - p->axis.from_ns : NAN);
        table_number(table, BUSY, lane->track->busy_ns);
        table_number(table, CPU, lane->cpu ? lane->use_ns : NAN);
    }
}

/* Those that can be drawn, in their order; the array is made shorter. */
static uint32_t keep_seen(struct lane *lanes, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count && kept < LANES_MAX; i++)
        if (lanes[i].from_ns < lanes[i].to_ns)
            lanes[kept++] = lanes[i];
    return kept;
}

void section_recording_threads(struct recording_page *p) {
    uint32_t count = p->recording->track_count;
    char use[UNIT_TEXT_SIZE];
    struct table table;
    if (count == 0)
        return;
    struct lane *lanes = collect(p);
    const char *alt =
        arena_printf(p->page.arena, "Most used of the threads and queues: %.80s, for %s.",
                     name_of(lanes[0].track), unit_format(use, lanes[0].use_ns, UNIT_NS));
    html_section_begin(p->page.html, "threads", "Threads and queues over time");
    html_paragraph(p->page.html, alt);
    fill_table(p, lanes, &table);
    uint32_t drawn = recording_page_has_axis(p) ? keep_seen(lanes, count) : 0;
    if (drawn)
        draw(p, lanes, drawn, alt);
    if (count > LANES_MAX)
        html_note(p->page.html,
                  arena_printf(p->page.arena,
                               "Of %u the picture has the %d most used, the table at most %d.",
                               count, LANES_MAX, RECORDING_ROWS_MAX));
    html_table(p->page.html, &table);
    html_section_end(p->page.html);
}
