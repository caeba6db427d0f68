/* core graph -> ONNX model (onnx.proto of onnx 1.16, IR version 10 and below).
 *
 * The bytes depend on the graph and the weights alone: the same input gives the same file. Every
 * tensor whose element type is known is described (value_info), so that a reader needs no shape
 * inference; a dimension without a size is written by the name of its symbol. Small constants
 * (tensor->values) are written from the graph; all other data comes from `fill`, streamed, or
 * stays away.
 */
#ifndef ASSAY_MODELS_ONNX_WRITE_H
#define ASSAY_MODELS_ONNX_WRITE_H

#include "base/strbuf.h"
#include "core/graph.h"

#include <stddef.h>
#include <stdint.h>

enum onnx_weights_mode {
    ONNX_WEIGHTS_INLINE,  /* in the model; protobuf readers take files up to 2 GiB */
    ONNX_WEIGHTS_BESIDE,  /* in a second file, each tensor at a multiple of 64 KiB (mappable) */
    ONNX_WEIGHTS_OMITTED, /* described as external data of a file that does not exist */
};

/* Asked for a tensor's bytes in ascending pieces: offset is a multiple of ONNX_PIECE_BYTES, length
 * at most that. Bytes are raw_data: little-endian, row-major, 4-bit types packed. */
enum { ONNX_PIECE_BYTES = 1 << 20 };
typedef int onnx_fill(void *context, const struct graph *graph, int32_t tensor,
                      uint64_t offset_bytes, void *bytes, size_t length, struct err *err);

struct onnx_weights {
    enum onnx_weights_mode mode;
    onnx_fill *fill; /* not needed when omitted */
    void *context;
};

/* The location that omitted weights name. */
#define ONNX_OMITTED_LOCATION "weights.omitted"
/* The key in metadata_props that marks a graph with the runtime's operators; its value is "1". */
#define ONNX_LOWERED_KEY "assay.lowered"

/* Receives the file's bytes in order. */
struct onnx_output {
    int (*write)(void *context, const void *bytes, size_t length, struct err *err);
    void *context;
};

/* The model to an output. ONNX_WEIGHTS_BESIDE needs a path: use onnx_write_file. Fails with
 * ERR_INPUT when a tensor's data would be needed and its shape is not known, when the graph holds
 * what the reader did not keep (sparse tensors, strings, attributes of other kinds) and weights are
 * not omitted, or when an inline model would pass 2 GiB; else with what fill or write said. */
int onnx_write(const struct graph *graph, const struct onnx_weights *weights,
               const struct onnx_output *output, struct err *err);
/* The same, appended to a buffer. For models without weights, or small ones. */
int onnx_write_bytes(const struct graph *graph, const struct onnx_weights *weights,
                     struct strbuf *bytes, struct err *err);
/* The same to a file that appears whole or not at all; ONNX_WEIGHTS_BESIDE adds "<path>.data". */
int onnx_write_file(const struct graph *graph, const struct onnx_weights *weights, const char *path,
                    struct err *err);

/* Bytes the inline model would have; 0 with err set as for onnx_write. */
uint64_t onnx_write_size(const struct graph *graph, struct err *err);

#endif
