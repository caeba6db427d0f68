#include "tests/unit/foreign_sink.h"

#include "base/strbuf.h"
#include "collectors/foreign/perf_line.h"
#include "collectors/foreign/perf_script.h"
#include "collectors/recorder.h"

#include <math.h>

static int read_text(struct kept *kept, const char *text) {
    kept_init(kept);
    return kept_read_text(kept, &foreign_perf_script, text, strlen(text),
                          (struct foreign_request){0});
}

static void read_file(struct kept *kept, const char *path) {
    kept_init(kept);
    if (kept_read(kept, &foreign_perf_script, (struct foreign_request){.path = path}))
        fail_msg("%s", kept->err.message);
    assert_true(kept->outcome.complete);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void event_lines_have_many_shapes(void **state) {
    (void)state;
    static const struct {
        const char *line, *comm;
        uint64_t tid;
        int64_t at_ns;
        uint64_t period;
        const char *event, *rest;
    } cases[] = {
        {"w  2489 22507.062184:    5025125 cpu-clock: ",                 "w",             2489, 22507062184000, 5025125,
         "cpu-clock",                                                                                                                          ""              },
        {"   python3 12/34 [001] 1.000000001: probe_x:f: (55)",          "python3",       34,   1000000001,     0,
         "probe_x:f",                                                                                                                          "(55)"          },
        {"Web 2 Content  77 0.500:     1 cycles:u:  7f sym (f)",         "Web 2 Content", 77,   500000000,      1,
         "cycles:u",                                                                                                                           "7f sym (f)"    },
        {"a 1 2 [3] 4.0: x:",                                            "a 1",           2,    4000000000,     0,       "x",                  ""              },
        {"swapper     0 [000]  9.1: sched:sched_switch: prev_comm=a: 3", "swapper",       0,    9100000000,
         0,                                                                                                              "sched:sched_switch", "prev_comm=a: 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct perf_event_line event;
        if (!perf_event_line(cases[i].line, &event))
            fail_msg("%s", cases[i].line);
        assert_string_equal(event.comm, cases[i].comm);
        assert_int_equal(event.tid, cases[i].tid);
        assert_true(event.at_ns == cases[i].at_ns);
        assert_int_equal(event.period, cases[i].period);
        assert_string_equal(event.event, cases[i].event);
        assert_string_equal(event.rest, cases[i].rest);
    }
}

static void frames_have_symbols_without_offsets_and_files(void **state) {
    (void)state;
    static const struct {
        const char *line, *symbol, *file;
    } cases[] = {
        {"\t   118d inner+0x44 (/usr/local/bin/spin)",          "inner",                      "spin"                },
        {"\t ff81 do_syscall_64+0x5 ([kernel.kallsyms])",       "do_syscall_64",              "[kernel.kallsyms]"   },
        {"\t 7f [unknown] (/tmp/perf-1.map (deleted))",         "[unknown]",                  "perf-1.map (deleted)"},
        {"\t 1 f(std::vector<int> const&)+0x1 (/lib/a (b).so)", "f(std::vector<int> const&)",
         "a (b).so"                                                                                                 },
        {"\t 1 a::f<(x)1>(int, char)+0x10 (inlined)",           "a::f<(x)1>(int, char)",      "inlined"             },
        {"\t 1 f+0xzz",                                         "f+0xzz",                     ""                    },
        {"\t 1",                                                "",                           ""                    },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct perf_frame frame;
        char symbol[100], file[100];
        assert_true(perf_frame_line(cases[i].line, &frame));
        snprintf(symbol, sizeof symbol, "%.*s", (int)frame.symbol_length, frame.symbol);
        snprintf(file, sizeof file, "%.*s", (int)frame.file_length, frame.file);
        assert_string_equal(symbol, cases[i].symbol);
        assert_string_equal(file, cases[i].file);
    }
}

/* ---- real recordings --------------------------------------------------------------------------
 */

static void stacks_of_a_clock_become_a_tree_weighted_by_period(void **state) {
    (void)state;
    static const char *const names[] = {"__libc_start_call_main", "main", "outer", "inner"};
    struct recorder *recorder;
    struct recording recording;
    struct arena arena;
    struct err err = {0};
    struct inflated *in;
    struct foreign_outcome outcome = {.complete = true};
    arena_init(&arena);
    const struct foreign_request request = {.path = "tests/data/perf_script_stacks.txt",
                                            .arena = &arena};
    assert_int_equal(recorder_open(&recorder, 0, &err), 0);
    struct span_sink sink = recorder_sink(recorder);
    assert_int_equal(inflated_open(&in, request.path, &err), 0);
    assert_int_equal(foreign_perf_script.read(&request, in, &sink, &outcome, &err), 0);
    inflated_close(in);
    assert_int_equal(recorder_finish(recorder, &arena, &recording, &err), 0);
    recorder_close(recorder);
    assert_int_equal(recording.node_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct recording_node *node = &recording.nodes[i];
        assert_string_equal(node->name, names[i]);
        assert_int_equal(node->parent, (int)i - 1);
        assert_int_equal(node->count, 12);
        assert_true(node->total_ns == 12 * 5025125.0);
        assert_true(node->self_ns == (i == 3 ? node->total_ns : 0));
    }
    assert_int_equal(outcome.events, 12);
    arena_done(&arena);
}

static void samples_without_a_time_become_rows_by_symbol(void **state) {
    (void)state;
    struct kept kept;
    read_file(&kept, "tests/data/perf_script_flat.txt");
    assert_int_equal(kept.outcome.events, 10);
    assert_int_equal(kept.span_count, 6);
    assert_string_equal(kept.spans[0].name, "inner");
    assert_int_equal(kept.spans[0].duration_ns, 10101010);
    assert_true(kept.spans[0].start_ns == 22508278672000 - 10101010);
    assert_int_equal(kept.row_count, 3);
    assert_string_equal(kept.rows[0].name, "elf_load");
    assert_int_equal(kept.rows[0].count, 2);
    assert_true(isnan(kept.rows[0].time_ns));
    assert_string_equal(kept.rows[2].attributes, "event=page-faults events=65");
    assert_int_equal(kept.track_count, 1);
    assert_string_equal(kept.tracks[0], "w 2497 sampled by cpu-clock");
    kept_done(&kept);
}

static void probes_of_entry_and_return_become_calls(void **state) {
    (void)state;
    struct kept kept;
    size_t outer = 0;
    read_file(&kept, "tests/data/perf_script_probes.txt");
    assert_int_equal(kept.outcome.events, 60);
    assert_int_equal(kept.span_count, 30);
    for (size_t i = 0; i < kept.span_count; i++)
        outer += strcmp(kept.spans[i].name, "outer") == 0;
    assert_int_equal(outer, 6);
    assert_string_equal(kept.spans[0].name, "inner");
    assert_string_equal(kept.spans[0].category, "probe_w");
    assert_int_equal(kept.spans[0].kind, SPAN_CALL);
    assert_true(kept.spans[0].start_ns == 22509617511000);
    assert_int_equal(kept.spans[0].duration_ns, 44000);
    assert_false(kept_has_fact(&kept, "without"));
    kept_done(&kept);
}

/* ---- made by hand -----------------------------------------------------------------------------
 */

static void calls_that_do_not_pair_are_counted(void **state) {
    (void)state;
    struct kept kept;
    assert_int_equal(read_text(&kept, "# a remark\n"
                                      "p 1 [0] 1.0: g:f__return: (aa <- bb)\n"
                                      "p 1 [0] 2.0: g:f: (aa)\n"
                                      "p 1 [0] 3.0: g:h: (cc) arg=1\n"
                                      "p 2 [0] 3.5: g:f__return: (aa <- bb)\n"
                                      "p 1 [0] 4.0: g:f__return: (aa <- bb) ret=0\n"
                                      "p 1 [0] 5.0: syscalls:sys_enter_read: fd: 3\n"
                                      "p 1 [0] 6.0: syscalls:sys_exit_read: 0x3\n"
                                      "p 1 [0] 7.0: sched:sched_wakeup: comm=x\n"
                                      "p 1 [0] 7.5: sched:sched_wakeup: comm=y\n"),
                     0);
    assert_int_equal(kept.outcome.events, 9);
    assert_int_equal(kept.span_count, 2);
    assert_true(kept.spans[0].duration_ns == 2000000000);
    assert_string_equal(kept.spans[1].name, "read");
    assert_string_equal(kept.spans[1].category, "syscalls");
    assert_int_equal(kept.row_count, 1);
    assert_string_equal(kept.rows[0].name, "sched:sched_wakeup");
    assert_int_equal(kept.rows[0].count, 2);
    assert_true(kept_has_fact(&kept, "entries without a return=1"));
    assert_true(kept_has_fact(&kept, "returns without an entry=2"));
    kept_done(&kept);
}

static void unknown_symbols_keep_their_file_and_no_stack_is_one_frame(void **state) {
    (void)state;
    struct kept kept;
    assert_int_equal(read_text(&kept, "p 1 1.0: 100 cpu-clock: \n\t1 [unknown] (/a/b.so)\n\n"
                                      "p 1 2.0: 100 cpu-clock: \n"
                                      "p 1 3.0: 100 cpu-clock: \n\t1 (/a/c.so)\n\n"),
                     0);
    assert_int_equal(kept.span_count, 3);
    assert_string_equal(kept.spans[0].name, "[unknown] in b.so");
    assert_string_equal(kept.spans[1].name, "[unknown]");
    assert_int_equal(kept.outcome.events, 3);
    kept_done(&kept);
}

#define EVENT "p 1 1.0: 100 cpu-clock: \n\t1 f (/a)\n\n"

static const struct hostile hostile_texts[] = {
    {"hello\n",                                           0,                 "input:1: is no event",               false},
    {EVENT "p 1 cpu-clock: \n",                           0,                 "input:4: is no event",               false},
    {"\t1 f (/a)\n",                                      0,                 "input:1: a frame of a stack before", false},
    {"p 1 1.0: 100 cpu-clock: \n\tg\n",                   0,                 "input:2: is no frame",               false},
    {"p 1 1.0: 100 cpu-clock: \n\t12345678123456789 f\n", 0,                 "input:2: is no frame",               false},
    {"p 1 1.0: 9999999999999999999 cpu-clock: \n",        0,                 "input:1: is no event",               false},
    {"p 1 99999999999.0: 1 cpu-clock: \n",                0,                 "input:1: is no event",               false},
    {"p 99999999999 1.0: 1 cpu-clock: \n",                0,                 "input:1: is no event",               false},
    {"p 1 1.0: 1 cpu-clock\n",                            0,                 "input:1: is no event",               false},
    {"p 1 1.0: 1\n",                                      0,                 "input:1: is no event",               false},
    {EVENT "p 1 1.0: 1 c\0: \n",                          sizeof EVENT + 16, "input:4: a NUL byte",                false},
    {EVENT "p 1 1.0: 1 \xc3(: \n",                        0,                 "input:4: the line is not UTF-8",     false},
    {EVENT "p 1 2.0: 100 cpu-clock: \n\t1 f (/a)\n",      0,                 "the last stack has no end",          true },
    {EVENT "p 1 2.0: 100 cpu-cl",                         0,                 "the last line has no end",           true },
};

static void hostile_texts_are_refused_or_cut_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_texts / sizeof *hostile_texts; i++)
        check_hostile(&foreign_perf_script, &hostile_texts[i], (struct foreign_request){0});
}

static void what_is_too_deep_is_refused_and_open_calls_are_bounded(void **state) {
    (void)state;
    struct strbuf text;
    struct kept kept;
    strbuf_init(&text);
    strbuf_puts(&text, "p 1 1.0: 100 cpu-clock: \n");
    for (int i = 0; i < 5000; i++)
        strbuf_puts(&text, "\t1 f (/a)\n");
    const struct hostile deep = {text.text, text.length, "input:4098: a stack deeper", false};
    check_hostile(&foreign_perf_script, &deep, (struct foreign_request){0});
    text.length = 0;
    for (int i = 0; i < 5000; i++)
        strbuf_printf(&text, "p 1 1.0: g:f: (%x)\n", i);
    assert_int_equal(read_text(&kept, text.text), 0);
    assert_true(kept_has_fact(&kept, "entries without a return=5000"));
    kept_done(&kept);
    strbuf_done(&text);
}

static void a_cut_file_is_read_to_its_last_whole_event(void **state) {
    (void)state;
    struct kept kept;
    assert_int_equal(read_text(&kept, EVENT EVENT "p 1 2.0: 100 cpu-clock: \n\t1 f (/a)\n\t2 g"),
                     0);
    assert_int_equal(kept.outcome.events, 2);
    assert_int_equal(kept.span_count, 2);
    assert_int_equal(kept.outcome.whole_bytes, 2 * strlen(EVENT));
    kept_done(&kept);
}

static void it_is_known_by_what_it_holds(void **state) {
    (void)state;
    static const char *const yes[] = {"# remark\n\nw 1 1.0: 5 cpu-clock: \n", "w 1 1.0: a:b: (1)"};
    static const char *const no[] = {"", "#\n", "{\"a\": 1.0}\n", "a,b,c\n1,2,3\n"};
    for (size_t i = 0; i < 2; i++)
        assert_true(foreign_perf_script.sniff(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < 4; i++)
        assert_false(foreign_perf_script.sniff(no[i], strlen(no[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_lines_have_many_shapes),
        cmocka_unit_test(frames_have_symbols_without_offsets_and_files),
        cmocka_unit_test(stacks_of_a_clock_become_a_tree_weighted_by_period),
        cmocka_unit_test(samples_without_a_time_become_rows_by_symbol),
        cmocka_unit_test(probes_of_entry_and_return_become_calls),
        cmocka_unit_test(calls_that_do_not_pair_are_counted),
        cmocka_unit_test(unknown_symbols_keep_their_file_and_no_stack_is_one_frame),
        cmocka_unit_test(hostile_texts_are_refused_or_cut_with_a_reason),
        cmocka_unit_test(what_is_too_deep_is_refused_and_open_calls_are_bounded),
        cmocka_unit_test(a_cut_file_is_read_to_its_last_whole_event),
        cmocka_unit_test(it_is_known_by_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
