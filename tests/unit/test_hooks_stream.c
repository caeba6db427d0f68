#include "collectors/hooks/stream.h"
#include "tests/unit/stream_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEARD_MAX = 32 };

/* Everything the sink hears, a line each. */
struct heard {
    char lines[HEARD_MAX][160];
    int count;
};

static char *next_line(void *context) {
    struct heard *heard = context;
    assert_true(heard->count < HEARD_MAX);
    return heard->lines[heard->count++];
}

static int hear_span(void *context, const struct span *span, struct err *err) {
    (void)err;
    snprintf(next_line(context), 160, "%s %s %s %lu %ld+%ld %s|%s",
             span->kind == SPAN_OPERATOR ? "operator" : "annotation", span->category, span->name,
             (unsigned long)span->track, (long)span->start_ns, (long)span->duration_ns,
             span->shapes ? span->shapes : "none", span->dtypes ? span->dtypes : "none");
    return 0;
}

static int hear_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                      struct err *err) {
    (void)err;
    snprintf(next_line(context), 160, "track %lu %s %s", (unsigned long)track,
             kind == TRACK_THREAD ? "thread" : "queue", name);
    return 0;
}

static int hear_fact(void *context, const char *key, const char *value, struct err *err) {
    (void)err;
    snprintf(next_line(context), 160, "%s = %s", key, value);
    return 0;
}

static int hear(const uint64_t *words, uint64_t size, struct heard *heard,
                struct foreign_outcome *out, struct err *err) {
    struct span_sink sink = {
        .context = heard, .span = hear_span, .track = hear_track, .fact = hear_fact};
    struct arena arena;
    static char cut[200];
    *heard = (struct heard){.count = 0};
    arena_init(&arena);
    int code = hooks_stream_read_bytes(words, size, "sample", &arena, &sink, out, err);
    snprintf(cut, sizeof cut, "%s", out->cut ? out->cut : "");
    out->cut = cut;
    arena_done(&arena);
    return code;
}

static bool was_heard(const struct heard *heard, const char *line) {
    for (int i = 0; i < heard->count; i++)
        if (strcmp(heard->lines[i], line) == 0)
            return true;
    for (int i = 0; i < heard->count; i++)
        print_message("heard: %s\n", heard->lines[i]);
    return false;
}

static void spans_tracks_and_facts_of_a_stream(void **state) {
    (void)state;
    uint64_t words[SAMPLE_WORDS];
    struct heard heard;
    struct foreign_outcome out;
    struct err err = {0};
    sample_stream(words);
    assert_int_equal(hear(words, sizeof words, &heard, &out, &err), 0);
    assert_true(out.complete);
    assert_int_equal(out.events, 4);
    /* Two ticks are a nanosecond: tick 1300 is 5000 + 150. */
    assert_true(was_heard(&heard, "operator mine Conv 77 5150+100 8x? -|float32 int64"));
    assert_true(was_heard(&heard, "annotation mine layer1 77 5100+200 none|none"));
    assert_true(was_heard(&heard, "annotation mine layer1 4611686198816014336 5350+50 none|none"));
    assert_true(was_heard(&heard, "operator mine Conv 78 5425+10 5|float32"));
    assert_true(was_heard(&heard, "track 77 thread thread 77"));
    assert_true(was_heard(&heard, "track 78 thread layer1"));
    assert_true(was_heard(&heard, "track 4611686198816014336 queue ranges 1"));
    assert_true(was_heard(&heard, "program = engine"));
    assert_true(was_heard(&heard, "pid = 42"));
}

static void a_program_that_died_is_told(void **state) {
    (void)state;
    uint64_t words[SAMPLE_WORDS];
    struct heard heard;
    struct foreign_outcome out;
    struct err err = {0};
    sample_stream(words);
    memset(words + SAMPLE_END_CONV, 0, (SAMPLE_SECOND - SAMPLE_END_CONV) * 8);
    ((struct hooks_header *)(void *)words)->closed = 0;
    assert_int_equal(hear(words, sizeof words, &heard, &out, &err), 0);
    assert_false(out.complete);
    assert_int_equal(out.events, 1);
    assert_string_equal(out.cut, "the program ended inside 2 operators; thread 77 was in Conv");
    assert_true(was_heard(&heard, "ended = without closing"));
}

static void a_file_cut_anywhere_is_read_or_refused(void **state) {
    (void)state;
    uint64_t words[SAMPLE_WORDS];
    sample_stream(words);
    int read = 0;
    for (uint64_t size = 0; size < sizeof words; size++) {
        unsigned char *bytes = malloc(size ? size : 1); /* so that sanitizers see its end */
        struct heard heard;
        struct foreign_outcome out;
        struct err err = {0};
        memcpy(bytes, words, size);
        int code = hear((const uint64_t *)(const void *)bytes, size, &heard, &out, &err);
        assert_true(code == 0 || (code == -ERR_INPUT && strncmp(err.message, "sample", 6) == 0));
        read += code == 0;
        free(bytes);
    }
    assert_true(read > 0);
}

static void texts_that_are_none_are_made_harmless(void **state) {
    (void)state;
    uint64_t words[SAMPLE_WORDS];
    struct heard heard;
    struct foreign_outcome out;
    struct err err = {0};
    sample_stream(words);
    memcpy(words + SAMPLE_KIND_CONV + 1, "C\xff\x1b\xc3\xa9\0mi\n", 10);
    assert_int_equal(hear(words, sizeof words, &heard, &out, &err), 0);
    assert_true(was_heard(&heard, "operator mi? C??\xc3\xa9 77 5150+100 8x? -|float32 int64"));
}

/* ---- hostile ----------------------------------------------------------------------------------
 */

struct damage {
    const char *what;
    size_t word;
    uint64_t value;
    const char *message; /* part of it */
};

#define HEADER_WORD(member) (offsetof(struct hooks_header, member) / 8)

static const struct damage damages[] = {
    {"another file",                      0,                          0x0a6b487961737340,                         "is no stream of hooks"           },
    {"a later version",                   HEADER_WORD(version),       2 | (uint64_t)640 << 32,                    "version 2 of the format"         },
    {"segments of no size",               HEADER_WORD(segment_bytes), (uint64_t)42 << 32,                         "no sizes"                        },
    {"segments of odd size",              HEADER_WORD(segment_bytes), (uint64_t)42 << 32 | 2049,                  "no sizes"                        },
    {"an unknown clock",                  HEADER_WORD(clock),         9,                                          "an unknown clock"                },
    {"a clock that stands",               HEADER_WORD(last),          1000,                                       "the two clocks were not compared"},
    {"too many counters",                 HEADER_WORD(last_at),       (uint64_t)7 << 32,                          "too many counters"               },
    {"a segment twice",                   SAMPLE_SECOND,              (uint64_t)2 << 32,                          "missing or there twice"          },
    {"a segment missing",                 SAMPLE_SECOND,              (uint64_t)3 << 32 | 1,                      "missing or there twice"          },
    {"a kind longer than its segment",    SAMPLE_KIND_CONV,           (uint64_t)1 | (uint64_t)0xffff << 32,
     "no kind"                                                                                                                                      },
    {"a kind of no words",                SAMPLE_KIND_CONV,           1,                                          "no kind"                         },
    {"a kind of an unknown sort",         SAMPLE_KIND_CONV,           1 | (uint64_t)3 << 32 | (uint64_t)99 << 48,
     "no kind"                                                                                                                                      },
    {"a kind out of turn",                SAMPLE_KIND_LAYER,          7 | (uint64_t)3 << 32,                      "a kind out of turn"              },
    {"a category without an end",         SAMPLE_KIND_CONV + 2,       0x4141414141414141,
     "a text without an end"                                                                                                                        },
    {"an unknown record",                 SAMPLE_BEGIN_LAYER,         9 | (uint64_t)2 << 16,                      "no record of a thread"           },
    {"a record of no words",              SAMPLE_BEGIN_LAYER,         HOOKS_BEGIN | (uint64_t)2 << 32,
     "no record of a thread"                                                                                                                        },
    {"a record longer than its segment",  SAMPLE_START,               HOOKS_START | (uint64_t)0xff << 16,
     "no record of a thread"                                                                                                                        },
    {"a kind that is not there",          SAMPLE_BEGIN_LAYER,
     HOOKS_BEGIN | (uint64_t)2 << 16 | (uint64_t)3 << 32,                                                         "no record of a thread"           },
    {"a tensor of a thousand dimensions", SAMPLE_TENSOR,              (uint64_t)1000 << 32 | 1,
     "no record of a thread"                                                                                                                        },
    {"more tensors than fit",             SAMPLE_BEGIN_CONV,
     HOOKS_BEGIN | 3 << 8 | (uint64_t)6 << 16 | (uint64_t)1 << 32,                                                "no record of a thread"           },
    {"counters that do not fit",          SAMPLE_END_CONV,            HOOKS_END | HOOKS_COUNTED << 8 | 2 << 16,
     "no record of a thread"                                                                                                                        },
    {"an end too many",                   SAMPLE_START,               HOOKS_END | (uint64_t)2 << 16,
     "an end of what did not begin"                                                                                                                 },
    {"a record before its thread",        SAMPLE_THREAD,              HOOKS_LEAVE | (uint64_t)3 << 16,
     "no record of a thread"                                                                                                                        },
    {"no thread at all",                  SAMPLE_THREAD,              HOOKS_STOP | (uint64_t)3 << 16,             "a record of no thread"           },
    {"a thread the kernel cannot have",   SAMPLE_THREAD + 2,          (uint64_t)1 << 40,
     "no number of a thread"                                                                                                                        },
    {"tensors that were not told",        SAMPLE_BEGIN_TOLD,
     HOOKS_BEGIN | 2 << 16 | 4 << 24 | (uint64_t)1 << 32,                                                         "not told before"                 },
    {"tensors told under no number",      SAMPLE_TELL,                HOOKS_SHAPES | 1 << 8 | 4 << 16,
     "tensors without a number"                                                                                                                     },
    {"tensors told and there too",        SAMPLE_BEGIN_CONV,
     HOOKS_BEGIN | 2 << 8 | 6 << 16 | 3 << 24 | (uint64_t)1 << 32,                                                "no record of a thread"           },
    {"an end with tensors told",          SAMPLE_END_CONV,            HOOKS_END | 2 << 16 | 3 << 24,
     "no record of a thread"                                                                                                                        },
    {"a time out of range",               SAMPLE_BEGIN_CONV + 1,      (uint64_t)INT64_MAX,                        "a time out of range"             },
};

static void damaged_streams_are_refused_by_what_is_wrong(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        uint64_t words[SAMPLE_WORDS];
        struct heard heard;
        struct foreign_outcome out;
        struct err err = {0};
        sample_stream(words);
        words[damages[i].word] = damages[i].value;
        int code = hear(words, sizeof words, &heard, &out, &err);
        if (code != -ERR_INPUT || !strstr(err.message, damages[i].message))
            fail_msg("%s: %d, '%s'", damages[i].what, code, err.message);
    }
}

/* ---- as one of the formats --------------------------------------------------------------------
 */

static void the_format_knows_its_own(void **state) {
    (void)state;
    uint64_t words[SAMPLE_WORDS];
    sample_stream(words);
    assert_true(foreign_hooks.sniff((const char *)words, sizeof words));
    assert_false(foreign_hooks.sniff((const char *)words, 7));
    assert_false(foreign_hooks.sniff("{\"traceEvents\": []}", 19));
}

static void the_format_reads_a_file(void **state) {
    (void)state;
    char path[] = "/tmp/assay-stream-XXXXXX";
    uint64_t words[SAMPLE_WORDS];
    int fd = mkstemp(path);
    sample_stream(words);
    assert_int_equal(write(fd, words, sizeof words), sizeof words);
    close(fd);
    struct arena arena;
    struct heard heard = {.count = 0};
    struct span_sink sink = {.context = &heard, .span = hear_span};
    struct foreign_outcome out;
    struct err err = {0};
    arena_init(&arena);
    const struct foreign_request request = {.path = path, .arena = &arena};
    assert_int_equal(foreign_hooks.read(&request, NULL, &sink, &out, &err), 0);
    assert_int_equal(heard.count, 4);
    arena_done(&arena);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_tracks_and_facts_of_a_stream),
        cmocka_unit_test(a_program_that_died_is_told),
        cmocka_unit_test(a_file_cut_anywhere_is_read_or_refused),
        cmocka_unit_test(texts_that_are_none_are_made_harmless),
        cmocka_unit_test(damaged_streams_are_refused_by_what_is_wrong),
        cmocka_unit_test(the_format_knows_its_own),
        cmocka_unit_test(the_format_reads_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
