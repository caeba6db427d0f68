/* Rates that all classes share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/shared_rates.h"

#include <string.h>

static int term_of(enum kernel_family family, const char *name) {
    const char *const *terms = family_info(family)->terms;
    int i = 0;
    while (strcmp(terms[i], name) != 0)
        i++;
    return i;
}

static void vote(struct arena *arena, struct shared_votes *votes, enum kernel_family family,
                 double rate, double amount) {
    double rates[FEATURE_TERMS_MAX] = {0}, amounts[FEATURE_TERMS_MAX] = {0};
    int term = term_of(family, "busy_cycles");
    rates[term] = rate;
    amounts[term] = amount;
    shared_votes_add(arena, votes, family, rates, amounts);
}

static void classes_vote_by_the_time_that_a_rate_explains(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct shared_votes votes = {0};
    vote(&arena, &votes, FAMILY_CONV_BLOCKED, 0.33, 1e9);
    vote(&arena, &votes, FAMILY_MATMUL, 0.31, 2e8);
    vote(&arena, &votes, FAMILY_CONV_PLAIN, 2.0, 1e6);    /* says much of little */
    vote(&arena, &votes, FAMILY_CONV_DEPTHWISE, 0, 1e12); /* did not need the term */
    struct shared_rates shared = shared_votes_count(&votes);
    double prior[FEATURE_TERMS_MAX];
    shared_rates_of(&shared, FAMILY_RECURRENT, prior);
    assert_true(prior[term_of(FAMILY_RECURRENT, "busy_cycles")] == 0.33);
    assert_true(prior[term_of(FAMILY_RECURRENT, "wait_cycles")] == 0); /* nobody knows */
    assert_true(prior[term_of(FAMILY_RECURRENT, "call")] == 0);        /* not shared */
    arena_done(&arena);
}

static void without_votes_nothing_is_assumed(void **state) {
    (void)state;
    const struct shared_votes none = {0};
    struct shared_rates shared = shared_votes_count(&none);
    double prior[FEATURE_TERMS_MAX];
    for (int f = 0; f < FAMILY_COUNT; f++) {
        shared_rates_of(&shared, (enum kernel_family)f, prior);
        for (int i = 0; i < FEATURE_TERMS_MAX; i++)
            assert_true(prior[i] == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_vote_by_the_time_that_a_rate_explains),
        cmocka_unit_test(without_votes_nothing_is_assumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
