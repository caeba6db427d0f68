#include "server/outlooks.h"

#include "base/err.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *model; /* NULL: free */
    double slo_p99_ms, latency_ns;
    enum routing routing;
    int64_t step; /* that `outlook` is of; -1: none yet */
    bool known, computing;
    struct outlook outlook;
    double asked_s;
};

struct outlooks {
    pthread_mutex_t mutex;
    struct row rows[OUTLOOKS_MAX];
};

struct outlooks *outlooks_new(void) {
    struct outlooks *outlooks = calloc(1, sizeof *outlooks);
    if (!outlooks) {
        fprintf(stderr, "assay: out of memory\n");
        exit(ERR_ENVIRONMENT);
    }
    pthread_mutex_init(&outlooks->mutex, NULL);
    return outlooks;
}

void outlooks_delete(struct outlooks *outlooks) {
    for (int i = 0; i < OUTLOOKS_MAX; i++)
        free(outlooks->rows[i].model);
    pthread_mutex_destroy(&outlooks->mutex);
    free(outlooks);
}

/* ---- rows, under the mutex --------------------------------------------------------------------
 */

static bool is_row(const struct row *row, const struct outlook_question *question) {
    return row->model && row->slo_p99_ms == question->slo_p99_ms &&
           row->latency_ns == question->answer->latency_ns.high &&
           row->routing == question->routing && strcmp(row->model, question->answer->name) == 0;
}

/* A free row, else the one that was not asked for longest; one that is being computed stays. */
static struct row *make_room(struct outlooks *outlooks) {
    struct row *oldest = NULL;
    for (int i = 0; i < OUTLOOKS_MAX; i++) {
        struct row *row = &outlooks->rows[i];
        if (!row->model)
            return row;
        if (!row->computing && (!oldest || row->asked_s < oldest->asked_s))
            oldest = row;
    }
    return oldest;
}

/* NULL: all rows are being computed. */
static struct row *find_row(struct outlooks *outlooks, const struct outlook_question *question) {
    for (int i = 0; i < OUTLOOKS_MAX && outlooks->rows[i].model; i++)
        if (is_row(&outlooks->rows[i], question))
            return &outlooks->rows[i];
    struct row *row = make_room(outlooks);
    if (!row)
        return NULL;
    free(row->model);
    *row = (struct row){
        .model = strdup(question->answer->name),
        .slo_p99_ms = question->slo_p99_ms,
        .latency_ns = question->answer->latency_ns.high,
        .routing = question->routing,
        .step = -1,
    };
    return row;
}

/* ---- computing --------------------------------------------------------------------------------
 */

static struct policy_config config_of(const struct outlook_question *question) {
    const struct answer *answer = question->answer;
    bool cold_start_known = answer->cold_start_ns.tier != TIER_REFUSED;
    return (struct policy_config){
        .service_ns = answer->latency_ns.high,
        .requests_per_service = 1,
        .cold_start_ns = cold_start_known ? answer->cold_start_ns.high : 0,
        .interval_ns = OBSERVATION_STEP_S * 1e9,
        .deadline_ns = question->slo_p99_ms * 1e6,
        .attainment = 0.99,
        .routing = question->routing,
        .replicas_min = 1,
        .replicas_max = 1000000,
    };
}

enum { DAY_STEPS = 24 * 3600 / OBSERVATION_STEP_S, SMOOTHED = 4 };

/* What came at the same time yesterday, a step and its neighbours; NaN: not known. */
static double came_around(const float *rates, int step) {
    double sum = 0;
    int known = 0;
    for (int i = step - SMOOTHED; i <= step + SMOOTHED; i++)
        if (i >= 0 && i < OBSERVATION_STEPS && !isnan(rates[i])) {
            sum += (double)rates[i];
            known++;
        }
    return known ? sum / known * OBSERVATION_STEP_S : NAN;
}

struct load_history {
    float rates[OBSERVATION_STEPS]; /* the last is the step before the present one */
    double counts[OUTLOOK_STEPS];   /* of the last steps */
    double yesterday[OUTLOOK_STEPS + FORECAST_STEPS]; /* for the same steps and those to come */
};

static uint32_t fill_history(struct load_history *history, struct observations *observations,
                             const char *model, double now_s) {
    enum { FIRST = OBSERVATION_STEPS - OUTLOOK_STEPS };
    uint32_t known = 0;
    observations_history(observations, model, now_s, history->rates, OBSERVATION_STEPS);
    for (int i = 0; i < OUTLOOK_STEPS; i++) {
        history->counts[i] = (double)history->rates[FIRST + i] * OBSERVATION_STEP_S;
        known += isnan(history->counts[i]) ? 0 : 1;
    }
    for (int i = 0; i < OUTLOOK_STEPS + FORECAST_STEPS; i++)
        history->yesterday[i] = came_around(history->rates, FIRST + i - DAY_STEPS);
    return known;
}

static bool compute(struct observations *observations, const struct outlook_question *question,
                    double now_s, struct outlook *outlook) {
    struct policy_config config = config_of(question);
    struct load_history history;
    struct err none = {0};
    if (fill_history(&history, observations, question->answer->name, now_s) < OUTLOOK_STEPS_LEAST ||
        config.service_ns > config.deadline_ns)
        return false;
    config.schedule =
        (struct forecast_schedule){history.yesterday, OUTLOOK_STEPS + FORECAST_STEPS, 1};
    return outlook_replay(&config, history.counts, OUTLOOK_STEPS, outlook, &none) == 0;
}

bool outlooks_ask(struct outlooks *outlooks, struct observations *observations,
                  const struct outlook_question *question, double now_s, struct outlook *outlook) {
    int64_t step = (int64_t)floor(now_s / OBSERVATION_STEP_S);
    pthread_mutex_lock(&outlooks->mutex);
    struct row *row = find_row(outlooks, question);
    bool mine = row && row->step != step && !row->computing, known = row && row->known;
    if (row) {
        row->asked_s = now_s;
        row->computing = row->computing || mine;
        *outlook = row->outlook;
    }
    pthread_mutex_unlock(&outlooks->mutex);
    if (!mine)
        return known;
    known = compute(observations, question, now_s, outlook);
    pthread_mutex_lock(&outlooks->mutex);
    row->computing = false;
    row->known = known;
    row->step = step;
    row->outlook = *outlook;
    pthread_mutex_unlock(&outlooks->mutex);
    return known;
}
