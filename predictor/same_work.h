/* Models repeat their blocks: most operators do exactly what another one does. */
#ifndef ASSAY_PREDICTOR_SAME_WORK_H
#define ASSAY_PREDICTOR_SAME_WORK_H

#include "base/arena.h"
#include "core/features.h"

/* Per operator, the first one with the same features (perhaps itself); in the arena. */
const uint32_t *same_work(struct arena *arena, const struct features *features, uint32_t count);

#endif
