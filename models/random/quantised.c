/* The other recipes' networks in other numbers than float32. */
#include "models/random/recipes.h"

struct recipe_list {
    void (*const *builds)(struct zoo_builder *b, const void *config);
    uint32_t count;
};

static void (*const image_builds[])(struct zoo_builder *, const void *) = {
    random_residual, random_residual,    random_inverted, random_inverted,   random_plain,
    random_grouped,  random_dense_links, random_branches, random_odd_widths, random_segmentation,
};
static void (*const token_builds[])(struct zoo_builder *, const void *) = {
    random_encoder, random_encoder, random_vision, random_decoder, random_gated_decoder,
};
static void (*const product_builds[])(struct zoo_builder *, const void *) = {
    random_encoder,   random_encoder,       random_vision,       random_decoder,
    random_decoder,   random_gated_decoder, random_dense_layers, random_recurrent,
    random_recurrent, random_two_ways,      random_mixer,
};
static void (*const half_builds[])(struct zoo_builder *, const void *) = {
    random_residual, random_inverted, random_dense_links,  random_encoder,
    random_vision,   random_decoder,  random_dense_layers,
};

#define RECIPE_LIST(builds)                                                                        \
    { builds, (uint32_t)(sizeof(builds) / sizeof *(builds)) }

const struct recipe_list random_images = RECIPE_LIST(image_builds);
const struct recipe_list random_texts = RECIPE_LIST(token_builds);
const struct recipe_list random_products = RECIPE_LIST(product_builds);
const struct recipe_list random_halves = RECIPE_LIST(half_builds);

/* Another stream than that of the recipe behind, which begins with the same seed. */
static struct rng form_rng(const struct zoo_builder *b) {
    struct rng rng;
    rng_init(&rng, b->options.seed ^ 0x5851f42d4c957f2du);
    return rng;
}

static void build_one(struct zoo_builder *b, const struct recipe_list *list, struct rng *rng) {
    list->builds[rng_below(rng, list->count)](b, NULL);
}

void random_quantised(struct zoo_builder *b, const void *config) {
    struct rng rng = form_rng(b);
    b->options.quantisation = (struct zoo_quantisation){
        .form = random_chance(&rng, 0.75) ? ZOO_QDQ : ZOO_OPERATORS,
        .per_channel = random_chance(&rng, 0.5),
        .signed_activations = random_chance(&rng, 0.12),
        .products_only = random_chance(&rng, 0.25),
    };
    /* Signed inputs with unsigned weights have no kernel. */
    b->options.quantisation.unsigned_weights = !b->options.quantisation.per_channel &&
                                               !b->options.quantisation.signed_activations &&
                                               random_chance(&rng, 0.35);
    build_one(b, config, &rng);
}

void random_dynamic(struct zoo_builder *b, const void *config) {
    struct rng rng = form_rng(b);
    b->options.quantisation = (struct zoo_quantisation){
        .form = ZOO_DYNAMIC,
        .per_channel = random_chance(&rng, 0.4),
        .products_only = random_chance(&rng, 0.3),
    };
    b->options.quantisation.unsigned_weights =
        !b->options.quantisation.per_channel && random_chance(&rng, 0.4);
    build_one(b, config, &rng);
}

void random_half(struct zoo_builder *b, const void *config) {
    struct rng rng = form_rng(b);
    b->options.quantisation = (struct zoo_quantisation){.form = ZOO_FLOAT16};
    build_one(b, config, &rng);
}
