/* Boosted trees. Beyond the observations a tree goes on with its outermost leaf, so what it says is
 * faded out with the distance to the nearest of the points spread over them. */
#include "predictor/boosting.h"
#include "predictor/residual_inputs.h"
#include "predictor/residual_learners.h"

#include <math.h>
#include <string.h>

enum { POINTS_MAX = 96 };

/* Half is believed this far beyond the observations, in scaled units. */
static const double fade_reach = 0.5;
static const double usual_deviation = 0.04; /* of a row with weight 1 */

struct trees {
    struct residual_scales scales;
    double inside; /* nearer to a point than this is among the observations; infinite: all is */
    uint32_t points;
    const double *at; /* points x dims, scaled */
    struct forest forest;
    uint32_t used; /* trees */
};

static double fade(const struct trees *t, uint32_t dims, const double *input) {
    if (t->points == 0)
        return 1;
    double scaled[RESIDUAL_DIMS_MAX], nearest = INFINITY;
    residual_scale(&t->scales, dims, input, scaled);
    for (uint32_t p = 0; p < t->points; p++)
        nearest = fmin(nearest, residual_distance(scaled, t->at + (size_t)p * dims, dims));
    double beyond = fmax(0, sqrt(nearest) - t->inside) / fade_reach;
    return 1 / (1 + beyond * beyond * beyond * beyond);
}

static double at(const void *state, uint32_t dims, const double *input) {
    const struct trees *t = state;
    return fade(t, dims, input) * forest_at(&t->forest, t->used, input);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void write(const void *state, uint32_t dims, cJSON *object) {
    const struct trees *t = state;
    json_add_number(object, "inside", t->inside);
    residual_scales_write(&t->scales, dims, object);
    json_add_numbers(object, "at", t->at, (size_t)t->points * dims);
    forest_write(&t->forest, t->used, object);
}

static int read(struct arena *arena, const cJSON *object, uint32_t dims, const void **state,
                struct err *err) {
    struct trees *t = ARENA_NEW(arena, struct trees);
    const cJSON *list;
    if (json_get_tree(object, "at", cJSON_Array, &list, err) ||
        json_get_number(object, "inside", &t->inside, err) ||
        residual_scales_read(object, dims, &t->scales, err) ||
        forest_read(arena, object, dims, &t->forest, err))
        return -(int)err->code;
    t->points = (uint32_t)cJSON_GetArraySize(list) / dims;
    t->used = t->forest.tree_count;
    double *points = ARENA_ARRAY(arena, (size_t)t->points * dims, double);
    t->at = points;
    *state = t;
    return json_get_numbers(object, "at", points, (size_t)t->points * dims, err);
}

/* ---- learning -------------------------------------------------------------------------------- */

static const struct boosting_settings settings[] = {
    {.depth = 3, .rounds = 40, .rate = 0.2, .leaf_rows = 4},
    {.depth = 6, .rounds = 40, .rate = 0.2, .leaf_rows = 8},
};
enum { SETTINGS = sizeof settings / sizeof *settings };
static const uint32_t stages[] = {5, 10, 20, 40};
enum { STAGES = sizeof stages / sizeof *stages };

/* The rows without a fold (RESIDUAL_FOLDS: all) as XGBoost takes them. */
static struct boosting_rows select_rows(struct arena *arena, const struct residual_rows *rows,
                                        uint32_t without) {
    uint32_t dims = rows->dims, count = 0;
    float *inputs = ARENA_ARRAY(arena, (size_t)rows->count * dims, float);
    float *targets = ARENA_ARRAY(arena, rows->count, float);
    float *weights = ARENA_ARRAY(arena, rows->count, float);
    for (uint32_t r = 0; r < rows->count; r++) {
        if (rows->folds[r] == without)
            continue;
        double relative = usual_deviation / rows->deviations[r];
        for (uint32_t d = 0; d < dims; d++)
            inputs[(size_t)count * dims + d] = (float)rows->inputs[(size_t)r * dims + d];
        targets[count] = (float)rows->targets[r];
        weights[count++] = (float)(relative * relative);
    }
    return (struct boosting_rows){inputs, targets, weights, count, dims};
}

/* What the rows of a fold are said to be without it, after each stage. */
static int say_fold(const struct residual_rows *rows, const struct boosting_settings *how,
                    uint32_t fold, double *said[STAGES], struct err *err) {
    struct arena scratch;
    struct forest forest;
    arena_init(&scratch);
    struct boosting_rows rest = select_rows(&scratch, rows, fold);
    int code = 0;
    if (rest.count && rest.count < rows->count) {
        code = boosting_train(&scratch, &rest, how, &forest, err);
        for (uint32_t r = 0; !code && r < rows->count; r++)
            for (int s = 0; rows->folds[r] == fold && s < STAGES; s++)
                said[s][r] = forest_at(&forest, stages[s], rows->inputs + (size_t)r * rows->dims);
    }
    arena_done(&scratch);
    return code;
}

/* The settings with the least error on folds left out; rounds 0: none beats nothing. */
static int choose(const struct residual_rows *rows, struct boosting_settings *chosen,
                  double *held_out, struct err *err) {
    struct arena scratch;
    double *said[STAGES], best = residual_error_of_nothing(rows);
    int code = 0;
    *chosen = (struct boosting_settings){0};
    arena_init(&scratch);
    for (int s = 0; s < STAGES; s++)
        said[s] = ARENA_ARRAY(&scratch, rows->count, double);
    for (int i = 0; !code && i < SETTINGS; i++) {
        for (uint32_t fold = 0; !code && fold < RESIDUAL_FOLDS; fold++)
            code = say_fold(rows, &settings[i], fold, said, err);
        for (int s = 0; !code && s < STAGES; s++) {
            double error = residual_error(rows, said[s]);
            if (error >= best)
                continue;
            best = error;
            *chosen = settings[i];
            chosen->rounds = stages[s];
            memcpy(held_out, said[s], rows->count * sizeof *held_out);
        }
    }
    arena_done(&scratch);
    return code;
}

static void note_inside(struct arena *arena, const struct residual_rows *rows, struct trees *t) {
    struct arena scratch;
    arena_init(&scratch);
    double *points = ARENA_ARRAY(arena, (size_t)POINTS_MAX * rows->dims, double);
    const double *scaled = residual_scale_rows(&scratch, &t->scales, rows);
    t->points = residual_spread_points(&scratch, scaled, rows->count, rows->dims, POINTS_MAX,
                                       points, &t->inside);
    t->at = points;
    arena_done(&scratch);
}

static int learn_bare(struct arena *arena, const struct residual_rows *rows, const void **state,
                      double *held_out, struct err *err) {
    struct boosting_settings chosen;
    struct arena scratch;
    if (rows->count < RESIDUAL_ROWS_MIN)
        return 0;
    if (choose(rows, &chosen, held_out, err))
        return -(int)err->code;
    if (chosen.rounds == 0)
        return 0;
    struct trees *t = ARENA_NEW(arena, struct trees);
    t->scales = residual_scales_of(rows);
    t->used = chosen.rounds;
    arena_init(&scratch);
    struct boosting_rows all = select_rows(&scratch, rows, RESIDUAL_FOLDS);
    int code = boosting_train(arena, &all, &chosen, &t->forest, err);
    arena_done(&scratch);
    *state = t;
    return code;
}

static int learn(struct arena *arena, const struct residual_rows *rows, const void **state,
                 double *held_out, struct err *err) {
    const void *bare = NULL;
    if (learn_bare(arena, rows, &bare, held_out, err) || !bare)
        return -(int)err->code;
    struct trees *t = ARENA_NEW(arena, struct trees);
    *t = *(const struct trees *)bare;
    note_inside(arena, rows, t);
    *state = t;
    return 0;
}

#define TREES(NAME, HELP, LEARN)                                                                   \
    {                                                                                              \
        .name = (NAME), .help = (HELP), .available = boosting_available, .learn = (LEARN),         \
        .at = at, .write = write, .read = read                                                     \
    }

const struct residual_learner residual_trees =
    TREES("trees", "boosted trees by XGBoost, faded out beyond the observations", learn);
const struct residual_learner residual_trees_bare =
    TREES("trees-bare", "boosted trees by XGBoost, believed everywhere", learn_bare);
