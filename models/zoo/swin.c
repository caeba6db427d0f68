/* Swin transformer (Liu et al. 2021) as torchvision has it: attention inside windows of 7x7 tokens,
 * every second time with the windows shifted by half. Tokens are NHWC. */
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

#include <math.h>

enum { WINDOW = 7, TOKENS = WINDOW * WINDOW, OFFSETS = 2 * WINDOW - 1 };
static const float epsilon = 1e-5f;

/* ---- moving tokens --------------------------------------------------------------------------- */

/* Rolls an axis by `shift` towards the start: what leaves there comes back at the end. */
static int32_t roll(struct zoo_builder *b, int32_t x, int32_t axis, int64_t shift) {
    int64_t size = zoo_dim(b, x, axis);
    int32_t tail = zoo_slice(b, x, axis, shift, size);
    int32_t front = zoo_slice(b, x, axis, 0, shift);
    return zoo_concat(b, axis, ZOO_LIST(tail, front));
}

static int32_t roll_image(struct zoo_builder *b, int32_t x, int64_t shift_back) {
    return roll(b, roll(b, x, 1, shift_back), 2, shift_back);
}

static int32_t to_windows(struct zoo_builder *b, int32_t x) {
    int64_t n = zoo_dim(b, x, 0), rows = zoo_dim(b, x, 1) / WINDOW,
            columns = zoo_dim(b, x, 2) / WINDOW, width = zoo_dim(b, x, 3);
    x = zoo_reshape(b, x, ZOO_SHAPE(n, rows, WINDOW, columns, WINDOW, width));
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 1, 3, 2, 4, 5));
    return zoo_reshape(b, x, ZOO_SHAPE(n * rows * columns, TOKENS, width));
}

static int32_t from_windows(struct zoo_builder *b, int32_t x, int64_t n, int64_t size) {
    int64_t rows = size / WINDOW, width = zoo_dim(b, x, 2);
    x = zoo_reshape(b, x, ZOO_SHAPE(n, rows, rows, WINDOW, WINDOW, width));
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 1, 3, 2, 4, 5));
    return zoo_reshape(b, x, ZOO_SHAPE(n, size, size, width));
}

/* ---- what is added to the scores ------------------------------------------------------------- */

/* A trained number per head and offset between two tokens: 1 x heads x tokens x tokens. */
static int32_t position_bias(struct zoo_builder *b, int64_t heads) {
    int64_t index[TOKENS * TOKENS];
    for (int from = 0; from < TOKENS; from++)
        for (int to = 0; to < TOKENS; to++) {
            int rows = from / WINDOW - to / WINDOW + WINDOW - 1;
            int columns = from % WINDOW - to % WINDOW + WINDOW - 1;
            index[from * TOKENS + to] = rows * OFFSETS + columns;
        }
    int32_t table = zoo_weight(b, "relative_position_bias_table", 0, 0.02f,
                               ZOO_SHAPE(OFFSETS * OFFSETS, heads));
    int32_t ids = zoo_ints(b, TOKENS * TOKENS, index);
    int32_t x = zoo_gather(b, NULL, table, ids);
    x = zoo_reshape(b, x, ZOO_SHAPE(TOKENS, TOKENS, heads));
    return zoo_unsqueeze(b, zoo_transpose(b, x, ZOO_SHAPE(2, 0, 1)), 0);
}

/* Which of the three bands an index lies in after a shift by half a window. */
static int band(int64_t i, int64_t size) {
    return i < size - WINDOW ? 0 : i < size - WINDOW / 2 ? 1 : 2;
}

/* In a shifted window stand tokens that are no neighbours: -100 between them.
 * 1 x windows x 1 x tokens x tokens. */
static int32_t shift_mask(struct zoo_builder *b, int64_t size) {
    int64_t rows = size / WINDOW, windows = rows * rows;
    double *mask = ARENA_ARRAY(b->graph->arena, (size_t)windows * TOKENS * TOKENS, double);
    for (int64_t w = 0; w < windows; w++)
        for (int64_t from = 0; from < TOKENS; from++)
            for (int64_t to = 0; to < TOKENS; to++) {
                int64_t y = w / rows * WINDOW, x = w % rows * WINDOW;
                bool near = band(y + from / WINDOW, size) == band(y + to / WINDOW, size) &&
                            band(x + from % WINDOW, size) == band(x + to % WINDOW, size);
                mask[(w * TOKENS + from) * TOKENS + to] = near ? 0 : -100;
            }
    return zoo_table(b, "attn_mask", mask, ZOO_SHAPE(1, windows, 1, TOKENS, TOKENS));
}

static int32_t add_shift_mask(struct zoo_builder *b, int32_t scores, int64_t n, int64_t heads,
                              int64_t size) {
    int64_t windows = size / WINDOW * (size / WINDOW);
    scores = zoo_reshape(b, scores, ZOO_SHAPE(n, windows, heads, TOKENS, TOKENS));
    scores = zoo_add(b, scores, shift_mask(b, size));
    return zoo_reshape(b, scores, ZOO_SHAPE(n * windows, heads, TOKENS, TOKENS));
}

/* ---- network --------------------------------------------------------------------------------- */

static int32_t window_attention(struct zoo_builder *b, int32_t x, int64_t heads, bool shifted) {
    int64_t n = zoo_dim(b, x, 0), size = zoo_dim(b, x, 1), width = zoo_dim(b, x, 3);
    shifted = shifted && size > WINDOW;
    if (shifted)
        x = roll_image(b, x, WINDOW / 2);
    x = to_windows(b, x);
    int64_t windows = zoo_dim(b, x, 0);
    int32_t parts[3];
    int32_t packed = zoo_linear(b, "qkv", x, 3 * width, true);
    packed = zoo_reshape(b, packed, ZOO_SHAPE(windows, TOKENS, 3, heads, width / heads));
    packed = zoo_transpose(b, packed, ZOO_SHAPE(2, 0, 3, 1, 4));
    for (int i = 0; i < 3; i++)
        parts[i] = zoo_select(b, packed, 0, i);
    int32_t queries = zoo_mul(b, parts[0], zoo_scalar(b, 1 / sqrt((double)(width / heads))));
    int32_t keys = zoo_transpose(b, parts[1], ZOO_SHAPE(0, 1, 3, 2));
    int32_t scores = zoo_matmul(b, NULL, queries, keys);
    scores = zoo_add(b, scores, position_bias(b, heads));
    if (shifted)
        scores = add_shift_mask(b, scores, n, heads, size);
    x = zoo_merge_heads(b, zoo_matmul(b, NULL, zoo_softmax(b, scores), parts[2]));
    x = from_windows(b, zoo_linear(b, "proj", x, width, true), n, size);
    return shifted ? roll_image(b, x, size - WINDOW / 2) : x;
}

static int32_t block(struct zoo_builder *b, int32_t x, int64_t heads, bool shifted) {
    int64_t width = zoo_dim(b, x, 3);
    int32_t normal = zoo_layer_norm(b, "norm1", x, epsilon);
    zoo_enter(b, "attn");
    int32_t y = window_attention(b, normal, heads, shifted);
    zoo_leave(b);
    x = zoo_add(b, x, y);
    normal = zoo_layer_norm(b, "norm2", x, epsilon);
    return zoo_add(b, x, zoo_mlp(b, "mlp.0", "mlp.3", normal, 4 * width, ZOO_GELU));
}

/* Every second row and column, from `row` and `column`. */
static int32_t every_second(struct zoo_builder *b, int32_t x, int64_t row, int64_t column) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int32_t starts = zoo_ints(b, ZOO_SHAPE(row, column));
    int32_t ends = zoo_ints(b, ZOO_SHAPE(sizes[1], sizes[2]));
    int32_t axes = zoo_ints(b, ZOO_SHAPE(1, 2));
    int32_t steps = zoo_ints(b, ZOO_SHAPE(2, 2));
    sizes[1] /= 2;
    sizes[2] /= 2;
    return zoo_simple(b, "Slice", ZOO_LIST(x, starts, ends, axes, steps), rank, sizes);
}

static int32_t merge_patches(struct zoo_builder *b, int32_t x) {
    int64_t width = zoo_dim(b, x, 3);
    int32_t parts[4];
    for (int i = 0; i < 4; i++)
        parts[i] = every_second(b, x, i % 2, i / 2);
    x = zoo_layer_norm(b, "norm", zoo_concat(b, -1, 4, parts), epsilon);
    return zoo_linear(b, "reduction", x, 2 * width, false);
}

void zoo_swin_build(struct zoo_builder *b, const void *config) {
    const struct swin *net = config;
    if (b->options.image_size % (32 * WINDOW))
        zoo_impossible(b, "the image is not a multiple of %d wide", 32 * WINDOW);
    int32_t x =
        zoo_conv(b, "features.0.0", zoo_image(b, 3),
                 (struct zoo_conv){.out = net->width, .kernel = 4, .stride = 4, .bias = true});
    x = zoo_layer_norm(b, "features.0.2", zoo_transpose(b, x, ZOO_SHAPE(0, 2, 3, 1)), epsilon);
    for (int stage = 0; stage < 4; stage++) {
        zoo_enter(b, "features.%d", 2 * stage + 1);
        if (stage > 0)
            x = merge_patches(b, x);
        for (int i = 0; i < net->depths[stage]; i++) {
            zoo_enter(b, "%d", i);
            x = block(b, x, net->heads << stage, i % 2 == 1);
            zoo_leave(b);
        }
        zoo_leave(b);
    }
    x = zoo_transpose(b, zoo_layer_norm(b, "norm", x, epsilon), ZOO_SHAPE(0, 3, 1, 2));
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_linear(b, "head", x, b->options.classes, true), "output");
}

static const struct swin swin_t = {
    {2, 2, 6, 2},
    96, 3
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(swin_t, "image classification, windowed transformer (Liu et al. 2021)", 224,
                    28288354, 4.491, zoo_swin_build, &swin_t),
};

const struct zoo_family zoo_swin = {"swin", rows, sizeof rows / sizeof *rows};
