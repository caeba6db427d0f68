#include "base/formula.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *text, *at;
    const char *const *names;
    uint32_t name_count;
    uint32_t depth; /* of parentheses and signs */
    struct formula *out;
    struct err *err;
};

static int parse_sum(struct parser *p);

static int expected(struct parser *p, const char *what) {
    return err_set(p->err, ERR_INPUT, "formula '%.80s': %s expected at character %zu", p->text,
                   what, (size_t)(p->at - p->text) + 1);
}

static char next(struct parser *p) {
    while (isspace((unsigned char)*p->at))
        p->at++;
    return *p->at;
}

static int add(struct parser *p, struct formula_step step) {
    if (p->out->count == FORMULA_STEPS_MAX)
        return err_set(p->err, ERR_INPUT, "formula '%.80s' has more than %d steps", p->text,
                       FORMULA_STEPS_MAX);
    p->out->steps[p->out->count++] = step;
    return 0;
}

/* ---- parsing -------------------------------------------------------------------------------- */

static bool in_name(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* strtod would take "inf", "nan" and hexadecimal as well: a name or nonsense here. */
static int parse_number(struct parser *p) {
    char *end;
    double value = strtod(p->at, &end);
    if (end == p->at || (p->at[0] == '0' && tolower((unsigned char)p->at[1]) == 'x') ||
        in_name(*end) || !isfinite(value))
        return expected(p, "a decimal number");
    p->at = end;
    return add(p, (struct formula_step){.action = '#', .number = value});
}

static int parse_name(struct parser *p) {
    size_t length = 0;
    while (in_name(p->at[length]))
        length++;
    for (uint32_t i = 0; i < p->name_count; i++)
        if (strlen(p->names[i]) == length && memcmp(p->names[i], p->at, length) == 0) {
            p->at += length;
            return add(p, (struct formula_step){.action = '$', .variable = i});
        }
    return err_set(p->err, ERR_INPUT, "formula '%.80s': nothing is called '%.*s'", p->text,
                   (int)(length < 64 ? length : 64), p->at);
}

static int parse_nested(struct parser *p, char opening) {
    p->at++;
    if (opening == '-')
        return 0;
    int code = parse_sum(p);
    if (code)
        return code;
    if (next(p) != ')')
        return expected(p, "')'");
    p->at++;
    return 0;
}

static int parse_factor(struct parser *p) {
    char c = next(p);
    if (isdigit((unsigned char)c) || c == '.')
        return parse_number(p);
    if (isalpha((unsigned char)c) || c == '_')
        return parse_name(p);
    if (c != '(' && c != '-')
        return expected(p, "a number, a name, '(' or '-'");
    if (p->depth == FORMULA_DEPTH_MAX)
        return err_set(p->err, ERR_INPUT, "formula '%.80s' is nested deeper than %d", p->text,
                       FORMULA_DEPTH_MAX);
    p->depth++;
    int code = parse_nested(p, c);
    if (!code && c == '-')
        code = parse_factor(p);
    if (!code && c == '-')
        code = add(p, (struct formula_step){.action = '~'});
    p->depth--;
    return code;
}

/* Operands by `parse`, joined from the left by any of `operators`. */
static int parse_chain(struct parser *p, int (*parse)(struct parser *), const char *operators) {
    int code = parse(p);
    for (char c; !code && (c = next(p)) != '\0' && strchr(operators, c);) {
        p->at++;
        code = parse(p);
        if (!code)
            code = add(p, (struct formula_step){.action = c});
    }
    return code;
}

static int parse_product(struct parser *p) {
    return parse_chain(p, parse_factor, "*/");
}

static int parse_sum(struct parser *p) {
    return parse_chain(p, parse_product, "+-");
}

int formula_parse(struct arena *arena, const char *text, const char *const *names,
                  uint32_t name_count, struct formula *formula, struct err *err) {
    *formula = (struct formula){ARENA_ARRAY(arena, FORMULA_STEPS_MAX, struct formula_step), 0};
    struct parser p = {text, text, names, name_count, 0, formula, err};
    int code = parse_sum(&p);
    if (code)
        return code;
    return next(&p) ? expected(&p, "an operator or the end") : 0;
}

/* ---- its value ------------------------------------------------------------------------------ */

static double join(char action, double a, double b) {
    switch (action) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    default:
        return b != 0 ? a / b : NAN;
    }
}

/* A formula has at most one more value on the stack than steps that join two. */
double formula_value(const struct formula *formula, const double *values) {
    double stack[FORMULA_STEPS_MAX] = {0};
    uint32_t top = 0;
    for (uint32_t i = 0; i < formula->count; i++) {
        const struct formula_step *step = &formula->steps[i];
        if (step->action == '#') {
            stack[top++] = step->number;
        } else if (step->action == '$') {
            stack[top++] = values[step->variable];
        } else if (step->action == '~') {
            stack[top - 1] = -stack[top - 1];
        } else {
            top--;
            stack[top - 1] = join(step->action, stack[top - 1], stack[top]);
        }
    }
    return top == 1 ? stack[0] : NAN;
}

bool formula_uses(const struct formula *formula, uint32_t variable) {
    for (uint32_t i = 0; i < formula->count; i++)
        if (formula->steps[i].action == '$' && formula->steps[i].variable == variable)
            return true;
    return false;
}
