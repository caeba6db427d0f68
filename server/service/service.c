#include "server/service/service.h"

#include "server/service/answers_store.h"
#include "server/service/parts.h"
#include "server/service/state.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHORTEST_ROUND_S 0.05

struct serving_options service_defaults(const char *db_path) {
    return (struct serving_options){
        .db_path = db_path,
        .refresh_s = 15,
        .save_s = 5,
        .routing = ROUTING_RANDOM,
        .step_factor = 2,
        .step_interval_s = 15,
        .rate_fresh_s = 60,
        .scrape_s = 15,
        .scrape_timeout_s = 5,
        .uploads_at_once = 2,
        .upload_memory_bytes = UINT64_C(1) << 30,
        .upload_wait_s = 5,
    };
}

const char *service_state_path(struct arena *arena, const char *db_path) {
    return arena_printf(arena, "%s.serve.json", db_path);
}

const struct serving_options *service_options(const struct serving *service) {
    return &service->options;
}

struct moment service_now(const struct serving *service) {
    return timepiece_now(&service->options.timepiece);
}

struct observations *service_observations(struct serving *service) {
    return service->observations;
}

void service_count(struct serving *service, enum service_counter counter) {
    __atomic_add_fetch(&service->counters[counter], 1, __ATOMIC_RELAXED);
}

uint64_t service_counted(const struct serving *service, enum service_counter counter) {
    return __atomic_load_n(&service->counters[counter], __ATOMIC_RELAXED);
}

void service_trouble(struct serving *service, struct trouble *trouble, const char *text) {
    char line[800];
    if ((text != NULL) == trouble->lasting)
        return;
    trouble->lasting = text != NULL;
    snprintf(line, sizeof line, "%s%s%s", text ? trouble->begins : trouble->ends, text ? ": " : "",
             text ? text : "");
    if (service->options.warn)
        service->options.warn(service->options.context, line);
}

/* ---- waiting ---------------------------------------------------------------------------------
 */

static struct timespec deadline_in(double seconds) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    double whole = floor(seconds);
    at.tv_sec += (time_t)whole;
    at.tv_nsec += (long)((seconds - whole) * 1e9);
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool service_sleep(struct serving *service, double seconds) {
    struct timespec deadline = deadline_in(seconds);
    pthread_mutex_lock(&service->mutex);
    int waited = 0;
    while (!service->stopping && waited == 0 && seconds > 0)
        waited = pthread_cond_timedwait(&service->changed, &service->mutex, &deadline);
    bool stopping = service->stopping;
    pthread_mutex_unlock(&service->mutex);
    return stopping;
}

bool service_enter_upload(struct serving *service) {
    struct timespec deadline = deadline_in(service->options.upload_wait_s);
    pthread_mutex_lock(&service->mutex);
    int waited = 0;
    while (service->uploads >= service->options.uploads_at_once && !service->stopping &&
           waited == 0)
        waited = pthread_cond_timedwait(&service->changed, &service->mutex, &deadline);
    bool free = service->uploads < service->options.uploads_at_once && !service->stopping;
    service->uploads += free;
    pthread_mutex_unlock(&service->mutex);
    return free;
}

void service_leave_upload(struct serving *service) {
    pthread_mutex_lock(&service->mutex);
    service->uploads--;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->mutex);
}

/* ---- the present set of answers --------------------------------------------------------------
 */

struct answers *service_answers(struct serving *service) {
    pthread_mutex_lock(&service->mutex);
    struct answers *answers = answers_hold(service->answers);
    pthread_mutex_unlock(&service->mutex);
    return answers;
}

static void replace_answers(struct serving *service, struct answers *answers) {
    pthread_mutex_lock(&service->mutex);
    struct answers *old = service->answers;
    service->answers = answers;
    service->unsaved = true;
    pthread_mutex_unlock(&service->mutex);
    answers_release(old);
}

static void read_store(struct serving *service) {
    const struct serving_options *options = &service->options;
    const struct prediction_filter filter = {options->machine, options->threads, options->batch};
    struct answers *old = service_answers(service), *fresh;
    struct err err = {0};
    service_count(service, COUNT_STORE_READS);
    service->refreshed_s = service_now(service).steady_s;
    if (answers_from_store(old, options->db_path, &filter, service->refreshed_s, &fresh, &err)) {
        service_count(service, COUNT_STORE_FAILURES);
        fresh = answers_troubled(old, err.message);
    }
    answers_release(old);
    replace_answers(service, fresh);
    service_trouble(service, &service->store, err.code == ERR_OK ? NULL : err.message);
}

int service_observe(struct serving *service, const char *model,
                    const struct observation_sample *sample, struct err *err) {
    if (observations_add(service->observations, model, sample, err))
        return -(int)err->code;
    service_count(service, COUNT_OBSERVATIONS);
    pthread_mutex_lock(&service->mutex);
    service->unsaved = true;
    pthread_mutex_unlock(&service->mutex);
    return 0;
}

/* ---- the state file --------------------------------------------------------------------------
 */

static struct noted_moment noted_now(const struct serving *service) {
    struct noted_moment now = {.moment = service_now(service)};
    memcpy(now.boot_id, service->boot_id, sizeof now.boot_id);
    return now;
}

static int save(struct serving *service, struct err *err) {
    if (!service->options.state_path)
        return 0;
    pthread_mutex_lock(&service->mutex);
    service->unsaved = false;
    pthread_mutex_unlock(&service->mutex);
    struct state state = {service_answers(service), service->observations, service->desired};
    const struct noted_moment now = noted_now(service);
    service_count(service, COUNT_STATE_WRITES);
    int code = state_save(&state, &now, service->options.state_path, err);
    service->saved_s = service_now(service).steady_s;
    service->saving_took_s = service->saved_s - now.moment.steady_s;
    answers_release(state.answers);
    if (code)
        service_count(service, COUNT_STATE_FAILURES);
    service_trouble(service, &service->state, code ? err->message : NULL);
    return code;
}

int service_save(struct serving *service, struct err *err) {
    pthread_mutex_lock(&service->round);
    int code = save(service, err);
    pthread_mutex_unlock(&service->round);
    return code;
}

static struct desired *fresh_desired(const struct serving_options *options) {
    return desired_new((struct desired_limits){options->step_factor, options->step_interval_s});
}

/* A state that cannot be read is told and left aside: the store is still there, mostly. */
static void load_state(struct serving *service) {
    struct state state = {answers_new(), observations_new(), fresh_desired(&service->options)};
    const struct noted_moment now = noted_now(service);
    struct err err = {0};
    const char *path = service->options.state_path;
    bool good = path && access(path, F_OK) == 0 && state_load(&state, &now, path, &err) == 0;
    if (err.code != ERR_OK) {
        struct trouble trouble = {.begins = "the state of the last run is left aside"};
        service_trouble(service, &trouble, err.message);
    }
    if (!good) {
        answers_release(state.answers);
        observations_delete(state.observations);
        desired_delete(state.desired);
        state = (struct state){answers_new(), observations_new(), fresh_desired(&service->options)};
    }
    service->answers = state.answers;
    service->observations = state.observations;
    service->desired = state.desired;
}

/* ---- rounds ----------------------------------------------------------------------------------
 */

/* Answers to questions that name nothing are stepped even while nobody asks. */
static void step_answers(struct serving *service) {
    struct answers *answers = service_answers(service);
    struct arena arena;
    arena_init(&arena);
    for (uint32_t i = 0; i < answers->count; i++) {
        struct scaler_question question = {answers->rows[i].answer->name, NAN, NAN, NULL};
        struct service_answer answer;
        struct err err = {0};
        int status;
        if (!isnan(service_target_ms(service, question.model)))
            service_answer(service, &arena, &question, &answer, &status, &err);
    }
    arena_done(&arena);
    answers_release(answers);
}

/* A large state on a slow disk is written less often: saving takes a fiftieth of the time. */
static bool save_is_due(struct serving *service) {
    pthread_mutex_lock(&service->mutex);
    bool unsaved = service->unsaved;
    pthread_mutex_unlock(&service->mutex);
    double since_s = service_now(service).steady_s - service->saved_s;
    return unsaved && since_s >= fmax(service->options.save_s, 50 * service->saving_took_s);
}

static void go_round(struct serving *service, bool read) {
    struct err err = {0};
    pthread_mutex_lock(&service->round);
    if (read) {
        read_store(service);
        step_answers(service);
    }
    outlooks_refresh(service->outlooks, service->observations, service_now(service).steady_s);
    if (save_is_due(service))
        save(service, &err);
    pthread_mutex_unlock(&service->round);
}

void service_refresh(struct serving *service) {
    go_round(service, true);
}

static void *refresh_thread(void *context) {
    struct serving *service = context;
    const struct serving_options *options = &service->options;
    double period = fmax(SHORTEST_ROUND_S, fmin(options->refresh_s, options->save_s));
    while (!service_sleep(service, period)) {
        double since_s = service_now(service).steady_s - service->refreshed_s;
        go_round(service, since_s >= options->refresh_s - period / 2);
    }
    return NULL;
}

/* ---- opening and closing ---------------------------------------------------------------------
 */

static int check_options(const struct serving_options *options, struct err *err) {
    const struct {
        const char *name;
        double value;
    } times[] = {
        {"refresh",        options->refresh_s       },
        {"save",           options->save_s          },
        {"step interval",  options->step_interval_s },
        {"rate freshness", options->rate_fresh_s    },
        {"scrape",         options->scrape_s        },
        {"scrape timeout", options->scrape_timeout_s},
        {"upload wait",    options->upload_wait_s   },
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (!(times[i].value >= 0 && times[i].value <= 86400))
            return err_set(err, ERR_USAGE, "%s of %g s: expected 0 to a day", times[i].name,
                           times[i].value);
    if (!(options->step_factor == 0 || options->step_factor > 1))
        return err_set(err, ERR_USAGE, "a step of factor %g: expected 0 (no limit) or above 1",
                       options->step_factor);
    for (uint32_t i = 0; i < options->target_count; i++)
        if (!(options->targets[i].p99_ms > 0) || !isfinite(options->targets[i].p99_ms))
            return err_set(err, ERR_USAGE, "a response target of %g ms",
                           options->targets[i].p99_ms);
    return options->prometheus_url && !options->prometheus_query
               ? err_set(err, ERR_USAGE, "a Prometheus server is given, but no query")
               : 0;
}

static void init_waiting(struct serving *service) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&service->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&service->mutex, NULL);
    pthread_mutex_init(&service->round, NULL);
}

static int start_threads(struct serving *service, struct err *err) {
    const struct serving_options *options = &service->options;
    if (options->refresh_s > 0) {
        if (pthread_create(&service->refresher, NULL, refresh_thread, service) != 0)
            return err_set(err, ERR_ENVIRONMENT, "no thread to read the database with");
        service->refreshing = true;
    }
    if (options->prometheus_url && options->scrape_s > 0) {
        if (pthread_create(&service->scraper, NULL, service_scrape_thread, service) != 0)
            return err_set(err, ERR_ENVIRONMENT, "no thread to ask Prometheus with");
        service->scrapes = true;
    }
    return 0;
}

int service_open(const struct serving_options *options, struct serving **out, struct err *err) {
    *out = NULL;
    if (check_options(options, err))
        return -(int)err->code;
    struct serving *service = calloc(1, sizeof *service);
    if (!service)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    service->options = *options;
    service->store = (struct trouble){"the database cannot be read, last answers stay",
                                      "the database can be read again", false};
    service->state =
        (struct trouble){"the state cannot be written", "the state is written again", false};
    service->scraping = (struct trouble){"Prometheus does not tell all rates, last ones stay",
                                         "Prometheus tells all rates again", false};
    moment_boot_id(service->boot_id);
    init_waiting(service);
    service->memory = replicas_memory_new();
    service->outlooks = outlooks_new();
    load_state(service);
    service->saved_s = service_now(service).steady_s;
    read_store(service);
    step_answers(service);
    if (start_threads(service, err)) {
        service_close(service);
        return -(int)err->code;
    }
    *out = service;
    return 0;
}

void service_close(struct serving *service) {
    if (!service)
        return;
    pthread_mutex_lock(&service->mutex);
    service->stopping = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->mutex);
    if (service->refreshing)
        pthread_join(service->refresher, NULL);
    if (service->scrapes)
        pthread_join(service->scraper, NULL);
    struct err err = {0};
    service_save(service, &err);
    answers_release(service->answers);
    observations_delete(service->observations);
    desired_delete(service->desired);
    outlooks_delete(service->outlooks);
    replicas_memory_delete(service->memory);
    pthread_cond_destroy(&service->changed);
    pthread_mutex_destroy(&service->mutex);
    pthread_mutex_destroy(&service->round);
    free(service);
}
