/* Values of small constants: arithmetic. Overflow and division by zero give an unknown value. */
#include "models/infer_ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one operand ----------------------------------------------------------------------------- */

struct unary_row {
    const char *type;
    int64_t (*ints)(int64_t);
    double (*floats)(double);
};

static int64_t int_same(int64_t x) {
    return x;
}

static int64_t int_abs(int64_t x) {
    return x == INT64_MIN ? x : llabs(x);
}

static int64_t int_negative(int64_t x) {
    return x == INT64_MIN ? x : -x;
}

static int64_t int_not(int64_t x) {
    return !x;
}

static int64_t int_relu(int64_t x) {
    return x > 0 ? x : 0;
}

static double float_relu(double x) {
    return x > 0 ? x : 0;
}

static double float_negative(double x) {
    return -x;
}

static const struct unary_row unary_rows[] = {
    {"Abs",   int_abs,      fabs          },
    {"Neg",   int_negative, float_negative},
    {"Not",   int_not,      NULL          },
    {"Ceil",  int_same,     ceil          },
    {"Floor", int_same,     floor         },
    {"Round", int_same,     rint          },
    {"Relu",  int_relu,     float_relu    },
    {"Sqrt",  NULL,         sqrt          },
};

void fold_unary(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    const struct unary_row *row = unary_rows;
    while (strcmp(row->type, run->row->type) != 0)
        row++;
    struct constant *y = x && (x->floating ? row->floats != NULL : row->ints != NULL)
                             ? infer_fold_output(run, 0)
                             : NULL;
    if (!y || y->count != x->count || y->floating != x->floating)
        return;
    for (uint32_t i = 0; i < y->count; i++) {
        y->elements[i].known = x->elements[i].known;
        if (y->elements[i].known && y->floating)
            y->elements[i].f = row->floats(x->elements[i].f);
        else if (y->elements[i].known)
            y->elements[i].i = row->ints(x->elements[i].i);
    }
}

/* ---- two operands ---------------------------------------------------------------------------- */

struct binary_row {
    const char *type;
    bool (*ints)(int64_t a, int64_t b, int64_t *y); /* false: no value */
    double (*floats)(double a, double b);
};

static bool int_add(int64_t a, int64_t b, int64_t *y) {
    return !__builtin_add_overflow(a, b, y);
}

static bool int_sub(int64_t a, int64_t b, int64_t *y) {
    return !__builtin_sub_overflow(a, b, y);
}

static bool int_mul(int64_t a, int64_t b, int64_t *y) {
    return !__builtin_mul_overflow(a, b, y);
}

static bool int_div(int64_t a, int64_t b, int64_t *y) {
    if (b == 0 || (b == -1 && a == INT64_MIN))
        return false;
    *y = a / b;
    return true;
}

/* The result has the sign of the divisor. */
static bool int_mod(int64_t a, int64_t b, int64_t *y) {
    if (b == 0 || b == -1)
        return false;
    *y = a % b;
    if (*y != 0 && (*y < 0) != (b < 0))
        *y += b;
    return true;
}

static bool int_pow(int64_t a, int64_t b, int64_t *y) {
    *y = 1;
    if (b < 0 || b > 64)
        return false;
    for (; b > 0; b--)
        if (__builtin_mul_overflow(*y, a, y))
            return false;
    return true;
}

static bool int_max(int64_t a, int64_t b, int64_t *y) {
    *y = a > b ? a : b;
    return true;
}

static bool int_min(int64_t a, int64_t b, int64_t *y) {
    *y = a < b ? a : b;
    return true;
}

static bool int_equal(int64_t a, int64_t b, int64_t *y) {
    *y = a == b;
    return true;
}

static bool int_less(int64_t a, int64_t b, int64_t *y) {
    *y = a < b;
    return true;
}

static bool int_greater(int64_t a, int64_t b, int64_t *y) {
    *y = a > b;
    return true;
}

static bool int_less_equal(int64_t a, int64_t b, int64_t *y) {
    *y = a <= b;
    return true;
}

static bool int_greater_equal(int64_t a, int64_t b, int64_t *y) {
    *y = a >= b;
    return true;
}

static bool int_and(int64_t a, int64_t b, int64_t *y) {
    *y = a && b;
    return true;
}

static bool int_or(int64_t a, int64_t b, int64_t *y) {
    *y = a || b;
    return true;
}

static bool int_xor(int64_t a, int64_t b, int64_t *y) {
    *y = !a != !b;
    return true;
}

static double float_add(double a, double b) {
    return a + b;
}

static double float_sub(double a, double b) {
    return a - b;
}

static double float_mul(double a, double b) {
    return a * b;
}

static double float_div(double a, double b) {
    return a / b;
}

static double float_equal(double a, double b) {
    return a == b;
}

static double float_less(double a, double b) {
    return a < b;
}

static double float_greater(double a, double b) {
    return a > b;
}

static double float_less_equal(double a, double b) {
    return a <= b;
}

static double float_greater_equal(double a, double b) {
    return a >= b;
}

static const struct binary_row binary_rows[] = {
    {"Add",            int_add,           float_add          },
    {"Sub",            int_sub,           float_sub          },
    {"Mul",            int_mul,           float_mul          },
    {"Div",            int_div,           float_div          },
    {"Pow",            int_pow,           pow                },
    {"Mod",            int_mod,           NULL               },
    {"Max",            int_max,           fmax               },
    {"Min",            int_min,           fmin               },
    {"Equal",          int_equal,         float_equal        },
    {"Less",           int_less,          float_less         },
    {"Greater",        int_greater,       float_greater      },
    {"LessOrEqual",    int_less_equal,    float_less_equal   },
    {"GreaterOrEqual", int_greater_equal, float_greater_equal},
    {"And",            int_and,           NULL               },
    {"Or",             int_or,            NULL               },
    {"Xor",            int_xor,           NULL               },
};

static const struct binary_row *find_binary(const char *type) {
    for (size_t i = 0; i < sizeof binary_rows / sizeof *binary_rows; i++)
        if (strcmp(binary_rows[i].type, type) == 0)
            return &binary_rows[i];
    return NULL;
}

/* Walks positions of `to`; gives the element of a broadcast operand. */
static const struct element *broadcast_at(const struct constant *x, const struct shape *from,
                                          const struct shape *to, uint32_t i) {
    int64_t index = 0, stride = 1, rest = i;
    for (int32_t k = to->rank - 1, f = from->rank - 1; k >= 0; k--, f--) {
        int64_t size = to->dims[k].size > 0 ? to->dims[k].size : 1, at = rest % size;
        rest /= size;
        if (f < 0)
            continue;
        index += from->dims[f].size == 1 ? 0 : at * stride;
        stride *= from->dims[f].size;
    }
    return index < x->count ? &x->elements[index] : NULL;
}

static struct shape shape_of_output(const struct infer *run) {
    return shape_into(op_output(run->graph, run->op, 0), run->graph, run->graph);
}

/* x * 1, x + 0, x / 1 keep a symbol. */
static int32_t symbol_kept(const struct binary_row *row, const struct element *a,
                           const struct element *b) {
    bool times = row->ints == int_mul, plus = row->ints == int_add;
    if (!a->known && b->known &&
        (((times || row->ints == int_div) && b->i == 1) ||
         ((plus || row->ints == int_sub) && b->i == 0)))
        return a->symbol;
    if (a->known && !b->known && ((times && a->i == 1) || (plus && a->i == 0)))
        return b->symbol;
    return GRAPH_NO_SYMBOL;
}

static void compute(const struct binary_row *row, bool floating, bool to_float,
                    const struct element *a, const struct element *b, struct element *y) {
    y->known = a && b && a->known && b->known;
    if (!y->known) {
        y->symbol = a && b && !floating ? symbol_kept(row, a, b) : GRAPH_NO_SYMBOL;
        return;
    }
    if (!floating) {
        y->known = row->ints(a->i, b->i, &y->i);
    } else {
        double value = row->floats(a->f, b->f);
        if (to_float)
            y->f = value;
        else
            y->i = value != 0;
    }
}

void fold_binary(struct infer *run) {
    const struct constant *a = infer_constant(run, 0), *b = infer_constant(run, 1);
    const struct binary_row *row = find_binary(run->row->type);
    struct shape from_a = infer_in(run, 0), from_b = infer_in(run, 1);
    if (!a || !b || !row || run->op->input_count != 2 || a->floating != b->floating ||
        (a->floating && !row->floats) || shape_elements(&from_a) != (int64_t)a->count ||
        shape_elements(&from_b) != (int64_t)b->count || op_int(run->op, "fmod", 0))
        return;
    struct constant *y = infer_fold_output(run, 0);
    if (!y || (y->floating && !a->floating))
        return;
    struct shape to = shape_of_output(run);
    for (uint32_t i = 0; i < y->count; i++)
        compute(row, a->floating, y->floating, broadcast_at(a, &from_a, &to, i),
                broadcast_at(b, &from_b, &to, i), &y->elements[i]);
}

void fold_where(struct infer *run) {
    const struct constant *c = infer_constant(run, 0), *a = infer_constant(run, 1);
    const struct constant *b = infer_constant(run, 2);
    struct shape sc = infer_in(run, 0), sa = infer_in(run, 1), sb = infer_in(run, 2);
    if (!c || !a || !b || a->floating != b->floating || c->floating)
        return;
    struct constant *y = infer_fold_output(run, 0);
    if (!y || y->floating != a->floating)
        return;
    struct shape to = shape_of_output(run);
    for (uint32_t i = 0; i < y->count; i++) {
        const struct element *which = broadcast_at(c, &sc, &to, i);
        if (!which || !which->known)
            continue;
        const struct element *from =
            which->i ? broadcast_at(a, &sa, &to, i) : broadcast_at(b, &sb, &to, i);
        if (from)
            y->elements[i] = *from;
    }
}

/* ---- reductions of whole vectors ------------------------------------------------------------- */

static const struct {
    const char *type;
    const char *binary; /* how two values become one */
    int64_t start;
    bool from_first; /* start with the first element instead */
} reductions[] = {
    {"ReduceSum",  "Add", 0, false},
    {"ReduceProd", "Mul", 1, false},
    {"ReduceMax",  "Max", 0, true },
    {"ReduceMin",  "Min", 0, true },
};

void fold_reduce(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    struct shape from = infer_in(run, 0);
    size_t r = 0;
    while (strcmp(reductions[r].type, run->row->type) != 0)
        r++;
    const struct binary_row *row = find_binary(reductions[r].binary);
    if (!x || x->count == 0 || shape_elements(&from) != (int64_t)x->count)
        return;
    struct constant *y = infer_fold_output(run, 0);
    if (!y || y->count != 1 || y->floating != x->floating)
        return;
    struct element sum = {.symbol = GRAPH_NO_SYMBOL, .known = true};
    if (x->floating)
        sum.f = (double)reductions[r].start;
    else
        sum.i = reductions[r].start;
    if (reductions[r].from_first)
        sum = x->elements[0];
    for (uint32_t i = reductions[r].from_first; i < x->count; i++) {
        struct element next = {.symbol = GRAPH_NO_SYMBOL};
        compute(row, x->floating, x->floating, &sum, &x->elements[i], &next);
        sum = next;
    }
    y->elements[0] = sum;
}
