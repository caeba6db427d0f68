/* The answer for a model that need not have run here. */
#ifndef ASSAY_JOBS_PREDICT_H
#define ASSAY_JOBS_PREDICT_H

#include "base/progress.h"
#include "core/prediction.h"
#include "jobs/fit.h"
#include "jobs/lowering.h"
#include "jobs/subject.h"

/* Of the machine that is predicted for. */
enum machine_speed { SPEED_USUAL, SPEED_NOW, SPEED_COUNT };

struct predict_request {
    struct subject_request subject;
    enum lowering_source lowering;
    bool leave_out_self;      /* fit without this model's own runs */
    bool refuse_roofline;     /* refuse what no observation supports */
    double memory_confidence; /* 0.99 */
    enum page_cache page_cache;
    const struct given_phase *given_phases; /* of the cold start */
    uint32_t given_phase_count;
    bool memory_timeline;
    enum machine_speed speed;
    struct progress *progress; /* while the speed is looked at; may be NULL */
};

struct predicted {
    struct prediction prediction;
    struct fitted fitted;
    struct lowering lowering;
    double predicting_ns; /* from the lowered graph to the answer */
    int64_t id;           /* in the database; 0: it could not be stored */
};

/* Never runs the model. A refusal is not a failure: prediction.refused_count tells. */
int job_predict(struct arena *arena, struct db *db, const struct predict_request *request,
                struct predicted *out, struct err *err);

/* Identity and conditions of a subject, as predictions and measurements print them. */
void prediction_identify(struct arena *arena, const struct subject *subject,
                         const struct lowering *lowering, struct prediction *out);

#endif
