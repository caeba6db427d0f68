/* Learning the cost of one kernel class from its observations. Inside predictor/: the whole of all
 * classes is predictor/cost_model.h. */
#ifndef ASSAY_PREDICTOR_CLASS_FIT_H
#define ASSAY_PREDICTOR_CLASS_FIT_H

#include "predictor/cost_model.h"
#include "predictor/estimator.h"
#include "predictor/shared_rates.h"

/* Observations that may be corrected: copies of the training's. */
struct class_rows {
    struct observation **items;
    uint32_t count;
};

/* What all classes of a fit share. */
struct class_learning {
    struct arena *arena; /* what is learnt lives here */
    const struct estimator *estimator;
    const struct training *training;
    const struct observation *usual; /* the copies, one per observation of the training */
    const uint32_t *fold_of_run;     /* below RESIDUAL_FOLDS; a model is in one */
    double *held_out_ns;             /* per observation: said by what has not seen its model */
    struct shared_rates shared;      /* what every class may assume */
    struct err *err;
};

/* Corrects the rows to the usual speed of the machine, fills rates, residual, spreads and support
 * of `fit`; its key and family are set. With `family` NULL it is a pooled fit of a family: rates
 * alone. Observations whose models are all in one fold keep what the family said of them. */
int class_fit_learn(struct class_learning *learning, const struct class_rows *rows,
                    const struct class_fit *family, struct class_fit *fit);

/* Non-negative rates per term of the family. */
int class_fit_rates(const struct class_rows *rows, enum kernel_family family,
                    const struct shared_rates *shared, double *rates, struct err *err);

/* Mean of |log(measured / rates x terms)| with rates of the rows' family, long operators counting
 * more: how well the terms describe them. */
int class_fit_error(struct class_learning *learning, const struct class_rows *rows, double *error);

/* Terms that the residual learns from: all but the calls, which are its first and its last. */
uint32_t class_fit_inputs(enum kernel_family family);

/* Rates x terms. */
double class_fit_rates_ns(const struct class_fit *fit, const struct features *features);

/* Rates x terms, times what the residual says. */
double class_fit_ns(const struct class_fit *fit, const struct features *features);

#endif
