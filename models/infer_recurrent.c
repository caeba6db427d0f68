/* RNN, GRU, LSTM.
 *
 * X: seq x batch x input (layout 0) or batch x seq x input (layout 1), W: directions x gates*hidden
 * x input. Y: seq x directions x batch x hidden, or batch x seq x directions x hidden. The last
 * states: directions x batch x hidden, or batch x directions x hidden. */
#include "models/infer_ops.h"

#include <string.h>

/* param: gates (RNN 1, GRU 3, LSTM 4). */
static struct dim hidden_size(const struct infer *run) {
    struct shape w = infer_in(run, 1), r = infer_in(run, 2);
    int64_t given = op_int(run->op, "hidden_size", GRAPH_DIM_UNKNOWN);
    if (given >= 0)
        return infer_dim(given);
    if (r.rank == 3 && dim_known(r.dims[2]))
        return r.dims[2];
    return w.rank == 3 ? dim_div(w.dims[1], run->row->param) : infer_unknown_dim;
}

static int check_recurrent(struct infer *run, const struct shape *x) {
    struct shape w = infer_in(run, 1), r = infer_in(run, 2);
    if (infer_need_rank(run, 0, 3) || infer_need_rank(run, 1, 3) || infer_need_rank(run, 2, 3))
        return -(int)run->err->code;
    if (x->rank == 3 && w.rank == 3 && dim_differ(x->dims[2], w.dims[2]))
        return infer_fail(run, "the input has %lld features, the weight expects %lld",
                          (long long)x->dims[2].size, (long long)w.dims[2].size);
    struct dim hidden = hidden_size(run);
    if (r.rank == 3 && dim_differ(r.dims[2], hidden))
        return infer_fail(run, "the recurrence weight does not fit hidden_size %lld",
                          (long long)hidden.size);
    return 0;
}

static int infer_recurrent(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(4), state = infer_shape_of_rank(3);
    if (check_recurrent(run, &x))
        return -(int)run->err->code;
    if (x.rank < 0)
        x = infer_shape_of_rank(3);
    bool batch_first = op_int(run->op, "layout", 0) != 0;
    bool both = strcmp(op_string(run->op, "direction", "forward"), "bidirectional") == 0;
    struct dim directions = infer_dim(both ? 2 : 1), hidden = hidden_size(run);
    struct dim seq = x.dims[batch_first], batch = x.dims[!batch_first];
    y.dims[0] = batch_first ? batch : seq;
    y.dims[1] = batch_first ? seq : directions;
    y.dims[2] = batch_first ? directions : batch;
    state.dims[0] = batch_first ? batch : directions;
    state.dims[1] = batch_first ? directions : batch;
    y.dims[3] = state.dims[2] = hidden;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    infer_put(run, 1, infer_dtype(run, 0), &state);
    infer_put(run, 2, infer_dtype(run, 0), &state);
    return 0;
}

/* DynamicQuantizeLSTM: the weights are stored transposed, directions x input x gates*hidden. */
static int infer_quantized_lstm(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(4), state = infer_shape_of_rank(3);
    if (x.rank != 3)
        x = infer_shape_of_rank(3);
    bool both = strcmp(op_string(run->op, "direction", "forward"), "bidirectional") == 0;
    y.dims[0] = x.dims[0];
    y.dims[1] = state.dims[0] = infer_dim(both ? 2 : 1);
    y.dims[2] = state.dims[1] = x.dims[1];
    y.dims[3] = state.dims[2] = infer_dim(op_int(run->op, "hidden_size", GRAPH_DIM_UNKNOWN));
    infer_put(run, 0, infer_dtype(run, 0), &y);
    infer_put(run, 1, infer_dtype(run, 0), &state);
    infer_put(run, 2, infer_dtype(run, 0), &state);
    return 0;
}

const struct infer_row infer_recurrent_rows[] = {
    {ONNX,      "RNN",                 infer_recurrent,      NULL, 1, 0},
    {ONNX,      "GRU",                 infer_recurrent,      NULL, 3, 0},
    {ONNX,      "LSTM",                infer_recurrent,      NULL, 4, 0},
    {MICROSOFT, "DynamicQuantizeLSTM", infer_quantized_lstm, NULL, 0, 0},
    {NULL,      NULL,                  NULL,                 NULL, 0, 0},
};
