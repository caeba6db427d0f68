/* Layers of image, audio and dense networks, as PyTorch's exporter spells them. Images are NCHW,
 * signals NCL. */
#ifndef ASSAY_MODELS_ZOO_LAYERS_H
#define ASSAY_MODELS_ZOO_LAYERS_H

#include "models/zoo/nodes.h"

enum zoo_activation {
    ZOO_NONE,
    ZOO_RELU,
    ZOO_RELU6,        /* Clip */
    ZOO_HARD_SWISH,   /* HardSwish from opset 14, else HardSigmoid and Mul */
    ZOO_HARD_SIGMOID, /* alpha 1/6 */
    ZOO_SIGMOID,
    ZOO_SILU, /* Sigmoid and Mul */
    ZOO_TANH,
    ZOO_GELU,      /* Gelu from opset 20, else through Erf */
    ZOO_GELU_TANH, /* the approximation of GPT-2, through Tanh */
    ZOO_ACTIVATION_COUNT
};

/* An image of the options' size, called "input": batch x channels x size x size. */
int32_t zoo_image(struct zoo_builder *b, int64_t channels);

int32_t zoo_activate(struct zoo_builder *b, enum zoo_activation activation, int32_t x);

/* A field left 0 takes the value in brackets. pad_w counts only when kernel_w is given. */
struct zoo_conv {
    int64_t out, kernel, kernel_w /* [kernel] */, pad, pad_w;
    int64_t stride /* [1] */, dilation /* [1] */, groups /* [1] */;
    bool bias;
};

/* 2-D or, when x has three axes, 1-D. */
int32_t zoo_conv(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv);
/* Convolution, batch normalisation (folded unless the options keep it), activation. */
int32_t zoo_conv_bn(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv,
                    enum zoo_activation activation);
/* Convolution as given and an activation, without batch normalisation between. */
int32_t zoo_conv_act(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv conv,
                     enum zoo_activation activation);
/* ConvTranspose with bias whose stride is its kernel. */
int32_t zoo_conv_transpose(struct zoo_builder *b, const char *name, int32_t x, int64_t out,
                           int64_t kernel);
int32_t zoo_batch_norm(struct zoo_builder *b, const char *name, int32_t x);

struct zoo_pool {
    int64_t kernel, stride, pad;
    bool ceil; /* sizes round up */
};
int32_t zoo_max_pool(struct zoo_builder *b, int32_t x, struct zoo_pool pool);
int32_t zoo_average_pool(struct zoo_builder *b, int32_t x, struct zoo_pool pool);
/* To size x size (AdaptiveAvgPool2d): the input's height and width must be multiples of it. */
int32_t zoo_adaptive_pool(struct zoo_builder *b, int32_t x, int64_t size);
int32_t zoo_global_pool(struct zoo_builder *b, int32_t x); /* to 1x1 */

/* Gemm for a matrix, MatMul and Add for more axes. */
int32_t zoo_linear(struct zoo_builder *b, const char *name, int32_t x, int64_t out, bool bias);
/* LayerNormalization from opset 17, else its nine operators; over the last axis. */
int32_t zoo_layer_norm(struct zoo_builder *b, const char *name, int32_t x, float epsilon);
/* Squeeze and excitation (Hu et al. 2017): pool, 1x1 convolution to `squeezed` channels, `inner`,
 * 1x1 back, `gate`, multiply. */
int32_t zoo_squeeze_excite(struct zoo_builder *b, const char *name, int32_t x, int64_t squeezed,
                           enum zoo_activation inner, enum zoo_activation gate);

#endif
