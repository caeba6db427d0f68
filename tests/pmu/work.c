/* work ROUNDS: executes 2 instructions a round, and a few thousand around them. */
#include "operators.h"

#include <stdlib.h>

int main(int argc, char **argv) {
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    if (rounds)
        operator_countdown(rounds);
    return rounds ? 0 : 2;
}
