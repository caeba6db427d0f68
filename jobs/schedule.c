#include "jobs/schedule.h"

#include "base/lines.h"
#include "base/units.h"
#include "jobs/trace.h"

#include <math.h>
#include <string.h>

enum { CHANGES_MOST = 100000 };
#define SECONDS_MOST_NS INT64_C(315360000000000000) /* ten years: what is later is a date */

struct change {
    int64_t at_ns; /* since the trace began */
    double rate_per_second;
};

struct reading {
    struct arena *arena;
    const char *path;
    int64_t began_ns;
    struct change *changes;
    uint32_t count, capacity;
};

static int parse_rate(const struct reading *reading, uint64_t number, const char *line,
                      size_t length, double *rate, struct err *err) {
    const char *comma = memchr(line, ',', length);
    char text[64];
    size_t end = comma ? strcspn(comma + 1, ",;\t\r\n") : 0;
    struct err none = {0};
    if (comma && end < sizeof text) {
        memcpy(text, comma + 1, end);
        text[end] = '\0';
        if (unit_parse_number(text, rate, &none) == 0 && *rate >= 0 && *rate <= 1e9)
            return 0;
    }
    err_set(err, ERR_INPUT, "%s: line %llu has no rate", reading->path, (unsigned long long)number);
    return err_hint(err, "expected a time and requests per second, such as 2026-11-25 08:00:00,12");
}

static int add_line(void *context, uint64_t number, const char *line, size_t length,
                    struct err *err) {
    struct reading *reading = context;
    struct change change;
    if (length == 0 || line[0] == '#' || line[0] == '\n' || line[0] == '\r')
        return 0;
    if (!trace_parse_time(line, length, &change.at_ns)) {
        if (number == 1)
            return 0;
        return err_set(err, ERR_INPUT, "%s: line %llu does not begin with a time", reading->path,
                       (unsigned long long)number);
    }
    if (change.at_ns > SECONDS_MOST_NS)
        change.at_ns -= reading->began_ns;
    if (parse_rate(reading, number, line, length, &change.rate_per_second, err))
        return -(int)err->code;
    if (reading->count && change.at_ns <= reading->changes[reading->count - 1].at_ns)
        return err_set(err, ERR_INPUT, "%s: line %llu is not later than the one before",
                       reading->path, (unsigned long long)number);
    if (reading->count == CHANGES_MOST)
        return err_set(err, ERR_INPUT, "%s: more than %d changes", reading->path, CHANGES_MOST);
    *ARENA_PUSH(reading->arena, reading->changes, reading->count, reading->capacity) = change;
    return 0;
}

/* The mean over each interval of a rate that changes within it. */
static double expected(const struct reading *reading, double from_ns, double to_ns) {
    double sum = 0;
    if (reading->count == 0 || (double)reading->changes[0].at_ns > from_ns)
        return NAN;
    for (uint32_t i = 0; i < reading->count; i++) {
        double begins = fmax(from_ns, (double)reading->changes[i].at_ns);
        double ends =
            i + 1 < reading->count ? fmin(to_ns, (double)reading->changes[i + 1].at_ns) : to_ns;
        sum += fmax(0, ends - begins) * 1e-9 * reading->changes[i].rate_per_second;
    }
    return sum;
}

int schedule_read(struct arena *arena, const char *path, int64_t began_ns, double interval_ns,
                  uint64_t intervals, const double **counts, struct err *err) {
    struct arena work;
    struct reading reading = {.arena = &work, .path = path, .began_ns = began_ns};
    arena_init(&work);
    int rc = lines_read(path, add_line, &reading, err);
    if (!rc && reading.count == 0)
        rc = err_set(err, ERR_INPUT, "%s: no line begins with a time", path);
    double *filled = ARENA_ARRAY(arena, intervals, double);
    for (uint64_t i = 0; !rc && i < intervals; i++)
        filled[i] = expected(&reading, (double)i * interval_ns, (double)(i + 1) * interval_ns);
    *counts = filled;
    arena_done(&work);
    return rc;
}
