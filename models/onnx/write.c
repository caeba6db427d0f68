#include "models/onnx/write.h"

#include "base/file.h"
#include "models/onnx/encode_model.h"

#include <assert.h>
#include <string.h>

enum { PROTOBUF_MAX_BYTES = 0x7fffffff };

static int stream_tensor(const struct writer *w, const struct encoder_hole *hole,
                         const struct onnx_output *output, void *piece) {
    assert(w->weights->fill);
    for (uint64_t offset = 0; offset < hole->length; offset += ONNX_PIECE_BYTES) {
        uint64_t left = hole->length - offset;
        size_t length = left < ONNX_PIECE_BYTES ? (size_t)left : ONNX_PIECE_BYTES;
        int result = w->weights->fill(w->weights->context, hole->owner, hole->id, offset, piece,
                                      length, w->err);
        if (result == 0)
            result = output->write(output->context, piece, length, w->err);
        if (result)
            return result;
    }
    return 0;
}

static int stream_model(struct writer *w, const struct onnx_output *output) {
    const struct encoder *encoder = &w->encoder;
    void *piece = arena_alloc(&w->encoder.arena, ONNX_PIECE_BYTES);
    size_t done = 0;
    for (size_t i = 0; i <= encoder->hole_count; i++) {
        size_t end = i < encoder->hole_count ? encoder->holes[i].at : encoder->bytes.length;
        int result = output->write(output->context, encoder->bytes.text + done, end - done, w->err);
        if (result == 0 && i < encoder->hole_count)
            result = stream_tensor(w, &encoder->holes[i], output, piece);
        if (result)
            return result;
        done = end;
    }
    return 0;
}

static int stream_side(struct writer *w, const struct onnx_output *output) {
    void *piece = arena_alloc(&w->encoder.arena, ONNX_PIECE_BYTES);
    void *zeros = arena_alloc(&w->encoder.arena, SIDE_ALIGNMENT_BYTES);
    uint64_t at = 0;
    for (size_t i = 0; i < w->side_count; i++) {
        size_t gap =
            (size_t)((SIDE_ALIGNMENT_BYTES - at % SIDE_ALIGNMENT_BYTES) % SIDE_ALIGNMENT_BYTES);
        int result = output->write(output->context, zeros, gap, w->err);
        if (result == 0)
            result = stream_tensor(w, &w->side[i], output, piece);
        if (result)
            return result;
        at += gap + w->side[i].length;
    }
    return 0;
}

static int prepare(struct writer *w, const struct graph *graph, const struct onnx_weights *weights,
                   const char *side_location, struct err *err) {
    *w = (struct writer){.weights = weights, .side_location = side_location, .err = err};
    encoder_init(&w->encoder);
    int result = encode_model(w, graph);
    if (result == 0 && encoder_size(&w->encoder) > PROTOBUF_MAX_BYTES) {
        result = err_set(err, ERR_INPUT, "the model would have %llu bytes; protobuf ends at 2 GiB",
                         (unsigned long long)encoder_size(&w->encoder));
        err_hint(err, "write the weights to a file beside the model");
    }
    return result;
}

int onnx_write(const struct graph *graph, const struct onnx_weights *weights,
               const struct onnx_output *output, struct err *err) {
    if (weights->mode == ONNX_WEIGHTS_BESIDE)
        return err_set(err, ERR_BUG, "weights beside the model need a path");
    struct writer w;
    int result = prepare(&w, graph, weights, NULL, err);
    if (result == 0)
        result = stream_model(&w, output);
    encoder_done(&w.encoder);
    return result;
}

static int write_to_buffer(void *context, const void *bytes, size_t length, struct err *err) {
    (void)err;
    strbuf_add(context, bytes, length);
    return 0;
}

int onnx_write_bytes(const struct graph *graph, const struct onnx_weights *weights,
                     struct strbuf *bytes, struct err *err) {
    struct onnx_output output = {write_to_buffer, bytes};
    return onnx_write(graph, weights, &output, err);
}

static int write_to_file(void *context, const void *bytes, size_t length, struct err *err) {
    return file_writer_add(context, bytes, length, err);
}

/* One whole file by one of the two streams. */
static int stream_file(struct writer *w, const char *path,
                       int stream(struct writer *, const struct onnx_output *)) {
    struct file_writer file;
    int result = file_writer_open(&file, path, w->err);
    if (result)
        return result;
    struct onnx_output output = {write_to_file, &file};
    result = stream(w, &output);
    if (result == 0)
        return file_writer_commit(&file, w->err);
    file_writer_abandon(&file);
    return result;
}

int onnx_write_file(const struct graph *graph, const struct onnx_weights *weights, const char *path,
                    struct err *err) {
    struct arena arena;
    arena_init(&arena);
    const char *side_path = arena_printf(&arena, "%s.data", path);
    const char *slash = strrchr(side_path, '/');
    struct writer w;
    int result = prepare(&w, graph, weights, slash ? slash + 1 : side_path, err);
    if (result == 0 && w.side_count > 0) /* first: a model must not name weights not yet there */
        result = stream_file(&w, side_path, stream_side);
    if (result == 0)
        result = stream_file(&w, path, stream_model);
    encoder_done(&w.encoder);
    arena_done(&arena);
    return result;
}

uint64_t onnx_write_size(const struct graph *graph, struct err *err) {
    struct onnx_weights weights = {.mode = ONNX_WEIGHTS_INLINE};
    struct writer w = {.weights = &weights, .err = err};
    encoder_init(&w.encoder);
    uint64_t size = encode_model(&w, graph) ? 0 : encoder_size(&w.encoder);
    encoder_done(&w.encoder);
    return size;
}
