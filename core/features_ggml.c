/* The operators of ggml, whose shapes stand outermost first here. Products read rows of both sides:
 * weights [.., n, k] and activations [.., m, k] give [.., m, n]. */
#include "core/op_kind.h"

#include <math.h>
#include <stdio.h>

static double last_but(const struct tensor *tensor, int32_t i) {
    int32_t at = tensor ? tensor->rank - 1 - i : -1;
    return at >= 0 && tensor->dims[at].size > 0 ? (double)tensor->dims[at].size : 1;
}

static const struct tensor *input_of(const struct op_view *view, uint32_t i) {
    return op_input(view->graph, view->op, i);
}

double ggml_product_flops(const struct op_view *view) {
    return 2 * view->out_elements * last_but(view->in0, 0);
}

/* Rows of the left matrix that each weight meets. */
static double rows_met(const struct op_view *view) {
    return view->out_elements / fmax(last_but(view->out0, 0), 1);
}

/* One row streams the weights; several compute with each of them. */
void ggml_product_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms;
    bool one = rows_met(view) <= 1;
    bool constant = view->in0 && view->in0->flags & TENSOR_INITIALIZER;
    out->family = one ? FAMILY_MATVEC : FAMILY_MATMUL;
    snprintf(out->key, sizeof out->key, "ggml.%s%s", one ? "matvec" : "matmul",
             constant ? "" : ".batched");
    t[1] = one ? out->flops : out->flops / fmax(4.0 * view->block, 1);
    t[2] = one ? out->bytes_in : 0;
    t[3] = one ? out->bytes_out : out->bytes_weights;
    t[4] = one ? out->bytes_weights : 0;
    out->division = division_pieces(last_but(view->out0, 0)); /* rows of the weights */
    if (one)
        return;
    t[5] = out->bytes_in;
    t[6] = out->bytes_out;
    t[7] = view->out_elements / fmax(last_but(view->out0, 0) * last_but(view->out0, 1), 1);
}

/* Queries [.., heads, m, k], keys [.., kv heads, n, k], values [.., kv heads, n, v]. */
double ggml_attention_flops(const struct op_view *view) {
    const struct tensor *values = input_of(view, 2);
    double queries = view->in_elements / fmax(last_but(view->in0, 0), 1);
    return 2 * queries * last_but(view->in1, 1) * (last_but(view->in0, 0) + last_but(values, 0));
}

void ggml_attention_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms;
    snprintf(out->key, sizeof out->key, "ggml.attention");
    t[1] = out->flops / fmax(4.0 * view->block, 1);
    t[4] = out->bytes_in;
    t[6] = out->bytes_out;
    t[7] = view->in_elements / fmax(last_but(view->in0, 0), 1);
    out->division = division_pieces(t[7]);
}

/* What is read of a table, and written into a cache, are the rows named and not all of it. */
void ggml_rows_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms;
    bool get = view->op->type[0] == 'G';
    const struct tensor *table = get ? view->in0 : view->out0, *rows = get ? view->out0 : view->in0;
    double elements = get ? view->out_elements : view->in_elements;
    double bytes = elements * dtype_element_bytes(rows ? rows->dtype : DTYPE_UNDEFINED);
    double table_bytes = elements * dtype_element_bytes(table ? table->dtype : DTYPE_UNDEFINED);
    out->bytes_in = get ? 0 : bytes;
    out->bytes_weights = get ? table_bytes : 0;
    out->bytes_out = get ? bytes : table_bytes;
    t[1] = get ? table_bytes : bytes;
    t[2] = out->bytes_out;
    t[3] = elements / fmax(last_but(rows, 0), 1);
    out->division = division_pieces(t[3]);
}

/* Says where the same data is; nothing is computed. */
void ggml_view_describe(const struct op_view *view, struct features *out) {
    (void)view;
    out->free = true;
    out->bytes_in = out->bytes_out = out->bytes_weights = 0;
    out->terms[0] = 0;
}
