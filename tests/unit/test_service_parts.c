/* Clocks, rates and what Prometheus answers, each by itself. */
#include "server/service/desired.h"
#include "server/service/moment.h"
#include "server/service/observations.h"
#include "server/service/outlooks.h"
#include "server/service/scrape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- clocks ----------------------------------------------------------------------------------
 */

static void moments_are_written_and_read(void **state) {
    (void)state;
    char text[MOMENT_TEXT_SIZE];
    moment_text(1769860800.9, text);
    assert_string_equal(text, "2026-01-31T12:00:00Z");
    assert_true(moment_parse(text) == 1769860800);
    assert_true(fabs(moment_parse("2026-01-31T12:00:00.25Z") - 1769860800.25) < 1e-6);
    assert_true(moment_parse("2026-01-31T14:30:00+02:30") == 1769860800);
    static const char *const wrong[] = {"",
                                        "now",
                                        "2026-01-31",
                                        "2026-01-31T12:00:00",
                                        "2026-01-31T12:00:00ZZ",
                                        "2026-13-31T12:00:00Z",
                                        "2026-01-31T12:00:00+2:00",
                                        "2026-01-31T12:00:00+99:00",
                                        "2026-01-31T12:00:00 Z",
                                        "2026-01-31T12:00:00..5Z"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!isnan(moment_parse(wrong[i])))
            fail_msg("'%s' is read as a moment", wrong[i]);
    moment_text(NAN, text);
    moment_text(1e300, text);
    moment_text(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void elapsed_time_is_steady_within_a_start_and_plausible_across(void **state) {
    (void)state;
    static const struct {
        double then_steady, then_wall, now_steady, now_wall;
        const char *boot;
        double elapsed;
    } rows[] = {
        {100, 5000, 160, 5060,   "a", 60 },
        {100, 5000, 160, 91460,  "a", 60 }, /* set a day ahead */
        {100, 5000, 160, -86340, "a", 60 }, /* and back */
        {100, 5000, 10,  5300,   "b", 300}, /* the machine was started anew */
        {100, 5000, 10,  4000,   "b", 0  },
        {100, 5000, 10,  1e9,    "b", 0  }, /* decades are not believed */
        {100, 5000, 90,  5300,   "a", 300}, /* a steady clock that went back is none */
        {100, 5000, 160, NAN,    "b", 0  },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct noted_moment then = {
            {rows[i].then_steady, rows[i].then_wall},
            "a"
        };
        struct noted_moment now = {
            {rows[i].now_steady, rows[i].now_wall},
            ""
        };
        strcpy(now.boot_id, rows[i].boot);
        if (moment_elapsed(&then, &now) != rows[i].elapsed)
            fail_msg("row %zu: %g s", i, moment_elapsed(&then, &now));
    }
}

/* ---- rates -----------------------------------------------------------------------------------
 */

static struct observations *made(void) {
    return observations_new();
}

static void add(struct observations *o, double rate, double window_s, double ended_s) {
    struct err err = {0};
    const struct observation_sample sample = {rate, window_s, ended_s, OBSERVED_PUSHED};
    if (observations_add(o, "m", &sample, &err))
        fail_msg("%s", err.message);
}

static void a_window_is_spread_over_its_steps(void **state) {
    (void)state;
    struct observations *o = made();
    float rates[8];
    add(o, 10, 45, 1500 + 45);
    add(o, 40, 0, 1500 + 20);
    observations_history(o, "m", 1500 + 45, rates, 4);
    assert_true(rates[0] == 10 && rates[1] == 25 && rates[2] == 10 && isnan(rates[3]));
    observations_delete(o);
}

static void a_day_is_kept_and_no_more(void **state) {
    (void)state;
    struct observations *o = made();
    static float rates[OBSERVATION_STEPS];
    for (int i = 0; i < OBSERVATION_STEPS + 100; i++)
        add(o, i, 0, 15.0 * i + 1);
    observations_history(o, "m", 15.0 * (OBSERVATION_STEPS + 99) + 1, rates, OBSERVATION_STEPS);
    for (int i = 0; i < OBSERVATION_STEPS; i++)
        assert_true(rates[i] == (float)(i + 100));
    add(o, 5, 0, 15); /* before all that is kept */
    add(o, 7, 0, 1e9);
    observations_history(o, "m", 1e9, rates, 2);
    assert_true(isnan(rates[0]) && rates[1] == 7);
    observations_history(o, "m", 2e9, rates, 2);
    assert_true(isnan(rates[0]) && isnan(rates[1]));
    observations_delete(o);
}

static void a_day_survives_being_saved(void **state) {
    (void)state;
    struct observations *o = made(), *again = made();
    static float before[OBSERVATION_STEPS], after[OBSERVATION_STEPS];
    struct err err = {0};
    for (int i = 0; i < 3000; i++)
        if (i % 7)
            add(o, i / 50, 0, 15.0 * i + 1);
    cJSON *array = json_array();
    observations_save(o, 45000, array);
    assert_int_equal(observations_restore(again, 45000 + 1e6, array, &err), 0);
    observations_history(o, "m", 45000, before, OBSERVATION_STEPS);
    observations_history(again, "m", 45000 + 1e6, after, OBSERVATION_STEPS);
    for (int i = 1; i + 1 < OBSERVATION_STEPS; i++)
        if (!(isnan(before[i]) &&
              (isnan(after[i]) || isnan(after[i - 1]) || isnan(after[i + 1]))) &&
            before[i] != after[i] && before[i] != after[i - 1] && before[i] != after[i + 1])
            fail_msg("step %d: %g became %g", i, (double)before[i], (double)after[i]);
    struct observation_sample latest;
    assert_true(observations_latest(again, "m", &latest));
    assert_true(latest.rate_per_second == 59 &&
                fabs(latest.ended_s - (15.0 * 2999 + 1 + 1e6)) < 1e-6);
    cJSON_Delete(array);
    observations_delete(o);
    observations_delete(again);
}

static void rates_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct observation_sample wrong[] = {
        {NAN,  0,    1,        OBSERVED_PUSHED},
        {-1,   0,    1,        OBSERVED_PUSHED},
        {1e10, 0,    1,        OBSERVED_PUSHED},
        {1,    -1,   1,        OBSERVED_PUSHED},
        {1,    3601, 1,        OBSERVED_PUSHED},
        {1,    NAN,  1,        OBSERVED_PUSHED},
        {1,    0,    NAN,      OBSERVED_PUSHED},
        {1,    0,    INFINITY, OBSERVED_PUSHED},
    };
    struct observations *o = made();
    struct observation_sample latest;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        assert_int_equal(observations_add(o, "m", &wrong[i], &err), -ERR_INPUT);
    }
    assert_false(observations_latest(o, "m", &latest));
    observations_delete(o);
}

static void models_beyond_the_limit_are_refused(void **state) {
    (void)state;
    struct observations *o = made();
    const struct observation_sample sample = {1, 0, 1, OBSERVED_SCRAPED};
    char name[16];
    struct err err = {0};
    for (int i = 0; i < OBSERVED_MODELS_MAX; i++) {
        snprintf(name, sizeof name, "m%d", (i * 7919) % OBSERVED_MODELS_MAX);
        assert_int_equal(observations_add(o, name, &sample, &err), 0);
    }
    assert_int_equal(observations_add(o, "one more", &sample, &err), -ERR_INPUT);
    struct observation_sample latest;
    assert_true(observations_latest(o, "m17", &latest));
    observations_delete(o);
}

/* ---- steps -----------------------------------------------------------------------------------
 */

static void a_step_is_bounded_both_ways_and_once_an_interval(void **state) {
    (void)state;
    static const struct {
        double wanted, at_s, given;
    } rows[] =
        {
            {10,  0,   10 }, /* the first is not limited */
            {100, 1,   20 },
            {100, 14,  20 }, /* still the same interval */
            {100, 15,  40 },
            {100, 31,  80 },
            {100, 47,  100},
            {1,   63,  50 },
            {200, 64,  200}, /* within twofold of where the interval began */
            {300, 65,  200},
            {7,   80,  100},
            {7,   96,  50 },
            {0,   112, 25 },
            {0,   128, 13 },
            {0,   144, 7  },
            {0,   160, 4  },
            {0,   176, 2  },
            {0,   192, 1  },
            {0,   208, 0  },
            {50,  224, 2  },
            {50,  240, 4  },
    };
    struct desired *desired = desired_new((struct desired_limits){2, 15});
    const struct desired_question question = {"m", 50, ROUTING_CENTRAL};
    assert_true(isnan(desired_last(desired, &question)));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double given = desired_step(desired, &question, rows[i].wanted, rows[i].at_s);
        if (given != rows[i].given)
            fail_msg("row %zu: %g instead of %g", i, given, rows[i].given);
    }
    const struct desired_question other = {"m", 60, ROUTING_CENTRAL};
    assert_true(desired_step(desired, &other, 500, 1) == 500);
    desired_delete(desired);
}

static void questions_beyond_the_table_take_the_place_of_the_longest_unasked(void **state) {
    (void)state;
    struct desired *desired = desired_new((struct desired_limits){2, 15});
    const struct desired_question kept = {"m", 50, ROUTING_CENTRAL};
    desired_step(desired, &kept, 10, 0);
    for (int i = 0; i < 3 * DESIRED_ROWS_MAX; i++) {
        const struct desired_question other = {"m", 100 + i, ROUTING_CENTRAL};
        desired_step(desired, &other, 1, i + 0.5);
        desired_step(desired, &kept, 10, i + 0.6);
    }
    assert_true(desired_last(desired, &kept) == 10);
    desired_delete(desired);
}

/* ---- Prometheus ------------------------------------------------------------------------------
 */

static void an_outlook_is_renewed_behind_those_who_ask(void **state) {
    const struct answer answer = {
        .name = "m",
        .latency_ns = {.low = 5e6,   .value = 5e6, .high = 5e6},
        .cold_start_ns = {.tier = TIER_REFUSED},
    };
    const struct outlook_question question = {&answer, 50, ROUTING_CENTRAL};
    enum { STEPS = 20 };
    struct observations *o = observations_new();
    struct outlooks *outlooks = outlooks_new();
    struct outlook first, second;
    double now_s = 1000000;
    (void)state;
    assert_false(outlooks_ask(outlooks, o, &question, now_s, &first)); /* nothing observed */
    for (int i = 0; i < STEPS; i++, now_s += OBSERVATION_STEP_S)
        add(o, 1000, OBSERVATION_STEP_S, now_s);
    outlooks_refresh(outlooks, o, now_s);
    assert_true(outlooks_ask(outlooks, o, &question, now_s, &first));
    assert_true(first.replicas > 1);
    for (int i = 0; i < STEPS; i++, now_s += OBSERVATION_STEP_S) {
        add(o, 5000, OBSERVATION_STEP_S, now_s);
        if (i == 0) {
            assert_true(outlooks_ask(outlooks, o, &question, now_s, &second));
            assert_int_equal(second.replicas, first.replicas);
        }
    }
    outlooks_refresh(outlooks, o, now_s);
    assert_true(outlooks_ask(outlooks, o, &question, now_s, &second));
    assert_true(second.replicas > first.replicas);
    outlooks_delete(outlooks);
    observations_delete(o);
}

static void answers_of_prometheus_are_one_finite_number_or_none(void **state) {
    (void)state;
#define DATA(type, result)                                                                         \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":" result "}}"
#define SAMPLE(value) "[{\"metric\":{},\"value\":[1.7e9,\"" value "\"]}]"
    static const struct {
        const char *body;
        double rate; /* NaN: refused */
    } rows[] = {
        {DATA("vector",         SAMPLE("12.5")),          12.5},
        {DATA("vector",                     SAMPLE("0")),                                 0},
        {DATA("scalar",                    "[1.7e9,\"3\"]"),            3},
        {DATA("vector","[]"),NAN},
        {DATA("vector",         "[{\"value\":[1,\"1\"]},{\"value\":[1,\"2\"]}]"),                                           NAN},
        {DATA("vector",                     SAMPLE("NaN")),                                 NAN},
        {DATA("vector",                  SAMPLE("+Inf")),NAN},
        {DATA("vector",SAMPLE("-1")),NAN},
        {DATA("vector",         SAMPLE("1e300")), NAN},
        {DATA("vector",                     SAMPLE("")),                                 NAN},
        {DATA("vector",                  SAMPLE("12 apples")),                                                                   NAN},
        {DATA("vector","[{\"metric\":{}}]"),                  NAN},
        {DATA("vector",         "[{\"value\":[1,2]}]"),  NAN},
        {DATA("matrix",                     "[]"),                                 NAN},
        {DATA("string",                  "[1,\"x\"]"),NAN},
        {"{\"status\":\"error\",\"error\":\"bad query\"}",     NAN        },
        {"{\"status\":\"success\"}",         NAN  },
        {"<html>502</html>",                     NAN                                },
        {"",                  NAN         },
        {"[]",NAN                                     },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double rate = -7;
        struct err err = {0};
        int code = scrape_parse(rows[i].body, strlen(rows[i].body), &rate, &err);
        if (isnan(rows[i].rate) ? code != -ERR_INPUT : code != 0 || rate != rows[i].rate)
            fail_msg("%s: %d, %g", rows[i].body, code, rate);
    }
}

static void a_model_name_cannot_leave_its_quotes_in_a_query(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(
        scrape_query(&arena, "rate(x{model=\"{model}\"}[1m])", "a\"} or vector(0) #\\"),
        "rate(x{model=\"a\\\"} or vector(0) #\\\\\"}[1m])");
    assert_string_equal(scrape_query(&arena, "up", "m"), "up");
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_written_and_read),
        cmocka_unit_test(elapsed_time_is_steady_within_a_start_and_plausible_across),
        cmocka_unit_test(a_window_is_spread_over_its_steps),
        cmocka_unit_test(a_day_is_kept_and_no_more),
        cmocka_unit_test(a_day_survives_being_saved),
        cmocka_unit_test(rates_that_make_no_sense_are_refused),
        cmocka_unit_test(models_beyond_the_limit_are_refused),
        cmocka_unit_test(a_step_is_bounded_both_ways_and_once_an_interval),
        cmocka_unit_test(questions_beyond_the_table_take_the_place_of_the_longest_unasked),
        cmocka_unit_test(an_outlook_is_renewed_behind_those_who_ask),
        cmocka_unit_test(answers_of_prometheus_are_one_finite_number_or_none),
        cmocka_unit_test(a_model_name_cannot_leave_its_quotes_in_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
