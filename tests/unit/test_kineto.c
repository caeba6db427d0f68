/* Chrome traces: what is read out of them, what is mended, what is said of broken ones. */
#include "collectors/foreign/chrome_event.h"
#include "core/recording.h"
#include "tests/unit/foreign_import.h"

#include "base/strbuf.h"

#define X(name, ts, dur)                                                                           \
    "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"" name "\",\"pid\":1,\"tid\":2,\"ts\":" ts        \
    ",\"dur\":" dur "}"

static void a_trace_is_read_whole(void **state) {
    struct foreign_import *t = *state;
    assert_int_equal(foreign_import_file(t, "tests/data/kineto.json", NULL), 0);
    const struct recording *r = &t->recording;
    assert_string_equal(t->format->name, "kineto");
    assert_true(t->outcome.complete);
    assert_int_equal(t->outcome.events, 13);
    assert_int_equal(t->outcome.skipped, 0);
    assert_int_equal(r->kernels, 2);
    assert_int_equal(r->kernels_with_call, 1);
    assert_int_equal(r->device_busy_ns, 135000);
    assert_int_equal(r->device_span_ns, 185000);
    assert_true(r->origin_ns == 1712195495000000000);
    assert_string_equal(recording_fact(r, "device"), "NVIDIA Test GPU");
    assert_string_equal(recording_fact(r, "distributedInfo.rank"), "1");
    assert_int_equal(r->sample_count, 1);
    assert_int_equal(r->samples[0].value, 2048);
    const struct recording_node *linear = foreign_import_node(t, "aten::linear");
    assert_string_equal(linear->shapes, "8x512 1024x512 -");
    assert_string_equal(linear->dtypes, "float float Scalar");
    assert_int_equal(linear->total_ns, 200250);
    assert_int_equal(linear->self_ns, 50125);
    const struct recording_node *launch = foreign_import_node(t, "cudaLaunchKernel");
    assert_int_equal(launch->kind, SPAN_CALL);
    assert_int_equal(launch->self_ns, 10001);
    assert_string_equal(r->nodes[launch->parent].name, "aten::addmm");
    assert_string_equal(r->tracks[0].name, "python3: 100");
    assert_string_equal(r->tracks[1].name, "0: stream 7");
    assert_int_equal(r->tracks[1].kind, TRACK_QUEUE);
}

static void a_profile_of_onnxruntime_is_read(void **state) {
    struct foreign_import *t = *state;
    assert_int_equal(foreign_import_file(t, "tests/data/onnxruntime_profile.json", NULL), 0);
    assert_string_equal(t->format->name, "onnxruntime");
    assert_int_equal(t->outcome.events, 51);
    const struct recording_node *softmax = foreign_import_node(t, "Softmax");
    assert_int_equal(softmax->kind, SPAN_OPERATOR);
    assert_string_equal(softmax->shapes, "1x10");
    assert_string_equal(softmax->dtypes, "float");
    assert_string_equal(t->recording.nodes[softmax->parent].name, "SequentialExecutor::Execute");
}

static void times_are_exact(void **state) {
    static const struct {
        const char *text;
        bool fine;
        int64_t ns;
    } cases[] = {
        {"0",                    true,  0                  },
        {"1.5",                  true,  1500               },
        {"1712195495505583.123", true,  1712195495505583123},
        {"0.0004",               true,  0                  },
        {"0.0005",               true,  1                  },
        {"-3.25",                true,  -3250              },
        {"1e3",                  true,  1000000            },
        {"1.5E-1",               true,  150                },
        {"3999999999999999.999", true,  3999999999999999999},
        {"1e999",                false, 0                  },
        {"99999999999999999999", false, 0                  },
        {"nan",                  false, 0                  },
        {"",                     false, 0                  },
        {"-",                    false, 0                  },
        {"12x",                  false, 0                  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = 0;
        if (chrome_time_ns(cases[i].text, &ns) != cases[i].fine || ns != cases[i].ns)
            fail_msg("%s: %lld", cases[i].text, (long long)ns);
    }
}

static void shapes_are_told_in_one_way(void **state) {
    static const struct {
        const char *dims, *shapes;
    } cases[] = {
        {"[]",                ""           },
        {"[[]]",              "-"          },
        {"[[1,3,224,224]]",   "1x3x224x224"},
        {"[[2],[],[4,5]]",    "2 - 4x5"    },
        {"[[[2,3],[4]],[5]]", "2x3,4 5"    }, /* a list of tensors is one input */
        {"[null,[1]]",        "- 1"        },
        {"[\"s0\",[1]]",      "- 1"        },
        {"null",              ""           },
    };
    struct foreign_import *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int old = 0; old < 2; old++) {
            foreign_import_text(
                t,
                arena_printf(&t->arena,
                             "[{\"ph\":\"X\",\"name\":\"a\",\"ts\":1,\"dur\":1,\"args\":{\"Input "
                             "%s\":%s}}]",
                             old ? "dims" : "Dims", cases[i].dims));
            assert_string_equal(t->recording.nodes[0].shapes, cases[i].shapes);
            assert_int_equal(t->recording.operators_with_shapes, 1);
        }
}

static void begin_and_end_make_a_span(void **state) {
    struct foreign_import *t = *state;
    foreign_import_text(
        t,
        "[{\"ph\":\"B\",\"name\":\"a\",\"pid\":1,\"tid\":1,\"ts\":10},"
        "{\"ph\":\"B\",\"name\":\"b\",\"pid\":1,\"tid\":1,\"ts\":20},"
        "{\"ph\":\"B\",\"name\":\"c\",\"pid\":1,\"tid\":2,\"ts\":1},"
        "{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":30},{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":50},"
        "{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":60},"
        "{\"ph\":\"b\",\"cat\":\"w\",\"id\":\"0x1\",\"name\":\"p\",\"pid\":1,\"ts\":1},"
        "{\"ph\":\"b\",\"cat\":\"w\",\"id\":\"0x2\",\"name\":\"q\",\"pid\":1,\"ts\":2},"
        "{\"ph\":\"e\",\"cat\":\"w\",\"id\":\"0x1\",\"name\":\"p\",\"pid\":1,\"ts\":5},"
        "{\"ph\":\"e\",\"cat\":\"w\",\"id\":\"0x2\",\"name\":\"q\",\"pid\":1,\"ts\":9}]");
    assert_int_equal(t->recording.node_count, 4);
    assert_int_equal(foreign_import_node(t, "a")->self_ns, 30000);
    assert_int_equal(foreign_import_node(t, "b")->total_ns, 10000);
    assert_int_equal(foreign_import_node(t, "p")->total_ns, 4000);
    assert_int_equal(foreign_import_node(t, "q")->total_ns, 7000);
    assert_int_equal(t->outcome.skipped, 1);
    assert_non_null(strstr(t->outcome.why, "an end without its beginning"));
    assert_string_equal(recording_fact(&t->recording, "spans that never ended"), "1");
}

static void counters_are_readings(void **state) {
    struct foreign_import *t = *state;
    foreign_import_text(t, "[{\"ph\":\"C\",\"name\":\"mem\",\"pid\":1,\"ts\":10,\"args\":{\"a\":1,"
                           "\"b\":2.5}},{\"ph\":\"C\",\"name\":\"mem\",\"pid\":1,\"ts\":20,"
                           "\"args\":{\"a\":3}}]");
    assert_int_equal(t->recording.sample_count, 3);
    assert_string_equal(t->recording.samples[0].metric, "mem: a");
    assert_int_equal(t->recording.samples[1].at_ns, 10000);
    assert_true(t->recording.samples[2].value == 2.5);
}

/* ---- what programs write that is no JSON ----------------------------------------------------- */

static void dirt_of_real_traces_is_mended(void **state) {
    struct foreign_import *t = *state;
    foreign_import_text(
        t, "{\"traceEvents\":[" X(
               "a\tb\x01", "1", "2") ",\n"
                                     "{\"ph\":\"X\",\"name\":\"C:\\windows\\x\",\"ts\":3,\"dur\":1,"
                                     "\"args\":{\"bandwidth\":inf,\"other\":-nan}}, ]}");
    assert_int_equal(t->outcome.events, 2);
    assert_int_equal(t->recording.node_count, 2);
    assert_string_equal(recording_fact(&t->recording, "texts that were no JSON and were mended"),
                        "4");
}

static void an_event_that_is_no_json_is_passed_over(void **state) {
    struct foreign_import *t = *state;
    foreign_import_text(
        t, "{\"traceEvents\":[" X(
               "a", "1", "2") ",\n"
                              "{\"ph\":\"X\",\"name\":\"say \"hello\"\",\"ts\":3,\"dur\":1},\n" X(
                                  "b", "5", "2") "]}");
    assert_int_equal(t->outcome.events, 2);
    assert_int_equal(t->outcome.skipped, 1);
    assert_true(t->outcome.complete);
    assert_non_null(strstr(t->outcome.why, "no JSON"));
    foreign_import_node(t, "b");
}

static void events_without_usable_times_are_counted(void **state) {
    static const char *const bad[] = {
        "{\"ph\":\"X\",\"name\":\"x\",\"ts\":1,\"dur\":nan}",
        "{\"ph\":\"X\",\"name\":\"x\",\"ts\":1}",
        X("x", "1", "-5"),
        X("x", "1e999", "1"),
        X("x", "null", "1"),
        X("x", "[1]", "{\"a\":1}"),
        "7",
        "[]",
        "\"text\"",
        "null",
    };
    struct foreign_import *t = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        foreign_import_text(
            t, arena_printf(&t->arena, "[%s,%s,%s]", X("a", "1", "2"), bad[i], X("b", "5", "2")));
        if (t->outcome.skipped != 1 || t->recording.node_count != 2 || !t->outcome.complete)
            fail_msg("%s: %llu skipped", bad[i], (unsigned long long)t->outcome.skipped);
    }
}

/* ---- what ends early ------------------------------------------------------------------------- */

static void a_cut_trace_is_read_to_its_last_whole_event(void **state) {
    static const char text[] =
        "{\"traceEvents\":[" X("a", "1", "2") "," X("b", "5", "2") "],\"x\":1}";
    struct foreign_import *t = *state;
    size_t first = strlen("{\"traceEvents\":[" X("a", "1", "2"));
    size_t second = first + 1 + strlen(X("b", "5", "2"));
    for (size_t length = first; length < sizeof text - 1; length++) {
        assert_int_equal(foreign_import_bytes(t, text, length, NULL), 0);
        assert_int_equal(t->outcome.events, length < second ? 1 : 2);
        assert_false(t->outcome.complete);
        assert_int_equal(t->outcome.whole_bytes, length < second ? first : second);
        assert_string_equal(t->outcome.cut, "the JSON ends early");
    }
    for (size_t length = 0; length < first; length++)
        assert_int_equal(foreign_import_bytes(t, text, length, "kineto"), -ERR_INPUT);
}

static void a_bare_array_need_not_be_closed(void **state) {
    struct foreign_import *t = *state;
    foreign_import_text(t, "[" X("a", "1", "2") ",\n");
    assert_true(t->outcome.complete);
    foreign_import_text(t, "[" X("a", "1", "2") ",{\"ph\":");
    assert_false(t->outcome.complete);
}

static void a_cut_gzip_stream_is_told(void **state) {
    struct foreign_import *t = *state;
    struct temporary_file file;
    struct strbuf text;
    strbuf_init(&text);
    strbuf_puts(&text, "{\"traceEvents\":[");
    for (int i = 0; i < 20000; i++)
        strbuf_printf(&text, "{\"ph\":\"X\",\"name\":\"op%d\",\"ts\":%d,\"dur\":1},\n", i * i % 997,
                      i);
    temporary_file_write(&file, "", 0);
    temporary_file_add_gzip(&file, text.text, text.length);
    temporary_file_cut(&file, 50000);
    assert_int_equal(foreign_import_file(t, file.path, NULL), 0);
    assert_false(t->outcome.complete);
    assert_string_equal(t->outcome.cut, "the gzip stream ends early");
    assert_in_range(t->outcome.events, 100, 19999);
    unlink(file.path);
    strbuf_done(&text);
}

/* ---- hostile files --------------------------------------------------------------------------- */

static void hostile_files_are_refused_with_a_reason(void **state) {
    static const struct {
        const char *text, *name, *words;
    } cases[] = {
        {"",                                            NULL,          "empty"                          },
        {" ",                                           NULL,          "no format that is known"        },
        {"nonsense",                                    "kineto",      "offset 8"                       },
        {"{\"traceEvents\":7}",                         "kineto",      "no \"traceEvents\""             },
        {"{\"traceEvents\":{}}",                        NULL,          "no \"traceEvents\""             },
        {"{\"traceEvents\":",                           NULL,          "ends before any events"         },
        {"{\"traceEvents\":[{\"ph\":",                  NULL,          "before its first event is whole"},
        {"{\"traceEvents\":[{\"ph\":\"X\" \"ts\":1}]}", NULL,          "no JSON|expected ',' or '}'"    },
        {"{\"a\":{\"b\":[}}, \"traceEvents\":[]}",      "kineto",      "offset 11|expected a value"     },
        {"{\"schema\":\"1.0\",\"nodes\":[{}]}",         NULL,          "execution graph"                },
        {"{\"nodes\":[],\"schema\":\"1\"}",             "kineto",      "execution graph"                },
        {"{\"a\":01,\"traceEvents\":[]}",               "kineto",      "no number"                      },
        {"[\"\xff\xfe\", \"ph\"",                       "kineto",      "before its first event is whole"},
        {"{\"deviceProperties\":[[[[",                  NULL,          "ends before any events"         },
        {"\x80\x02}q",                                  NULL,          "a pickle"                       },
        {"PK\x03\x04",                                  NULL,          "a zip archive"                  },
        {"\x7f"
         "ELF",                                NULL,          "a program or library"           },
        {"{\"traceEvents\":[]}",                        "onnxruntime", "no \"traceEvents\""             },
    };
    struct foreign_import *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        foreign_import_refused(
            t, foreign_import_bytes(t, cases[i].text, strlen(cases[i].text), cases[i].name),
            cases[i].words);
}

static void hostile_profiles_of_onnxruntime_are_refused_with_a_reason(void **state) {
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"",                                                       "ends before any events"         },
        {"[",                                                      "before its first event is whole"},
        {"[{\"cat\" : \"Node\",\"name\" :\"x",                     "before its first event is whole"},
        {"[{\"cat\" : \"Node\" \"name\" :\"x\"}]",                 "no JSON|expected ',' or '}'"    },
        {"{\"traceEvents\":[{}]}",                                 "no \"traceEvents\""             },
        {"{\"schema\":1}",                                         "no \"traceEvents\""             },
        {"[{\"args\":{\"input_type_shape\":[{\"float\":[1,3",      "before its first event is whole"},
        {"[{\"args\":{\"input_type_shape\":[{\"float\":[1 3]}]}}", "no JSON"                        },
        {"[{\"dur\" :00}]",                                        "no number, true, false or null" },
        {"[{\"cat\" : Node}]",                                     "no number, true, false or null" },
        {"7",                                                      "no \"traceEvents\""             },
        {"\x80\x04\x95",                                           "expected a value"               },
    };
    struct foreign_import *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        foreign_import_refused(
            t, foreign_import_bytes(t, cases[i].text, strlen(cases[i].text), "onnxruntime"),
            cases[i].words);
}

static void deep_nesting_is_refused_in_its_place(void **state) {
    struct foreign_import *t = *state;
    struct strbuf text;
    strbuf_init(&text);
    strbuf_puts(&text, "[{\"ph\":\"X\",\"args\":");
    for (int i = 0; i < 100000; i++)
        strbuf_puts(&text, "[");
    foreign_import_refused(t, foreign_import_bytes(t, text.text, text.length, NULL),
                           "nested deeper than 128");
    strbuf_done(&text);
}

static void hostile_contents_do_no_harm(void **state) {
    static const char *const cases[] = {
        "{\"traceEvents\":[],\"traceEvents\":[{\"ph\":\"X\",\"ph\":\"M\",\"name\":\"a\",\"name\":"
        "\"b\"}]}",
        "[{\"ph\":\"X\",\"ts\":-1,\"dur\":0,\"tid\":{},\"pid\":[],\"args\":7}]",
        "[{\"ph\":7,\"cat\":[],\"name\":{}}]",
        "[{\"ph\":\"C\",\"ts\":1,\"args\":{\"a\":\"text\",\"b\":nan,\"c\":[1],\"d\":1e999}}]",
        "[{\"ph\":\"M\",\"name\":\"thread_name\",\"args\":{\"name\":[\"x\"]}}]",
        "[{\"ph\":\"X\",\"ts\":1,\"dur\":1,\"args\":{\"correlation\":-7,\"Input "
        "Dims\":{\"a\":[]},\"Input type\":7}}]",
        "[{\"ph\":\"B\",\"ts\":5},{\"ph\":\"E\",\"ts\":4}]",
        "[{\"ph\":\"X\",\"ts\":3999999999999999,\"dur\":3999999999999999},{}]",
        "{\"deviceProperties\":[{\"name\":{}},7,\"x\",[]],\"distributedInfo\":{\"a\":{\"b\":[{}]}},"
        "\"traceEvents\":[{}]}",
        "[{\"name\":\"\\ud800\\u0000\",\"ph\":\"\"}]",
    };
    struct foreign_import *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        foreign_import_text(t, cases[i]);
}

static void long_texts_are_cut(void **state) {
    struct foreign_import *t = *state;
    struct strbuf text;
    strbuf_init(&text);
    strbuf_puts(&text, "[{\"ph\":\"X\",\"ts\":1,\"dur\":1,\"name\":\"");
    for (int i = 0; i < 1000000; i++)
        strbuf_puts(&text, "n");
    strbuf_puts(&text, "\",\"args\":{\"Input Dims\":[");
    for (int i = 0; i < 100000; i++)
        strbuf_puts(&text, "[12345],");
    strbuf_puts(&text, "[]]}}]");
    foreign_import_text(t, text.text);
    assert_in_range(strlen(t->recording.nodes[0].name), 1000, 4096);
    assert_in_range(strlen(t->recording.nodes[0].shapes), 1000, 4096);
    strbuf_done(&text);
}

/* A megabyte that unpacks to a gigabyte of blanks takes two buffers. */
static void a_gzip_bomb_takes_no_memory(void **state) {
    struct foreign_import *t = *state;
    struct temporary_file file;
    size_t length = 32 << 20;
    char *blanks = malloc(length);
    memset(blanks, ' ', length);
    temporary_file_write(&file, "", 0);
    temporary_file_add_gzip(&file, "[", 1);
    for (int i = 0; i < 4; i++)
        temporary_file_add_gzip(&file, blanks, length);
    free(blanks);
    foreign_import_refused(t, foreign_import_file(t, file.path, "kineto"),
                           "before its first event is whole");
    unlink(file.path);
}

int main(void) {
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, foreign_import_setup, foreign_import_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_trace_is_read_whole),
        TEST(a_profile_of_onnxruntime_is_read),
        TEST(times_are_exact),
        TEST(shapes_are_told_in_one_way),
        TEST(begin_and_end_make_a_span),
        TEST(counters_are_readings),
        TEST(dirt_of_real_traces_is_mended),
        TEST(an_event_that_is_no_json_is_passed_over),
        TEST(events_without_usable_times_are_counted),
        TEST(a_cut_trace_is_read_to_its_last_whole_event),
        TEST(a_bare_array_need_not_be_closed),
        TEST(a_cut_gzip_stream_is_told),
        TEST(hostile_files_are_refused_with_a_reason),
        TEST(hostile_profiles_of_onnxruntime_are_refused_with_a_reason),
        TEST(deep_nesting_is_refused_in_its_place),
        TEST(hostile_contents_do_no_harm),
        TEST(long_texts_are_cut),
        TEST(a_gzip_bomb_takes_no_memory),
    };
    return cmocka_run_group_tests_name("kineto", tests, NULL, NULL);
}
