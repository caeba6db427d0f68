/* GET /metrics: the Prometheus text format 0.0.4, or OpenMetrics 1.0 to who asks for it. */
#include "server/metric_head.h"
#include "server/routes/handlers.h"

#include <math.h>
#include <string.h>

struct family {
    const char *name, *help;
    bool counter;
};

struct printing {
    struct serving *service;
    struct arena *arena;
    const struct answers *answers;
    bool openmetrics;
    struct strbuf *out;
};

static void print_head(const struct printing *p, const struct family *family) {
    metric_head(p->out, p->openmetrics, family->name, family->counter ? "counter" : "gauge",
                family->help);
}

static void print_label_value(const char *text, struct strbuf *out) {
    strbuf_puts(out, "\"");
    for (; *text; text++)
        if (*text == '\n')
            strbuf_puts(out, "\\n");
        else if (*text == '"' || *text == '\\')
            strbuf_printf(out, "\\%c", *text);
        else
            strbuf_add(out, text, 1);
    strbuf_puts(out, "\"");
}

/* One sample; pairs of label and value follow, ended by NULL. NaN is left out. */
static void print_sample(const struct printing *p, const char *name, double value,
                         const char *const *labels) {
    if (isnan(value))
        return;
    strbuf_puts(p->out, name);
    for (size_t i = 0; labels[i]; i += 2) {
        strbuf_printf(p->out, "%s%s=", i ? "," : "{", labels[i]);
        print_label_value(labels[i + 1], p->out);
    }
    strbuf_printf(p->out, "%s %.17g\n", labels[0] ? "}" : "", value);
}

/* ---- per model -------------------------------------------------------------------------------
 */

struct subject_row {
    const struct answer_row *row;
    struct standing standing;
    struct scaler_answer desired;       /* replicas NaN: none */
    struct observation_sample observed; /* rate NaN: none */
    double observed_age_s;
};

static double latency_low(const struct subject_row *s) {
    return s->row->answer->latency_ns.low * 1e-9;
}
static double latency_value(const struct subject_row *s) {
    return s->row->answer->latency_ns.value * 1e-9;
}
static double latency_high(const struct subject_row *s) {
    return s->row->answer->latency_ns.high * 1e-9;
}
static double peak_value(const struct subject_row *s) {
    return s->row->answer->peak_memory_bytes.value;
}
static double peak_upper(const struct subject_row *s) {
    double upper = s->row->answer->peak_memory_upper.value;
    return upper > 0 ? upper : NAN;
}
static double cold_start(const struct subject_row *s) {
    return s->row->answer->cold_start_ns.value * 1e-9;
}
static double prediction_age(const struct subject_row *s) {
    return s->standing.age_seconds;
}
static double is_stale(const struct subject_row *s) {
    bool desired = !isnan(s->desired.replicas) && s->desired.stale;
    return s->standing.stale || desired;
}
static double desired_replicas(const struct subject_row *s) {
    return s->desired.replicas;
}
static double observed_rate(const struct subject_row *s) {
    return s->observed.rate_per_second;
}
static double observed_age(const struct subject_row *s) {
    return s->observed_age_s;
}

static const struct model_family {
    struct family family;
    const char *bound; /* label of this value among several; NULL: none */
    bool hardware;     /* has the label */
    double (*value)(const struct subject_row *subject);
} model_families[] = {
    {{"assay_predicted_latency_seconds",
      "Predicted time of one inference: value and 90 % interval.", false},
     "low",                                                                                                   true,
     latency_low                                                                                                                  },
    {{"assay_predicted_latency_seconds", NULL, false},                                               "value", true,  latency_value},
    {{"assay_predicted_latency_seconds", NULL, false},                                               "high",  true,  latency_high },
    {{"assay_predicted_peak_memory_bytes",
      "Predicted peak memory of one replica: value, and what is not passed with 99 %.", false},
     "value",                                                                                                 true,
     peak_value                                                                                                                   },
    {{"assay_predicted_peak_memory_bytes", NULL, false},                                             "upper", true,  peak_upper   },
    {{"assay_predicted_cold_start_seconds", "Predicted time from exec to the first answer.", false},
     NULL,                                                                                                    true,
     cold_start                                                                                                                   },
    {{"assay_desired_replicas", "Replicas for the observed load and the model's target.", false},
     NULL,                                                                                                    false,
     desired_replicas                                                                                                             },
    {{"assay_observed_rate", "Requests per second, as pushed or scraped last.", false},
     NULL,                                                                                                    false,
     observed_rate                                                                                                                },
    {{"assay_observed_rate_age_seconds", "Time since that rate was observed.", false},
     NULL,                                                                                                    false,
     observed_age                                                                                                                 },
    {{"assay_prediction_age_seconds", "Time since the database last confirmed the prediction.",
      false},
     NULL,                                                                                                    false,
     prediction_age                                                                                                               },
    {{"assay_answer_stale", "1 while the last good answer is given in spite of some trouble.",
      false},
     NULL,                                                                                                    false,
     is_stale                                                                                                                     },
};

static struct subject_row look_at(const struct printing *p, const struct answer_row *row) {
    struct subject_row subject = {.row = row, .standing = standing_of(p->service, p->answers, row)};
    const char *name = row->answer->name;
    const struct scaler_question question = {name, NAN, NAN, NULL};
    struct service_answer given;
    struct err err = {0};
    int status;
    subject.desired.replicas = subject.observed.rate_per_second = subject.observed_age_s = NAN;
    if (service_answer(p->service, p->arena, &question, &given, &status, &err) == 0)
        subject.desired = given.scaler;
    if (observations_latest(service_observations(p->service), name, &subject.observed))
        subject.observed_age_s =
            fmax(0, service_now(p->service).steady_s - subject.observed.ended_s);
    return subject;
}

/* Two models of one name have no series: their labels would be the same. */
static bool is_alone(const struct answers *answers, uint32_t i) {
    const char *name = answers->rows[i].answer->name;
    bool before = i > 0 && strcmp(answers->rows[i - 1].answer->name, name) == 0;
    bool after = i + 1 < answers->count && strcmp(answers->rows[i + 1].answer->name, name) == 0;
    return !before && !after;
}

static void print_models(const struct printing *p) {
    struct subject_row *subjects =
        ARENA_ARRAY(p->arena, p->answers->count + 1u, struct subject_row);
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->answers->count; i++)
        if (is_alone(p->answers, i))
            subjects[count++] = look_at(p, &p->answers->rows[i]);
    for (size_t f = 0; f < sizeof model_families / sizeof *model_families; f++) {
        const struct model_family *family = &model_families[f];
        if (family->family.help)
            print_head(p, &family->family);
        for (uint32_t i = 0; i < count; i++) {
            const struct answer *known = subjects[i].row->answer;
            const char *labels[7] = {"model", known->name};
            size_t at = 2;
            if (family->hardware)
                labels[at] = "hardware", labels[at + 1] = known->machine, at += 2;
            if (family->bound)
                labels[at] = "bound", labels[at + 1] = family->bound;
            print_sample(p, family->family.name, family->value(&subjects[i]), labels);
        }
    }
}

/* ---- of the service --------------------------------------------------------------------------
 */

static const struct family counters[SERVICE_COUNTERS] = {
    [COUNT_STORE_READS] = {"assay_store_reads_total",          "Times the database was read.",          true},
    [COUNT_STORE_FAILURES] = {"assay_store_failures_total",       "Times the database could not be read.",
                           true                                                                             },
    [COUNT_STATE_WRITES] = {"assay_state_writes_total",         "Times the state was written.",          true},
    [COUNT_STATE_FAILURES] = {"assay_state_write_failures_total",
                           "Times the state could not be written.",                                     true},
    [COUNT_SCRAPES] = {"assay_scrapes_total",              "Rates asked from Prometheus.",          true},
    [COUNT_SCRAPE_FAILURES] = {"assay_scrape_failures_total",      "Rates that Prometheus did not tell.",
                           true                                                                             },
    [COUNT_OBSERVATIONS] = {"assay_observations_total",         "Rates that were taken.",                true},
    [COUNT_UPLOADS] = {"assay_uploads_total",              "Models uploaded to be predicted.",      true},
    [COUNT_UPLOAD_FAILURES] = {"assay_upload_failures_total",
                           "Uploads that ended without a prediction.",                                  true},
};

static void print_service(const struct printing *p) {
    static const struct family build = {"assay_build_info", "What answers.", false};
    static const struct family models = {"assay_models", "Models with an answer.", false};
    const char *version[] = {"version", ASSAY_VERSION, NULL}, *none[] = {NULL};
    print_head(p, &build);
    print_sample(p, build.name, 1, version);
    print_head(p, &models);
    print_sample(p, models.name, p->answers->count, none);
    for (enum service_counter i = 0; i < SERVICE_COUNTERS; i++) {
        print_head(p, &counters[i]);
        print_sample(p, counters[i].name, (double)service_counted(p->service, i), none);
    }
}

HANDLER(handle_metrics) {
    (void)err;
    struct printing p = {
        .service = service,
        .arena = arena,
        .answers = service_answers(service),
        .openmetrics = strstr(request->accept, "application/openmetrics-text") != NULL,
        .out = &answer->body,
    };
    const struct serving_options *options = service_options(service);
    answer->content_type = p.openmetrics
                               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8";
    print_service(&p);
    print_models(&p);
    if (options->metrics)
        options->metrics(options->context, p.openmetrics, p.out);
    if (p.openmetrics)
        strbuf_puts(p.out, "# EOF\n");
    answers_release((struct answers *)(uintptr_t)p.answers);
    return 0;
}
