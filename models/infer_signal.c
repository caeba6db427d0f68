/* Signal processing: transforms, windows, filter banks. */
#include "models/infer_ops.h"

/* Input: batch x ... x length x (1 real | 2 complex). The axis is attribute (17) or input 2 (20).
 */
static int infer_dft(struct infer *run) {
    struct shape y = infer_in(run, 0);
    int64_t length = GRAPH_DIM_UNKNOWN, axis = op_int(run->op, "axis", run->opset < 20 ? 1 : -2);
    bool axis_known = !infer_has(run, 2) || infer_scalar(run, 2, &axis);
    int32_t at = 0;
    if (y.rank >= 0 && !axis_known)
        y = infer_shape_of_rank(y.rank);
    if (y.rank > 0) {
        if (infer_axis(run, axis, y.rank, &at))
            return -(int)run->err->code;
        if (infer_has(run, 1))
            y.dims[at] = infer_dim(infer_scalar(run, 1, &length) ? length : -1);
        if (op_int(run->op, "onesided", 0))
            y.dims[at] =
                dim_known(y.dims[at]) ? infer_dim(y.dims[at].size / 2 + 1) : infer_unknown_dim;
        y.dims[y.rank - 1] = infer_dim(2);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* signal: batch x length x 1, frame_step, window, frame_length -> batch x frames x bins x 2 */
static int infer_stft(struct infer *run) {
    struct shape x = infer_in(run, 0), window = infer_in(run, 2), y = infer_shape_of_rank(4);
    int64_t step = 0, length = GRAPH_DIM_UNKNOWN;
    if (!infer_scalar(run, 3, &length) && window.rank == 1 && dim_known(window.dims[0]))
        length = window.dims[0].size;
    if (x.rank > 1) {
        y.dims[0] = x.dims[0];
        if (infer_scalar(run, 1, &step) && step > 0 && length >= 0 && dim_known(x.dims[1]) &&
            x.dims[1].size >= length)
            y.dims[1] = infer_dim((x.dims[1].size - length) / step + 1);
    }
    if (length >= 0)
        y.dims[2] = infer_dim(op_int(run->op, "onesided", 1) ? length / 2 + 1 : length);
    y.dims[3] = infer_dim(2);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static enum dtype output_datatype(const struct infer *run) {
    int64_t dtype = op_int(run->op, "output_datatype", DTYPE_FLOAT32);
    return dtype_info((enum dtype)dtype) ? (enum dtype)dtype : DTYPE_UNDEFINED;
}

static int infer_window_op(struct infer *run) {
    int64_t size = GRAPH_DIM_UNKNOWN;
    infer_scalar(run, 0, &size);
    struct shape y = infer_shape_1d(infer_dim(size));
    infer_put(run, 0, output_datatype(run), &y);
    return 0;
}

/* num_mel_bins, dft_length, ... -> bins of the spectrum x mel bins */
static int infer_mel_weights(struct infer *run) {
    struct shape y = infer_shape_of_rank(2);
    int64_t bins, length;
    if (infer_scalar(run, 1, &length) && length >= 0)
        y.dims[0] = infer_dim(length / 2 + 1);
    if (infer_scalar(run, 0, &bins))
        y.dims[1] = infer_dim(bins);
    infer_put(run, 0, output_datatype(run), &y);
    return 0;
}

const struct infer_row infer_signal_rows[] = {
    {ONNX, "DFT",             infer_dft,         NULL, 0, 0},
    {ONNX, "STFT",            infer_stft,        NULL, 0, 0},
    {ONNX, "BlackmanWindow",  infer_window_op,   NULL, 0, 0},
    {ONNX, "HammingWindow",   infer_window_op,   NULL, 0, 0},
    {ONNX, "HannWindow",      infer_window_op,   NULL, 0, 0},
    {ONNX, "MelWeightMatrix", infer_mel_weights, NULL, 0, 0},
    {NULL, NULL,              NULL,              NULL, 0, 0},
};
