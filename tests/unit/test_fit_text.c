/* A fit goes to text and comes back bit for bit; what is none is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/fit_text.h"
#include "tests/unit/run_latency.h"
#include "tests/unit/synthetic.h"

#include <stdlib.h>

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

static const char *text_of(const struct fit *fit) {
    struct strbuf text;
    strbuf_init(&text);
    fit_write(fit, &text);
    const char *copy = arena_strdup(&arena, text.text);
    strbuf_done(&text);
    return copy;
}

/* A world whose classes have rates, borrowed rates and residuals, and whose runs have memory. */
static struct world rich_world(uint64_t seed) {
    struct world w;
    world_init(&w, &arena, seed);
    w.model_noise = 0.1;
    for (uint32_t m = 0; m < 15; m++) {
        uint32_t run = world_usual_model(&w, m, 30);
        struct observed_run *r = &w.runs[run];
        world_operator(&w, FAMILY_ELEMENTWISE, m % 2 ? "Rare" : "Rarer");
        r->footprint = (struct footprint){.operators = 30, .file_bytes = 1e6 * (m + 1)};
        r->peak_bytes = 25e6 + 3e6 * (m + 1);
        r->resident_bytes = 22e6 + 2e6 * (m + 1);
        r->load_ns = 5e6 + 1e6 * m;
        r->first_run_ns = 2 * r->latency_ns;
    }
    return w;
}

static struct fit trained(const struct training *training) {
    struct fit fit;
    struct err err = {0};
    if (fit_train(&arena, training, NULL, &fit, &err))
        fail_msg("%s", err.message);
    return fit;
}

static void a_fit_comes_back_bit_for_bit(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world w = rich_world(seed);
        struct training training = world_training(&w);
        struct fit fit = trained(&training), back;
        fit.speed_log_spread = 0.03; /* the world is always as fast */
        fit.speed_change_log_spread = 0.02;
        const char *text = text_of(&fit);
        struct err err = {0};
        if (fit_read(&arena, text, &back, &err))
            fail_msg("%s", err.message);
        assert_string_equal(text_of(&back), text);
        assert_string_equal(back.data_hash, fit.data_hash);
        assert_int_equal(back.cost.class_count, fit.cost.class_count);
        assert_int_equal(back.runs, 15);
        assert_true(back.speed_log_spread == 0.03 && back.speed_change_log_spread == 0.02);
        for (uint32_t r = 0; r < training.run_count; r++) {
            struct estimate x = latency_of_run(&arena, &fit, &training, r),
                            y = latency_of_run(&arena, &back, &training, r);
            assert_memory_equal(&x, &y, 3 * sizeof(double));
            assert_int_equal(x.tier, y.tier);
            x = cpu_time_of_latency(&fit, &x);
            y = cpu_time_of_latency(&back, &y);
            assert_memory_equal(&x, &y, 3 * sizeof(double));
            for (int q = 0; q < QUANTITY_COUNT; q++) {
                x = quantity_estimate((enum quantity)q, &fit.quantities[q],
                                      &training.runs[r].footprint, 1e6);
                y = quantity_estimate((enum quantity)q, &back.quantities[q],
                                      &training.runs[r].footprint, 1e6);
                assert_memory_equal(&x, &y, 3 * sizeof(double));
            }
        }
        for (int i = 0; i < 200; i++) {
            struct features f = world_features(&w, i % 2 ? FAMILY_MATMUL : FAMILY_ELEMENTWISE,
                                               i % 4 < 2 ? "matmul.weights" : "Rare");
            f.guessed = i % 7 == 0;
            struct estimate x = cost_model_estimate(&fit.cost, &f),
                            y = cost_model_estimate(&back.cost, &f);
            assert_memory_equal(&x, &y, 3 * sizeof(double));
            assert_int_equal(cost_model_bound(&fit.cost, &f), cost_model_bound(&back.cost, &f));
        }
    }
}

static void people_can_read_it(void **state) {
    (void)state;
    struct world w = rich_world(1);
    struct training training = world_training(&w);
    struct fit fit = trained(&training);
    const char *text = text_of(&fit);
    static const char *const words[] = {"\"matmul.weights\"", "\"busy_cycles\"", "\"Rare\"",
                                        "\"observations\"",   "\"log_spread\"",  "\"roofline\"",
                                        "peak_memory_bytes"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(text, words[i]))
            fail_msg("no %s in the text", words[i]);
}

static void expect_refused(const char *what, const char *text) {
    struct fit fit;
    struct err err = {0};
    if (fit_read(&arena, text, &fit, &err) != -ERR_INPUT)
        fail_msg("%s was not refused as bad input", what);
    assert_true(err.message[0] != '\0');
    assert_non_null(strstr(err.hint, "assay fit"));
}

static const char *replaced(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    return arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void what_is_no_fit_of_ours_is_refused(void **state) {
    (void)state;
    struct world w = rich_world(2);
    struct training training = world_training(&w);
    struct fit fit = trained(&training);
    const char *text = text_of(&fit);
    const char *version = strstr(text, "\"fit_version\": ");
    assert_non_null(version);
    expect_refused("another version", replaced(text, "\"fit_version\": ", "\"fit_version\": 9"));
    expect_refused("nothing", "");
    expect_refused("garbage", "not even JSON");
    expect_refused("an array", "[1, 2, 3]");
    expect_refused("an empty object", "{}");
    expect_refused("a negative count", replaced(text, "\"runs\": ", "\"runs\": -"));
    expect_refused("an unknown family",
                   replaced(text, "\"family\": \"matmul\"", "\"family\": \"matmuk\""));
    expect_refused("an unknown basis", replaced(text, "\"own\"", "\"owe\""));
    expect_refused("a term gone", replaced(text, "\"busy_cycles\"", "\"padded_flop\""));
    expect_refused("a hash that is a number", replaced(text, "\"data_sha256\": \"", "\"x\": \""));
}

/* Cut anywhere, or with a byte changed: refused or read, never a crash. */
static void damage_does_no_harm(void **state) {
    (void)state;
    struct world w = rich_world(3);
    struct training training = world_training(&w);
    struct fit fit = trained(&training);
    const char *text = text_of(&fit);
    size_t length = strlen(text);
    struct rng rng;
    rng_init(&rng, 1);
    for (size_t cut = 0; cut + 2 < length; cut += 1 + length / 200) {
        struct arena scratch;
        struct err err = {0};
        arena_init(&scratch);
        assert_int_equal(fit_read(&scratch, arena_strndup(&scratch, text, cut), &fit, &err),
                         -ERR_INPUT);
        arena_done(&scratch);
    }
    for (int i = 0; i < 300; i++) {
        struct arena scratch;
        struct err err = {0};
        arena_init(&scratch);
        char *copy = arena_strdup(&scratch, text);
        copy[rng_below(&rng, length)] = (char)rng_between(&rng, 32, 126);
        fit_read(&scratch, copy, &fit, &err);
        arena_done(&scratch);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fit_comes_back_bit_for_bit),
        cmocka_unit_test(people_can_read_it),
        cmocka_unit_test(what_is_no_fit_of_ours_is_refused),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
