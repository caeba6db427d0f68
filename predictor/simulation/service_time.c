#include "predictor/simulation/service_time.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static double no_parameter(double scv) {
    return scv == 0 ? 0 : -1;
}

static double exponential_parameter(double scv) {
    return scv == 1 ? 0 : -1;
}

static double draw_exponential(struct rng *rng, double unused) {
    (void)unused;
    return rng_exponential(rng);
}

static double erlang_stages(double scv) {
    return scv > 0 && scv <= 1 ? fmin(1000, round(1 / scv)) : -1;
}

static double draw_erlang(struct rng *rng, double stages) {
    double sum = 0;
    for (int i = 0; i < (int)stages; i++)
        sum += rng_exponential(rng);
    return sum / stages;
}

/* Sigma of the logarithm. */
static double lognormal_sigma(double scv) {
    return scv > 0 ? sqrt(log1p(scv)) : -1;
}

static double draw_lognormal(struct rng *rng, double sigma) {
    return exp(sigma * (rng_normal(rng) - sigma / 2));
}

/* The probability of the quick branch. */
static double balanced_branch(double scv) {
    return scv > 1 ? (1 + sqrt((scv - 1) / (scv + 1))) / 2 : -1;
}

static double draw_hyperexponential(struct rng *rng, double quick) {
    double share = rng_uniform(rng) < quick ? quick : 1 - quick;
    return rng_exponential(rng) / (2 * share);
}

static const struct service_shape shapes[] = {
    {"deterministic",    "always the same time",                        no_parameter,          NULL,             0  },
    {"lognormal",        "a long right tail, any spread",               lognormal_sigma,       draw_lognormal,   0.5},
    {"erlang",           "a sum of exponential stages, scv up to 1",    erlang_stages,         draw_erlang,      1  },
    {"exponential",      "no memory, scv 1",                            exponential_parameter, draw_exponential, 1  },
    {"hyperexponential", "a quick and a slow kind of request, scv > 1", balanced_branch,
     draw_hyperexponential,                                                                                      0  },
};

const struct service_shape *service_shape_at(uint32_t i) {
    return i < sizeof shapes / sizeof *shapes ? &shapes[i] : NULL;
}

const struct service_shape *service_shape_by_name(const char *name) {
    for (uint32_t i = 0; service_shape_at(i); i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

int service_time_init(struct service_time *service, const double *batch_ns, uint32_t batch_max,
                      const struct service_shape *shape, double scv, struct err *err) {
    *service = (struct service_time){batch_ns, batch_max, shape, shape->parameter(scv), scv};
    for (uint32_t i = 0; i < batch_max; i++)
        if (!(batch_ns[i] > 0) || !isfinite(batch_ns[i]))
            return err_set(err, ERR_USAGE, "a batch of %u takes %g ns: expected a time above 0",
                           i + 1, batch_ns[i]);
    if (service->parameter < 0)
        return err_set(err, ERR_USAGE, "a %s service time cannot have an scv of %g (%s)",
                       shape->name, scv, shape->help);
    return 0;
}
