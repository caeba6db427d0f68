#include "server/service/desired.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLICAS_MAX 1e9

struct row {
    char model[DESIRED_NAME_MAX];
    uint64_t hash;
    double slo_p99_ms;
    enum routing routing;
    double base;    /* answered when the present interval began */
    double current; /* answered last */
    double begun_s; /* the present interval */
    double asked_s;
};

struct desired {
    pthread_mutex_t mutex;
    struct desired_limits limits;
    struct row *rows;
    uint32_t count;
};

struct desired *desired_new(struct desired_limits limits) {
    struct desired *desired = calloc(1, sizeof *desired);
    struct row *rows = calloc(DESIRED_ROWS_MAX, sizeof *rows);
    if (!desired || !rows) {
        fprintf(stderr, "assay: out of memory\n");
        exit(ERR_ENVIRONMENT);
    }
    pthread_mutex_init(&desired->mutex, NULL);
    desired->limits = limits;
    desired->rows = rows;
    return desired;
}

void desired_delete(struct desired *desired) {
    pthread_mutex_destroy(&desired->mutex);
    free(desired->rows);
    free(desired);
}

/* FNV-1a: spares the comparison of names. */
static uint64_t hash_of(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static struct row *find(struct desired *desired, const struct desired_question *question) {
    uint64_t hash = hash_of(question->model);
    for (uint32_t i = 0; i < desired->count; i++) {
        struct row *row = &desired->rows[i];
        if (row->hash == hash && row->slo_p99_ms == question->slo_p99_ms &&
            row->routing == question->routing && strcmp(row->model, question->model) == 0)
            return row;
    }
    return NULL;
}

static struct row *add(struct desired *desired, const struct desired_question *question) {
    struct row *row = &desired->rows[0];
    if (desired->count < DESIRED_ROWS_MAX)
        row = &desired->rows[desired->count++];
    else
        for (uint32_t i = 1; i < desired->count; i++)
            if (desired->rows[i].asked_s < row->asked_s)
                row = &desired->rows[i];
    *row = (struct row){.hash = hash_of(question->model),
                        .slo_p99_ms = question->slo_p99_ms,
                        .routing = question->routing};
    strcpy(row->model, question->model);
    return row;
}

static double limited(double wanted, double base, double factor) {
    if (factor <= 0)
        return wanted;
    double most = floor(fmax(base, 1) * factor);
    double least = base <= 1 ? 0 : ceil(base / factor);
    return fmin(fmax(wanted, least), fmax(most, 1));
}

static double step(struct row *row, const struct desired_limits *limits, double wanted,
                   double now_s) {
    if (now_s - row->begun_s >= limits->interval_s || now_s < row->begun_s) {
        row->base = row->current;
        row->begun_s = now_s;
    }
    row->current = limited(wanted, row->base, limits->factor);
    row->asked_s = now_s;
    return row->current;
}

double desired_step(struct desired *desired, const struct desired_question *question, double wanted,
                    double now_s) {
    if (strlen(question->model) >= DESIRED_NAME_MAX)
        return wanted;
    pthread_mutex_lock(&desired->mutex);
    struct row *row = find(desired, question);
    if (!row) {
        row = add(desired, question);
        row->base = row->current = wanted;
        row->begun_s = row->asked_s = now_s;
    } else {
        wanted = step(row, &desired->limits, wanted, now_s);
    }
    pthread_mutex_unlock(&desired->mutex);
    return wanted;
}

double desired_last(struct desired *desired, const struct desired_question *question) {
    pthread_mutex_lock(&desired->mutex);
    const struct row *row = find(desired, question);
    double last = row ? row->current : NAN;
    pthread_mutex_unlock(&desired->mutex);
    return last;
}

/* ---- the state file --------------------------------------------------------------------------
 */

void desired_save(struct desired *desired, double now_s, cJSON *array) {
    pthread_mutex_lock(&desired->mutex);
    for (uint32_t i = 0; i < desired->count; i++) {
        const struct row *row = &desired->rows[i];
        cJSON *object = json_add_object(array, NULL);
        json_add_text(object, "model", row->model);
        json_add_number(object, "slo_p99_ms", row->slo_p99_ms);
        json_add_text(object, "routing", routing_info(row->routing)->name);
        json_add_number(object, "base", row->base);
        json_add_number(object, "replicas", row->current);
        json_add_number(object, "begun_ago_s", now_s - row->begun_s);
    }
    pthread_mutex_unlock(&desired->mutex);
}

static int restore_row(struct desired *desired, double now_s, const cJSON *object,
                       struct err *err) {
    struct desired_question question;
    const char *routing;
    double base, current, ago;
    if (json_get_text(object, "model", &question.model, err) ||
        json_get_number(object, "slo_p99_ms", &question.slo_p99_ms, err) ||
        json_get_text(object, "routing", &routing, err) ||
        json_get_number(object, "base", &base, err) ||
        json_get_number(object, "replicas", &current, err) ||
        json_get_number(object, "begun_ago_s", &ago, err))
        return -(int)err->code;
    question.routing = routing_by_name(routing);
    bool sane = base >= 0 && base <= REPLICAS_MAX && current >= 0 && current <= REPLICAS_MAX &&
                base == floor(base) && current == floor(current) && fabs(ago) < 1e10 &&
                question.routing != ROUTING_COUNT && question.slo_p99_ms > 0;
    if (!sane || strlen(question.model) >= DESIRED_NAME_MAX)
        return err_set(err, ERR_INPUT, "no plausible replicas of \"%.100s\"", question.model);
    struct row *row = find(desired, &question);
    row = row ? row : add(desired, &question);
    row->base = base;
    row->current = current;
    row->begun_s = row->asked_s = now_s - ago;
    return 0;
}

int desired_restore(struct desired *desired, double now_s, const cJSON *array, struct err *err) {
    const cJSON *object;
    int code = 0;
    pthread_mutex_lock(&desired->mutex);
    cJSON_ArrayForEach(object, array) {
        code = restore_row(desired, now_s, object, err);
        if (code)
            break;
    }
    pthread_mutex_unlock(&desired->mutex);
    return code;
}
