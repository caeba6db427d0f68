#include "predictor/estimator.h"

#include "predictor/residual_learners.h"

#include <string.h>

const struct estimator estimators[] = {
    {"gaussian-process", "rates on physical terms, then a Gaussian process", PHYSICS_RATES,
     &residual_gaussian                                                                                            },
    {"neighbours",       "rates on physical terms, then nearest neighbours", PHYSICS_RATES,
     &residual_neighbours                                                                                          },
    {"trees",            "rates on physical terms, then boosted trees",      PHYSICS_RATES,    &residual_trees     },
    {"rates",            "rates on physical terms alone",                    PHYSICS_RATES,    &residual_none      },
    {"trees-alone",      "boosted trees without physics",                    PHYSICS_NONE,     &residual_trees_bare},
    {"roofline",         "peaks of arithmetic and memory alone",             PHYSICS_ROOFLINE, &residual_none      },
    {NULL,               NULL,                                               PHYSICS_RATES,    NULL                },
};

const struct estimator *estimator_default(void) {
    return estimators;
}

const struct estimator *estimator_by_name(const char *name) {
    for (const struct estimator *e = estimators; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}
