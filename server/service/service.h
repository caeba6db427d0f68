/* The service behind the routes: models and their last good predictions in memory, measured rates,
 * and replicas for both. It opens and answers whatever has become of the database; what it cannot
 * know it says, with the age of what it still knows (docs/serving.md). All functions may be called
 * from several threads. */
#ifndef ASSAY_SERVER_SERVICE_SERVICE_H
#define ASSAY_SERVER_SERVICE_SERVICE_H

#include "base/strbuf.h"
#include "core/plan.h"
#include "server/scaler.h"
#include "server/service/answers_replicas.h"
#include "server/service/moment.h"
#include "server/service/observations.h"

#include <stdint.h>

struct service_target {
    const char *model; /* NULL: every model that has none of its own */
    double p99_ms;
};

/* All texts are borrowed and must outlive the service. */
struct serving_options {
    const char *db_path;
    const char *state_path; /* NULL: nothing survives a restart */
    double refresh_s;       /* how often the store is read; 0: only by service_refresh */
    double save_s;          /* how often the state is written, when it changed */

    uint32_t threads;    /* whose predictions are served; 0: any */
    int64_t batch;       /* 0: as the file has it, or 1 */
    const char *machine; /* fingerprint; NULL: any */

    const struct service_target *targets; /* response targets for questions that name none */
    uint32_t target_count;
    enum routing routing;   /* for questions that name none */
    double step_factor;     /* most that an answer from observed load changes by; 0: no limit */
    double step_interval_s; /* within this time */
    double rate_fresh_s;    /* an observed rate older than this is stale */

    const char *prometheus_url; /* NULL: nothing is scraped */
    const char *prometheus_query;
    double scrape_s, scrape_timeout_s;

    const char *program;   /* that predicts uploads; NULL: this one */
    const char *temporary; /* folder for uploads; NULL: $TMPDIR, /tmp */
    uint32_t uploads_at_once;
    uint64_t upload_memory_bytes; /* address space of one; 0: no limit */
    double upload_wait_s;         /* for a place among them, before "busy" */

    struct timepiece timepiece;
    /* Appends metrics of others (the listener's); may be NULL. */
    void (*metrics)(void *context, bool openmetrics, struct strbuf *out);
    /* What an administrator should read, once when it begins; may be NULL. Any thread calls. */
    void (*warn)(void *context, const char *text);
    void *context; /* of both */
};

/* Everything but db_path set to what `assay serve` does by default. */
struct serving_options service_defaults(const char *db_path);

/* "<database>.serve.json" */
const char *service_state_path(struct arena *arena, const char *db_path);

struct serving;

/* Reads the state, then the store, and starts the threads that keep both. Fails only when the
 * options make no sense or threads cannot be had: a lost store is an answer, not a failure. */
int service_open(const struct serving_options *options, struct serving **out, struct err *err);
/* Ends the threads and writes the state; NULL is allowed. */
void service_close(struct serving *service);

/* One round by hand: reads the store, steps what was answered, writes the state if it is due. */
void service_refresh(struct serving *service);
/* Writes the state now. */
int service_save(struct serving *service, struct err *err);

const struct serving_options *service_options(const struct serving *service);
struct moment service_now(const struct serving *service);
struct observations *service_observations(struct serving *service);
/* To be released with answers_release. */
struct answers *service_answers(struct serving *service);

/* A rate that was pushed or scraped. */
int service_observe(struct serving *service, const char *model,
                    const struct observation_sample *sample, struct err *err);

enum service_counter {
    COUNT_STORE_READS,
    COUNT_STORE_FAILURES,
    COUNT_STATE_WRITES,
    COUNT_STATE_FAILURES,
    COUNT_SCRAPES,
    COUNT_SCRAPE_FAILURES,
    COUNT_OBSERVATIONS,
    COUNT_UPLOADS,
    COUNT_UPLOAD_FAILURES,
    SERVICE_COUNTERS
};
void service_count(struct serving *service, enum service_counter counter);
uint64_t service_counted(const struct serving *service, enum service_counter counter);

/* A place among the uploads that are predicted at once; false: none came free in time. */
bool service_enter_upload(struct serving *service);
void service_leave_upload(struct serving *service);

/* ---- replicas --------------------------------------------------------------------------------
 */

struct service_answer {
    struct scaler_answer scaler;
    struct replicas_found found; /* before the limit on steps; level.replicas 0: none was found */
    double rate_per_second;
    const char *rate_from; /* "query", "pushed", "scraped" */
    double slo_p99_ms;
    enum routing routing;
    double rate_age_s; /* of an observed rate; NaN of one in the question */
    bool foreseen;     /* the replicas are for the load one lead time ahead */
    double rate_ahead_per_second, rate_ahead_high_per_second; /* expected then; not passed, 90 % */
    double prediction_age_s; /* since the store last confirmed it */
    const char *predicted_at;
};

/* With a rate in the question a pure function of question and prediction; without, from the
 * observed load, limited in its steps. *status is 404 or 409 when the name is nobody's or two
 * models', else 0. Texts live in the arena. ERR_ENVIRONMENT when no rate was ever observed. */
int service_answer(struct serving *service, struct arena *arena,
                   const struct scaler_question *question, struct service_answer *out, int *status,
                   struct err *err);

/* The response target of questions that name none; NaN: there is none. */
double service_target_ms(const struct serving *service, const char *model);
/* Whether a row is given in spite of trouble. */
bool service_row_is_stale(const struct serving *service, const struct answers *answers,
                          const struct answer_row *row, double now_s);

/* The same behind the protocols of autoscalers. */
struct scaler service_scaler(struct serving *service);

#endif
