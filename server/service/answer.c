/* From a question about replicas to the answer that is safe to give. */
#include "server/service/parts.h"

#include <math.h>
#include <string.h>

/* What is known while one question is answered. */
struct asking {
    struct serving *service;
    struct arena *arena;
    struct answers *answers;
    const struct answer_row *row;
    struct replicas_question question;
    struct service_answer *out;
    double now_s;
    struct err *err;
};

double service_target_ms(const struct serving *service, const char *model) {
    const struct serving_options *options = &service->options;
    double common = NAN;
    for (uint32_t i = 0; i < options->target_count; i++) {
        const struct service_target *target = &options->targets[i];
        if (!target->model)
            common = target->p99_ms;
        else if (strcmp(target->model, model) == 0)
            return target->p99_ms;
    }
    return common;
}

bool service_row_is_stale(const struct serving *service, const struct answers *answers,
                          const struct answer_row *row, double now_s) {
    /* A reader that hangs tells no trouble: three missed rounds do. */
    double refresh = service->options.refresh_s;
    return answers->trouble || row->trouble ||
           (refresh > 0 && now_s - row->confirmed_s > 3 * refresh + 1);
}

static void add_reason(struct asking *a, const char *text) {
    const char *before = a->out->scaler.reason;
    a->out->scaler.reason = before ? arena_printf(a->arena, "%s; %s", before, text) : text;
}

/* ---- the question ----------------------------------------------------------------------------
 */

static int settle_target(struct asking *a, const struct scaler_question *question) {
    double target = question->slo_p99_ms;
    if (isnan(target))
        target = service_target_ms(a->service, question->model);
    if (isnan(target)) {
        err_set(a->err, ERR_USAGE, "no response target is given for \"%.200s\"", question->model);
        return err_hint(a->err, "ask with slo_p99_ms=50, or start the server with --slo p99=50ms");
    }
    if (!(target > 0) || !isfinite(target))
        return err_set(a->err, ERR_USAGE, "slo_p99_ms is %g: expected a time above 0", target);
    a->question.slo_p99_ms = target;
    return 0;
}

static int settle_routing(struct asking *a, const struct scaler_question *question) {
    a->question.routing = a->service->options.routing;
    if (!question->routing)
        return 0;
    a->question.routing = routing_by_name(question->routing);
    if (a->question.routing != ROUTING_COUNT)
        return 0;
    const char *known = "";
    for (enum routing routing = 0; routing < ROUTING_COUNT; routing++)
        known = arena_printf(a->arena, "%s%s%s", known, *known ? ", " : "",
                             routing_info(routing)->name);
    return err_set(a->err, ERR_USAGE, "routing \"%.40s\": expected one of %s", question->routing,
                   known);
}

static int find_row(struct asking *a, const char *model, int *status) {
    enum found found = answers_find(a->answers, model, &a->row, a->err);
    *status = found == FOUND_NONE ? 404 : found == FOUND_SEVERAL ? 409 : 0;
    return found == FOUND_ONE ? 0 : -(int)a->err->code;
}

static void judge_prediction(struct asking *a) {
    struct service_answer *out = a->out;
    out->prediction_age_s = fmax(0, a->now_s - a->row->confirmed_s);
    out->scaler.age_seconds = out->prediction_age_s;
    out->scaler.stale = service_row_is_stale(a->service, a->answers, a->row, a->now_s);
    out->predicted_at = arena_strdup(a->arena, a->row->answer->predicted_at);
    if (!out->scaler.stale)
        return;
    const char *trouble = a->row->trouble ? a->row->trouble : a->answers->trouble;
    add_reason(a, trouble ? arena_strdup(a->arena, trouble)
                          : "the database has not answered for several rounds");
}

/* ---- a rate that was given -------------------------------------------------------------------
 */

static int answer_given(struct asking *a, double rate) {
    a->question.rate_per_second = a->out->rate_per_second = rate;
    a->out->rate_from = "query";
    a->out->rate_age_s = NAN;
    if (answers_replicas(a->service->memory, a->row->answer, &a->question, &a->out->found, a->err))
        return -(int)a->err->code;
    a->out->scaler.replicas = (double)a->out->found.replicas_max;
    a->out->scaler.active = true;
    return 0;
}

/* ---- the observed rate -----------------------------------------------------------------------
 */

static int read_rate(struct asking *a, const char *model) {
    struct observation_sample latest;
    if (!observations_latest(a->service->observations, model, &latest)) {
        err_set(a->err, ERR_ENVIRONMENT, "no request rate of \"%.200s\" was observed yet", model);
        return err_hint(a->err, "ask with rate=, push rates to /v1/models/NAME/observations, or "
                                "let the server scrape them");
    }
    a->question.rate_per_second = a->out->rate_per_second = latest.rate_per_second;
    a->out->rate_from = observation_source_name(latest.source);
    a->out->rate_age_s = fmax(0, a->now_s - latest.ended_s);
    a->out->scaler.age_seconds = fmax(a->out->scaler.age_seconds, a->out->rate_age_s);
    return 0;
}

static bool rate_is_fresh(struct asking *a) {
    if (a->out->rate_age_s <= a->service->options.rate_fresh_s)
        return true;
    a->out->scaler.stale = true;
    add_reason(a,
               arena_printf(a->arena, "the last observed rate is %.0f s old", a->out->rate_age_s));
    return false;
}

/* When no number can be computed the last answer stays, if there was one. */
static int keep_last(struct asking *a, double last) {
    if (isnan(last))
        return -(int)a->err->code;
    a->out->scaler.replicas = fmax(last, 1);
    a->out->scaler.stale = a->out->scaler.active = true;
    add_reason(a, arena_strdup(a->arena, a->err->message));
    *a->err = (struct err){0};
    return 0;
}

/* What the load will need one lead time from now, when enough of it was seen. */
static bool look_ahead(struct asking *a, double *replicas) {
    const struct outlook_question question = {a->row->answer, a->question.slo_p99_ms,
                                              a->question.routing};
    struct outlook outlook;
    struct serving *service = a->service;
    if (!outlooks_ask(service->outlooks, service->observations, &question, a->now_s, &outlook))
        return false;
    *replicas = outlook.replicas;
    a->out->foreseen = true;
    a->out->rate_ahead_per_second = outlook.rate_per_second;
    a->out->rate_ahead_high_per_second = outlook.rate_high_per_second;
    return true;
}

static int answer_observed(struct asking *a, const char *model) {
    if (read_rate(a, model))
        return -(int)a->err->code;
    struct desired *desired = a->service->desired;
    const struct desired_question question = {model, a->question.slo_p99_ms, a->question.routing};
    double last = desired_last(desired, &question);
    bool fresh = rate_is_fresh(a);
    bool idle = fresh && a->question.rate_per_second == 0;
    if (answers_replicas(a->service->memory, a->row->answer, &a->question, &a->out->found, a->err))
        return keep_last(a, last);
    double wanted = fmax(1, (double)a->out->found.replicas_max);
    if (fresh && !idle)
        look_ahead(a, &wanted);
    if (idle)
        wanted = 0;
    if (!fresh && last > wanted)
        wanted = last; /* what is not measured any more is no reason to take replicas away */
    double given = desired_step(desired, &question, wanted, a->now_s);
    a->out->scaler.replicas = idle ? given : fmax(1, given);
    a->out->scaler.active = !idle;
    if (a->out->scaler.replicas != wanted)
        add_reason(a, arena_printf(a->arena, "held on the way to %.0f: at most a factor %g in %g s",
                                   wanted, a->service->options.step_factor,
                                   a->service->options.step_interval_s));
    return 0;
}

static int answer(struct asking *a, const struct scaler_question *question, int *status) {
    if (find_row(a, question->model, status) || settle_target(a, question) ||
        settle_routing(a, question))
        return -(int)a->err->code;
    a->out->slo_p99_ms = a->question.slo_p99_ms;
    a->out->routing = a->question.routing;
    judge_prediction(a);
    int code = isnan(question->rate_per_second) ? answer_observed(a, question->model)
                                                : answer_given(a, question->rate_per_second);
    a->out->scaler.replicas_min = (double)a->out->found.replicas_min;
    a->out->scaler.replicas_max = (double)a->out->found.replicas_max;
    if (!code && a->out->found.replicas_max == 0)
        a->out->scaler.replicas_min = a->out->scaler.replicas_max = a->out->scaler.replicas;
    return code;
}

int service_answer(struct serving *service, struct arena *arena,
                   const struct scaler_question *question, struct service_answer *out, int *status,
                   struct err *err) {
    *out = (struct service_answer){0};
    *status = 0;
    struct asking asking = {
        .service = service,
        .arena = arena,
        .answers = service_answers(service),
        .out = out,
        .now_s = service_now(service).steady_s,
        .err = err,
    };
    int code = answer(&asking, question, status);
    answers_release(asking.answers);
    return code;
}

/* ---- behind the protocols of autoscalers -----------------------------------------------------
 */

static int scaler_desired(void *context, struct arena *arena,
                          const struct scaler_question *question, struct scaler_answer *answer,
                          struct err *err) {
    struct service_answer full;
    int status, code = service_answer(context, arena, question, &full, &status, err);
    *answer = full.scaler;
    return code;
}

static int scaler_models(void *context, struct arena *arena, const char *const **names,
                         uint32_t *count, struct err *err) {
    (void)err;
    struct answers *answers = service_answers(context);
    const char **list = ARENA_ARRAY(arena, answers->count + 1u, const char *);
    *count = 0;
    for (uint32_t i = 0; i < answers->count; i++) {
        const char *name = answers->rows[i].answer->name;
        if (*count == 0 || strcmp(list[*count - 1], name) != 0)
            list[(*count)++] = arena_strdup(arena, name);
    }
    *names = list;
    answers_release(answers);
    return 0;
}

struct scaler service_scaler(struct serving *service) {
    return (struct scaler){service, scaler_desired, scaler_models};
}
