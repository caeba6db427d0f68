#include "predictor/residual.h"

#include "predictor/residual_learners.h"
#include "predictor/residual_merge.h"

#include <math.h>
#include <string.h>

const struct residual_learner residual_none = {
    .name = "none",
    .help = "nothing: the physical terms alone",
};

const struct residual_learner *const residual_learners[] = {
    &residual_gaussian, &residual_neighbours, &residual_trees, &residual_none, NULL,
};

const struct residual_learner *residual_learner_by_name(const char *name) {
    const struct residual_learner *const *row = residual_learners;
    while (*row && strcmp((*row)->name, name) != 0)
        row++;
    return *row;
}

int residual_learn(struct arena *arena, const struct residual_learner *learner,
                   const struct residual_rows *rows, struct residual *out, double *held_out,
                   struct err *err) {
    *out = (struct residual){.learner = learner, .dims = rows->dims};
    memset(held_out, 0, rows->count * sizeof *held_out);
    if (!learner->learn || rows->dims == 0)
        return 0;
    if (learner->available && learner->available(err))
        return -(int)err->code;
    struct arena scratch;
    arena_init(&scratch);
    uint32_t *merged_of = ARENA_ARRAY(&scratch, rows->count, uint32_t);
    const struct residual_rows merged = residual_merge(&scratch, rows, merged_of);
    double *said = ARENA_ARRAY(&scratch, merged.count, double);
    int code = learner->learn(arena, &merged, &out->state, said, err);
    for (uint32_t r = 0; r < rows->count; r++)
        held_out[r] = said[merged_of[r]];
    arena_done(&scratch);
    return code;
}

double residual_at(const struct residual *residual, const double *input) {
    return residual->state ? residual->learner->at(residual->state, residual->dims, input) : 0;
}

void residual_write(const struct residual *residual, cJSON *object) {
    json_add_text(object, "learner", residual->learner->name);
    residual->learner->write(residual->state, residual->dims, object);
}

int residual_read(struct arena *arena, const cJSON *object, uint32_t dims, struct residual *out,
                  struct err *err) {
    const char *name;
    if (json_get_text(object, "learner", &name, err))
        return -(int)err->code;
    const struct residual_learner *learner = residual_learner_by_name(name);
    if (!learner || !learner->read)
        return err_set(err, ERR_INPUT, "no residual learner '%s' is known to this version", name);
    *out = (struct residual){.learner = learner, .dims = dims};
    return learner->read(arena, object, dims, &out->state, err);
}
