/* The request rates that were measured, per model: the last one, and a history of 25 hours in steps
 * of 15 seconds for whoever forecasts. Memory is bounded: one ring per model that was ever
 * observed. Times are of the steady clock. Thread-safe. */
#ifndef ASSAY_SERVER_SERVICE_OBSERVATIONS_H
#define ASSAY_SERVER_SERVICE_OBSERVATIONS_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    OBSERVATION_STEP_S = 15,
    OBSERVATION_STEPS = 25 * 3600 / OBSERVATION_STEP_S, /* a day and an hour: what came yesterday */
    OBSERVED_MODELS_MAX = 4096,
};

#define OBSERVATION_RATE_MAX   1e9    /* requests per second */
#define OBSERVATION_WINDOW_MAX 3600.0 /* seconds that one observation may cover */

enum observation_source { OBSERVED_PUSHED, OBSERVED_SCRAPED, OBSERVATION_SOURCE_COUNT };
const char *observation_source_name(enum observation_source source); /* "pushed" */

struct observation_sample {
    double rate_per_second; /* mean over the window */
    double window_s;        /* it covers; 0: that moment */
    double ended_s;         /* when the window ended */
    enum observation_source source;
};

struct observations;

struct observations *observations_new(void); /* never NULL */
void observations_delete(struct observations *observations);

/* Samples may come late; one that ended before the last known is history only. ERR_INPUT when the
 * rate is not a number from 0 to 1e9, the window not one from 0 to an hour, or there are too many
 * models. */
int observations_add(struct observations *observations, const char *model,
                     const struct observation_sample *sample, struct err *err);

/* False when the model was never observed. */
bool observations_latest(struct observations *observations, const char *model,
                         struct observation_sample *latest);

/* rates[i] is the mean rate of the step that ended (count - 1 - i) steps before the one `now_s` is
 * in; NaN where nothing was observed. `count` at most OBSERVATION_STEPS. */
void observations_history(struct observations *observations, const char *model, double now_s,
                          float *rates, size_t count);

/* As the state file holds them: an array. Times are told as seconds before `now_s`. */
void observations_save(struct observations *observations, double now_s, cJSON *array);
/* Takes what makes sense; ERR_INPUT on the first that does not. */
int observations_restore(struct observations *observations, double now_s, const cJSON *array,
                         struct err *err);

#endif
