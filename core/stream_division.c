/* Which threads pass over the data of an operator, for those that do little else. */
#include "core/op_kind.h"

#include <math.h>
#include <string.h>

static double last_size(const struct tensor *tensor) {
    return fmax(view_size(tensor, tensor ? tensor->rank - 1 : 0), 1);
}

static double element_bytes(const struct tensor *tensor) {
    return tensor ? dtype_element_bytes(tensor->dtype) : 0;
}

/* ---- elementwise ----------------------------------------------------------------------------- */

/* So many cycles per element are expected; what is broadcast goes in spans that are not cut. */
static struct division by_elements(const struct op_view *view, const struct features *features,
                                   double cycles) {
    double spans = features->family == FAMILY_ELEMENTWISE ? features->terms[4] : 1;
    double bytes =
        fmax(element_bytes(view->in0), element_bytes(view->in1)) + element_bytes(view->out0);
    double each = division_stream_cycles(bytes, cycles), elements = view->largest_elements;
    return spans > 1 ? division_by_cost(spans, each * elements / spans)
                     : division_by_cost(elements, each);
}

static struct division by_elements_twice(const struct op_view *view,
                                         const struct features *features, double cycles) {
    struct division division = by_elements(view, features, cycles);
    division.forks *= 2;
    return division;
}

/* Pieces of so many elements, however many cycles they take. */
static struct division by_blocks(const struct op_view *view, const struct features *features,
                                 double elements) {
    (void)features;
    return division_pieces(ceil(view->largest_elements / elements));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static double rows_of(const struct op_view *view, const struct features *features) {
    return features->family == FAMILY_ROWS ? features->terms[3]
                                           : view->in_elements / last_size(view->in0);
}

/* `least`: elements that a further thread is worth; 0: any row is. */
static struct division by_rows(const struct op_view *view, const struct features *features,
                               double least) {
    struct division division = division_pieces(rows_of(view, features));
    division.threads_max = least > 0 ? floor(view->in_elements / least) + 1 : 0;
    return division;
}

/* Results of a reduction; where there are axes in front of the reduced ones and behind, those in
 * front. Everything into one number: one thread. */
static struct division by_results(const struct op_view *view, const struct features *features,
                                  double cycles) {
    const struct tensor *in = view->in0, *out = view->out0;
    double results = view->out_elements, front = 1;
    int32_t axis = 0;
    for (; in && out && in->rank == out->rank && axis < in->rank &&
           in->dims[axis].size == out->dims[axis].size;
         axis++)
        front *= view_size(in, axis);
    if (features->terms[4] > 0 && front > 1)
        results = front;
    return division_by_cost(results, cycles * view->in_elements / fmax(results, 1));
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* Each input of its own. */
static struct division by_inputs(const struct op_view *view, const struct features *features,
                                 double cycles) {
    (void)features;
    double inputs = fmax(view->op->input_count, 1), bytes = element_bytes(view->out0);
    struct division division =
        division_by_cost(view->out_elements / inputs, division_stream_cycles(2 * bytes, cycles));
    division.forks *= inputs;
    return division;
}

/* So many cycles for each byte of a block that stays together. */
static struct division by_copies(const struct op_view *view, const struct features *features,
                                 double cycles) {
    double blocks = features->terms[3];
    double bytes = view->out_elements * element_bytes(view->out0) / fmax(blocks, 1);
    return division_by_cost(blocks, cycles * bytes);
}

/* Blocks of channels; fewer elements than `least` stay with one thread. */
static struct division by_channels(const struct op_view *view, const struct features *features,
                                   double least) {
    (void)features;
    const struct tensor *in = view->in0;
    if (view->in_elements <= least)
        return (struct division){0};
    return division_pieces(view_size(in, 0) * ceil(view_size(in, 1) / view->block));
}

/* Lines in between are computed, channel by channel of each image, or in blocks row by row. */
static struct division by_interpolation(const struct op_view *view, const struct features *features,
                                        double least) {
    const struct tensor *out = view->out0;
    const char *mode = op_string(view->op, "mode", "nearest");
    double images = view_size(out, 0), channels = view_size(out, 1);
    (void)features;
    if (strcmp(mode, "linear") != 0 || view->out_elements <= least * images * channels)
        return (struct division){0};
    if (strcmp(view->op->domain, "com.microsoft.nchwc") == 0)
        return division_pieces(images * ceil(channels / view->block) * view_size(out, 2));
    struct division division = division_pieces(channels);
    division.forks = images;
    return division;
}

/* ---- the table -------------------------------------------------------------------------------
 *
 * What has no row is done by one thread.
 */

typedef struct division rule(const struct op_view *view, const struct features *features,
                             double amount);

static const struct {
    const char *type;
    rule *divide;
    double amount; /* cycles or elements, as the rule takes it */
} rules[] = {
    {"Add",                              by_elements,       1    },
    {"Sub",                              by_elements,       1    },
    {"Mul",                              by_elements,       1    },
    {"Div",                              by_elements,       1    },
    {"Pow",                              by_elements,       1    },
    {"PRelu",                            by_elements,       1    },
    {"Relu",                             by_elements,       1    },
    {"Sigmoid",                          by_elements,       2    },
    {"Tanh",                             by_elements,       1    },
    {"LeakyRelu",                        by_elements,       25   },
    {"Elu",                              by_elements,       30   },
    {"Celu",                             by_elements,       30   },
    {"Selu",                             by_elements,       4    },
    {"Softplus",                         by_elements,       15   },
    {"Softsign",                         by_elements,       1    },
    {"HardSigmoid",                      by_elements,       0.5  },
    {"ThresholdedRelu",                  by_elements,       1    },
    {"Abs",                              by_elements,       1    },
    {"Neg",                              by_elements,       1    },
    {"Floor",                            by_elements,       1    },
    {"Ceil",                             by_elements,       1    },
    {"Reciprocal",                       by_elements,       1    },
    {"Sqrt",                             by_elements,       1    },
    {"Exp",                              by_elements,       1    },
    {"Log",                              by_elements,       1    },
    {"QuantizeLinear",                   by_elements,       2    },
    {"DequantizeLinear",                 by_elements,       2    },
    {"DynamicQuantizeLinear",            by_elements_twice, 2    },
    {"QLinearAdd",                       by_elements,       1    },
    {"QLinearMul",                       by_elements,       1    },
    {"QLinearSigmoid",                   by_elements,       1    },
    {"QLinearLeakyRelu",                 by_elements,       1    },
    {"RotaryEmbedding",                  by_elements,       1    },
    {"Gelu",                             by_blocks,         4096 },
    {"QuickGelu",                        by_blocks,         4096 },
    {"FastGelu",                         by_blocks,         4096 },
    {"Erf",                              by_blocks,         4096 },
    {"Clip",                             by_blocks,         16384},
    {"BiasGelu",                         by_rows,           0    },
    {"LayerNormalization",               by_rows,           0    },
    {"SimplifiedLayerNormalization",     by_rows,           0    },
    {"RMSNormalization",                 by_rows,           0    },
    {"SkipLayerNormalization",           by_rows,           0    },
    {"SkipSimplifiedLayerNormalization", by_rows,           0    },
    {"EmbedLayerNormalization",          by_rows,           0    },
    {"Softmax",                          by_rows,           16384},
    {"LogSoftmax",                       by_rows,           16384},
    {"ReduceMean",                       by_results,        24.7 },
    {"ReduceSum",                        by_results,        24.7 },
    {"ReduceMax",                        by_results,        24.7 },
    {"ReduceMin",                        by_results,        24.7 },
    {"ReduceProd",                       by_results,        24.7 },
    {"ReduceL1",                         by_results,        24.7 },
    {"ReduceL2",                         by_results,        24.7 },
    {"ReduceSumSquare",                  by_results,        24.7 },
    {"ReduceLogSum",                     by_results,        24.7 },
    {"ReduceLogSumExp",                  by_results,        24.7 },
    {"ArgMax",                           by_results,        24.7 },
    {"ArgMin",                           by_results,        24.7 },
    {"Concat",                           by_inputs,         1    },
    {"Gather",                           by_copies,         1    },
    {"Expand",                           by_copies,         1    },
    {"ReorderInput",                     by_channels,       0    },
    {"ReorderOutput",                    by_channels,       1024 },
    {"Resize",                           by_interpolation,  64   },
    {"Upsample",                         by_interpolation,  64   },
};

/* ggml: rows of the result to each thread, which all wait for one another behind every operator. */
struct division stream_division(const struct op_view *view, const struct features *features) {
    if (strcmp(view->op->domain, "ggml") == 0)
        return division_pieces(view->out_elements / last_size(view->out0));
    const char *type = view->op->type;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].type[0] == type[0] && strcmp(rules[i].type, type) == 0)
            return rules[i].divide(view, features, rules[i].amount);
    return (struct division){0};
}
