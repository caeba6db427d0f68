/* Now, on two clocks. Ages are differences of the steady one, which no administrator and no time
 * server moves; the wall clock only labels what others read and bridges a reboot. */
#ifndef ASSAY_SERVER_SERVICE_MOMENT_H
#define ASSAY_SERVER_SERVICE_MOMENT_H

enum { MOMENT_TEXT_SIZE = 32, BOOT_ID_SIZE = 40 };

struct moment {
    double steady_s; /* CLOCK_BOOTTIME: since the machine started, sleep included */
    double wall_s;   /* since 1970, UTC */
};

/* Where the time comes from; tests put hands of their own. A zeroed one is the system's. */
struct timepiece {
    struct moment (*now)(void *context);
    void *context;
};

struct moment timepiece_now(const struct timepiece *timepiece);

/* "2026-01-31T12:00:00Z" */
void moment_text(double wall_s, char text[static MOMENT_TEXT_SIZE]);
/* Seconds since 1970 of such a text, fractions and a zone ("+02:00") allowed; NaN when it is none.
 */
double moment_parse(const char *text);

/* Tells this start of the machine from others; "" when the kernel does not say. */
void moment_boot_id(char id[static BOOT_ID_SIZE]);

/* A moment that was written down, for working out how long ago it was. */
struct noted_moment {
    struct moment moment;
    char boot_id[BOOT_ID_SIZE];
};

/* Seconds from `noted` to `now`: by the steady clock within one start of the machine, else by the
 * wall clock where that is plausible (0 to 1 year), else 0. */
double moment_elapsed(const struct noted_moment *noted, const struct noted_moment *now);

#endif
