#include "base/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct shown {
    double value;
    enum unit unit;
    const char *text;
};

static void check_shown(const struct shown *rows, size_t count) {
    char text[UNIT_TEXT_SIZE];
    for (size_t i = 0; i < count; i++)
        assert_string_equal(unit_format(text, rows[i].value, rows[i].unit), rows[i].text);
}

#define CHECK_SHOWN(rows) check_shown(rows, sizeof(rows) / sizeof *(rows))

static void durations_have_three_digits_and_the_fitting_unit(void **state) {
    (void)state;
    static const struct shown rows[] = {
        {0,           UNIT_NS, "0 ns"    },
        {850,         UNIT_NS, "850 ns"  },
        {12.34,       UNIT_NS, "12.3 ns" },
        {999.4,       UNIT_NS, "999 ns"  },
        {999.6,       UNIT_NS, "1.00 us" },
        {12345,       UNIT_NS, "12.3 us" },
        {999600,      UNIT_NS, "1.00 ms" },
        {4.56789e7,   UNIT_NS, "45.7 ms" },
        {1.5e9,       UNIT_NS, "1.50 s"  },
        {120e9,       UNIT_NS, "120 s"   },
        {600e9,       UNIT_NS, "10.0 min"},
        {3 * 3600e9,  UNIT_NS, "3.00 h"  },
        {72 * 3600e9, UNIT_NS, "3.00 d"  },
        {-2500,       UNIT_NS, "-2.50 us"},
    };
    CHECK_SHOWN(rows);
}

static void bytes_are_iec_and_counts_are_decimal(void **state) {
    (void)state;
    static const struct shown rows[] = {
        {512,           UNIT_BYTES,       "512 B"       },
        {1023,          UNIT_BYTES,       "0.999 KiB"   },
        {1024,          UNIT_BYTES,       "1.00 KiB"    },
        {102549000,     UNIT_BYTES,       "97.8 MiB"    },
        {32.0 * 0x1p30, UNIT_BYTES,       "32.0 GiB"    },
        {17,            UNIT_COUNT,       "17"          },
        {9999,          UNIT_COUNT,       "9999"        },
        {25557032,      UNIT_COUNT,       "25.6 M"      },
        {8.178e9,       UNIT_FLOPS,       "8.18 GFLOP"  },
        {95.1e9,        UNIT_FLOPS_PER_S, "95.1 GFLOP/s"},
        {12884901888.0, UNIT_BYTES_PER_S, "12.0 GiB/s"  },
    };
    CHECK_SHOWN(rows);
}

static void plain_numbers_fractions_and_money(void **state) {
    (void)state;
    static const struct shown rows[] = {
        {0.375,    UNIT_FRACTION,     "37.5 %"     },
        {0.00123,  UNIT_FRACTION,     "0.123 %"    },
        {1,        UNIT_FRACTION,     "100 %"      },
        {0,        UNIT_FRACTION,     "0 %"        },
        {0.012345, UNIT_PLAIN,        "0.0123"     },
        {1234.5,   UNIT_PLAIN,        "1230"       },
        {1234,     UNIT_PLAIN,        "1234"       },
        {1.5e-7,   UNIT_PLAIN,        "1.5e-07"    },
        {0.38,     UNIT_USD_PER_HOUR, "0.38 USD/h" },
        {12,       UNIT_USD_PER_HOUR, "12.00 USD/h"},
        {200,      UNIT_PER_S,        "200 /s"     },
        {NAN,      UNIT_NS,           "-"          },
        {INFINITY, UNIT_NS,           "inf"        },
    };
    CHECK_SHOWN(rows);
}

static void exact_text_reads_back_the_same_and_is_short(void **state) {
    (void)state;
    char text[UNIT_TEXT_SIZE];
    static const double values[] = {0.1,    1.0 / 3, 1e300, 5e-324, 123456789.125,         0x1p53,
                                    -2.5e7, 1e15,    1e16,  M_PI,   1.7976931348623157e308};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true(strtod(unit_exact(text, values[i]), NULL) == values[i]);
    assert_string_equal(unit_exact(text, 0.1), "0.1");
    assert_string_equal(unit_exact(text, 1e15), "1000000000000000");
    assert_string_equal(unit_exact(text, -0.0), "0");
}

static void numbers_and_integers_are_parsed(void **state) {
    (void)state;
    struct err err = {0};
    double number;
    int64_t integer;
    assert_int_equal(unit_parse_number("0.38", &number, &err), 0);
    assert_true(number == 0.38);
    assert_int_equal(unit_parse_number("1.5k", &number, &err), 0);
    assert_true(number == 1500);
    assert_int_equal(unit_parse_integer("9007199254740993", &integer, &err), 0);
    assert_int_equal(integer, 9007199254740993);
    assert_int_equal(unit_parse_integer("2M", &integer, &err), 0);
    assert_int_equal(integer, 2000000);
    assert_int_equal(unit_parse_integer("-3", &integer, &err), 0);
    assert_int_equal(integer, -3);
}

static void sizes_and_durations_are_parsed(void **state) {
    (void)state;
    struct err err = {0};
    uint64_t value;
    assert_int_equal(unit_parse_bytes("32GiB", &value, &err), 0);
    assert_int_equal(value, 32ull << 30);
    assert_int_equal(unit_parse_bytes("512MB", &value, &err), 0);
    assert_int_equal(value, 512000000);
    assert_int_equal(unit_parse_bytes("4Gi", &value, &err), 0);
    assert_int_equal(value, 4ull << 30);
    assert_int_equal(unit_parse_duration("50ms", &value, &err), 0);
    assert_int_equal(value, 50000000);
    assert_int_equal(unit_parse_duration("10m", &value, &err), 0);
    assert_int_equal(value, 600000000000);
    assert_int_equal(unit_parse_duration("0", &value, &err), 0);
    assert_int_equal(value, 0);
    assert_int_equal(unit_parse_duration("1.5h", &value, &err), 0);
    assert_int_equal(value, 5400000000000);
}

static void nonsense_is_refused_with_an_example(void **state) {
    (void)state;
    static const char *const texts[] = {"",      " 1",  "1 ",      "0x10", "nan", "inf",
                                        "1e999", "ten", "1.2.3ms", "-",    ".",   "5 ms"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err a = {0}, b = {0}, c = {0}, d = {0};
        double number;
        int64_t integer;
        uint64_t value;
        assert_int_equal(unit_parse_number(texts[i], &number, &a), -ERR_USAGE);
        assert_int_equal(unit_parse_integer(texts[i], &integer, &b), -ERR_USAGE);
        assert_int_equal(unit_parse_bytes(texts[i], &value, &c), -ERR_USAGE);
        assert_int_equal(unit_parse_duration(texts[i], &value, &d), -ERR_USAGE);
    }
    struct err err = {0};
    uint64_t value;
    assert_int_equal(unit_parse_duration("30", &value, &err), -ERR_USAGE);
    assert_string_equal(err.message,
                        "'30' is not a duration with its unit, such as 50ms, 2s or 10m");
}

static void out_of_range_is_refused(void **state) {
    (void)state;
    struct err a = {0}, b = {0}, c = {0};
    int64_t integer;
    uint64_t value;
    assert_int_equal(unit_parse_integer("99999999999999999999", &integer, &a), -ERR_USAGE);
    assert_int_equal(unit_parse_bytes("-1", &value, &b), -ERR_USAGE);
    assert_int_equal(unit_parse_bytes("99999999TiB", &value, &c), -ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_three_digits_and_the_fitting_unit),
        cmocka_unit_test(bytes_are_iec_and_counts_are_decimal),
        cmocka_unit_test(plain_numbers_fractions_and_money),
        cmocka_unit_test(exact_text_reads_back_the_same_and_is_short),
        cmocka_unit_test(numbers_and_integers_are_parsed),
        cmocka_unit_test(sizes_and_durations_are_parsed),
        cmocka_unit_test(nonsense_is_refused_with_an_example),
        cmocka_unit_test(out_of_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
