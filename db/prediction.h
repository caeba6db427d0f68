/* Predictions as they were given, so that they can be held against later measurements. */
#ifndef ASSAY_DB_PREDICTION_H
#define ASSAY_DB_PREDICTION_H

#include "core/estimate.h"
#include "core/machine.h"
#include "core/run.h"
#include "db/model.h"

#include <stddef.h>
#include <stdint.h>

struct stored_prediction {
    int64_t id; /* set on reading */
    struct stored_model model;
    struct machine machine;
    struct conditions conditions;
    int64_t fit_id;             /* 0: without a fit */
    struct estimate latency_ns; /* evidence is not kept: it stands in the JSON */
    const char *json;           /* the whole answer */
    const char *created_at;     /* set on reading */
};

/* Stores model and machine too. */
int db_put_prediction(struct db *db, const struct stored_prediction *prediction, int64_t *id,
                      struct err *err);
/* Newest first, at most `limit` (0: all); of one model when its hash is given. */
int db_list_predictions(struct db *db, struct arena *arena, const char *model_sha256, size_t limit,
                        struct stored_prediction **predictions, size_t *count, struct err *err);

/* Of each model the newest prediction under these conditions, without reading it. */
struct newest_prediction {
    int64_t id;
    const char *model_sha256, *model_name, *created_at;
};
struct prediction_filter {
    const char *machine; /* fingerprint; NULL: any */
    uint32_t threads;    /* 0: any */
    int64_t batch;       /* 0: as the file has it, or 1 */
};

int db_list_newest_predictions(struct db *db, struct arena *arena,
                               const struct prediction_filter *filter,
                               struct newest_prediction **newest, size_t *count, struct err *err);
/* One model's under these conditions, newest first, at most `limit`. */
int db_list_predictions_like(struct db *db, struct arena *arena, const char *model_sha256,
                             const struct prediction_filter *filter, size_t limit,
                             struct stored_prediction **predictions, size_t *count,
                             struct err *err);

#endif
