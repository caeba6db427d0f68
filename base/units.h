/* Numbers with units: three significant digits for people, exact values from the command line.
 *
 * Decimal prefixes (k, M, G, T) are powers of 1000, IEC ones (Ki, Mi, Gi, Ti) powers of 1024;
 * bytes are printed in IEC units.
 */
#ifndef ASSAY_BASE_UNITS_H
#define ASSAY_BASE_UNITS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum unit {
    UNIT_PLAIN,        /* 0.0123, 12.3, 1230 */
    UNIT_COUNT,        /* 17, 25.6 M */
    UNIT_NS,           /* 850 ns, 12.3 ms, 4.50 min */
    UNIT_BYTES,        /* 512 B, 97.8 MiB */
    UNIT_FLOPS,        /* 8.18 GFLOP */
    UNIT_FLOPS_PER_S,  /* 95.1 GFLOP/s */
    UNIT_BYTES_PER_S,  /* 12.0 GiB/s */
    UNIT_FRACTION,     /* 0 to 1, printed as per cent: 37.5 % */
    UNIT_PER_S,        /* 200 /s */
    UNIT_USD_PER_HOUR, /* 0.38 USD/h: money keeps its cents */
    UNIT_KINDS
};

enum { UNIT_TEXT_SIZE = 48 };

/* "ns", "bytes", "FLOP", ...: what a raw number in CSV or JSON is counted in; "" for plain. */
const char *unit_name(enum unit unit);

/* Writes the number for people; "-" when it is NaN. Returns out. */
const char *unit_format(char out[static UNIT_TEXT_SIZE], double value, enum unit unit);

/* The shortest decimal that reads back as the same double ("0.1", "1e+300"); "null" is the
 * caller's affair: NaN and infinities are written as "nan", "inf". Returns out. */
const char *unit_exact(char out[static UNIT_TEXT_SIZE], double value);

/* The whole text must be a value; the message says what was expected with an example. All want a
 * finite number; signs are accepted only by unit_parse_number and unit_parse_integer. */
int unit_parse_number(const char *text, double *value, struct err *err);   /* "0.38", "1.5k" */
int unit_parse_integer(const char *text, int64_t *value, struct err *err); /* "200", "2M" */
int unit_parse_bytes(const char *text, uint64_t *bytes, struct err *err);  /* "32GiB", "512" */
/* "50ms", "2s", "10m", "1.5h", "7d"; also ns and us; a bare number only when it is 0. */
int unit_parse_duration(const char *text, uint64_t *ns, struct err *err);

#endif
