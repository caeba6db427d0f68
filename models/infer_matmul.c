/* Matrix products: MatMul and Gemm in their plain, quantised and fused forms, Einsum, Det. */
#include "models/infer_ops.h"

#include <ctype.h>
#include <string.h>

/* numpy.matmul: a vector on the left is a row, on the right a column, and that axis goes again. */
int infer_matmul_shapes(struct infer *run, const struct shape *a, const struct shape *b,
                        struct shape *y) {
    *y = infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    if (a->rank < 0 || b->rank < 0)
        return 0;
    if (a->rank == 0 || b->rank == 0)
        return infer_fail(run, "a scalar cannot be multiplied as a matrix");
    struct dim inner_a = a->dims[a->rank - 1];
    struct dim inner_b = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    if (dim_differ(inner_a, inner_b))
        return infer_fail(run, "the inner dimensions %lld and %lld differ", (long long)inner_a.size,
                          (long long)inner_b.size);
    struct shape batch_a = *a, batch_b = *b;
    batch_a.rank = a->rank > 2 ? a->rank - 2 : 0;
    batch_b.rank = b->rank > 2 ? b->rank - 2 : 0;
    if (infer_broadcast(run, &batch_a, &batch_b, y))
        return -(int)run->err->code;
    if (a->rank > 1)
        shape_append(y, a->dims[a->rank - 2]);
    if (b->rank > 1)
        shape_append(y, b->dims[b->rank - 1]);
    return 0;
}

static int put_matmul(struct infer *run, uint32_t a, uint32_t b, enum dtype dtype) {
    struct shape sa = infer_in(run, a), sb = infer_in(run, b), y;
    if (infer_matmul_shapes(run, &sa, &sb, &y))
        return -(int)run->err->code;
    infer_put(run, 0, dtype, &y);
    return 0;
}

static int infer_matmul(struct infer *run) {
    return put_matmul(run, 0, 1, infer_dtype(run, 0));
}

static int infer_matmul_integer(struct infer *run) {
    return put_matmul(run, 0, 1, DTYPE_INT32);
}

/* a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point */
static int infer_qlinear_matmul(struct infer *run) {
    return put_matmul(run, 0, 3, infer_has(run, 7) ? infer_dtype(run, 7) : infer_dtype(run, 0));
}

/* MatMulIntegerToFloat (A, B, a_scale, ...) and DynamicQuantizeMatMul (A, B, b_scale, ...). */
static int infer_matmul_to_float(struct infer *run) {
    return put_matmul(run, 0, 1, DTYPE_FLOAT32);
}

static void swap_last_two(struct shape *shape) {
    if (shape->rank < 2)
        return;
    struct dim last = shape->dims[shape->rank - 1];
    shape->dims[shape->rank - 1] = shape->dims[shape->rank - 2];
    shape->dims[shape->rank - 2] = last;
}

/* transBatch: axis 0 stands before the last one, [1, 2, ..., 0, last]. */
static void move_batch_back(struct shape *shape) {
    if (shape->rank < 3)
        return;
    struct dim moved = shape->dims[shape->rank - 2];
    for (int32_t i = shape->rank - 2; i > 0; i--)
        shape->dims[i] = shape->dims[i - 1];
    shape->dims[0] = moved;
}

/* FusedMatMul, TransposeMatMul: transA and transB swap the last two axes first. */
static int infer_fused_matmul(struct infer *run) {
    struct shape a = infer_in(run, 0), b = infer_in(run, 1), y;
    if (op_int(run->op, "transBatchA", 0))
        move_batch_back(&a);
    if (op_int(run->op, "transBatchB", 0))
        move_batch_back(&b);
    if (op_int(run->op, "transA", 0))
        swap_last_two(&a);
    if (op_int(run->op, "transB", 0))
        swap_last_two(&b);
    if (infer_matmul_shapes(run, &a, &b, &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* MatMulNBits, MatMulBnb4, MatMulFpQ4: B is packed; attributes K and N say its size. */
static int infer_matmul_packed(struct infer *run) {
    struct shape a = infer_in(run, 0);
    int64_t k = op_int(run->op, "K", GRAPH_DIM_UNKNOWN),
            n = op_int(run->op, "N", GRAPH_DIM_UNKNOWN);
    if (a.rank > 0) {
        if (dim_differ(a.dims[a.rank - 1], infer_dim(k)))
            return infer_fail(run, "the last dimension must be K = %lld", (long long)k);
        a.dims[a.rank - 1] = infer_dim(n);
    }
    infer_put(run, 0, infer_dtype(run, 0), &a);
    return 0;
}

int infer_gemm_shapes(struct infer *run, uint32_t a, uint32_t b, struct shape *y) {
    *y = infer_shape_of_rank(2);
    if (infer_need_rank(run, a, 2) || infer_need_rank(run, b, 2))
        return -(int)run->err->code;
    struct shape sa = infer_in(run, a), sb = infer_in(run, b);
    if (sa.rank < 0)
        sa = infer_shape_of_rank(2);
    if (sb.rank < 0)
        sb = infer_shape_of_rank(2);
    if (op_int(run->op, "transA", 0))
        swap_last_two(&sa);
    if (op_int(run->op, "transB", 0))
        swap_last_two(&sb);
    if (dim_differ(sa.dims[1], sb.dims[0]))
        return infer_fail(run, "the inner dimensions %lld and %lld differ",
                          (long long)sa.dims[1].size, (long long)sb.dims[0].size);
    y->dims[0] = sa.dims[0];
    y->dims[1] = sb.dims[1];
    return 0;
}

static int infer_gemm(struct infer *run) {
    struct shape y, c = infer_in(run, 2), sum;
    if (infer_gemm_shapes(run, 0, 1, &y))
        return -(int)run->err->code;
    if (c.rank >= 0 && infer_broadcast(run, &y, &c, &sum))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* QGemm: A, a_scale, a_zero_point, B, b_scale, b_zero_point, C, y_scale, y_zero_point. */
static int infer_qgemm(struct infer *run) {
    struct shape y;
    if (infer_gemm_shapes(run, 0, 3, &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_has(run, 8) ? infer_dtype(run, 8) : DTYPE_FLOAT32, &y);
    return 0;
}

static int infer_det(struct infer *run) {
    struct shape x = infer_in(run, 0);
    if (x.rank >= 0 && x.rank < 2)
        return infer_fail(run, "a determinant needs matrices");
    if (x.rank >= 2)
        x.rank -= 2;
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

/* ---- Einsum ---------------------------------------------------------------------------------- */

struct einsum {
    struct dim size[128];  /* per letter */
    int terms[128];        /* how often each letter stands in the inputs */
    struct shape ellipsis; /* what "..." stands for */
    char implicit[128];
};

static void einsum_label(struct infer *run, struct einsum *e, char letter, struct dim dim) {
    int l = letter & 127;
    e->size[l] = !e->terms[l] || e->size[l].size == 1 ? dim : dim_either(e->size[l], dim);
    e->terms[l]++;
    (void)run;
}

static int einsum_letters(const char *term, size_t length) {
    int letters = 0;
    for (size_t i = 0; i < length; i++)
        letters += isalpha((unsigned char)term[i]) != 0;
    return letters;
}

static int einsum_term(struct infer *run, struct einsum *e, uint32_t input, const char *term,
                       size_t length) {
    struct shape x = infer_in(run, input);
    int letters = einsum_letters(term, length);
    bool dots = memchr(term, '.', length) != NULL;
    if (x.rank >= 0 && (dots ? x.rank < letters : x.rank != letters))
        return infer_fail(run, "the term '%.*s' does not fit rank %d", (int)length, term, x.rank);
    int32_t axis = 0;
    for (size_t i = 0; i < length; i++) {
        if (term[i] == '.') {
            struct shape rest = infer_shape_of_rank(x.rank < 0 ? -1 : x.rank - letters), both;
            for (int32_t k = 0; k < rest.rank; k++)
                rest.dims[k] = x.dims[axis++];
            if (infer_broadcast(run, &e->ellipsis, &rest, &both))
                return -(int)run->err->code;
            e->ellipsis = both;
            i += 2;
        } else if (isalpha((unsigned char)term[i])) {
            einsum_label(run, e, term[i], x.rank < 0 ? infer_unknown_dim : x.dims[axis++]);
        }
    }
    return 0;
}

static struct shape einsum_output(const struct einsum *e, const char *term) {
    struct shape y = {.rank = 0};
    for (; *term && y.rank >= 0; term++) {
        if (isalpha((unsigned char)*term))
            shape_append(&y, e->size[*term & 127]);
        if (*term != '.')
            continue;
        if (e->ellipsis.rank < 0)
            return e->ellipsis;
        for (int32_t k = 0; k < e->ellipsis.rank; k++)
            shape_append(&y, e->ellipsis.dims[k]);
        term += strlen(term) >= 3 ? 2 : strlen(term) - 1;
    }
    return y;
}

/* Without "->" the output has "...", then the letters that stand once, in alphabetical order. */
static const char *einsum_implicit(struct einsum *e) {
    size_t n = 0;
    memcpy(e->implicit, "...", 3);
    n = 3;
    for (int l = 'A'; l <= 'z'; l++)
        if (e->terms[l] == 1)
            e->implicit[n++] = (char)l;
    e->implicit[n] = '\0';
    return e->implicit;
}

static int infer_einsum(struct infer *run) {
    const char *equation = op_string(run->op, "equation", "");
    const char *arrow = strstr(equation, "->");
    const char *end = arrow ? arrow : equation + strlen(equation);
    struct einsum e = {.ellipsis = {.rank = 0}};
    for (uint32_t i = 0; i < run->op->input_count; i++) {
        const char *comma = memchr(equation, ',', (size_t)(end - equation));
        const char *stop = comma ? comma : end;
        if (einsum_term(run, &e, i, equation, (size_t)(stop - equation)))
            return -(int)run->err->code;
        equation = comma ? comma + 1 : end;
    }
    struct shape y = einsum_output(&e, arrow ? arrow + 2 : einsum_implicit(&e));
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

const struct infer_row infer_matmul_rows[] = {
    {ONNX,      "MatMul",                infer_matmul,          NULL, 0, 0},
    {ONNX,      "MatMulInteger",         infer_matmul_integer,  NULL, 0, 0},
    {ONNX,      "QLinearMatMul",         infer_qlinear_matmul,  NULL, 0, 0},
    {ONNX,      "Gemm",                  infer_gemm,            NULL, 0, 0},
    {ONNX,      "Einsum",                infer_einsum,          NULL, 0, 0},
    {ONNX,      "Det",                   infer_det,             NULL, 0, 0},
    {MICROSOFT, "FusedGemm",             infer_gemm,            NULL, 0, 0},
    {MICROSOFT, "GemmFloat8",            infer_gemm,            NULL, 0, 0},
    {MICROSOFT, "FusedMatMul",           infer_fused_matmul,    NULL, 0, 0},
    {MICROSOFT, "TransposeMatMul",       infer_fused_matmul,    NULL, 0, 0},
    {MICROSOFT, "FusedMatMulActivation", infer_fused_matmul,    NULL, 0, 0},
    {MICROSOFT, "GemmFastGelu",          infer_matmul,          NULL, 0, 0},
    {MICROSOFT, "MatMulInteger16",       infer_matmul_integer,  NULL, 0, 0},
    {MICROSOFT, "MatMulIntegerToFloat",  infer_matmul_to_float, NULL, 0, 0},
    {MICROSOFT, "DynamicQuantizeMatMul", infer_matmul_to_float, NULL, 0, 0},
    {MICROSOFT, "QLinearMatMul",         infer_qlinear_matmul,  NULL, 0, 0},
    {MICROSOFT, "MatMulNBits",           infer_matmul_packed,   NULL, 0, 0},
    {MICROSOFT, "MatMulBnb4",            infer_matmul_packed,   NULL, 0, 0},
    {MICROSOFT, "QGemm",                 infer_qgemm,           NULL, 0, 0},
    {NULL,      NULL,                    NULL,                  NULL, 0, 0},
};
