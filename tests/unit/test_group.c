#include "collectors/counters.h"
#include "collectors/group.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] = "title  Two of them\n"
                             "about  First line\n"
                             "about  and second.\n"
                             "\n"
                             "pmu    skx clx   # both\n"
                             "count  n  INST_RETIRED:ANY_P\n"
                             "count  c  cycles\n"
                             "metric ipc 1 n / c\n"
                             "metric rate 1/s n / (wall_ns / 1e9)\n"
                             "pmu    *\n"
                             "count  faults page-faults\n"
                             "metric touched bytes 4096 * faults\n";

static int setup(void **state) {
    struct arena *arena = malloc(sizeof *arena);
    arena_init(arena);
    *state = arena;
    return 0;
}

static int teardown(void **state) {
    arena_done(*state);
    free(*state);
    return 0;
}

static struct group *parse(struct arena *arena, const char *text) {
    struct group *group;
    struct err err = {0};
    if (group_parse(arena, "sample", text, strlen(text), &group, &err))
        fail_msg("%s", err.message);
    return group;
}

static void files_are_read(void **state) {
    struct group *group = parse(*state, sample);
    assert_string_equal(group->title, "Two of them");
    assert_string_equal(group->about, "First line and second.");
    assert_int_equal(group->section_count, 2);
    assert_int_equal(group->sections[0].pmu_count, 2);
    assert_string_equal(group->sections[0].counts[1].event, "cycles");
    assert_int_equal(group->sections[0].metrics[1].unit, UNIT_PER_S);
    assert_int_equal(group->sections[1].metrics[0].unit, UNIT_BYTES);
}

static void metrics_follow_their_formula(void **state) {
    struct group *group = parse(*state, sample);
    double values[GROUP_VARIABLES_MAX] = {[GROUP_WALL_NS] = 5e8, [GROUP_KNOWN_COUNT] = 300, 100};
    const struct group_metric *metrics = group->sections[0].metrics;
    assert_true(group_metric_value(&metrics[0], values) == 3);
    assert_true(group_metric_value(&metrics[1], values) == 600);
    values[GROUP_KNOWN_COUNT + 1] = 0;
    assert_true(isnan(group_metric_value(&metrics[0], values)));
}

static void the_hardware_that_is_here_chooses_the_section(void **state) {
    static const char *const here[] = {"perf", "clx"}, *const other[] = {"perf", "arm_n1"};
    struct group *group = parse(*state, sample);
    struct group_choice choice;
    struct err err = {0};
    assert_int_equal(group_choose(*state, group, here, 2, &choice, &err), 0);
    assert_string_equal(choice.pmu, "clx");
    assert_string_equal(choice.events[0], "clx::INST_RETIRED:ANY_P");
    assert_string_equal(choice.events[1], "cycles"); /* generic: as it is */
    assert_int_equal(group_choose(*state, group, other, 2, &choice, &err), 0);
    assert_string_equal(choice.pmu, "*");
    assert_string_equal(choice.events[0], "page-faults");
    group->section_count = 1;
    assert_int_equal(group_choose(*state, group, other, 2, &choice, &err), -ERR_ENVIRONMENT);
}

static void bad_files_are_refused_with_their_line(void **state) {
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"",                                                       "no title"           },
        {"title a\n",                                              "no 'pmu'"           },
        {"title a\ntitle b\n",                                     "line 2"             },
        {"title a\nheading b\n",                                   "'heading'"          },
        {"title a\npmu\n",                                         "line 2"             },
        {"title a\npmu *\n",                                       "counts nothing"     },
        {"title a\npmu *\ncount x cycles\n",                       "counts nothing that"},
        {"title a\ncount x cycles\n",                              "a 'pmu' line"       },
        {"title a\nmetric x 1 2\n",                                "a 'pmu' line"       },
        {"title a\npmu *\ncount x\n",                              "line 3"             },
        {"title a\npmu *\ncount x cycles more\n",                  "line 3"             },
        {"title a\npmu *\ncount x cycles\ncount x instructions\n", "taken"              },
        {"title a\npmu *\ncount wall_ns cycles\n",                 "taken"              },
        {"title a\npmu *\ncount 1x cycles\n",                      "not a name"         },
        {"title a\npmu *\ncount x cycles\nmetric y parsecs x\n",   "not a unit"         },
        {"title a\npmu *\ncount x cycles\nmetric y 1\n",           "a formula"          },
        {"title a\npmu *\ncount x cycles\nmetric y 1 x / z\n",     "line 4"             },
        {"title a\npmu a_name_that_no_hardware_ever_had_before\n", "too long"           },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct group *group;
        struct err err = {0};
        assert_int_equal(group_parse(*state, "bad", bad[i].text, strlen(bad[i].text), &group, &err),
                         -ERR_INPUT);
        if (!strstr(err.message, bad[i].says) || strncmp(err.message, "bad.group", 9) != 0)
            fail_msg("'%s': %s", bad[i].text, err.message);
    }
    struct group *group;
    struct err err = {0};
    assert_int_equal(group_parse(*state, "bad", "title\0", 6, &group, &err), -ERR_INPUT);
}

static void an_unknown_group_is_refused_with_those_that_there_are(void **state) {
    struct group *group;
    struct err err = {0};
    assert_int_equal(group_load(*state, "../groups/default", NULL, &group, &err), -ERR_USAGE);
    assert_non_null(strstr(err.hint, "default"));
    assert_non_null(strstr(err.hint, "memory"));
}

static void a_builtin_stands_in_for_a_missing_file(void **state) {
    static const struct group_builtin builtin[] = {
        {"inner", sample},
        {NULL,    NULL  }
    };
    struct group *group;
    struct err err = {0};
    assert_int_equal(group_load(*state, "inner", builtin, &group, &err), 0);
    assert_string_equal(group->name, "inner");
}

/* Of x86; those of ARM are tried where libpfm4 knows them: tests/pmu. */
static void events_of_every_group_are_known_to_libpfm4(void **state) {
    const char **names;
    uint32_t count;
    struct err err = {0};
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    assert_int_equal(groups_list(*state, NULL, &names, &count, &err), 0);
    assert_true(count >= 8);
    for (uint32_t i = 0; i < count; i++) {
        struct group *group;
        if (group_load(*state, names[i], NULL, &group, &err))
            fail_msg("%s", err.message);
        for (uint32_t s = 0; s < group->section_count; s++)
            for (uint32_t p = 0; p < group->sections[s].pmu_count; p++) {
                struct group_choice choice;
                const char *pmu = group->sections[s].pmus[p];
                char reason[COUNTER_REASON_SIZE];
                assert_int_equal(group_choose(*state, group, &pmu, 1, &choice, &err), 0);
                assert_ptr_equal(choice.section, &group->sections[s]);
#if defined(__x86_64__)
                if (strncmp(pmu, "arm_", 4) == 0)
                    continue;
#endif
                for (uint32_t c = 0; c < choice.section->count_count; c++)
                    if (!counters_known(choice.events[c], reason))
                        fail_msg("%s: %s: %s", names[i], choice.events[c], reason);
            }
    }
}

static void every_group_has_a_portable_section(void **state) {
    const char **names;
    uint32_t count;
    struct err err = {0};
    assert_int_equal(groups_list(*state, NULL, &names, &count, &err), 0);
    for (uint32_t i = 0; i < count; i++) {
        struct group *group;
        struct group_choice choice;
        assert_int_equal(group_load(*state, names[i], NULL, &group, &err), 0);
        assert_int_equal(group_choose(*state, group, NULL, 0, &choice, &err), 0);
        assert_true(strlen(group->about) > 20);
    }
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ARENA(files_are_read),
        WITH_ARENA(metrics_follow_their_formula),
        WITH_ARENA(the_hardware_that_is_here_chooses_the_section),
        WITH_ARENA(bad_files_are_refused_with_their_line),
        WITH_ARENA(an_unknown_group_is_refused_with_those_that_there_are),
        WITH_ARENA(a_builtin_stands_in_for_a_missing_file),
        WITH_ARENA(events_of_every_group_are_known_to_libpfm4),
        WITH_ARENA(every_group_has_a_portable_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
