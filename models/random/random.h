/* Random small networks whose operators stand in context: what a machine is calibrated with.
 *
 * An operator measured alone misleads (its inputs are in the cache, its neighbours do not compete),
 * so each recipe writes whole networks in the manner of a family of architectures, with sizes drawn
 * from the seed: widths, depths, kernels, strides, activations, batch, opset. A recipe is a row as
 * in the zoo, without published figures; its sizes come from options.seed alone.
 */
#ifndef ASSAY_MODELS_RANDOM_RANDOM_H
#define ASSAY_MODELS_RANDOM_RANDOM_H

#include "base/rng.h"
#include "models/zoo/build.h"

#include <stddef.h>

struct random_recipe {
    struct zoo_row row;
    /* How much of the first pass over the recipes it gets, relative to the others. */
    double weight;
};

extern const struct random_recipe random_recipes[];
extern const size_t random_recipe_count;

/* The network of a recipe and a seed; the same on every machine. `batch` 0: drawn too; some
 * recipes take a multiple of it. A draw that
 * is not possible (an image too small for its strides) is drawn again from the next seed. */
int random_network(struct arena *arena, const struct random_recipe *recipe, uint64_t seed,
                   int64_t batch, struct zoo_model *model, struct err *err);

/* ---- for recipes ----------------------------------------------------------------------------- */

/* One of the values given: RANDOM_PICK(rng, 8, 16, 32). */
#define RANDOM_PICK(rng, ...)                                                                      \
    ((const int64_t[]){                                                                            \
        __VA_ARGS__})[rng_below(rng, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))]

/* Log-uniform in [low, high], rounded to a multiple of `step` (at least one step). */
int64_t random_size(struct rng *rng, int64_t low, int64_t high, int64_t step);
/* True with this probability. */
bool random_chance(struct rng *rng, double probability);

#endif
