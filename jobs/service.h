/* From what the user says to how one replica serves: a time that is given, or a model's prediction
 * at every batch size up to the largest. */
#ifndef ASSAY_JOBS_SERVICE_H
#define ASSAY_JOBS_SERVICE_H

#include "core/service.h"
#include "jobs/predict.h"

struct db;

struct service_request {
    struct predict_request predict; /* subject.model_path NULL: the times are given */
    double service_ns;              /* of one request */
    double per_item_ns;   /* more for each further one of a batch; 0: as long as the first */
    double cold_start_ns; /* NaN: as predicted */
    uint32_t batch_max;
};

enum { SERVICE_BATCH_MAX = 4096 };

struct scale_row;

/* Of times that are given: n requests together. */
double service_given_ns(const struct service_request *request, uint32_t n);
/* Between two batches that were predicted, a before b; a NULL: as b, whatever the size. */
struct batch_time service_time_between(const struct scale_row *a, const struct scale_row *b,
                                       int64_t n);
/* ERR_FINDING naming the operator when the prediction is refused. */
int service_must_be_predicted(const struct prediction *prediction, struct err *err);

/* A model's batches are predicted at powers of two and at the largest, and interpolated between.
 * ERR_FINDING when the model's prediction is refused, or that of a batch. `predicted` is zeroed for
 * times that are given; `db` may be NULL then. */
int service_find(struct arena *arena, struct db *db, const struct service_request *request,
                 struct service *service, struct predicted *predicted, struct err *err);

#endif
