#include "predictor/residual_merge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct place {
    const double *input;
    uint32_t dims, fold, row;
};

static int by_place(const struct place *a, const struct place *b) {
    if (a->fold != b->fold)
        return a->fold < b->fold ? -1 : 1;
    for (uint32_t d = 0; d < a->dims; d++)
        if (a->input[d] != b->input[d])
            return a->input[d] < b->input[d] ? -1 : 1;
    return 0;
}

static int by_place_and_row(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    int order = by_place(x, y);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static struct place *sorted(struct arena *arena, const struct residual_rows *rows) {
    struct place *places = ARENA_ARRAY(arena, rows->count, struct place);
    for (uint32_t r = 0; r < rows->count; r++)
        places[r] =
            (struct place){rows->inputs + (size_t)r * rows->dims, rows->dims, rows->folds[r], r};
    if (rows->count)
        qsort(places, rows->count, sizeof *places, by_place_and_row);
    return places;
}

struct residual_rows residual_merge(struct arena *arena, const struct residual_rows *rows,
                                    uint32_t *merged_of) {
    uint32_t dims = rows->dims, count = 0;
    const struct place *places = sorted(arena, rows);
    double *inputs = ARENA_ARRAY(arena, (size_t)rows->count * dims, double);
    double *targets = ARENA_ARRAY(arena, rows->count, double);
    double *deviations = ARENA_ARRAY(arena, rows->count, double);
    double *precisions = ARENA_ARRAY(arena, rows->count, double);
    uint32_t *folds = ARENA_ARRAY(arena, rows->count, uint32_t);
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t r = places[i].row;
        if (i == 0 || by_place(&places[i - 1], &places[i]) != 0) {
            memcpy(inputs + (size_t)count * dims, places[i].input, dims * sizeof *inputs);
            folds[count++] = places[i].fold;
        }
        double precision = 1 / (rows->deviations[r] * rows->deviations[r]);
        merged_of[r] = count - 1;
        precisions[count - 1] += precision;
        targets[count - 1] += precision * rows->targets[r];
        deviations[count - 1] += 1;
    }
    for (uint32_t m = 0; m < count; m++) {
        targets[m] /= precisions[m];
        /* deviations[m] is how many there were */
        double many = fmin(deviations[m], 2);
        deviations[m] = sqrt(deviations[m] / precisions[m] / many);
    }
    return (struct residual_rows){inputs, targets, deviations, folds, count, dims};
}
