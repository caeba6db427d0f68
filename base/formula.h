/* Arithmetic that stands in text files: "64 * misses / (time / 1e9)".
 *
 *     sum     = product { ("+" | "-") product }
 *     product = factor { ("*" | "/") factor }
 *     factor  = number | name | "(" sum ")" | "-" factor
 *
 * Names are letters, digits and "_", none of the digits first. A parsed formula is a list of steps
 * over a stack; both are bounded, so what a file can ask for is too.
 */
#ifndef ASSAY_BASE_FORMULA_H
#define ASSAY_BASE_FORMULA_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { FORMULA_STEPS_MAX = 128, FORMULA_DEPTH_MAX = 32 };

struct formula_step {
    char action;       /* '#' a number, '$' a variable, '~' the sign turned, or + - * / */
    uint32_t variable; /* of '$' */
    double number;     /* of '#' */
};

struct formula {
    struct formula_step *steps; /* in the arena */
    uint32_t count;
};

/* `names` are the variables, known from now on by their place. ERR_INPUT names the place in the
 * text and what was expected there, or the name that is none. */
int formula_parse(struct arena *arena, const char *text, const char *const *names,
                  uint32_t name_count, struct formula *formula, struct err *err);

/* NaN when a variable that it uses is, and where it divides by 0. */
double formula_value(const struct formula *formula, const double *values);
bool formula_uses(const struct formula *formula, uint32_t variable);

#endif
