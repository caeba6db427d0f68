/* External weights that the worker makes itself: seeded values, or pages of zeros. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_WEIGHTS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_WEIGHTS_H

#include "collectors/collector.h"
#include "collectors/onnxruntime/api.h"

/* Tells the session options where the external initializers are: in the config's folder, or in
 * memory made here, which lives until weights_close (after the session). */
struct weights {
    uint32_t file_count;
    char **buffers;
    size_t *lengths;
};

int weights_open(struct weights *weights, struct arena *arena, const struct api *api,
                 struct ort_options *options, const struct collect_config *config, struct err *err);
void weights_close(struct weights *weights);

#endif
