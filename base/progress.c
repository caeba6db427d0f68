#include "base/progress.h"

#include "base/strbuf.h"
#include "base/term.h"
#include "base/units.h"

#include <stdarg.h>
#include <time.h>

#define SHOW_AFTER_NS   UINT64_C(2000000000)
#define REDRAW_AFTER_NS UINT64_C(100000000)

enum { BAR_CELLS = 24 };

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_init(struct progress *progress, FILE *stream, bool enabled) {
    *progress = (struct progress){.stream = stream};
    progress->enabled = enabled && term_is_terminal(stream);
}

void progress_start(struct progress *progress, double total, const char *format, ...) {
    if (!progress)
        return;
    progress_done(progress);
    va_list args;
    va_start(args, format);
    vsnprintf(progress->label, sizeof progress->label, format, args);
    va_end(args);
    progress->total = total;
    progress->started_ns = now_ns();
    progress->drawn_ns = 0;
}

static double fraction_of(const struct progress *progress, double done) {
    double fraction = progress->total > 0 ? done / progress->total : 0;
    return fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
}

void progress_line(const struct progress *progress, double done, uint64_t elapsed_ns,
                   const char *note, char *out, size_t size) {
    double fraction = fraction_of(progress, done);
    char bar[BAR_CELLS + 1], left[UNIT_TEXT_SIZE], ending[UNIT_TEXT_SIZE + 16] = "";
    int full = (int)(fraction * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    if (fraction > 0.01 && fraction < 1) {
        unit_format(left, (double)elapsed_ns * (1 - fraction) / fraction, UNIT_NS);
        snprintf(ending, sizeof ending, "  about %s left", left);
    }
    if (progress->total > 0)
        snprintf(out, size, "%s [%s] %3.0f %%%s%s%s", progress->label, bar, 100 * fraction, ending,
                 note ? "  " : "", note ? note : "");
    else
        snprintf(out, size, "%s%s%s", progress->label, note ? "  " : "", note ? note : "");
}

void progress_update(struct progress *progress, double done, const char *note) {
    if (!progress || !progress->enabled)
        return;
    uint64_t now = now_ns();
    if (now - progress->started_ns < SHOW_AFTER_NS || now - progress->drawn_ns < REDRAW_AFTER_NS)
        return;
    char line[320];
    progress_line(progress, done, now - progress->started_ns, note, line, sizeof line);
    struct strbuf safe;
    strbuf_init(&safe);
    term_escape(line, false, &safe);
    unsigned width = term_width(progress->stream);
    fprintf(progress->stream, "\r\033[K%.*s", (int)(width > 1 ? width - 1 : 79), safe.text);
    fflush(progress->stream);
    strbuf_done(&safe);
    progress->drawn_ns = now;
    progress->visible = true;
}

void progress_done(struct progress *progress) {
    if (!progress || !progress->visible)
        return;
    fputs("\r\033[K", progress->stream);
    fflush(progress->stream);
    progress->visible = false;
}
