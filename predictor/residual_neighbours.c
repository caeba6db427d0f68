/* The weighted mean of the nearest observations; weights fall with the square of the distance, and
 * so does what is believed of the mean (Shepard, ACM National Conference 1968, with a prior of 0).
 */
#include "predictor/residual_inputs.h"
#include "predictor/residual_learners.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 1024, NEAREST_MAX = 16 };

struct neighbours {
    struct residual_scales scales;
    uint32_t nearest; /* how many count */
    double reach;     /* where a neighbour counts half, in scaled units */
    uint32_t points;
    const double *at;                /* points x dims, scaled */
    const double *value, *precision; /* per point; precision 1: as sure as 0 is */
};

/* Neighbours found, nearest first. */
struct found {
    double distance[NEAREST_MAX]; /* squared */
    uint32_t point[NEAREST_MAX];
    uint32_t count;
};

static void note(struct found *found, uint32_t point, double distance) {
    uint32_t place = found->count;
    if (place == NEAREST_MAX && distance >= found->distance[place - 1])
        return;
    if (place < NEAREST_MAX)
        found->count++;
    else
        place--;
    for (; place > 0 && found->distance[place - 1] > distance; place--) {
        found->distance[place] = found->distance[place - 1];
        found->point[place] = found->point[place - 1];
    }
    found->distance[place] = distance;
    found->point[place] = point;
}

static double say(const struct neighbours *n, const struct found *found) {
    double sum = 0, weights = 1, reach = n->reach * n->reach;
    for (uint32_t i = 0; i < found->count && i < n->nearest; i++) {
        double distance = found->distance[i] / reach;
        double weight = n->precision[found->point[i]] / (1 + distance * distance);
        sum += weight * n->value[found->point[i]];
        weights += weight;
    }
    return sum / weights;
}

static double at(const void *state, uint32_t dims, const double *input) {
    const struct neighbours *n = state;
    double scaled[RESIDUAL_DIMS_MAX];
    struct found found = {.count = 0};
    residual_scale(&n->scales, dims, input, scaled);
    for (uint32_t p = 0; p < n->points; p++)
        note(&found, p, residual_distance(scaled, n->at + (size_t)p * dims, dims));
    return say(n, &found);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void write(const void *state, uint32_t dims, cJSON *object) {
    const struct neighbours *n = state;
    json_add_uint(object, "nearest", n->nearest);
    json_add_number(object, "reach", n->reach);
    residual_scales_write(&n->scales, dims, object);
    json_add_numbers(object, "value", n->value, n->points);
    json_add_numbers(object, "precision", n->precision, n->points);
    json_add_numbers(object, "at", n->at, (size_t)n->points * dims);
}

static int read(struct arena *arena, const cJSON *object, uint32_t dims, const void **state,
                struct err *err) {
    struct neighbours *n = ARENA_NEW(arena, struct neighbours);
    const cJSON *values;
    int64_t nearest;
    if (json_get_tree(object, "value", cJSON_Array, &values, err) ||
        json_get_int(object, "nearest", &nearest, err) ||
        json_get_number(object, "reach", &n->reach, err) ||
        residual_scales_read(object, dims, &n->scales, err))
        return -(int)err->code;
    if (nearest < 1 || nearest > NEAREST_MAX)
        return err_set(err, ERR_INPUT, "nearest is not between 1 and %d", NEAREST_MAX);
    n->nearest = (uint32_t)nearest;
    n->points = (uint32_t)cJSON_GetArraySize(values);
    double *points = ARENA_ARRAY(arena, (size_t)n->points * dims, double);
    double *value = ARENA_ARRAY(arena, n->points, double);
    double *precision = ARENA_ARRAY(arena, n->points, double);
    n->at = points;
    n->value = value;
    n->precision = precision;
    *state = n;
    if (json_get_numbers(object, "value", value, n->points, err) ||
        json_get_numbers(object, "precision", precision, n->points, err))
        return -(int)err->code;
    return json_get_numbers(object, "at", points, (size_t)n->points * dims, err);
}

/* ---- learning -------------------------------------------------------------------------------- */

/* What a neighbour right beside is believed when its deviation is the prior's. */
static const double prior_deviation = 0.25;

static double precision_of(double deviation) {
    return prior_deviation * prior_deviation / (deviation * deviation);
}

/* Every row's neighbours among the rows of other folds. */
static struct found *find_all(struct arena *arena, const struct residual_rows *rows,
                              const double *scaled) {
    struct found *found = ARENA_ARRAY(arena, rows->count, struct found);
    for (uint32_t a = 0; a < rows->count; a++)
        for (uint32_t b = 0; b < a; b++) {
            if (rows->folds[a] == rows->folds[b])
                continue;
            double distance = residual_distance(scaled + (size_t)a * rows->dims,
                                                scaled + (size_t)b * rows->dims, rows->dims);
            note(&found[a], b, distance);
            note(&found[b], a, distance);
        }
    return found;
}

/* How many neighbours and how far; false: none says more than nothing. */
static bool choose(struct arena *arena, const struct residual_rows *rows, const struct found *found,
                   struct neighbours *n, double *held_out) {
    static const uint32_t counts[] = {4, 8, 16};
    static const double reaches[] = {0.1, 0.2, 0.4, 0.8};
    double best = residual_error_of_nothing(rows);
    double *said = ARENA_ARRAY(arena, rows->count, double);
    struct neighbours chosen = *n;
    bool any = false;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
            n->nearest = counts[c];
            n->reach = reaches[i];
            for (uint32_t r = 0; r < rows->count; r++)
                said[r] = say(n, &found[r]);
            double error = residual_error(rows, said);
            if (error >= best)
                continue;
            best = error;
            any = true;
            chosen = *n;
            memcpy(held_out, said, rows->count * sizeof *said);
        }
    *n = chosen;
    return any;
}

/* The rows, or points spread over them with the mean of the rows nearest to each. */
static void condense(struct arena *arena, const struct residual_rows *rows, const double *scaled,
                     struct neighbours *n) {
    uint32_t dims = rows->dims;
    double *points = ARENA_ARRAY(arena, (size_t)POINTS_MAX * dims, double);
    n->points = residual_spread_points(arena, scaled, rows->count, dims, POINTS_MAX, points, NULL);
    double *value = ARENA_ARRAY(arena, n->points, double);
    double *precision = ARENA_ARRAY(arena, n->points, double);
    for (uint32_t r = 0; r < rows->count; r++) {
        struct found found = {.count = 0};
        for (uint32_t p = 0; p < n->points; p++)
            note(&found, p,
                 residual_distance(scaled + (size_t)r * dims, points + (size_t)p * dims, dims));
        double weight = precision_of(rows->deviations[r]);
        value[found.point[0]] += weight * rows->targets[r];
        precision[found.point[0]] += weight;
    }
    for (uint32_t p = 0; p < n->points; p++)
        value[p] /= precision[p];
    n->at = points;
    n->value = value;
    n->precision = precision;
}

static int learn(struct arena *arena, const struct residual_rows *rows, const void **state,
                 double *held_out, struct err *err) {
    (void)err;
    if (rows->count < RESIDUAL_ROWS_MIN)
        return 0;
    struct arena scratch;
    arena_init(&scratch);
    struct neighbours n = {.scales = residual_scales_of(rows), .value = rows->targets};
    const double *scaled = residual_scale_rows(&scratch, &n.scales, rows);
    double *precision = ARENA_ARRAY(&scratch, rows->count, double);
    for (uint32_t r = 0; r < rows->count; r++)
        precision[r] = precision_of(rows->deviations[r]);
    n.precision = precision;
    const struct found *found = find_all(&scratch, rows, scaled);
    if (choose(&scratch, rows, found, &n, held_out)) {
        struct neighbours *kept = ARENA_NEW(arena, struct neighbours);
        condense(arena, rows, scaled, &n);
        *kept = n;
        *state = kept;
    }
    arena_done(&scratch);
    return 0;
}

const struct residual_learner residual_neighbours = {
    .name = "neighbours",
    .help = "the mean of the nearest observations, drawn to 0 by their distance",
    .learn = learn,
    .at = at,
    .write = write,
    .read = read,
};
