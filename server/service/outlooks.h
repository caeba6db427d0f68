/* What the observed load will need: the assay policy's decision, replayed over the history of rates
 * once per step of 15 seconds and question; what came at the same time yesterday is one of its
 * forecasters. While one thread computes the new one, the others get
 * the old one. Thread-safe. */
#ifndef ASSAY_SERVER_SERVICE_OUTLOOKS_H
#define ASSAY_SERVER_SERVICE_OUTLOOKS_H

#include "predictor/simulation/outlook.h"
#include "server/service/answers.h"
#include "server/service/observations.h"

#include <stdbool.h>

enum {
    OUTLOOKS_MAX = 1024,     /* questions; the longest unasked gives way */
    OUTLOOK_STEPS = 120,     /* of history: half an hour */
    OUTLOOK_STEPS_LEAST = 4, /* with fewer observed there is no outlook */
};

struct outlook_question {
    const struct answer *answer; /* whose latency and cold start the replicas have */
    double slo_p99_ms;
    enum routing routing;
};

struct outlooks;

struct outlooks *outlooks_new(void); /* never NULL */
void outlooks_delete(struct outlooks *outlooks);

/* False while too little was observed, or when the target is shorter than one inference. */
bool outlooks_ask(struct outlooks *outlooks, struct observations *observations,
                  const struct outlook_question *question, double now_s, struct outlook *outlook);

/* Computes anew, for the present step, what was asked for lately, so that whoever asks need not: it
 * takes some ten milliseconds for each question. */
void outlooks_refresh(struct outlooks *outlooks, struct observations *observations, double now_s);

#endif
