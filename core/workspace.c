#include "core/workspace.h"

#include <math.h>
#include <string.h>

struct taking {
    const struct graph *graph;
    const struct op *op;
    struct workspace *out;
};

static double elements(const struct tensor *tensor) {
    int64_t n = tensor ? tensor_elements(tensor) : 0;
    return n > 0 ? (double)n : 0;
}

static double dim_of(const struct tensor *tensor, int32_t d) {
    int32_t at = tensor && d < 0 ? tensor->rank + d : d;
    return tensor && at >= 0 && at < tensor->rank && tensor->dims[at].size > 0
               ? (double)tensor->dims[at].size
               : 1;
}

static const struct tensor *in(const struct taking *t, uint32_t i) {
    return op_input(t->graph, t->op, i);
}

static void take(struct taking *t, double bytes) {
    if (bytes >= 1 && t->out->count < WORKSPACE_BLOCKS)
        t->out->bytes[t->out->count++] = (uint64_t)fmin(bytes, 0x1p40);
}

static void take_floats(struct taking *t, double count) {
    take(t, 4 * count);
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* Columns of all filters of a group over the pixels of one image. */
static void transposed_columns(struct taking *t) {
    const struct tensor *x = in(t, 0), *w = in(t, 1);
    take_floats(t, elements(w) / dim_of(w, 0) * elements(x) / (dim_of(x, 0) * dim_of(x, 1)));
}

/* Of a plain convolution (MlasConvPrepare in convolve.cpp): all columns of an image when there are
 * more filters than pixels, else a piece of fixed size; none when the input is the columns. */
static void convolution_columns(struct taking *t) {
    enum { PIECE_FLOATS = 128 * 128 };
    const struct tensor *x = in(t, 0), *w = in(t, 1), *y = op_output(t->graph, t->op, 0);
    double filters = dim_of(w, 0) / (double)op_int(t->op, "group", 1);
    double depth = elements(w) / dim_of(w, 0);
    double pixels = elements(y) / (dim_of(y, 0) * dim_of(y, 1));
    bool as_it_is = depth == dim_of(w, 1) && pixels == elements(x) / (dim_of(x, 0) * dim_of(x, 1));
    if (!as_it_is && strcmp(t->op->domain, "com.microsoft.nchwc") != 0)
        take_floats(t, filters > pixels ? depth * pixels : PIECE_FLOATS);
}

/* ---- attention and recurrent layers ---------------------------------------------------------- */

/* Queries, keys and values, and the probabilities of every head. */
static void attention_inside(struct taking *t) {
    const struct tensor *x = in(t, 0);
    double heads = (double)op_int(t->op, "num_heads", 1), rows = dim_of(x, -2);
    take_floats(t, 3 * elements(x) + dim_of(x, 0) * heads * rows * rows);
}

/* The gates of every step; backwards what comes in and what goes out is turned round too. Both
 * directions are alive at the same time. */
static void recurrent_steps(struct taking *t) {
    const struct tensor *x = in(t, 0), *w = in(t, 1), *r = in(t, 2);
    double steps = dim_of(x, 0) * dim_of(x, 1);
    const char *direction = op_string(t->op, "direction", "forward");
    bool both = dim_of(w, 0) == 2;
    take_floats(t, steps * dim_of(w, 1));
    if (both)
        take_floats(t, steps * dim_of(w, 1));
    if (both || strcmp(direction, "reverse") == 0) {
        take_floats(t, elements(x));
        take_floats(t, steps * dim_of(r, 2));
    }
}

/* ---- element by element ---------------------------------------------------------------------- */

static void one_input(struct taking *t) {
    take_floats(t, elements(in(t, 0)));
}

/* Without a bias it works piece by piece in its output. */
static void biased_input(struct taking *t) {
    if (in(t, 1))
        one_input(t);
}

/* Along another axis than the last: turned, and turned back. */
static void turned_softmax(struct taking *t) {
    const struct tensor *x = in(t, 0);
    int64_t axis = op_int(t->op, "axis", -1);
    if (!x || axis == -1 || axis == x->rank - 1)
        return;
    take_floats(t, elements(x));
    take_floats(t, elements(x));
}

/* Size of dimension `d` of those that the shapes give together, counted from the last. */
static double common_dim(const struct tensor *a, const struct tensor *b, int32_t d) {
    return fmax(d <= a->rank ? dim_of(a, -d) : 1, d <= b->rank ? dim_of(b, -d) : 1);
}

static double common_elements(const struct tensor *a, const struct tensor *b) {
    double n = 1;
    for (int32_t d = 1; d <= a->rank || d <= b->rank; d++)
        n *= common_dim(a, b, d);
    return n;
}

/* What is taken of one and what of the other, each spread over the condition. */
static void two_selections(struct taking *t) {
    const struct tensor *condition = in(t, 0), *a = in(t, 1), *b = in(t, 2);
    if (!condition || !a || !b)
        return;
    double element = (double)dtype_bytes(a->dtype, 1);
    take(t, element * common_elements(condition, a));
    take(t, element * common_elements(condition, b));
}

/* ---- Einsum ---------------------------------------------------------------------------------- */

enum { LETTERS = 16 };

/* Of a product of two: letters in the order in which they are first seen. */
struct einsum {
    char letters[LETTERS];
    int32_t count;
    double size[2][LETTERS]; /* 1: the operand has not got it */
    bool has[2][LETTERS], left_over[LETTERS];
    int32_t place[LETTERS]; /* in the result; -1: summed over */
    double elements[2];
    bool ordered[2]; /* the operand's letters are in the order of all */
};

static int32_t letter_at(struct einsum *e, char letter) {
    for (int32_t i = 0; i < e->count; i++)
        if (e->letters[i] == letter)
            return i;
    if (e->count == LETTERS)
        return -1;
    e->letters[e->count] = letter;
    e->size[0][e->count] = e->size[1][e->count] = 1;
    e->place[e->count] = -1;
    return e->count++;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The text behind the operand, or NULL when it is not understood: three dots, diagonals. */
static const char *read_operand(struct einsum *e, int operand, const struct tensor *x,
                                const char *text) {
    int32_t d = 0, last = -1;
    e->elements[operand] = elements(x);
    e->ordered[operand] = true;
    for (; *text && *text != ',' && *text != '-'; text++) {
        if (*text == ' ')
            continue;
        int32_t at = is_letter(*text) ? letter_at(e, *text) : -1;
        if (at < 0 || e->has[operand][at] || d >= x->rank)
            return NULL;
        e->has[operand][at] = true;
        e->size[operand][at] = dim_of(x, d++);
        e->ordered[operand] = e->ordered[operand] && at > last;
        last = at;
    }
    return d == x->rank ? text : NULL;
}

static bool read_result(struct einsum *e, const char *text) {
    int32_t place = 0;
    for (; *text; text++) {
        if (*text == ' ')
            continue;
        int32_t at = is_letter(*text) ? letter_at(e, *text) : -1;
        if (at < 0 || !(e->has[0][at] || e->has[1][at]))
            return false;
        e->place[at] = place++;
    }
    return true;
}

static bool read_einsum(const struct taking *t, struct einsum *e) {
    const char *text = op_string(t->op, "equation", "");
    if (t->op->input_count != 2 || !in(t, 0) || !in(t, 1))
        return false;
    text = read_operand(e, 0, in(t, 0), text);
    if (!text || *text != ',')
        return false;
    text = read_operand(e, 1, in(t, 1), text + 1);
    return text && strncmp(text, "->", 2) == 0 && read_result(e, text + 2);
}

/* What a letter is to the product of matrices. */
enum einsum_part { SHARED, LEFT, SUMMED, RIGHT };

static enum einsum_part part_of(const struct einsum *e, int32_t letter) {
    if (e->place[letter] < 0)
        return SUMMED;
    if (e->size[0][letter] > 1)
        return e->size[1][letter] > 1 ? SHARED : LEFT;
    return RIGHT;
}

/* Letters in the order of the given parts; how many. */
static int32_t ordered_by(const struct einsum *e, const enum einsum_part order[4], int32_t *out) {
    int32_t n = 0;
    for (int k = 0; k < 4; k++)
        for (int32_t i = 0; i < e->count; i++)
            if (part_of(e, i) == order[k])
                out[n++] = i;
    return n;
}

static bool must_be_turned(const struct einsum *e, const enum einsum_part order[4]) {
    int32_t letters[LETTERS], n = ordered_by(e, order, letters);
    for (int32_t i = 0; i < n; i++)
        if (letters[i] != i)
            return true;
    return false;
}

/* Operands in one order of letters, turned for the product, the product, turned to the result's
 * order (einsum_typed_compute_processor.cc). A dimension of 1 turns what need not be. */
static void einsum_steps(struct taking *t) {
    static const enum einsum_part left[] = {SHARED, LEFT, SUMMED, RIGHT};
    static const enum einsum_part right[] = {SHARED, SUMMED, RIGHT, LEFT};
    struct einsum e = {0};
    if (!read_einsum(t, &e))
        return;
    for (int operand = 0; operand < 2; operand++)
        if (!e.ordered[operand])
            take_floats(t, e.elements[operand]);
    if (must_be_turned(&e, left))
        take_floats(t, e.elements[0]);
    if (must_be_turned(&e, right))
        take_floats(t, e.elements[1]);
    double product = elements(op_output(t->graph, t->op, 0));
    take_floats(t, product);
    int32_t letters[LETTERS], n = ordered_by(&e, left, letters), place = 0;
    for (int32_t i = 0; i < n; i++)
        if (e.place[letters[i]] >= 0 && e.place[letters[i]] != place++) {
            take_floats(t, product);
            return;
        }
}

/* ---- all ------------------------------------------------------------------------------------- */

static const struct workspace_row {
    const char *type;
    void (*take)(struct taking *);
} rows[] = {
    {"Conv",               convolution_columns},
    {"FusedConv",          convolution_columns},
    {"ConvTranspose",      transposed_columns },
    {"Attention",          attention_inside   },
    {"MultiHeadAttention", attention_inside   },
    {"LSTM",               recurrent_steps    },
    {"GRU",                recurrent_steps    },
    {"BiasGelu",           one_input          },
    {"FastGelu",           biased_input       },
    {"LRN",                one_input          },
    {"Softmax",            turned_softmax     },
    {"LogSoftmax",         turned_softmax     },
    {"Where",              two_selections     },
    {"Einsum",             einsum_steps       },
};

void workspace_of(const struct graph *graph, const struct op *op, struct workspace *out) {
    *out = (struct workspace){0};
    struct taking t = {graph, op, out};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(op->type, rows[i].type) == 0)
            rows[i].take(&t);
}

uint64_t workspace_bytes(const struct workspace *workspace) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < workspace->count; i++)
        bytes += workspace->bytes[i];
    return bytes;
}

uint64_t workspace_kept_bytes(const struct graph *graph, const struct op *op) {
    const struct tensor *w = op_input(graph, op, 1);
    if (strcmp(op->type, "ConvTranspose") != 0 || !w || !(w->flags & TENSOR_INITIALIZER) ||
        w->rank <= 2)
        return 0;
    double depth = dim_of(w, 0) / (double)op_int(op, "group", 1);
    double columns = elements(w) / dim_of(w, 0);
    return depth == 1 || columns == 1 ? 0 : tensor_bytes(w); /* a row or a column stays as it is */
}
