/* Observations as text: what is read is what was written, and nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/fit_text.h"
#include "predictor/observations_text.h"
#include "tests/unit/synthetic.h"

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct world some_world(void) {
    struct world w;
    world_init(&w, &arena, 7);
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    for (uint32_t r = 0; r < w.run_count; r++)
        w.runs[r].purpose = "calibrate";
    return w;
}

static struct strbuf written(const struct training *training) {
    struct strbuf text;
    strbuf_init(&text);
    observations_write(training, &text);
    return text;
}

static struct training read_back(const struct strbuf *text) {
    struct training training;
    struct err err = {0};
    if (observations_read(&arena, text->text, text->length, "test", &training, &err))
        fail_msg("%s", err.message);
    return training;
}

static void numbers_and_names_read_back_the_same(void **state) {
    (void)state;
    struct world w = some_world();
    w.runs[3].model_name = "a\ttab, a\nline and a \\ in \xc3\xa9";
    w.runs[3].latency_ns = 0.1 + 0.2;
    w.runs[3].footprint.feed_bytes = 1e300;
    w.observations[5].wall_ns = 1.0 / 3;
    w.observations[5].features.guessed = true;
    w.observations[5].op = 12345;
    w.observations[6].features.reuse = (struct reuse){
        {1, 2, 3, 4, 5 },
        {6, 7, 8, 9, 10},
        .call = 0.375
    };
    struct training before = world_training(&w);
    before.threads = 4;
    struct strbuf text = written(&before);
    struct training after = read_back(&text);
    assert_int_equal(after.run_count, before.run_count);
    assert_int_equal(after.observation_count, before.observation_count);
    assert_int_equal(after.threads, 4);
    assert_string_equal(after.runs[3].model_name, before.runs[3].model_name);
    assert_true(after.runs[3].latency_ns == before.runs[3].latency_ns);
    assert_true(after.runs[3].footprint.feed_bytes == 1e300);
    assert_true(isnan(after.runs[3].peak_bytes));
    for (uint32_t i = 0; i < before.observation_count; i++) {
        const struct observation *a = &after.observations[i], *b = &before.observations[i];
        assert_int_equal(a->run, b->run);
        assert_int_equal(a->op, b->op);
        assert_true(a->wall_ns == b->wall_ns && a->spread == b->spread);
        assert_memory_equal(&a->features, &b->features, sizeof a->features);
    }
    strbuf_done(&text);
}

static const char *fit_text_of(const struct training *training) {
    struct fit fit;
    struct err err = {0};
    struct strbuf text;
    strbuf_init(&text);
    if (fit_train(&arena, training, NULL, &fit, &err))
        fail_msg("%s", err.message);
    fit_write(&fit, &text);
    const char *copy = arena_strdup(&arena, text.text);
    strbuf_done(&text);
    return copy;
}

static void a_fit_of_what_was_read_has_the_same_bytes(void **state) {
    (void)state;
    struct world w = some_world();
    struct training before = world_training(&w);
    struct strbuf text = written(&before);
    struct training after = read_back(&text);
    assert_string_equal(fit_text_of(&before), fit_text_of(&after));
    strbuf_done(&text);
}

static void expect_refusal(const char *text, size_t length, const char *says) {
    struct training training;
    struct err err = {0};
    assert_int_equal(observations_read(&arena, text, length, "test", &training, &err), -ERR_INPUT);
    if (!strstr(err.message, says))
        fail_msg("no '%s' in: %s", says, err.message);
}

static void a_text_cut_off_anywhere_is_refused(void **state) {
    (void)state;
    struct world w = some_world();
    w.run_count = 2;
    w.observation_count = 40;
    struct training training = world_training(&w);
    struct strbuf text = written(&training);
    for (size_t length = 0; length < text.length; length += 7)
        expect_refusal(text.text, length, "line");
    strbuf_done(&text);
}

/* The first occurrence of a word replaced by another of the same length. */
static void replace(struct strbuf *text, const char *word, const char *by) {
    char *at = strstr(text->text, word);
    assert_non_null(at);
    memcpy(at, by, strlen(by));
}

static void other_terms_and_broken_fields_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *word, *by, *says;
    } rows[] = {
        {"observations\t1", "observations\t9", "version"        },
        {"padded_flops",    "padded_flopz",    "terms"          },
        {"peak_bytes",      "peak_bytez",      "columns of runs"},
        {"wall_ns",         "wall_nz",         "operators"      },
        {"\nop\t1",         "\nop\tx",         "a number"       },
        {"\nrun\t1",        "\nxun\t1",        "\"run\""        },
        {"\tmatmul\t0",     "\tmatmux\t0",     "kernel family"  },
        {"end\t12",         "end\t11",         "missing"        },
    };
    struct world w = some_world();
    struct training training = world_training(&w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf text = written(&training);
        replace(&text, rows[i].word, rows[i].by);
        expect_refusal(text.text, text.length, rows[i].says);
        strbuf_done(&text);
    }
}

static void runs_that_are_kept_keep_their_observations(void **state) {
    (void)state;
    struct world w = some_world();
    struct training all = world_training(&w);
    bool keep[12] = {[2] = true, [11] = true};
    struct training kept = training_kept(&arena, &all, keep);
    assert_int_equal(kept.run_count, 2);
    assert_int_equal(kept.observation_count, 40);
    assert_string_equal(kept.runs[1].model_name, "model11");
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(kept.observations[i].run, i / 20);
    assert_int_equal(training_first(&all, 0), 0);
    assert_int_equal(training_first(&all, 3), 60);
    assert_int_equal(training_first(&all, 12), 240);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_read_back_the_same),
        cmocka_unit_test(a_fit_of_what_was_read_has_the_same_bytes),
        cmocka_unit_test(a_text_cut_off_anywhere_is_refused),
        cmocka_unit_test(other_terms_and_broken_fields_are_refused),
        cmocka_unit_test(runs_that_are_kept_keep_their_observations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
