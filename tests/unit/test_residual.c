/* Every residual learner on functions that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "predictor/estimator.h"
#include "predictor/residual.h"

#include <math.h>
#include <string.h>

enum { ROWS = 400, DIMS = 2 };

struct sample {
    double inputs[ROWS * DIMS], targets[ROWS], deviations[ROWS], held_out[ROWS];
    uint32_t folds[ROWS];
};

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

/* A step in the first input and a slope in the second. */
static double truth(const double *input) {
    return (input[0] > 5 ? 0.3 : -0.2) + 0.04 * (input[1] - 5);
}

static double nothing(const double *input) {
    (void)input;
    return 0;
}

static struct residual_rows draw(struct sample *s, double (*function)(const double *)) {
    struct rng rng;
    rng_init(&rng, 7);
    for (uint32_t r = 0; r < ROWS; r++) {
        double *input = s->inputs + (size_t)r * DIMS;
        for (int d = 0; d < DIMS; d++)
            input[d] = 10 * rng_uniform(&rng);
        s->targets[r] = function(input) + 0.02 * rng_normal(&rng);
        s->deviations[r] = 0.04;
        s->folds[r] = r / 4 % RESIDUAL_FOLDS;
    }
    return (struct residual_rows){s->inputs, s->targets, s->deviations, s->folds, ROWS, DIMS};
}

static struct residual learnt(const struct residual_learner *learner,
                              const struct residual_rows *rows, double *held_out) {
    struct residual out;
    struct err err = {0};
    if (residual_learn(&arena, learner, rows, &out, held_out, &err))
        fail_msg("%s: %s", learner->name, err.message);
    return out;
}

static bool is_built(const struct residual_learner *learner) {
    struct err err = {0};
    return learner->learn && (!learner->available || learner->available(&err) == 0);
}

#define FOR_EACH_LEARNER(row)                                                                      \
    for (const struct residual_learner *const *row = residual_learners; *row; row++)               \
        if (is_built(*row))

static void each_learns_a_known_function(void **state) {
    (void)state;
    struct sample s;
    const struct residual_rows rows = draw(&s, truth);
    FOR_EACH_LEARNER(row) {
        const struct residual residual = learnt(*row, &rows, s.held_out);
        assert_non_null(residual.state);
        double off = 0, held_out = 0, alone = 0;
        for (uint32_t r = 0; r < ROWS; r++) {
            const double *input = s.inputs + (size_t)r * DIMS;
            off += pow(residual_at(&residual, input) - truth(input), 2);
            held_out += pow(s.held_out[r] - truth(input), 2);
            alone += pow(truth(input), 2);
        }
        if (off > 0.15 * alone || held_out > 0.2 * alone)
            fail_msg("%s: %g and %g of %g are left", (*row)->name, off, held_out, alone);
    }
}

static void each_says_nothing_far_away(void **state) {
    (void)state;
    struct sample s;
    const struct residual_rows rows = draw(&s, truth);
    static const double far[][DIMS] = {
        {60,   5   },
        {5,    -50 },
        {1000, 1000},
        {-40,  50  }
    };
    FOR_EACH_LEARNER(row) {
        const struct residual residual = learnt(*row, &rows, s.held_out);
        for (size_t i = 0; i < sizeof far / sizeof *far; i++)
            if (fabs(residual_at(&residual, far[i])) > 0.01)
                fail_msg("%s says %g far away", (*row)->name, residual_at(&residual, far[i]));
    }
}

static void each_learns_nothing_from_noise(void **state) {
    (void)state;
    struct sample s;
    const struct residual_rows rows = draw(&s, nothing);
    FOR_EACH_LEARNER(row) {
        const struct residual residual = learnt(*row, &rows, s.held_out);
        assert_null(residual.state);
        for (uint32_t r = 0; r < ROWS; r++)
            assert_true(s.held_out[r] == 0);
    }
}

static void what_is_held_out_is_not_seen(void **state) {
    (void)state;
    struct sample s, changed;
    draw(&s, truth);
    const struct residual_rows rows = draw(&s, truth);
    const struct residual_rows other = draw(&changed, truth);
    for (uint32_t r = 0; r < ROWS; r++)
        if (s.folds[r] == 3)
            changed.targets[r] += 0.01; /* too little to choose other settings by */
    FOR_EACH_LEARNER(row) {
        learnt(*row, &rows, s.held_out);
        learnt(*row, &other, changed.held_out);
        for (uint32_t r = 0; r < ROWS; r++)
            if (s.folds[r] == 3 && fabs(s.held_out[r] - changed.held_out[r]) > 1e-9)
                fail_msg("%s: row %u knew its own target", (*row)->name, r);
    }
}

static const char *text_of(const struct residual *residual) {
    struct strbuf text;
    cJSON *tree = json_object();
    residual_write(residual, tree);
    strbuf_init(&text);
    json_print(tree, false, &text);
    const char *copy = arena_strdup(&arena, text.text);
    strbuf_done(&text);
    cJSON_Delete(tree);
    return copy;
}

static void each_comes_back_from_text_bit_for_bit(void **state) {
    (void)state;
    struct sample s;
    const struct residual_rows rows = draw(&s, truth);
    FOR_EACH_LEARNER(row) {
        const struct residual residual = learnt(*row, &rows, s.held_out);
        const char *text = text_of(&residual);
        struct err err = {0};
        struct residual back;
        cJSON *tree = json_parse(text, strlen(text), "text", &err);
        if (!tree || residual_read(&arena, tree, DIMS, &back, &err))
            fail_msg("%s: %s", (*row)->name, err.message);
        cJSON_Delete(tree);
        assert_string_equal(text_of(&back), text);
        for (uint32_t r = 0; r < ROWS; r++) {
            double x = residual_at(&residual, s.inputs + (size_t)r * DIMS);
            double y = residual_at(&back, s.inputs + (size_t)r * DIMS);
            assert_memory_equal(&x, &y, sizeof x);
        }
    }
}

static void equal_rows_give_equal_bits(void **state) {
    (void)state;
    struct sample s, again;
    const struct residual_rows rows = draw(&s, truth), twin = draw(&again, truth);
    FOR_EACH_LEARNER(row) {
        const struct residual x = learnt(*row, &rows, s.held_out);
        const struct residual y = learnt(*row, &twin, again.held_out);
        assert_string_equal(text_of(&x), text_of(&y));
        assert_memory_equal(s.held_out, again.held_out, sizeof s.held_out);
    }
}

static void damaged_text_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"learner\":\"nonsense\"}",
        "{\"learner\":\"none\"}",
        "{\"learner\":\"gaussian-process\",\"weight\":[1]}",
        "{\"learner\":\"neighbours\",\"nearest\":1000,\"reach\":1,\"mean\":[0,0],\"scale\":[1,1],"
        "\"value\":[],\"precision\":[],\"at\":[]}",
        "{\"learner\":\"trees\",\"inside\":1,\"mean\":[0,0],\"scale\":[1,1],\"at\":[],"
        "\"nodes\":[0,1.5,-1,0.1]}",
        "{\"learner\":\"trees\",\"inside\":1,\"mean\":[0,0],\"scale\":[1,1],\"at\":[],"
        "\"nodes\":[2,1.5,-1,0.1,-1,0.2]}",
        "{\"learner\":\"trees\",\"inside\":1,\"mean\":[0,0],\"scale\":[1,1],\"at\":[1,2,3],"
        "\"nodes\":[1,1.5,-1,0.1,-1,0.2]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        struct residual residual;
        cJSON *tree = json_parse(texts[i], strlen(texts[i]), "text", &err);
        assert_non_null(tree);
        if (residual_read(&arena, tree, DIMS, &residual, &err) != -ERR_INPUT)
            fail_msg("was read: %s", texts[i]);
        cJSON_Delete(tree);
    }
}

/* Reading needs no XGBoost. */
static void trees_answer_as_they_are_written(void **state) {
    (void)state;
    static const char text[] =
        "{\"learner\":\"trees\",\"inside\":1,\"mean\":[0,0],\"scale\":[1,1],\"at\":[1,1],"
        "\"nodes\":[0,0.5,-1,0.25,1,1.5,-1,0.5,-1,1,-1,0.125]}";
    struct err err = {0};
    struct residual residual;
    cJSON *tree = json_parse(text, sizeof text - 1, "text", &err);
    if (residual_read(&arena, tree, DIMS, &residual, &err))
        fail_msg("%s", err.message);
    cJSON_Delete(tree);
    assert_true(residual_at(&residual, (double[]){0.4, 1}) == 0.375);
    assert_true(residual_at(&residual, (double[]){0.5, 1.4}) == 0.625);
    assert_true(residual_at(&residual, (double[]){1, 1.5}) == 1.125);
    assert_true(fabs(residual_at(&residual, (double[]){1, 50})) < 1e-6);
}

static void rows_are_found_by_name(void **state) {
    (void)state;
    for (const struct residual_learner *const *row = residual_learners; *row; row++) {
        assert_true((*row)->help && *(*row)->help);
        assert_ptr_equal(residual_learner_by_name((*row)->name), *row);
        assert_int_equal(!(*row)->learn, !(*row)->at);
        assert_int_equal(!(*row)->write, !(*row)->read);
    }
    assert_null(residual_learner_by_name("nonsense"));
    assert_string_equal(estimator_default()->name, DEFAULT_ESTIMATOR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_learns_a_known_function),
        TEST(each_says_nothing_far_away),
        TEST(each_learns_nothing_from_noise),
        TEST(what_is_held_out_is_not_seen),
        TEST(each_comes_back_from_text_bit_for_bit),
        TEST(equal_rows_give_equal_bits),
        TEST(damaged_text_is_refused),
        TEST(trees_answer_as_they_are_written),
        TEST(rows_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
