#include "cli/service_options.h"

#include "jobs/simulate.h"

#include <math.h>

const char *shape_choice(size_t index, const char **help) {
    return simulate_shape_at((uint32_t)index, help);
}

int service_options_request(struct arena *arena, const struct service_options *options,
                            const struct model_options *model,
                            const struct predict_options_given *predict,
                            struct service_request *request, struct err *err) {
    *request = (struct service_request){
        .service_ns = (double)options->service_ns,
        .per_item_ns = (double)options->per_item_ns,
        .cold_start_ns = options->cold_start_ns ? (double)options->cold_start_ns : NAN,
        .batch_max = 1,
    };
    if (!model->model && options->service_ns == 0)
        return err_hint((err_set(err, ERR_USAGE, "what serves the requests is missing"), err),
                        "give a MODEL, or --service TIME for a known service time");
    if (model->model && options->service_ns)
        return err_set(err, ERR_USAGE, "--service stands in for a model: give one of both");
    if (options->per_item_ns && !options->service_ns)
        return err_set(err, ERR_USAGE, "--per-item goes with --service");
    return predict_options_request(arena, model, predict, &request->predict, err);
}

double service_options_scv(const struct service_options *options) {
    return options->scv < 0 ? NAN : options->scv;
}
