#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One prefix of a unit: used while the number shown with it stays below `until`. */
struct step {
    double factor;
    const char *suffix;
    double until; /* 0 in the last step */
};

static const struct step count_steps[] = {
    {1,    "",   1e4},
    {1e3,  " k", 1e3},
    {1e6,  " M", 1e3},
    {1e9,  " G", 1e3},
    {1e12, " T", 1e3},
    {1e15, " P", 0  },
};
static const struct step time_steps[] = {
    {1,       " ns",  1e3},
    {1e3,     " us",  1e3},
    {1e6,     " ms",  1e3},
    {1e9,     " s",   300},
    {60e9,    " min", 120},
    {3600e9,  " h",   48 },
    {86400e9, " d",   0  },
};
static const struct step byte_steps[] = {
    {1,      " B",   1e3},
    {0x1p10, " KiB", 1e3},
    {0x1p20, " MiB", 1e3},
    {0x1p30, " GiB", 1e3},
    {0x1p40, " TiB", 1e3},
    {0x1p50, " PiB", 0  },
};
static const struct step flop_steps[] = {
    {1,    " FLOP",  1e3},
    {1e3,  " kFLOP", 1e3},
    {1e6,  " MFLOP", 1e3},
    {1e9,  " GFLOP", 1e3},
    {1e12, " TFLOP", 1e3},
    {1e15, " PFLOP", 1e3},
    {1e18, " EFLOP", 0  },
};
static const struct step percent_steps[] = {
    {0.01, " %", 0}
};
static const struct step plain_steps[] = {
    {1, "", 0}
};

struct unit_info {
    const char *name;
    const struct step *steps;
    const char *after; /* printed behind the step's suffix */
    int decimals;      /* a fixed number of them, or -1 for three significant digits */
};

static const struct unit_info infos[] = {
    [UNIT_PLAIN] = {"",        plain_steps,   "",       -1},
    [UNIT_COUNT] = {"",        count_steps,   "",       -1},
    [UNIT_NS] = {"ns",      time_steps,    "",       -1},
    [UNIT_BYTES] = {"bytes",   byte_steps,    "",       -1},
    [UNIT_FLOPS] = {"FLOP",    flop_steps,    "",       -1},
    [UNIT_FLOPS_PER_S] = {"FLOP/s",  flop_steps,    "/s",     -1},
    [UNIT_BYTES_PER_S] = {"bytes/s", byte_steps,    "/s",     -1},
    [UNIT_FRACTION] = {"1",       percent_steps, "",       -1},
    [UNIT_PER_S] = {"1/s",     count_steps,   " /s",    -1},
    [UNIT_USD_PER_HOUR] = {"USD/h",   plain_steps,   " USD/h", 2 },
};

_Static_assert(sizeof infos / sizeof *infos == UNIT_KINDS, "a row for each unit");

const char *unit_name(enum unit unit) {
    return infos[unit].name;
}

static double three_digits(double value) {
    if (value == 0)
        return 0;
    double scale = pow(10, floor(log10(fabs(value))) - 2);
    return round(value / scale) * scale;
}

/* The rounded number decides, so that 999.6 us becomes 1.00 ms; whole numbers of the unit's own
 * size are not rounded. */
static const struct step *choose_step(const struct step *step, double value) {
    double magnitude = fabs(value);
    if (magnitude == floor(magnitude) && step->factor == 1 && magnitude < step->until)
        return step;
    while (step->until > 0 && three_digits(magnitude / step->factor) >= step->until)
        step++;
    return step;
}

static int decimals_of(double shown) {
    double magnitude = three_digits(fabs(shown));
    if (magnitude >= 100 || magnitude == 0)
        return 0;
    int exponent = (int)floor(log10(magnitude) + 1e-9);
    return exponent < -9 ? 12 : 2 - exponent;
}

/* Whole numbers in the unit's own size are exact; others have three significant digits. */
static int print_number(char out[static UNIT_TEXT_SIZE], double shown, bool whole, int decimals) {
    double magnitude = fabs(shown);
    if (decimals >= 0)
        return snprintf(out, UNIT_TEXT_SIZE, "%.*f", decimals, shown);
    if (whole && magnitude < 1e15)
        return snprintf(out, UNIT_TEXT_SIZE, "%.0f", shown);
    if (magnitude >= 1e6 || (magnitude != 0 && magnitude < 1e-4))
        return snprintf(out, UNIT_TEXT_SIZE, "%.3g", shown);
    return snprintf(out, UNIT_TEXT_SIZE, "%.*f", decimals_of(shown), three_digits(shown));
}

const char *unit_format(char out[static UNIT_TEXT_SIZE], double value, enum unit unit) {
    if (isnan(value))
        return strcpy(out, "-");
    if (isinf(value))
        return strcpy(out, value > 0 ? "inf" : "-inf");
    const struct unit_info *info = &infos[unit];
    const struct step *step = choose_step(info->steps, value);
    double shown = value / step->factor;
    bool whole = step->factor == 1 && value == floor(value);
    int used = print_number(out, shown, whole, info->decimals);
    snprintf(out + used, (size_t)(UNIT_TEXT_SIZE - used), "%s%s", step->suffix, info->after);
    return out;
}

const char *unit_exact(char out[static UNIT_TEXT_SIZE], double value) {
    if (value == floor(value) && fabs(value) < 0x1p53) {
        snprintf(out, UNIT_TEXT_SIZE, "%.0f", value == 0 ? 0.0 : value);
        return out;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, UNIT_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}

struct suffix {
    const char *text;
    double factor;
};

static const struct suffix number_suffixes[] = {
    {"",   1   },
    {"k",  1e3 },
    {"K",  1e3 },
    {"M",  1e6 },
    {"G",  1e9 },
    {"T",  1e12},
    {NULL, 0   },
};

static const struct suffix byte_suffixes[] = {
    {"",    1     },
    {"B",   1     },
    {"k",   1e3   },
    {"kB",  1e3   },
    {"K",   1e3   },
    {"KB",  1e3   },
    {"M",   1e6   },
    {"MB",  1e6   },
    {"G",   1e9   },
    {"GB",  1e9   },
    {"T",   1e12  },
    {"TB",  1e12  },
    {"Ki",  0x1p10},
    {"KiB", 0x1p10},
    {"Mi",  0x1p20},
    {"MiB", 0x1p20},
    {"Gi",  0x1p30},
    {"GiB", 0x1p30},
    {"Ti",  0x1p40},
    {"TiB", 0x1p40},
    {NULL,  0     },
};

static const struct suffix duration_suffixes[] = {
    {"ns",  1      },
    {"us",  1e3    },
    {"ms",  1e6    },
    {"s",   1e9    },
    {"m",   60e9   },
    {"min", 60e9   },
    {"h",   3600e9 },
    {"d",   86400e9},
    {NULL,  0      },
};

static const struct suffix *find_suffix(const struct suffix *suffixes, const char *text) {
    for (; suffixes->text; suffixes++)
        if (strcmp(suffixes->text, text) == 0)
            return suffixes;
    return NULL;
}

/* Decimal notation only: strtod alone would take "0x10", "nan", "infinity" and leading blanks. */
static bool looks_decimal(const char *text) {
    if (*text == '-' || *text == '+')
        text++;
    if (*text == '.')
        text++;
    return *text >= '0' && *text <= '9' && !(text[0] == '0' && (text[1] | 32) == 'x');
}

static int parse_with_suffix(const char *text, const struct suffix *suffixes, const char *expected,
                             double *value, struct err *err) {
    char *end = NULL;
    double number = looks_decimal(text) ? strtod(text, &end) : NAN;
    const struct suffix *suffix = end ? find_suffix(suffixes, end) : NULL;
    if (!suffix && number == 0 && end && *end == '\0')
        suffix = suffixes;
    if (!suffix || !isfinite(number * suffix->factor))
        return err_set(err, ERR_USAGE, "'%s' is not %s", text, expected);
    *value = number * suffix->factor;
    return 0;
}

int unit_parse_number(const char *text, double *value, struct err *err) {
    return parse_with_suffix(text, number_suffixes, "a number, such as 0.38, 200 or 1.5k", value,
                             err);
}

int unit_parse_integer(const char *text, int64_t *value, struct err *err) {
    static const char expected[] = "a whole number, such as 8, 200 or 2M";
    char *end = NULL;
    errno = 0;
    long long whole = looks_decimal(text) ? strtoll(text, &end, 10) : 0;
    if (end && *end == '\0' && errno == 0) {
        *value = whole;
        return 0;
    }
    double number = 0;
    if (parse_with_suffix(text, number_suffixes, expected, &number, err) < 0)
        return -(int)err->code;
    if (number != floor(number) || fabs(number) >= 0x1p53)
        return err_set(err, ERR_USAGE, "'%s' is not %s", text, expected);
    *value = (int64_t)number;
    return 0;
}

static int parse_unsigned(const char *text, const struct suffix *suffixes, const char *expected,
                          uint64_t *value, struct err *err) {
    double number = 0;
    if (parse_with_suffix(text, suffixes, expected, &number, err) < 0)
        return -(int)err->code;
    if (number < 0 || number >= 0x1p63)
        return err_set(err, ERR_USAGE, "'%s' is not %s", text, expected);
    *value = (uint64_t)llround(number);
    return 0;
}

int unit_parse_bytes(const char *text, uint64_t *bytes, struct err *err) {
    return parse_unsigned(text, byte_suffixes, "a size, such as 32GiB, 512MB or 4096", bytes, err);
}

int unit_parse_duration(const char *text, uint64_t *ns, struct err *err) {
    return parse_unsigned(text, duration_suffixes,
                          "a duration with its unit, such as 50ms, 2s or 10m", ns, err);
}
