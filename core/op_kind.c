#include "core/op_kind.h"

#include <stdlib.h>
#include <string.h>

/* ---- the table -------------------------------------------------------------------------------
 *
 * Rows of one type stand together; a row with a domain is tried before one without. FLOPs per
 * element of elementwise operators count arithmetic as written, a transcendental function as one.
 */

#define ELEMENTWISE(type, flops)                                                                   \
    { NULL, type, FAMILY_ELEMENTWISE, flops, NULL, elementwise_describe }
#define MOVE(type)                                                                                 \
    { NULL, type, FAMILY_MOVE, 0, NULL, move_describe }
#define ROWS(type, flops)                                                                          \
    { NULL, type, FAMILY_ROWS, flops, NULL, rows_describe }
#define METADATA(type)                                                                             \
    { NULL, type, FAMILY_METADATA, 0, NULL, metadata_describe }
#define MATMUL(type, flops)                                                                        \
    { NULL, type, FAMILY_MATMUL, 0, flops, matmul_describe }
#define POOL(type)                                                                                 \
    { NULL, type, FAMILY_POOL, 0, pool_flops, pool_describe }
#define RECURRENT(type)                                                                            \
    { NULL, type, FAMILY_RECURRENT, 0, recurrent_flops, recurrent_describe }
#define CONV(type)                                                                                 \
    { NULL, type, FAMILY_CONV_PLAIN, 0, conv_flops, conv_plain_describe }

#define INTEGER_CONV(type)                                                                         \
    { NULL, type, FAMILY_CONV_INTEGER, 0, conv_flops, integer_conv_describe }
#define INTEGER_MATMUL(type)                                                                       \
    { NULL, type, FAMILY_MATMUL_INTEGER, 0, matmul_flops, integer_matmul_describe }

static const struct op_kind kinds[] = {
    {"com.microsoft.nchwc", "Conv",          FAMILY_CONV_BLOCKED, 0, conv_flops,           conv_blocked_describe  },
    CONV("Conv"),
    CONV("FusedConv"),
    INTEGER_CONV("ConvInteger"),
    INTEGER_CONV("QLinearConv"),
    CONV("NhwcFusedConv"),
    CONV("DeformConv"),
    {NULL,                  "ConvTranspose", FAMILY_CONV_PLAIN,   0, conv_transpose_flops, conv_transpose_describe},

    MATMUL("Gemm", gemm_flops),
    MATMUL("FusedGemm", gemm_flops),
    INTEGER_MATMUL("QGemm"),
    MATMUL("MatMul", matmul_flops),
    MATMUL("FusedMatMul", matmul_flops),
    MATMUL("FusedMatMulActivation", matmul_flops),
    MATMUL("TransposeMatMul", matmul_flops),
    INTEGER_MATMUL("MatMulInteger"),
    INTEGER_MATMUL("MatMulInteger16"),
    INTEGER_MATMUL("MatMulIntegerToFloat"),
    INTEGER_MATMUL("DynamicQuantizeMatMul"),
    INTEGER_MATMUL("QLinearMatMul"),
    MATMUL("MatMulNBits", matmul_nbits_flops),
    MATMUL("MatMulBnb4", matmul_nbits_flops),
    MATMUL("Einsum", einsum_flops),
    MATMUL("Attention", attention_flops),
    MATMUL("QAttention", attention_flops),
    MATMUL("MultiHeadAttention", attention_flops),
    MATMUL("GroupQueryAttention", attention_flops),

    POOL("MaxPool"),
    POOL("AveragePool"),
    POOL("LpPool"),
    POOL("GlobalAveragePool"),
    POOL("GlobalMaxPool"),
    POOL("GlobalLpPool"),
    POOL("QLinearGlobalAveragePool"),
    POOL("QLinearAveragePool"),
    POOL("NhwcMaxPool"),
    POOL("MaxpoolWithMask"),
    POOL("MaxUnpool"),

    RECURRENT("LSTM"),
    RECURRENT("GRU"),
    RECURRENT("RNN"),
    RECURRENT("DynamicQuantizeLSTM"),

    ELEMENTWISE("Add", 1),
    ELEMENTWISE("Sub", 1),
    ELEMENTWISE("Mul", 1),
    ELEMENTWISE("Div", 1),
    ELEMENTWISE("Pow", 1),
    ELEMENTWISE("Mod", 1),
    ELEMENTWISE("Min", 1),
    ELEMENTWISE("Max", 1),
    ELEMENTWISE("Sum", 1),
    ELEMENTWISE("Mean", 1),
    ELEMENTWISE("And", 1),
    ELEMENTWISE("Or", 1),
    ELEMENTWISE("Xor", 1),
    ELEMENTWISE("Not", 1),
    ELEMENTWISE("BitShift", 1),
    ELEMENTWISE("BitwiseAnd", 1),
    ELEMENTWISE("BitwiseOr", 1),
    ELEMENTWISE("BitwiseXor", 1),
    ELEMENTWISE("BitwiseNot", 1),
    ELEMENTWISE("Equal", 1),
    ELEMENTWISE("Less", 1),
    ELEMENTWISE("LessOrEqual", 1),
    ELEMENTWISE("Greater", 1),
    ELEMENTWISE("GreaterOrEqual", 1),
    ELEMENTWISE("Where", 1),
    ELEMENTWISE("Abs", 1),
    ELEMENTWISE("Neg", 1),
    ELEMENTWISE("Sign", 1),
    ELEMENTWISE("Ceil", 1),
    ELEMENTWISE("Floor", 1),
    ELEMENTWISE("Round", 1),
    ELEMENTWISE("Reciprocal", 1),
    ELEMENTWISE("Sqrt", 1),
    ELEMENTWISE("Exp", 1),
    ELEMENTWISE("Log", 1),
    ELEMENTWISE("Erf", 1),
    ELEMENTWISE("Sin", 1),
    ELEMENTWISE("Cos", 1),
    ELEMENTWISE("Tan", 1),
    ELEMENTWISE("Asin", 1),
    ELEMENTWISE("Acos", 1),
    ELEMENTWISE("Atan", 1),
    ELEMENTWISE("Sinh", 1),
    ELEMENTWISE("Cosh", 1),
    ELEMENTWISE("Asinh", 1),
    ELEMENTWISE("Acosh", 1),
    ELEMENTWISE("Atanh", 1),
    ELEMENTWISE("IsNaN", 1),
    ELEMENTWISE("IsInf", 1),
    ELEMENTWISE("Relu", 1),
    ELEMENTWISE("Clip", 2),
    ELEMENTWISE("LeakyRelu", 2),
    ELEMENTWISE("PRelu", 2),
    ELEMENTWISE("ThresholdedRelu", 1),
    ELEMENTWISE("Elu", 3),
    ELEMENTWISE("Selu", 4),
    ELEMENTWISE("Celu", 4),
    ELEMENTWISE("Sigmoid", 3),
    ELEMENTWISE("HardSigmoid", 3),
    ELEMENTWISE("HardSwish", 4),
    ELEMENTWISE("Tanh", 1),
    ELEMENTWISE("Softplus", 3),
    ELEMENTWISE("Softsign", 3),
    ELEMENTWISE("Mish", 5),
    ELEMENTWISE("Shrink", 2),
    ELEMENTWISE("Gelu", 5),
    ELEMENTWISE("FastGelu", 8),
    ELEMENTWISE("BiasGelu", 6),
    ELEMENTWISE("QuickGelu", 4),
    ELEMENTWISE("BiasSplitGelu", 6),
    ELEMENTWISE("Swish", 4),
    ELEMENTWISE("Affine", 2),
    ELEMENTWISE("ScaledTanh", 3),
    ELEMENTWISE("ParametricSoftplus", 4),
    ELEMENTWISE("Scale", 1),
    ELEMENTWISE("ImageScaler", 2),
    ELEMENTWISE("BatchNormalization", 2),
    ELEMENTWISE("QuantizeLinear", 2),
    ELEMENTWISE("DequantizeLinear", 2),
    ELEMENTWISE("DynamicQuantizeLinear", 4),
    ELEMENTWISE("QLinearAdd", 4),
    ELEMENTWISE("QLinearMul", 4),
    ELEMENTWISE("QLinearSigmoid", 4),
    ELEMENTWISE("QLinearLeakyRelu", 4),
    ELEMENTWISE("QLinearWhere", 3),
    ELEMENTWISE("RotaryEmbedding", 3),
    ELEMENTWISE("GemmaRotaryEmbedding", 5),
    ELEMENTWISE("Dropout", 0),
    ELEMENTWISE("Cast", 0),
    ELEMENTWISE("CastLike", 0),
    ELEMENTWISE("RandomNormal", 1),
    ELEMENTWISE("RandomNormalLike", 1),
    ELEMENTWISE("RandomUniform", 1),
    ELEMENTWISE("RandomUniformLike", 1),
    ELEMENTWISE("Bernoulli", 1),
    ELEMENTWISE("CumSum", 1),
    ELEMENTWISE("CumProd", 1),
    ELEMENTWISE("BlackmanWindow", 5),
    ELEMENTWISE("HammingWindow", 3),
    ELEMENTWISE("HannWindow", 3),
    ELEMENTWISE("MelWeightMatrix", 1),
    ELEMENTWISE("Range", 1),

    MOVE("Transpose"),
    MOVE("Concat"),
    MOVE("QLinearConcat"),
    MOVE("Split"),
    MOVE("Slice"),
    MOVE("Gather"),
    MOVE("GatherElements"),
    MOVE("GatherND"),
    MOVE("GatherBlockQuantized"),
    MOVE("Scatter"),
    MOVE("ScatterElements"),
    MOVE("ScatterND"),
    MOVE("TensorScatter"),
    MOVE("Expand"),
    MOVE("Tile"),
    MOVE("Pad"),
    MOVE("CenterCropPad"),
    MOVE("ConcatFromSequence"),
    MOVE("SplitToSequence"),
    MOVE("ConstantOfShape"),
    MOVE("EyeLike"),
    MOVE("OneHot"),
    MOVE("Trilu"),
    MOVE("Compress"),
    MOVE("NonZero"),
    MOVE("Unique"),
    MOVE("ReverseSequence"),
    MOVE("DepthToSpace"),
    MOVE("SpaceToDepth"),
    MOVE("Im2Col"),
    MOVE("Col2Im"),
    MOVE("ReorderInput"),
    MOVE("ReorderOutput"),
    {NULL,                  "Resize",        FAMILY_MOVE,         4, NULL,                 move_describe          },
    {NULL,                  "Upsample",      FAMILY_MOVE,         4, NULL,                 move_describe          },
    {NULL,                  "GridSample",    FAMILY_MOVE,         8, NULL,                 move_describe          },
    {NULL,                  "AffineGrid",    FAMILY_MOVE,         4, NULL,                 move_describe          },
    {NULL,                  "RoiAlign",      FAMILY_MOVE,         8, NULL,                 move_describe          },
    {NULL,                  "MaxRoiPool",    FAMILY_MOVE,         2, NULL,                 move_describe          },

    ROWS("Softmax", 4),
    ROWS("LogSoftmax", 4),
    ROWS("QLinearSoftmax", 4),
    ROWS("BiasSoftmax", 5),
    ROWS("Hardmax", 1),
    ROWS("Multinomial", 4),
    ROWS("NegativeLogLikelihoodLoss", 1),
    ROWS("SoftmaxCrossEntropyLoss", 5),
    ROWS("LayerNormalization", 7),
    ROWS("SimplifiedLayerNormalization", 5),
    ROWS("SkipLayerNormalization", 8),
    ROWS("SkipSimplifiedLayerNormalization", 6),
    ROWS("EmbedLayerNormalization", 9),
    ROWS("RMSNormalization", 5),
    ROWS("InstanceNormalization", 7),
    ROWS("GroupNormalization", 7),
    ROWS("GroupNorm", 7),
    ROWS("LpNormalization", 4),
    ROWS("MeanVarianceNormalization", 7),
    ROWS("LRN", 8),
    ROWS("ReduceMean", 1),
    ROWS("ReduceSum", 1),
    ROWS("ReduceSumInteger", 1),
    ROWS("ReduceMax", 1),
    ROWS("ReduceMin", 1),
    ROWS("ReduceProd", 1),
    ROWS("ReduceL1", 2),
    ROWS("ReduceL2", 2),
    ROWS("ReduceSumSquare", 2),
    ROWS("ReduceLogSum", 1),
    ROWS("ReduceLogSumExp", 2),
    ROWS("ArgMax", 1),
    ROWS("ArgMin", 1),
    ROWS("TopK", 4),
    ROWS("NonMaxSuppression", 8),
    ROWS("DFT", 10),
    ROWS("STFT", 10),
    ROWS("Det", 8),

    METADATA("Reshape"),
    METADATA("Squeeze"),
    METADATA("Unsqueeze"),
    METADATA("Flatten"),
    METADATA("Identity"),
    METADATA("Shape"),
    METADATA("Size"),
    METADATA("Constant"),
    METADATA("SequenceConstruct"),
    METADATA("SequenceEmpty"),
    METADATA("SequenceInsert"),
    METADATA("SequenceErase"),
    METADATA("SequenceLength"),
    METADATA("SequenceAt"),
    METADATA("Optional"),
    METADATA("OptionalGetElement"),
    METADATA("OptionalHasElement"),

    {NULL,                  "If",            FAMILY_CONTROL,      0, NULL,                 NULL                   },
    {NULL,                  "Loop",          FAMILY_CONTROL,      0, NULL,                 NULL                   },
    {NULL,                  "Scan",          FAMILY_CONTROL,      0, NULL,                 NULL                   },
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

uint32_t op_kind_count(void) {
    return KIND_COUNT;
}

const struct op_kind *op_kind_at(uint32_t i) {
    return &kinds[i];
}

const struct op_kind *op_kind_find(const char *domain, const char *type) {
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i].type[0] == type[0] && strcmp(kinds[i].type, type) == 0 &&
            (!kinds[i].domain || strcmp(kinds[i].domain, domain) == 0))
            return &kinds[i];
    return NULL;
}
