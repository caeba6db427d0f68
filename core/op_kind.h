/* One row per operator type: how its FLOPs are counted and how its kernel class is found. */
#ifndef ASSAY_CORE_OP_KIND_H
#define ASSAY_CORE_OP_KIND_H

#include "core/features.h"

/* What a row's functions work on: an operator with its tensors looked up and measured. */
struct op_view {
    const struct graph *graph;
    const struct op *op;
    const struct op_kind *kind;
    const uint32_t *readers; /* as in struct graph_reuse; NULL: not counted */
    uint32_t block;
    double cache_bytes, integer_depth;     /* as in struct feature_target */
    const struct tensor *in0, *in1, *out0; /* in0, in1: first operands; may be NULL */
    double in_elements, out_elements;      /* of in0 and out0 */
    double largest_elements;               /* of any input or output */
};

struct op_kind {
    const char *domain; /* NULL: any domain */
    const char *type;
    enum kernel_family family;
    double flops_per_element; /* used when flops is NULL: times largest_elements */
    double (*flops)(const struct op_view *view);
    /* Fills key and terms; NULL: the family's default. */
    void (*describe)(const struct op_view *view, struct features *out);
};

/* NULL when the type has no row. */
const struct op_kind *op_kind_find(const char *domain, const char *type);
uint32_t op_kind_count(void);
const struct op_kind *op_kind_at(uint32_t i);

/* Bytes of a tensor, with data-dependent sizes taken as 1 and *guessed set. */
double view_elements(const struct tensor *tensor, bool *guessed);
/* Along one axis, counted from the outermost; 1 where there is no such axis or its size is not
 * known. */
double view_size(const struct tensor *tensor, int32_t axis);

/* Family descriptions with special terms; see their files. */
double conv_flops(const struct op_view *view);
void conv_blocked_describe(const struct op_view *view, struct features *out);
void conv_plain_describe(const struct op_view *view, struct features *out);
double conv_transpose_flops(const struct op_view *view);
void conv_transpose_describe(const struct op_view *view, struct features *out);
double matmul_flops(const struct op_view *view);
double gemm_flops(const struct op_view *view);
double matmul_nbits_flops(const struct op_view *view);
double attention_flops(const struct op_view *view);
double einsum_flops(const struct op_view *view);
void matmul_describe(const struct op_view *view, struct features *out);
void integer_conv_describe(const struct op_view *view, struct features *out);
void integer_matmul_describe(const struct op_view *view, struct features *out);
double pool_flops(const struct op_view *view);
void pool_describe(const struct op_view *view, struct features *out);
double recurrent_flops(const struct op_view *view);
void recurrent_describe(const struct op_view *view, struct features *out);
void elementwise_describe(const struct op_view *view, struct features *out);
void move_describe(const struct op_view *view, struct features *out);
void rows_describe(const struct op_view *view, struct features *out);
void metadata_describe(const struct op_view *view, struct features *out);

double ggml_product_flops(const struct op_view *view);
void ggml_product_describe(const struct op_view *view, struct features *out);
double ggml_attention_flops(const struct op_view *view);
void ggml_attention_describe(const struct op_view *view, struct features *out);
void ggml_view_describe(const struct op_view *view, struct features *out);
void ggml_rows_describe(const struct op_view *view, struct features *out);

/* How operators that pass over data are dealt out; their terms are described. */
struct division stream_division(const struct op_view *view, const struct features *features);

#endif
