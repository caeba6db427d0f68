/* The axis of time that a recording's pictures share. */
#include "reports/recording_page.h"

#include <math.h>

static void cover(struct time_axis *axis, double from_ns, double to_ns) {
    axis->from_ns = fmin(axis->from_ns, from_ns);
    axis->to_ns = fmax(axis->to_ns, to_ns);
}

static void choose_unit(struct time_axis *axis) {
    static const struct {
        double ns;
        const char *name;
    } units[] = {
        {1e9, "s" },
        {1e6, "ms"},
        {1e3, "us"},
        {1,   "ns"}
    };
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && axis->to_ns - axis->from_ns < 2 * units[i].ns)
        i++;
    axis->unit_ns = units[i].ns;
    axis->unit = units[i].name;
}

void recording_page_axis(struct recording_page *page) {
    const struct recording *r = page->recording;
    page->axis = (struct time_axis){.from_ns = INFINITY, .to_ns = -INFINITY};
    for (uint32_t i = 0; i < r->track_count; i++)
        if (r->tracks[i].spans)
            cover(&page->axis, r->tracks[i].start_ns, r->tracks[i].end_ns);
    for (uint32_t i = 0; i < page->series_count; i++) {
        const struct recording_series *series = &page->series[i];
        cover(&page->axis, (double)series->samples[0].at_ns,
              (double)series->samples[series->count - 1].at_ns);
    }
    choose_unit(&page->axis);
}

bool recording_page_has_axis(const struct recording_page *page) {
    return page->axis.to_ns > page->axis.from_ns;
}

double recording_page_time(const struct recording_page *page, double ns) {
    return (ns - page->axis.from_ns) / page->axis.unit_ns;
}

void recording_page_draw_axis(const struct recording_page *page, struct figure *figure) {
    strbuf_printf(&figure->script,
                  "set xlabel 'time, %s' textcolor rgb '" FIGURE_INK "'\nset xrange [0:%.9g]\n",
                  page->axis.unit, recording_page_time(page, page->axis.to_ns));
}
