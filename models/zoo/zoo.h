/* Published architectures, built by us: a table of rows, each of which makes a core graph with
 * seeded weights, spelt as the usual exporter would spell it (PyTorch's, evaluation mode: batch
 * normalisation folded into convolutions, ReLU6 as Clip, GELU through Erf ...).
 *
 * The weights are random: scaled by fan-in, so that outputs stay finite and of sane size. What is
 * real is the graph: operators, shapes, number of parameters and of multiply-adds.
 */
#ifndef ASSAY_MODELS_ZOO_ZOO_H
#define ASSAY_MODELS_ZOO_ZOO_H

#include "core/graph.h"
#include "models/onnx/write.h"

#include <stddef.h>
#include <stdint.h>

/* Other numbers than float32; see quantise.h. */
enum zoo_number_form {
    ZOO_FLOAT32,
    ZOO_QDQ,       /* 8 bits, as pairs of QuantizeLinear and DequantizeLinear around operators */
    ZOO_OPERATORS, /* 8 bits, as QLinearConv and its like */
    ZOO_DYNAMIC,   /* 8-bit weights, inputs quantised by what they hold */
    ZOO_FLOAT16,   /* half precision, inputs and outputs stay float32 */
    ZOO_FORM_COUNT
};

struct zoo_quantisation {
    enum zoo_number_form form;
    bool per_channel;        /* a scale for each output channel of a weight */
    bool signed_activations; /* int8 around zero instead of uint8 */
    bool unsigned_weights;   /* uint8 instead of int8 */
    bool products_only;      /* convolutions and matrix products alone */
};

/* 0 in any field asks for the row's default. */
struct zoo_options {
    int64_t batch;      /* 1 */
    int64_t image_size; /* height and width in pixels; samples of an audio signal */
    int64_t sequence;   /* tokens or frames */
    int64_t classes;
    int opset;            /* 17; 13 to 21 */
    uint64_t seed;        /* 1 */
    bool keep_batch_norm; /* write BatchNormalization instead of folding it */
    struct zoo_quantisation quantisation;
};

enum { ZOO_OPSET_DEFAULT = 17, ZOO_OPSET_MIN = 13, ZOO_OPSET_MAX = 21 };

/* A number as its source prints it: `value` known to within half of `step`; step 0: not published.
 */
struct zoo_figure {
    double value, step;
};

struct zoo_builder;

struct zoo_row {
    const char *name; /* "resnet50" */
    const char *help; /* one line: the paper, and what the model is for */
    struct zoo_options defaults;
    struct zoo_figure parameters; /* trained ones, batch normalisation counted unfolded */
    struct zoo_figure gmacs;      /* multiply-adds of convolutions and matrix products, 1e9, at the
                                     defaults and batch 1 */
    const char *source;           /* where both figures stand */
    void (*build)(struct zoo_builder *builder, const void *config);
    const void *config; /* the family's own */
};

struct zoo_family {
    const char *name; /* "resnet" */
    const struct zoo_row *rows;
    size_t count;
};

extern const struct zoo_family *const zoo_families[];
extern const size_t zoo_family_count;

const struct zoo_row *zoo_find(const char *name); /* NULL when there is none */

/* How each weight is drawn: uniform around mean with this standard deviation. */
struct zoo_weight {
    float mean, deviation;
};

struct zoo_model {
    const struct zoo_row *row;
    struct zoo_options options; /* defaults filled in */
    struct graph *graph;        /* every tensor with dtype and shape; sorted */
    struct zoo_weight *weights; /* by tensor index; only initializers without values count */
    uint64_t parameters;        /* trained ones, batch normalisation counted unfolded */
};

/* Fails with ERR_USAGE for an unknown name or an option out of range; a shape that the architecture
 * cannot have (an image too small for it) is ERR_USAGE too. */
int zoo_build(struct arena *arena, const char *name, const struct zoo_options *options,
              struct zoo_model *model, struct err *err);

/* The same from a row of one's own: the random networks of models/random/ are such rows. */
int zoo_build_row(struct arena *arena, const struct zoo_row *row, const struct zoo_options *options,
                  struct zoo_model *model, struct err *err);

/* The weights of a model for onnx_write; the model must outlive them. The same seed, name and
 * shapes give the same numbers on every machine. */
struct onnx_weights zoo_weights(const struct zoo_model *model, enum onnx_weights_mode mode);

/* Builds and writes; weights go to "<path>.data" when the model would pass 2 GiB. */
int zoo_write(const char *name, const struct zoo_options *options, const char *path,
              struct err *err);

#endif
