#include "server/service/outlooks.h"

#include "base/err.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_LATE = 1, ASKED_LATELY_S = 600 };

struct row {
    char *model; /* NULL: free */
    double slo_p99_ms, latency_ns;
    enum routing routing;
    int64_t step; /* that `outlook` is of; -1: none yet */
    bool known, computing;
    struct policy_config config;
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

struct task {
    struct row *row; /* stays: it is being computed */
    char *model;
    struct policy_config config;
};

static bool compute(struct observations *observations, const struct task *task, double now_s,
                    struct outlook *outlook) {
    struct policy_config config = task->config;
    struct load_history history;
    struct err none = {0};
    if (fill_history(&history, observations, task->model, now_s) < OUTLOOK_STEPS_LEAST ||
        config.service_ns > config.deadline_ns)
        return false;
    config.schedule =
        (struct forecast_schedule){history.yesterday, OUTLOOK_STEPS + FORECAST_STEPS, 1};
    return outlook_replay(&config, history.counts, OUTLOOK_STEPS, outlook, &none) == 0;
}

static int64_t step_of(double now_s) {
    return (int64_t)floor(now_s / OBSERVATION_STEP_S);
}

/* Under the mutex. */
static struct task begin(struct row *row) {
    row->computing = true;
    return (struct task){row, row->model, row->config};
}

static void work(struct outlooks *outlooks, struct observations *observations,
                 const struct task *task, double now_s) {
    struct outlook outlook = {0};
    bool known = compute(observations, task, now_s, &outlook);
    pthread_mutex_lock(&outlooks->mutex);
    task->row->computing = false;
    task->row->known = known;
    task->row->step = step_of(now_s);
    task->row->outlook = outlook;
    pthread_mutex_unlock(&outlooks->mutex);
}

/* Whoever asks works only when nobody has, or not for a while: outlooks_refresh() is late. */
static bool is_missing(const struct row *row, double now_s) {
    return !row->computing && (row->step < 0 || step_of(now_s) - row->step > STEPS_LATE);
}

bool outlooks_ask(struct outlooks *outlooks, struct observations *observations,
                  const struct outlook_question *question, double now_s, struct outlook *outlook) {
    struct task task = {0};
    bool known = false;
    for (bool worked = false;; worked = true) {
        pthread_mutex_lock(&outlooks->mutex);
        struct row *row = find_row(outlooks, question);
        if (row) {
            row->asked_s = now_s;
            row->config = config_of(question);
            known = row->known;
            *outlook = row->outlook;
        }
        bool mine = row && !worked && is_missing(row, now_s);
        if (mine)
            task = begin(row);
        pthread_mutex_unlock(&outlooks->mutex);
        if (!mine)
            return known;
        work(outlooks, observations, &task, now_s);
    }
}

/* Under the mutex: the next row, from *at on, that is asked for and of an older step. */
static struct row *next_due(struct outlooks *outlooks, int *at, double now_s) {
    while (*at < OUTLOOKS_MAX) {
        struct row *row = &outlooks->rows[(*at)++];
        if (row->model && !row->computing && row->step < step_of(now_s) &&
            now_s - row->asked_s < ASKED_LATELY_S)
            return row;
    }
    return NULL;
}

void outlooks_refresh(struct outlooks *outlooks, struct observations *observations, double now_s) {
    int at = 0;
    for (;;) {
        pthread_mutex_lock(&outlooks->mutex);
        struct row *row = next_due(outlooks, &at, now_s);
        struct task task = row ? begin(row) : (struct task){0};
        pthread_mutex_unlock(&outlooks->mutex);
        if (!row)
            return;
        work(outlooks, observations, &task, now_s);
    }
}
