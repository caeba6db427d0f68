/* Operators for tests: each executes a number of instructions that is known in advance. */
#ifndef ASSAY_TESTS_PMU_OPERATORS_H
#define ASSAY_TESTS_PMU_OPERATORS_H

#include <stdint.h>

typedef void operator_fn(uint64_t rounds);

/* Instructions that a call executes beyond those of operator_none, which only returns. */
struct test_operator {
    const char *name;
    operator_fn *run;
    uint64_t rounds, per_round;
};

void operator_none(uint64_t rounds);
void operator_countdown(uint64_t rounds); /* 2 a round */
void operator_chain(uint64_t rounds);     /* 8 a round: a chain of multiply-adds */
void operator_stores(uint64_t rounds);    /* 5 a round: to the stack */

#endif
