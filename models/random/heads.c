/* What stands behind and between the stages of image networks beside convolutions: paths that are
 * weighed against each other, patches unfolded for attention, gates at a coarser size, boxes as
 * sums over bins, maps enlarged to the picture. */
#include "models/random/recipes.h"

enum { LEVELS_MAX = 3, BINS_MAX = 16 };

static int32_t newest(const struct recipe *r) {
    return (int32_t)r->b->graph->op_count - 1;
}

static int32_t conv(struct recipe *r, int32_t x, int64_t out, int64_t kernel, int64_t stride,
                    enum zoo_activation activation) {
    return zoo_conv_act(
        r->b, recipe_name(r->b), x,
        (struct zoo_conv){
            .out = out, .kernel = kernel, .pad = kernel / 2, .stride = stride, .bias = true},
        activation);
}

static int32_t sum_along(struct recipe *r, int32_t x, int64_t axis) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes), axes = zoo_ints(b, ZOO_SHAPE(axis));
    for (int32_t i = (int32_t)axis; i + 1 < rank; i++)
        sizes[i] = sizes[i + 1];
    int32_t y = zoo_simple(b, "ReduceSum", ZOO_LIST(x, axes), rank - 1, sizes);
    graph_set_int(b->graph, newest(r), "keepdims", 0);
    return y;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Split attention (Zhang et al. 2020): paths are added, pooled, and weighed channel by channel. */
static int32_t weighed_paths(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), c = zoo_dim(b, x, 1), h = zoo_dim(b, x, 2), w = zoo_dim(b, x, 3);
    int64_t paths = RANDOM_PICK(&r->rng, 2, 2, 2, 3, 4);
    int32_t each =
        zoo_reshape(b, conv(r, x, paths * c, 3, 1, ZOO_RELU), ZOO_SHAPE(n, paths, c, h, w));
    int32_t squeezed = zoo_global_pool(b, sum_along(r, each, 1));
    squeezed = conv(r, squeezed, random_size(&r->rng, 8, 64, 8), 1, 1, ZOO_RELU);
    int32_t logits = conv(r, squeezed, paths * c, 1, 1, ZOO_NONE), weights;
    if (random_chance(&r->rng, 0.5)) {
        int32_t parts = zoo_reshape(b, logits, ZOO_SHAPE(n, 1, paths, c));
        weights = zoo_softmax_along(b, zoo_transpose(b, parts, ZOO_SHAPE(0, 2, 1, 3)), 1);
    } else {
        weights = zoo_softmax_along(b, zoo_reshape(b, logits, ZOO_SHAPE(n, paths, c, 1, 1)), 1);
    }
    weights = zoo_reshape(b, weights, ZOO_SHAPE(n, paths, c, 1, 1));
    return sum_along(r, zoo_mul(b, each, weights), 1);
}

/* MobileViT (Mehta and Rastegari 2021): pixels at the same place of all patches, one after the
 * other, a layer on them, and back. */
static int32_t unfolded(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), c = zoo_dim(b, x, 1), h = zoo_dim(b, x, 2), w = zoo_dim(b, x, 3);
    int64_t p = h % 4 || w % 4 || random_chance(&r->rng, 0.7) ? 2 : 4;
    if (h % p || w % p)
        return x;
    int64_t rows = h / p, columns = w / p;
    int32_t y = zoo_reshape(b, x, ZOO_SHAPE(n * c * rows, p, columns, p));
    y = zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1, 3));
    y = zoo_reshape(b, y, ZOO_SHAPE(n, c, rows * columns, p * p));
    y = zoo_transpose(b, y, ZOO_SHAPE(0, 3, 2, 1));
    y = zoo_reshape(b, y, ZOO_SHAPE(n * p * p, rows * columns, c));
    y = zoo_layer_norm(b, recipe_name(b), y, 1e-5f);
    y = zoo_linear(b, recipe_name(b), y, c, true);
    y = zoo_reshape(b, y, ZOO_SHAPE(n, p * p, rows * columns, c));
    y = zoo_transpose(b, y, ZOO_SHAPE(0, 3, 2, 1));
    y = zoo_reshape(b, y, ZOO_SHAPE(n * c * rows, columns, p, p));
    y = zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1, 3));
    return zoo_add(b, x, zoo_reshape(b, y, ZOO_SHAPE(n, c, h, w)));
}

/* Each side of a box is the mean of bins under a distribution (Li et al. 2020). */
static int32_t sides_of_bins(struct recipe *r, int32_t x, int64_t bins) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), places = zoo_dim(b, x, 2);
    int32_t y = zoo_reshape(b, x, ZOO_SHAPE(n, 4, bins, places));
    y = zoo_softmax_along(b, zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1, 3)), 1);
    y = zoo_conv(b, recipe_name(b), y, (struct zoo_conv){.out = 1, .kernel = 1});
    return zoo_reshape(b, y, ZOO_SHAPE(n, 4, places));
}

static int32_t spread_out(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t places = zoo_dim(b, x, 2) * zoo_dim(b, x, 3);
    return zoo_reshape(b, x, ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1), places));
}

/* ---- heads ----------------------------------------------------------------------------------- */

/* Boxes and classes at every place of every level. */
static int32_t detection(struct recipe *r, const int32_t *levels, uint32_t count) {
    struct zoo_builder *b = r->b;
    int64_t bins = RANDOM_PICK(&r->rng, 8, BINS_MAX, BINS_MAX),
            classes = random_size(&r->rng, 1, 90, 1), width = random_size(&r->rng, 16, 80, 8);
    int32_t boxes[LEVELS_MAX], kinds[LEVELS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        boxes[i] = conv(r, conv(r, levels[i], width, 3, 1, ZOO_SILU), 4 * bins, 1, 1, ZOO_NONE);
        kinds[i] = conv(r, conv(r, levels[i], width, 3, 1, ZOO_SILU), classes, 1, 1, ZOO_NONE);
        boxes[i] = spread_out(r, boxes[i]);
        kinds[i] = spread_out(r, kinds[i]);
    }
    int32_t sides = sides_of_bins(r, zoo_concat(b, 2, count, boxes), bins);
    int32_t kind = zoo_activate(b, ZOO_SIGMOID, zoo_concat(b, 2, count, kinds));
    return zoo_concat(b, 1, ZOO_LIST(sides, kind));
}

/* To another size, at centres of pixels or corner to corner. */
static int32_t resized_by(struct recipe *r, int32_t x, int64_t h, int64_t w, const char *mode) {
    struct zoo_builder *b = r->b;
    int32_t y = zoo_resize(b, x, h, w);
    b->graph->ops[newest(r)].attribute_count = 0;
    bool corners = mode[0] != 'n' && random_chance(&r->rng, 0.3);
    graph_set_string(b->graph, newest(r), "coordinate_transformation_mode",
                     mode[0] == 'n' ? "asymmetric"
                     : corners      ? "align_corners"
                                    : "half_pixel");
    graph_set_string(b->graph, newest(r), "mode", mode);
    graph_set_string(b->graph, newest(r), "nearest_mode", "floor");
    return y;
}

static int32_t resized(struct recipe *r, int32_t x, int64_t h, int64_t w) {
    static const char *const modes[] = {"nearest", "linear", "linear", "cubic"};
    return resized_by(r, x, h, w, modes[rng_below(&r->rng, 4)]);
}

/* The picture a little smaller or larger, by no whole number. */
static int32_t another_size(struct recipe *r, int32_t x) {
    int64_t size = zoo_dim(r->b, x, 2) / 16 * RANDOM_PICK(&r->rng, 9, 12, 15, 17, 20);
    return resized_by(r, x, size, size, random_chance(&r->rng, 0.6) ? "cubic" : "linear");
}

/* Looked at coarsely and brought back to size. */
static int32_t coarse(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t h = zoo_dim(b, x, 2), w = zoo_dim(b, x, 3);
    int32_t y = zoo_average_pool(b, x, (struct zoo_pool){2, 2, 0, false});
    y = conv(r, y, random_size(&r->rng, 4, 48, 1), 1, 1, ZOO_RELU);
    y = conv(r, resized(r, y, h, w), zoo_dim(b, x, 1), 1, 1, ZOO_SIGMOID);
    return zoo_mul(b, x, y);
}

/* A class for each pixel: few maps, enlarged to the picture. */
static int32_t pixels(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t classes = random_size(&r->rng, 1, 40, 1), times = RANDOM_PICK(&r->rng, 2, 4, 8);
    int64_t h = zoo_dim(b, x, 2) * times, w = zoo_dim(b, x, 3) * times;
    int32_t y = resized(r, conv(r, x, classes, 1, 1, ZOO_NONE), h, w);
    return classes > 1 && random_chance(&r->rng, 0.5) ? zoo_softmax_along(b, y, 1) : y;
}

void random_heads(struct zoo_builder *b, const void *config) {
    (void)config;
    static int32_t (*const steps[])(struct recipe *, int32_t) = {weighed_paths, unfolded, coarse};
    struct recipe r = recipe_begin(b, 6.5, 11);
    int64_t width = random_size(&r.rng, 16, 96, 8);
    int32_t levels[LEVELS_MAX],
        x = recipe_image(&r, 3, RANDOM_PICK(&r.rng, 128, 160, 192, 224, 256, 320));
    if (random_chance(&r.rng, 0.3))
        x = another_size(&r, x);
    x = conv(&r, conv(&r, x, width / 2 + 8, 3, 2, ZOO_RELU), width, 3, 2, ZOO_RELU);
    for (int i = 0; i < LEVELS_MAX; i++) {
        x = conv(&r, x, width << i, 3, i > 0 ? 2 : 1, ZOO_RELU);
        for (int k = 0; k < 3 && recipe_goes_on(&r, (i + 1.0) / LEVELS_MAX); k++)
            x = steps[rng_below(&r.rng, sizeof steps / sizeof *steps)](&r, x);
        levels[i] = x;
    }
    int32_t y = random_chance(&r.rng, 0.6) ? detection(&r, levels, LEVELS_MAX)
                                           : pixels(&r, levels[rng_below(&r.rng, 2)]);
    zoo_output(b, y, "output");
}
