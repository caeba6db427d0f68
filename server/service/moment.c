#include "server/service/moment.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_S (366.0 * 86400)

static double read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct moment timepiece_now(const struct timepiece *timepiece) {
    if (timepiece->now)
        return timepiece->now(timepiece->context);
    return (struct moment){read_clock(CLOCK_BOOTTIME), read_clock(CLOCK_REALTIME)};
}

void moment_text(double wall_s, char text[static MOMENT_TEXT_SIZE]) {
    bool sane = wall_s >= 0 && wall_s < 253402300800.0; /* the year 10000 */
    time_t seconds = sane ? (time_t)wall_s : 0;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(text, MOMENT_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* "Z", "+02:00" (RFC 3339); seconds east of Greenwich. */
static bool parse_zone(const char *text, double *offset_s) {
    int hours, minutes, length = 0;
    *offset_s = 0;
    if (strcmp(text, "Z") == 0)
        return true;
    if ((text[0] != '+' && text[0] != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &length) != 2 || text[1 + length] != '\0' ||
        length != 5 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *offset_s = (text[0] == '-' ? -1 : 1) * (hours * 3600.0 + minutes * 60.0);
    return true;
}

/* ".25" or nothing; returns what stands behind it. */
static const char *parse_fraction(const char *text, double *fraction) {
    *fraction = 0;
    if (*text != '.')
        return text;
    double digit = 0.1;
    for (text++; *text >= '0' && *text <= '9'; text++, digit /= 10)
        *fraction += digit * (*text - '0');
    return text;
}

double moment_parse(const char *text) {
    struct tm utc = {0};
    double fraction, offset;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!rest)
        return NAN;
    rest = parse_fraction(rest, &fraction);
    return parse_zone(rest, &offset) ? (double)timegm(&utc) + fraction - offset : NAN;
}

void moment_boot_id(char id[static BOOT_ID_SIZE]) {
    id[0] = '\0';
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file)
        return;
    if (fgets(id, BOOT_ID_SIZE, file))
        id[strcspn(id, "\n")] = '\0';
    fclose(file);
}

double moment_elapsed(const struct noted_moment *noted, const struct noted_moment *now) {
    double steady = now->moment.steady_s - noted->moment.steady_s;
    double wall = now->moment.wall_s - noted->moment.wall_s;
    if (noted->boot_id[0] && strcmp(noted->boot_id, now->boot_id) == 0 && steady >= 0)
        return steady;
    return wall >= 0 && wall <= YEAR_S ? wall : 0;
}
