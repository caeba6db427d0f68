/* Losses, optimisers of the training preview, text operators. */
#include "models/infer_ops.h"

#include <string.h>

/* scores: N x C x d1..., labels: N x d1... -> labels' shape, or a scalar when reduced. Output 1 of
 * SoftmaxCrossEntropyLoss: the log probabilities. */
static int infer_loss(struct infer *run) {
    struct shape scores = infer_in(run, 0), labels = infer_in(run, 1), y = labels;
    if (scores.rank >= 0 && scores.rank < 2)
        return infer_fail(run, "the scores must have rank 2 or more");
    if (scores.rank >= 0 && labels.rank >= 0 && labels.rank != scores.rank - 1)
        return infer_fail(run, "the labels must have one axis less than the scores");
    if (strcmp(op_string(run->op, "reduction", "mean"), "none") != 0)
        y.rank = 0;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    infer_put(run, 1, infer_dtype(run, 0), &scores);
    return 0;
}

/* R, T, then groups of equally many tensors: X..., G..., state... ; outputs: the new X..., the new
 * state... param: how many groups go in. */
static int infer_optimizer(struct infer *run) {
    uint32_t groups = (uint32_t)run->row->param, count = run->op->input_count;
    if (count < 2 || (count - 2) % groups != 0)
        return infer_fail(run, "the inputs are no %u equal groups", groups);
    uint32_t each = (count - 2) / groups;
    for (uint32_t k = 0; k < run->op->output_count; k++)
        infer_put_like(run, k, k < each ? 2 + k : 2 + k + each); /* the gradients are skipped */
    return 0;
}

/* Gradient: attribute xs names the inputs; each output has the shape of one of them. */
static int infer_gradient(struct infer *run) {
    for (uint32_t k = 0; k < run->op->output_count; k++)
        infer_put_like(run, k, k);
    return 0;
}

/* Words that stay may be fewer when there are stop words. */
static int infer_string_normalizer(struct infer *run) {
    struct shape x = infer_in(run, 0);
    const struct attribute *stop = op_attribute(run->op, "stopwords");
    if (stop && stop->count && x.rank > 0)
        x.dims[x.rank - 1] = infer_unknown_dim;
    infer_put(run, 0, DTYPE_STRING, &x);
    return 0;
}

/* The last axis becomes the pool of n-grams: the highest index there is, plus one. */
static int infer_tfidf(struct infer *run) {
    struct shape x = infer_in(run, 0);
    struct int_list indexes;
    infer_ints(run, "ngram_indexes", -1, &indexes);
    int64_t highest = -1;
    for (uint32_t i = 0; i < indexes.count; i++)
        highest = indexes.values[i] > highest ? indexes.values[i] : highest;
    if (x.rank == 0)
        x = infer_shape_of_rank(1);
    if (x.rank > 0)
        x.dims[x.rank - 1] = infer_dim(highest == INT64_MAX ? -1 : highest + 1);
    infer_put(run, 0, DTYPE_FLOAT32, &x);
    return 0;
}

const struct infer_row infer_loss_rows[] = {
    {ONNX,     "NegativeLogLikelihoodLoss", infer_loss,              NULL, 0, 0},
    {ONNX,     "SoftmaxCrossEntropyLoss",   infer_loss,              NULL, 0, 0},
    {TRAINING, "Adagrad",                   infer_optimizer,         NULL, 3, 0},
    {TRAINING, "Adam",                      infer_optimizer,         NULL, 4, 0},
    {TRAINING, "Momentum",                  infer_optimizer,         NULL, 3, 0},
    {TRAINING, "Gradient",                  infer_gradient,          NULL, 0, 0},
    {ONNX,     "StringNormalizer",          infer_string_normalizer, NULL, 0, 0},
    {ONNX,     "TfIdfVectorizer",           infer_tfidf,             NULL, 0, 0},
    {NULL,     NULL,                        NULL,                    NULL, 0, 0},
};
