#include "jobs/trace.h"

#include "base/lines.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REQUESTS_MOST = 50000000, FIELD_MOST = 63 };

/* ---- one time -------------------------------------------------------------------------------- */

/* Digits to nanoseconds; digits beyond the ninth are dropped. */
static const char *parse_fraction(const char *at, int64_t *ns) {
    int64_t scale = 100000000;
    *ns = 0;
    for (; *at >= '0' && *at <= '9'; at++, scale /= 10)
        *ns += (*at - '0') * scale;
    return at;
}

static bool two_digits(const char *at, int *value) {
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *value = (at[0] - '0') * 10 + at[1] - '0';
    return true;
}

/* "Z", "+02:00", "-0530", "+02" or nothing. */
static bool parse_offset(const char *at, int64_t *seconds) {
    int hours, minutes = 0;
    *seconds = 0;
    if (*at == 'Z' || *at == 'z')
        at++;
    else if (*at == '+' || *at == '-') {
        int sign = *at++ == '-' ? -1 : 1;
        if (!two_digits(at, &hours))
            return false;
        at += 2;
        at += *at == ':';
        if (two_digits(at, &minutes))
            at += 2;
        *seconds = sign * (hours * 3600 + minutes * 60);
    }
    return *at == '\0';
}

static bool parse_date(const char *text, int64_t *ns) {
    struct tm tm = {0};
    int64_t fraction = 0, offset;
    const char *at = strptime(text, "%Y-%m-%d", &tm);
    if (!at || (*at != ' ' && *at != 'T'))
        return false;
    at = strptime(at + 1, "%H:%M:%S", &tm);
    if (!at)
        return false;
    if (*at == '.')
        at = parse_fraction(at + 1, &fraction);
    if (!parse_offset(at, &offset) || tm.tm_year < 70 || tm.tm_year > 300)
        return false;
    *ns = ((int64_t)timegm(&tm) - offset) * 1000000000 + fraction;
    return *ns >= 0;
}

static bool parse_seconds(const char *text, int64_t *ns) {
    int64_t fraction = 0;
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    long long seconds = strtoll(text, &end, 10);
    if (errno || seconds > 8000000000)
        return false;
    const char *rest = *end == '.' ? parse_fraction(end + 1, &fraction) : end;
    if (*rest == 'e' || *rest == 'E') {
        double value = strtod(text, &end);
        if (*end || !(value >= 0 && value < 8e9))
            return false;
        *ns = (int64_t)(value * 1e9);
        return true;
    }
    *ns = seconds * 1000000000 + fraction;
    return *rest == '\0';
}

bool trace_parse_time(const char *line, size_t length, int64_t *ns) {
    char field[FIELD_MOST + 1];
    size_t from = 0, to = 0;
    while (from < length && (line[from] == ' ' || line[from] == '"'))
        from++;
    for (to = from; to < length && !strchr(",;\t\"\r\n", line[to]); to++)
        if (line[to] == '\0')
            return false;
    while (to > from && line[to - 1] == ' ')
        to--;
    if (to == from || to - from > FIELD_MOST)
        return false;
    memcpy(field, line + from, to - from);
    field[to - from] = '\0';
    return parse_date(field, ns) || parse_seconds(field, ns);
}

/* ---- the file -------------------------------------------------------------------------------- */

struct reading {
    struct arena *arena;
    const char *path;
    int64_t *times_ns;
    uint64_t count, capacity;
    bool header_seen;
};

static int add_line(void *context, uint64_t number, const char *line, size_t length,
                    struct err *err) {
    struct reading *reading = context;
    int64_t ns;
    if (length == 0 || line[0] == '#' || line[0] == '\n' || line[0] == '\r')
        return 0;
    if (!trace_parse_time(line, length, &ns)) {
        if (reading->count == 0 && !reading->header_seen) {
            reading->header_seen = true;
            return 0;
        }
        err_set(err, ERR_INPUT, "%s: line %llu does not begin with a time", reading->path,
                (unsigned long long)number);
        return err_hint(err, "expected seconds such as 12.5, or a date such as 2023-11-16 "
                             "18:15:46.68, up to the first comma");
    }
    if (reading->count == REQUESTS_MOST)
        return err_set(err, ERR_INPUT, "%s: more than %d requests", reading->path, REQUESTS_MOST);
    *ARENA_PUSH(reading->arena, reading->times_ns, reading->count, reading->capacity) = ns;
    return 0;
}

static int compare_times(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void finish(struct arena *arena, struct reading *reading, struct trace *trace) {
    double *arrivals = ARENA_ARRAY(arena, reading->count, double);
    for (uint64_t i = 1; i < reading->count; i++)
        trace->disordered += reading->times_ns[i] < reading->times_ns[i - 1];
    if (trace->disordered)
        qsort(reading->times_ns, reading->count, sizeof *reading->times_ns, compare_times);
    for (uint64_t i = 0; i < reading->count; i++)
        arrivals[i] = (double)(reading->times_ns[i] - reading->times_ns[0]);
    trace->arrivals_ns = arrivals;
    trace->began_ns = reading->times_ns[0];
    trace->count = reading->count;
}

int trace_read(struct arena *arena, const char *path, struct trace *trace, struct err *err) {
    struct arena work;
    struct reading reading = {.arena = &work, .path = path};
    *trace = (struct trace){0};
    arena_init(&work);
    int rc = lines_read(path, add_line, &reading, err);
    if (!rc && reading.count == 0)
        rc = err_set(err, ERR_INPUT, "%s: no line begins with a time", path);
    if (!rc)
        finish(arena, &reading, trace);
    arena_done(&work);
    return rc;
}
