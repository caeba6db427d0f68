#include "server/service/observations.h"

#include "base/units.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
    float rate, weight_s; /* mean over so many seconds; weight 0: nothing was observed */
};

struct series {
    char *model;
    struct observation_sample latest;
    int64_t newest; /* number of the newest step in the ring */
    struct step steps[OBSERVATION_STEPS];
};

struct observations {
    pthread_mutex_t mutex;
    struct series **series; /* by name */
    size_t count;
};

const char *observation_source_name(enum observation_source source) {
    static const char *const names[] = {
        [OBSERVED_PUSHED] = "pushed", [OBSERVED_SCRAPED] = "scraped"};
    return names[source];
}

static _Noreturn void out_of_memory(void) {
    fprintf(stderr, "assay: out of memory\n");
    exit(ERR_ENVIRONMENT);
}

static void *made(void *memory) {
    if (!memory)
        out_of_memory();
    return memory;
}

struct observations *observations_new(void) {
    struct observations *observations = made(calloc(1, sizeof *observations));
    pthread_mutex_init(&observations->mutex, NULL);
    return observations;
}

void observations_delete(struct observations *observations) {
    for (size_t i = 0; i < observations->count; i++) {
        free(observations->series[i]->model);
        free(observations->series[i]);
    }
    free(observations->series);
    pthread_mutex_destroy(&observations->mutex);
    free(observations);
}

/* ---- series ----------------------------------------------------------------------------------
 */

/* The place of the name, or where it would be put. */
static size_t place_of(const struct observations *observations, const char *model, bool *there) {
    size_t low = 0, high = observations->count;
    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(observations->series[middle]->model, model);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct series *find(const struct observations *observations, const char *model) {
    bool there;
    size_t at = place_of(observations, model, &there);
    return there ? observations->series[at] : NULL;
}

static struct series *find_or_add(struct observations *observations, const char *model) {
    bool there;
    size_t at = place_of(observations, model, &there);
    if (there)
        return observations->series[at];
    if (observations->count == OBSERVED_MODELS_MAX)
        return NULL;
    observations->series =
        made(realloc(observations->series, (observations->count + 1) * sizeof(struct series *)));
    memmove(&observations->series[at + 1], &observations->series[at],
            (observations->count - at) * sizeof(struct series *));
    struct series *series = made(calloc(1, sizeof *series));
    series->model = made(strdup(model));
    series->latest.ended_s = -INFINITY;
    series->newest = INT64_MIN;
    observations->series[at] = series;
    observations->count++;
    return series;
}

/* ---- the ring --------------------------------------------------------------------------------
 */

static int64_t step_number(double at_s) {
    return (int64_t)floor(at_s / OBSERVATION_STEP_S);
}

static struct step *step_at(struct series *series, int64_t number) {
    int64_t place = number % OBSERVATION_STEPS;
    return &series->steps[place < 0 ? place + OBSERVATION_STEPS : place];
}

/* Makes room up to step `number`; what falls out of the ring is forgotten. */
static void advance(struct series *series, int64_t number) {
    if (series->newest == INT64_MIN || number - series->newest >= OBSERVATION_STEPS) {
        memset(series->steps, 0, sizeof series->steps);
        series->newest = number;
    }
    while (series->newest < number)
        *step_at(series, ++series->newest) = (struct step){0};
}

static void add_to_step(struct series *series, int64_t number, double rate, double weight_s) {
    if (number > series->newest || series->newest - number >= OBSERVATION_STEPS)
        return;
    struct step *step = step_at(series, number);
    double weight = (double)step->weight_s + weight_s;
    step->rate = (float)(((double)step->rate * (double)step->weight_s + rate * weight_s) / weight);
    step->weight_s = (float)weight;
}

/* A window counts in each step it touches by how long. */
static void add_window(struct series *series, const struct observation_sample *sample) {
    double start = sample->ended_s - sample->window_s;
    int64_t last = step_number(sample->ended_s);
    advance(series, last > series->newest ? last : series->newest);
    if (sample->window_s <= 0) {
        add_to_step(series, last, sample->rate_per_second, OBSERVATION_STEP_S);
        return;
    }
    for (int64_t number = step_number(start); number <= last; number++) {
        double from = fmax(start, (double)number * OBSERVATION_STEP_S);
        double to = fmin(sample->ended_s, (double)(number + 1) * OBSERVATION_STEP_S);
        if (to > from)
            add_to_step(series, number, sample->rate_per_second, to - from);
    }
}

static int check_sample(const struct observation_sample *sample, struct err *err) {
    if (!(sample->rate_per_second >= 0 && sample->rate_per_second <= OBSERVATION_RATE_MAX))
        return err_set(err, ERR_INPUT, "a rate of %g requests per second: expected 0 to %g",
                       sample->rate_per_second, OBSERVATION_RATE_MAX);
    if (!(sample->window_s >= 0 && sample->window_s <= OBSERVATION_WINDOW_MAX))
        return err_set(err, ERR_INPUT, "an observation over %g s: expected 0 to %g s",
                       sample->window_s, OBSERVATION_WINDOW_MAX);
    if (!(fabs(sample->ended_s) < 1e12))
        return err_set(err, ERR_INPUT, "an observation at %g s", sample->ended_s);
    return 0;
}

int observations_add(struct observations *observations, const char *model,
                     const struct observation_sample *sample, struct err *err) {
    int code = check_sample(sample, err);
    if (code)
        return code;
    pthread_mutex_lock(&observations->mutex);
    struct series *series = find_or_add(observations, model);
    if (series) {
        if (sample->ended_s >= series->latest.ended_s)
            series->latest = *sample;
        add_window(series, sample);
    }
    pthread_mutex_unlock(&observations->mutex);
    return series ? 0
                  : err_set(err, ERR_INPUT, "rates of %d models are kept, no more",
                            OBSERVED_MODELS_MAX);
}

bool observations_latest(struct observations *observations, const char *model,
                         struct observation_sample *latest) {
    pthread_mutex_lock(&observations->mutex);
    const struct series *series = find(observations, model);
    if (series)
        *latest = series->latest;
    pthread_mutex_unlock(&observations->mutex);
    return series != NULL;
}

static float rate_of(struct series *series, int64_t number) {
    if (!series || number > series->newest || series->newest - number >= OBSERVATION_STEPS)
        return NAN;
    const struct step *step = step_at(series, number);
    return step->weight_s > 0 ? step->rate : NAN;
}

void observations_history(struct observations *observations, const char *model, double now_s,
                          float *rates, size_t count) {
    int64_t last = step_number(now_s);
    pthread_mutex_lock(&observations->mutex);
    struct series *series = find(observations, model);
    for (size_t i = 0; i < count; i++)
        rates[i] = rate_of(series, last - (int64_t)(count - 1 - i));
    pthread_mutex_unlock(&observations->mutex);
}

/* ---- the state file --------------------------------------------------------------------------
 *
 * Steps are one text, oldest first: rates with six digits, "-" where there is none, and "=" for the
 * same once more, so that a quiet day is short. */

static void save_steps(struct series *series, struct strbuf *out) {
    char last[UNIT_TEXT_SIZE] = "-", text[UNIT_TEXT_SIZE];
    bool begun = false;
    for (int64_t number = series->newest - OBSERVATION_STEPS + 1; number <= series->newest;
         number++) {
        float rate = rate_of(series, number);
        if (isnan(rate) && !begun)
            continue;
        snprintf(text, sizeof text, isnan(rate) ? "-" : "%.6g", (double)rate);
        bool same = begun && strcmp(text, last) == 0;
        strbuf_puts(out, begun ? " " : "");
        strbuf_puts(out, same ? "=" : text);
        memcpy(last, text, sizeof last);
        begun = true;
    }
}

static void save_series(struct series *series, double now_s, cJSON *array) {
    struct strbuf steps;
    strbuf_init(&steps);
    save_steps(series, &steps);
    cJSON *object = json_add_object(array, NULL);
    json_add_text(object, "model", series->model);
    json_add_text(object, "source", observation_source_name(series->latest.source));
    json_add_number(object, "rate_per_second", series->latest.rate_per_second);
    json_add_number(object, "window_s", series->latest.window_s);
    json_add_number(object, "ended_ago_s", now_s - series->latest.ended_s);
    json_add_number(object, "newest_step_ago_s",
                    now_s - (double)series->newest * OBSERVATION_STEP_S);
    json_add_text(object, "steps", steps.text);
    strbuf_done(&steps);
}

/* The series behind the one of that name (NULL: the first) into `copy`, whose name is then the
 * caller's. */
static bool copy_next(struct observations *observations, const char *name, struct series *copy) {
    bool there = false;
    pthread_mutex_lock(&observations->mutex);
    size_t at = name ? place_of(observations, name, &there) + 1 : 0;
    there = at < observations->count;
    if (there) {
        *copy = *observations->series[at];
        copy->model = made(strdup(copy->model));
    }
    pthread_mutex_unlock(&observations->mutex);
    return there;
}

/* A day of one model takes a millisecond to write down: nobody who asks may wait for that. */
void observations_save(struct observations *observations, double now_s, cJSON *array) {
    struct series *copy = made(malloc(sizeof *copy));
    char *name = NULL;
    while (copy_next(observations, name, copy)) {
        free(name);
        name = copy->model;
        save_series(copy, now_s, array);
    }
    free(name);
    free(copy);
}

struct saved_series {
    const char *model, *steps;
    struct observation_sample latest;
    double newest_step_s;
};

static int read_series(const cJSON *object, double now_s, struct saved_series *out,
                       struct err *err) {
    const char *source;
    double ended_ago, newest_ago;
    if (json_get_text(object, "model", &out->model, err) ||
        json_get_text(object, "source", &source, err) ||
        json_get_number(object, "rate_per_second", &out->latest.rate_per_second, err) ||
        json_get_number(object, "window_s", &out->latest.window_s, err) ||
        json_get_number(object, "ended_ago_s", &ended_ago, err) ||
        json_get_number(object, "newest_step_ago_s", &newest_ago, err) ||
        json_get_text(object, "steps", &out->steps, err))
        return -(int)err->code;
    if (!(fabs(ended_ago) < 1e10 && fabs(newest_ago) < 1e10))
        return err_set(err, ERR_INPUT, "an observation of %g s ago", ended_ago);
    out->latest.ended_s = now_s - ended_ago;
    out->newest_step_s = now_s - newest_ago;
    bool pushed = strcmp(source, observation_source_name(OBSERVED_PUSHED)) == 0;
    out->latest.source = pushed ? OBSERVED_PUSHED : OBSERVED_SCRAPED;
    return check_sample(&out->latest, err);
}

/* One word of the steps; NaN for "-". False when it is none. */
static bool read_step(const char *word, float last, float *rate) {
    char *end;
    *rate = strcmp(word, "=") == 0 ? last : NAN;
    if (strcmp(word, "=") == 0 || strcmp(word, "-") == 0)
        return true;
    *rate = strtof(word, &end);
    return end != word && *end == '\0' && *rate >= 0 && *rate <= (float)OBSERVATION_RATE_MAX;
}

static int count_words(const char *text) {
    int words = text[0] != '\0';
    for (; *text; text++)
        words += *text == ' ';
    return words;
}

static int restore_steps(struct series *series, const struct saved_series *saved, struct err *err) {
    int words = count_words(saved->steps);
    if (words > OBSERVATION_STEPS)
        return err_set(err, ERR_INPUT, "\"steps\" of \"%.100s\" holds %d", saved->model, words);
    int64_t newest = step_number(saved->newest_step_s + 0.5);
    char word[UNIT_TEXT_SIZE];
    float rate = NAN;
    const char *at = saved->steps;
    advance(series, newest);
    for (int64_t number = newest - words + 1; number <= newest; number++) {
        size_t length = strcspn(at, " ");
        if (length >= sizeof word)
            return err_set(err, ERR_INPUT, "\"steps\" of \"%.100s\"", saved->model);
        memcpy(word, at, length);
        word[length] = '\0';
        if (!read_step(word, rate, &rate))
            return err_set(err, ERR_INPUT, "\"steps\" of \"%.100s\" holds \"%s\"", saved->model,
                           word);
        if (!isnan(rate))
            add_to_step(series, number, (double)rate, OBSERVATION_STEP_S);
        at += length + (at[length] == ' ');
    }
    return 0;
}

int observations_restore(struct observations *observations, double now_s, const cJSON *array,
                         struct err *err) {
    const cJSON *object;
    pthread_mutex_lock(&observations->mutex);
    cJSON_ArrayForEach(object, array) {
        struct saved_series saved;
        if (read_series(object, now_s, &saved, err))
            break;
        struct series *series = find_or_add(observations, saved.model);
        if (!series)
            break;
        series->latest = saved.latest;
        if (restore_steps(series, &saved, err))
            break;
    }
    pthread_mutex_unlock(&observations->mutex);
    return -(int)err->code;
}
