/* Matrix products: with a bias they become Gemm, with scales and transposes FusedMatMul. */
#include "models/lower_rules.h"

#include <string.h>

/* ---- MatMul + Add ---------------------------------------------------------------------------- */

/* The bias must broadcast over the rows: N, 1, or with leading ones. */
static bool is_row(const struct lower *l, int32_t tensor, int64_t columns) {
    const struct tensor *t = &l->graph->tensors[tensor];
    if (t->rank < 1)
        return false;
    for (int32_t i = 0; i + 1 < t->rank; i++)
        if (t->dims[i].size != 1)
            return false;
    return t->dims[t->rank - 1].size == columns || t->dims[t->rank - 1].size == 1;
}

static int32_t add_reshape(struct lower *l, const char *name, int32_t in, int32_t rank,
                           const int64_t *sizes) {
    int32_t op = lower_add_op(l, name, "Reshape", ONNX);
    int32_t out = lower_add_tensor(l, name, lower_tensor(l, in)->dtype, rank, sizes);
    int32_t shape = lower_add_ints(l, lower_name(l, name, "_shape"), (uint32_t)rank, sizes);
    graph_set_outputs(l->graph, op, 1, &out);
    lower_set_inputs(l, op, 2, (int32_t[]){in, shape});
    return op;
}

/* A (.. x K) of higher rank is seen as rows x K, and the result is given its shape back. */
static void make_gemm(struct lower *l, int32_t op, int32_t bias, int32_t out) {
    int32_t a = lower_in(l, op, 0), b = lower_in(l, op, 1), rank = lower_rank(l, a);
    const char *name = lower_op(l, op)->name;
    int64_t rows = 1, k = lower_size(l, b, 0), n = lower_size(l, b, 1);
    for (int32_t i = 0; i + 1 < rank; i++)
        if (__builtin_mul_overflow(rows, lower_size(l, a, i), &rows)) {
            rows = GRAPH_DIM_UNKNOWN;
            break;
        }
    if (rank != 2) {
        a = lower_out(
            l, add_reshape(l, lower_name(l, name, "_input_reshape"), a, 2, (int64_t[]){rows, k}),
            0);
        const struct tensor *result = lower_tensor(l, out);
        int64_t sizes[GRAPH_RANK_MAX];
        for (int32_t i = 0; i < result->rank; i++)
            sizes[i] = result->dims[i].size;
        int32_t flat = lower_add_tensor(l, lower_name(l, name, "_flat"), result->dtype, 2,
                                        (int64_t[]){rows, n});
        int32_t back =
            add_reshape(l, lower_name(l, name, "_output_reshape"), flat, lower_rank(l, out), sizes);
        lower_set_output(l, back, out);
        out = flat;
    }
    lower_retype(l, op, ONNX, "Gemm");
    lower_set_inputs(l, op, 3, (int32_t[]){a, b, bias});
    lower_set_output(l, op, out);
}

/* More of them ask for the shape in no model; each product asks about all. */
enum { READERS_LOOKED_AT = 64 };

/* A LayerNormalization that three products and one residual sum read. */
static bool begins_attention(const struct lower *l, int32_t tensor) {
    int32_t norm = lower_producer(l, tensor), products = 0, sums = 0, others = 0;
    if (!lower_is(l, norm, ONNX, "LayerNormalization") || l->use_counts[tensor] > READERS_LOOKED_AT)
        return false;
    for (const struct use *u = l->uses[tensor]; u; u = u->next) {
        products += lower_is(l, u->op, ONNX, "MatMul");
        sums += lower_is(l, u->op, ONNX, "Add");
        others += !lower_is(l, u->op, ONNX, "MatMul") && !lower_is(l, u->op, ONNX, "Add") &&
                  !lower_is(l, u->op, ONNX, "Shape");
    }
    return products == 3 && sums == 1 && others == 0;
}

/* The four products of an attention block are spared at first, for a fusion of all of it that then
 * asks for more than it finds. */
static bool is_attention(const struct lower *l, int32_t op, int32_t add) {
    int32_t sum = lower_sole_reader(l, lower_out(l, add, 0));
    return begins_attention(l, lower_in(l, op, 0)) ||
           (lower_is(l, sum, ONNX, "Add") &&
            begins_attention(l, lower_other_input(l, sum, lower_out(l, add, 0))));
}

static bool fuse_any_bias(struct lower *l, int32_t op) {
    int32_t a = lower_in(l, op, 0), b = lower_in(l, op, 1), product = lower_out(l, op, 0);
    int32_t add = lower_sole_reader(l, product);
    if (!lower_is(l, op, ONNX, "MatMul") || !lower_is(l, add, ONNX, "Add") ||
        !lower_is_float(l, product) || lower_rank(l, b) != 2 || lower_rank(l, a) < 2 ||
        !lower_same_shape(l, product, lower_out(l, add, 0)))
        return false;
    int32_t bias = lower_other_input(l, add, product), out = lower_out(l, add, 0);
    if (bias < 0 || bias == product || !is_row(l, bias, lower_size(l, b, 1)) ||
        (lower_rank(l, a) > 2 && (lower_rank(l, bias) != 1 || !lower_is_constant(l, b))))
        return false;
    lower_kill(l, add);
    make_gemm(l, op, bias, out);
    return true;
}

static bool fuse_bias(struct lower *l, int32_t op) {
    int32_t add = lower_sole_reader(l, lower_out(l, op, 0));
    return add >= 0 && !is_attention(l, op, add) && fuse_any_bias(l, op);
}

/* ---- Transpose into Gemm --------------------------------------------------------------------- */

static bool swaps_matrix(const struct lower *l, int32_t op) {
    const struct attribute *perm = op_attribute(&l->graph->ops[op], "perm");
    int32_t rank = lower_rank(l, lower_in(l, op, 0));
    if (!perm || perm->kind != ATTRIBUTE_INTS)
        return rank == 2;
    for (uint32_t i = 0; i + 2 < perm->count; i++)
        if (perm->ints[i] != i)
            return false;
    return perm->count >= 2 && perm->ints[perm->count - 1] == perm->count - 2;
}

static bool fuse_transpose(struct lower *l, int32_t op, uint32_t side, const char *attribute) {
    int32_t transpose = lower_producer(l, lower_in(l, op, side));
    if (!lower_is(l, transpose, ONNX, "Transpose") || !swaps_matrix(l, transpose))
        return false;
    lower_set_input(l, op, side, lower_in(l, transpose, 0));
    lower_set_int(l, op, attribute, !op_int(lower_op(l, op), attribute, 0));
    return true;
}

static bool fuse_gemm_transpose(struct lower *l, int32_t op) {
    if (!lower_is(l, op, ONNX, "Gemm"))
        return false;
    return fuse_transpose(l, op, 0, "transA") || fuse_transpose(l, op, 1, "transB");
}

const struct lower_rule lower_matmul_rules[] = {
    {"matmul-add",     "with a bias it is Gemm", "MatMul", fuse_bias          },
    {"gemm-transpose", "transposed operands",    "Gemm",   fuse_gemm_transpose},
    {NULL,             NULL,                     NULL,     NULL               },
};

/* ---- FusedMatMul ----------------------------------------------------------------------------- */

static bool is_product(const struct lower *l, int32_t op) {
    return (lower_is(l, op, ONNX, "MatMul") || lower_is(l, op, MICROSOFT, "FusedMatMul")) &&
           lower_is_float(l, lower_out(l, op, 0));
}

static void become_fused(struct lower *l, int32_t op) {
    static const char *const flags[] = {"transA", "transB", "transBatchA", "transBatchB"};
    if (lower_is(l, op, MICROSOFT, "FusedMatMul"))
        return;
    lower_retype(l, op, MICROSOFT, "FusedMatMul");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        lower_set_int(l, op, flags[i], 0);
    graph_set_float(l->graph, op, "alpha", 1);
}

static void multiply_alpha(struct lower *l, int32_t op, double factor) {
    become_fused(l, op);
    float alpha = op_float(lower_op(l, op), "alpha", 1) * (float)factor;
    lower_drop_attribute(l, op, "alpha");
    graph_set_float(l->graph, op, "alpha", alpha);
}

/* Mul or Div by one constant number. */
static bool read_scale(const struct lower *l, int32_t op, int32_t *scaled, double *factor) {
    bool divides = lower_is(l, op, ONNX, "Div");
    if (!divides && !lower_is(l, op, ONNX, "Mul"))
        return false;
    for (uint32_t side = 0; side < (divides ? 1u : 2u); side++) {
        *scaled = lower_in(l, op, side);
        if (*scaled >= 0 && lower_scalar(l, lower_in(l, op, 1 - side), factor) &&
            lower_same_shape(l, *scaled, lower_out(l, op, 0))) {
            *factor = divides ? 1 / *factor : *factor;
            return true;
        }
    }
    return false;
}

static bool fuse_scale_behind(struct lower *l, int32_t op) {
    int32_t reader = lower_sole_reader(l, lower_out(l, op, 0)), scaled;
    double factor;
    if (!is_product(l, op) || reader < 0 || !read_scale(l, reader, &scaled, &factor) ||
        scaled != lower_out(l, op, 0))
        return false;
    int32_t out = lower_out(l, reader, 0);
    lower_kill(l, reader);
    multiply_alpha(l, op, factor);
    lower_set_output(l, op, out);
    return true;
}

static bool fuse_scale_before(struct lower *l, int32_t op) {
    if (!is_product(l, op))
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        int32_t before = lower_producer(l, lower_in(l, op, side)), scaled;
        double factor;
        if (before < 0 || lower_use_count(l, lower_in(l, op, side)) != 1 ||
            !read_scale(l, before, &scaled, &factor))
            continue;
        lower_set_input(l, op, side, scaled);
        multiply_alpha(l, op, factor);
        return true;
    }
    return false;
}

static bool fuse_matmul_transpose(struct lower *l, int32_t op) {
    static const char *const flags[] = {"transA", "transB"};
    if (!is_product(l, op))
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        int32_t transpose = lower_producer(l, lower_in(l, op, side));
        if (!lower_is(l, transpose, ONNX, "Transpose") || !swaps_matrix(l, transpose))
            continue;
        become_fused(l, op);
        return fuse_transpose(l, op, side, flags[side]);
    }
    return false;
}

/* ---- Add + LayerNormalization ---------------------------------------------------------------- */

static bool is_residual(const struct lower *l, int32_t a, int32_t b) {
    return a >= 0 && b >= 0 && lower_rank(l, a) == 3 && lower_same_shape(l, a, b);
}

/* The sum must be read by the normalisation alone. A bias added before it comes along. */
static bool fuse_skip(struct lower *l, int32_t op) {
    int32_t add = lower_only_producer(l, lower_in(l, op, 0), ONNX, "Add");
    if (!lower_is(l, op, ONNX, "LayerNormalization") || add < 0 ||
        !is_residual(l, lower_in(l, add, 0), lower_in(l, add, 1)) ||
        lower_op(l, op)->output_count > 1 || lower_in(l, op, 1) < 0)
        return false;
    int64_t axis = op_int(lower_op(l, op), "axis", -1);
    if (axis != -1 && axis != 2)
        return false;
    int32_t inputs[5] = {lower_in(l, add, 0), lower_in(l, add, 1), lower_in(l, op, 1),
                         lower_in(l, op, 2), GRAPH_NONE};
    uint32_t count = lower_in(l, op, 2) >= 0 ? 4 : 3;
    for (uint32_t side = 0; side < 2; side++) {
        int32_t inner = lower_only_producer(l, inputs[side], ONNX, "Add");
        int32_t bias = inner < 0 ? GRAPH_NONE : lower_in(l, inner, 1);
        if (bias >= 0 && lower_rank(l, bias) == 1 && lower_is_constant(l, bias) && count == 4) {
            inputs[side] = lower_in(l, inner, 0);
            inputs[count++] = bias;
        }
    }
    lower_set_inputs(l, op, count, inputs);
    lower_retype(l, op, MICROSOFT, "SkipLayerNormalization");
    lower_drop_attribute(l, op, "axis");
    lower_drop_attribute(l, op, "stash_type");
    return true;
}

/* A bias along the last axis before a Gelu. */
static bool fuse_bias_gelu(struct lower *l, int32_t op) {
    bool fast = lower_is(l, op, MICROSOFT, "FastGelu");
    int32_t add = lower_only_producer(l, lower_in(l, op, 0), ONNX, "Add");
    if ((!fast && !lower_is(l, op, MICROSOFT, "Gelu")) || add < 0 ||
        lower_op(l, op)->input_count > 1)
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        int32_t bias = lower_in(l, add, side), x = lower_in(l, add, 1 - side);
        if (bias < 0 || x < 0 || lower_rank(l, bias) != 1 ||
            lower_size(l, bias, 0) != lower_size(l, x, -1))
            continue;
        lower_set_inputs(l, op, 2, (int32_t[]){x, bias});
        lower_retype(l, op, MICROSOFT, fast ? "FastGelu" : "BiasGelu");
        return true;
    }
    return false;
}

const struct lower_rule lower_fusion_rules[] = {
    {"matmul-add-late",  "in attention too",            "MatMul",             fuse_any_bias        },
    {"matmul-transpose", "a transposed operand",        NULL,                 fuse_matmul_transpose},
    {"scale-behind",     "factor of a product",         NULL,                 fuse_scale_behind    },
    {"scale-before",     "factor of an operand",        NULL,                 fuse_scale_before    },
    {"skip-layernorm",   "a residual sum and its norm", "LayerNormalization", fuse_skip            },
    {"bias-gelu",        "a bias before Gelu",          NULL,                 fuse_bias_gelu       },
    {NULL,               NULL,                          NULL,                 NULL                 },
};
