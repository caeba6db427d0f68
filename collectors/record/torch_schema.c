#include "collectors/record/torch_schema.h"

#include "collectors/record/probe_program.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TYPE_SIZE = 32 };

/* How a type travels: how many registers of arguments it takes, all or none. */
static const struct travel {
    const char *type; /* without what is in brackets: sizes of lists, aliases */
    int registers;
} travels[] = {
    {"Tensor",        1}, /* a reference, as the following */
    {"Tensor?",       1},
    {"Scalar",        1},
    {"Scalar?",       1},
    {"Tensor?[]",     1},
    {"int",           1},
    {"SymInt",        1}, /* a reference, or the number itself */
    {"bool",          1},
    {"bool?",         1},
    {"ScalarType",    1},
    {"ScalarType?",   1},
    {"Layout",        1},
    {"Layout?",       1},
    {"Device",        1},
    {"Device?",       1},
    {"MemoryFormat",  1},
    {"MemoryFormat?", 1},
    {"float",         0}, /* goes through another set of
  registers */
    {"int?",          2},
    {"int[]",         2},
    {"SymInt[]",      2},
    {"Tensor[]",      2},
    {"bool[]",        2},
    {"Scalar[]",      2},
    {"str",           2},
};

/* -1: not known here. */
static int registers_of(const char *type) {
    for (size_t i = 0; i < sizeof travels / sizeof *travels; i++)
        if (strcmp(travels[i].type, type) == 0)
            return travels[i].registers;
    return -1;
}

/* 1 when the result is built in memory that the caller gives, 0 when not, -1 when that is not
 * known: references and numbers come back in registers. */
static int result_registers(const char *result) {
    static const struct {
        const char *text;
        int registers;
    } results[] = {
        {"Tensor(a!)",  0},
        {"Tensor",      1},
        {"Tensor(a)",   1},
        {"Tensor[]",    1},
        {"Tensor(a)[]", 1},
        {"Scalar",      1},
        {"int",         0},
        {"bool",        0},
        {"float",       0},
        {"()",          0},
        {"ScalarType",  0},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (strcmp(results[i].text, result) == 0)
            return results[i].registers;
    /* Tuples of tensors; of references nothing is said. */
    return strncmp(result, "(Tensor", 7) == 0 && !strchr(result, '!') ? 1 : -1;
}

/* One type, without aliases "(a!)" and sizes "[2]"; returns what follows it. */
static const char *read_type(const char *at, char out[TYPE_SIZE]) {
    size_t length = 0;
    int depth = 0;
    for (; *at && (depth > 0 || (*at != ' ' && *at != ',' && *at != ')')); at++) {
        depth -= *at == ')';
        if (depth == 0 && *at != ')' && *at != '(' && !isdigit((unsigned char)*at) &&
            length + 1 < TYPE_SIZE)
            out[length++] = *at;
        depth += *at == '(';
    }
    out[length] = '\0';
    return at;
}

/* Behind the comma that ends an argument; NULL at the end of all. Defaults hold brackets: [0,1]. */
static const char *next_argument(const char *at) {
    int depth = 0;
    for (; *at && (depth > 0 || (*at != ',' && *at != ')')); at++)
        depth += *at == '[' ? 1 : *at == ']' ? -1 : 0;
    return *at == ',' ? at + 1 + strspn(at + 1, " ") : NULL;
}

uint32_t torch_schema_tensors(const char *schema) {
    const char *at = strchr(schema, '('), *arrow = strstr(schema, ") -> ");
    int next = arrow ? result_registers(arrow + 5) : -1;
    uint32_t tensors = 0;
    if (!at || next < 0)
        return 0;
    for (at++; at && *at && *at != ')' && next < PROBE_ARGUMENTS; at = next_argument(at)) {
        char type[TYPE_SIZE];
        const char *behind = read_type(at, type);
        if (strcmp(type, "*") == 0)
            continue;
        int registers = registers_of(type);
        if (registers < 0)
            break;
        if (strcmp(type, "Tensor") == 0 && __builtin_popcount(tensors) < PROBE_TENSORS_MAX)
            tensors |= 1u << next;
        if (next + registers <= PROBE_ARGUMENTS)
            next += registers;
        at = behind;
    }
    return tensors;
}
