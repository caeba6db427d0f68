/* Inputs for a session: seeded values of the right type, shape and range. Worker side. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_FEEDS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_FEEDS_H

#include "collectors/collector.h"
#include "collectors/onnxruntime/api.h"

struct feeds {
    const char **input_names, **output_names;
    struct ort_value **inputs;
    struct ort_value **outputs; /* room for one run */
    size_t input_count, output_count;
};

/* Free dimensions are bound as the config says, by their symbol or as "INPUT.AXIS"; others are 1.
 * Values without a wish of the user: floats from the standard normal distribution, integers 0 or 1
 * (they may be indices), masks and booleans 1, strings empty. ERR_INPUT for an input that is no
 * tensor, and for a wish that names no input of the model. */
int feeds_open(struct feeds *feeds, struct arena *arena, const struct api *api,
               struct ort_session *session, const struct collect_config *config, struct err *err);
/* After a run: gives the outputs back. */
void feeds_release_outputs(struct feeds *feeds, const struct api *api);
void feeds_close(struct feeds *feeds, const struct api *api);

#endif
