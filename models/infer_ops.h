/* What the operator families of shape inference share. Private to models/infer*.c.
 *
 * A family is a file with functions of one shape, `int f(struct infer *run)`, and a table of rows
 * that ends with an empty one. A function reads the inputs of run->op, checks them, and puts the
 * outputs. Unknown is always allowed: rank -1, a dimension without a size, a constant that is not
 * there. A row may name a second function that computes values, called when the shapes are put.
 */
#ifndef ASSAY_MODELS_INFER_OPS_H
#define ASSAY_MODELS_INFER_OPS_H

#include "core/graph.h"

enum { INFER_FOLD_ELEMENTS = 4096 };

struct shape {
    int32_t rank; /* or GRAPH_RANK_UNKNOWN */
    struct dim dims[GRAPH_RANK_MAX];
};

/* One value of a constant: known, or the size of a symbolic dimension, or neither. */
struct element {
    union {
        int64_t i;
        double f;
    };
    int32_t symbol; /* of the graph at hand, or GRAPH_NO_SYMBOL */
    bool known;
};

struct constant {
    uint32_t count;
    bool floating; /* the elements are in f */
    struct element *elements;
    const int64_t
        *list; /* the elements, once all were asked for; NULL: not yet, or not all known */
};

/* What is known of the elements of a sequence or an optional. */
struct sequence {
    enum dtype dtype;
    struct shape shape; /* common to all elements */
    int64_t length;     /* -1: not known */
    bool nested;        /* the elements are sequences themselves */
};

struct infer_limits {
    int64_t fold_elements; /* still allowed, over the whole model */
    int64_t visits;        /* operators and tensors, over the whole model, subgraphs repeated */
};

struct infer_opset {
    const char *domain; /* NULL: the end */
    int64_t version;    /* a large number when the graph does not say */
};

struct infer {
    struct graph *graph;
    const struct op *op;
    const struct infer_row *row;
    const struct infer *outer;   /* of the enclosing graph, or NULL */
    struct constant **constants; /* per tensor of the graph; NULL: none */
    struct sequence **sequences; /* per tensor; NULL: none */
    struct infer_limits *limits;
    const struct infer_opset *opsets; /* of the domains that rows have; ends with an empty one */
    struct err *err;
    int64_t opset; /* of the operator's domain */
    int depth;
    bool overflow; /* a size of this operator passes 2^62 */
};

struct infer_row {
    const char *domain;
    const char *type;
    int (*infer)(struct infer *run);
    void (*fold)(struct infer *run); /* NULL: no values */
    int param;                       /* for functions that serve several rows */
    int since;                       /* first opset version of this meaning; 0: all */
};

#define ONNX      ""
#define MICROSOFT "com.microsoft"
#define NCHWC     "com.microsoft.nchwc"
#define TRAINING  "ai.onnx.preview.training"

extern const struct infer_row infer_elementwise_rows[], infer_matmul_rows[], infer_conv_rows[],
    infer_pool_rows[], infer_normalization_rows[], infer_reduction_rows[], infer_layout_rows[],
    infer_slice_rows[], infer_gather_rows[], infer_resize_rows[], infer_generator_rows[],
    infer_recurrent_rows[], infer_control_rows[], infer_sequence_rows[], infer_attention_rows[],
    infer_quantization_rows[], infer_signal_rows[], infer_loss_rows[], infer_nchwc_rows[];

/* ---- reading the operator -------------------------------------------------------------------- */

bool infer_has(const struct infer *run, uint32_t input);
/* Rank -1 when the input is omitted or its rank is not known. */
struct shape infer_in(const struct infer *run, uint32_t input);
enum dtype infer_dtype(const struct infer *run, uint32_t input); /* UNDEFINED when omitted */
/* The values of an input, some of which may be unknown; NULL when nothing is known. */
const struct constant *infer_constant(const struct infer *run, uint32_t input);
bool infer_scalar(const struct infer *run, uint32_t input, int64_t *value);

enum list_state { LIST_ABSENT, LIST_UNKNOWN, LIST_KNOWN };

struct int_list {
    uint32_t count;
    const int64_t *values;
};

/* A list of integers given as attribute, or as constant input (older and newer opsets). Either
 * name may be NULL, input < 0 means no such input. UNKNOWN: the input is there, its values not. */
enum list_state infer_ints(const struct infer *run, const char *attribute, int input,
                           struct int_list *list);

/* Adds the rank to a negative axis. Fails when it is out of [-rank, rank). */
int infer_axis(struct infer *run, int64_t axis, int32_t rank, int32_t *result);
/* Marks the axes; an empty list marks nothing. */
int infer_axes(struct infer *run, const struct int_list *axes, int32_t rank,
               bool marked[GRAPH_RANK_MAX]);

/* ---- writing the outputs --------------------------------------------------------------------- */

/* Output i has that type and shape; what is unknown in it is completed by what the file declares.
 * dtype UNDEFINED and shape NULL are allowed. Does nothing for an omitted output. */
void infer_put(struct infer *run, uint32_t output, enum dtype dtype, const struct shape *shape);
/* As input `input`, type and shape. */
void infer_put_like(struct infer *run, uint32_t output, uint32_t input);
void infer_put_scalar(struct infer *run, uint32_t output, enum dtype dtype);
/* Room for the values of output i, all unknown, as many as its shape says; NULL when its shape is
 * not static, is too large, or the output is omitted. */
struct constant *infer_fold_output(struct infer *run, uint32_t output);
/* ERR_INPUT with the operator, its type and input shapes before the text. */
int infer_fail(struct infer *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- dimensions ------------------------------------------------------------------------------ */

extern const struct dim infer_unknown_dim;

struct dim infer_dim(int64_t size);             /* negative: unknown */
struct shape infer_shape_of_rank(int32_t rank); /* sizes unknown */
struct shape infer_shape_1d(struct dim dim);
bool dim_known(struct dim dim);
bool dim_same(struct dim a, struct dim b);         /* provably equal */
bool dim_differ(struct dim a, struct dim b);       /* provably different */
struct dim dim_either(struct dim a, struct dim b); /* both describe one size: the better known */
struct dim dim_merge(struct dim a, struct dim b);  /* one or the other: what is common */
struct dim dim_add(struct infer *run, struct dim a, struct dim b);
struct dim dim_mul(struct infer *run, struct dim a, struct dim b);
struct dim dim_div(struct dim a, int64_t divisor); /* rounds down; unknown stays unknown */
struct dim dim_div_up(struct dim a, int64_t divisor);
/* Product of dims [from, to). */
struct dim dim_product(struct infer *run, const struct shape *shape, int32_t from, int32_t to);
int64_t shape_elements(const struct shape *shape);      /* -1: not known or above 2^62 */
void shape_append(struct shape *shape, struct dim dim); /* no effect beyond GRAPH_RANK_MAX */
struct shape shape_merge(const struct shape *a, const struct shape *b);

/* Multidirectional broadcasting; fails when it is impossible. Rank -1 when either is unknown. */
int infer_broadcast(struct infer *run, const struct shape *a, const struct shape *b,
                    struct shape *result);
/* The input must have this rank when its rank is known. */
int infer_need_rank(struct infer *run, uint32_t input, int32_t rank);

/* ---- functions that several families use ----------------------------------------------------- */

int infer_same_as_first(struct infer *run); /* output 0 like input 0 */
int infer_conv_like(struct infer *run, const struct shape *x, const struct shape *w,
                    struct shape *y); /* Conv's output; w may be unknown */
/* Sizes after a window with the strides, dilations, pads and auto_pad of the operator. */
int infer_window(struct infer *run, const struct dim *in, const struct dim *kernel, int32_t spatial,
                 bool ceil, struct dim *out);
int infer_matmul_shapes(struct infer *run, const struct shape *a, const struct shape *b,
                        struct shape *y);
int infer_gemm_shapes(struct infer *run, uint32_t a, uint32_t b, struct shape *y);
int infer_concat_shapes(struct infer *run, uint32_t first, uint32_t step, int64_t axis,
                        struct shape *y);
int infer_subgraph(struct infer *run, struct graph *graph, struct err *err, struct infer *inner);
struct dim dim_into(struct dim dim, const struct graph *from, struct graph *to);
struct shape shape_into(const struct tensor *tensor, const struct graph *from, struct graph *to);

void fold_copy(struct infer *run); /* output 0 has the elements of input 0 */
void fold_shape(struct infer *run);
void fold_size(struct infer *run);
void fold_constant(struct infer *run);
void fold_fill(struct infer *run); /* ConstantOfShape */
void fold_range(struct infer *run);
void fold_cast(struct infer *run);
void fold_unary(struct infer *run); /* by the row's type */
void fold_binary(struct infer *run);
void fold_where(struct infer *run);
void fold_gather(struct infer *run);
void fold_concat(struct infer *run);
void fold_slice(struct infer *run);
void fold_split(struct infer *run);
void fold_transpose(struct infer *run);
void fold_expand(struct infer *run); /* Expand and Tile */
void fold_reduce(struct infer *run);
void fold_nonzero(struct infer *run);

#endif
