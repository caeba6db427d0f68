/* The cold start of a model that was never loaded: its phases as quantities of the fit, files out
 * of the page cache or from the machine's storage, and what the user gives. */
#ifndef ASSAY_PREDICTOR_COLD_START_H
#define ASSAY_PREDICTOR_COLD_START_H

#include "base/arena.h"
#include "core/cold_start.h"
#include "core/footprint.h"
#include "core/prediction.h"
#include "predictor/quantity.h"

struct cold_start_options {
    enum page_cache page_cache;
    const struct given_phase *given;
    uint32_t given_count;
    /* Of the machine, as calibration found them; 0: it did not. */
    struct estimate storage_bytes_per_s, storage_delay_ns; /* the delay comes once per file */
    double library_bytes;
    double slowdown; /* of all that is not storage, on a machine slower than usual; 0: none */
};

/* Fills out->cold_start from the fits and from load_time_ns and first_run_ns, which are there
 * already: the parts of session creation are scaled to sum to the former. */
void cold_start_predict(struct arena *arena, const struct quantity_fit fits[static QUANTITY_COUNT],
                        const struct footprint *footprint, const struct cold_start_options *options,
                        struct prediction *out);

#endif
