#include "jobs/service.h"

#include "jobs/scale.h"

#include <math.h>

double service_given_ns(const struct service_request *request, uint32_t n) {
    double more = request->per_item_ns > 0 ? request->per_item_ns : request->service_ns;
    return request->service_ns + (n - 1.0) * more;
}

struct batch_time service_time_between(const struct scale_row *a, const struct scale_row *b,
                                       int64_t n) {
    const struct estimate *from = a ? &a->latency_ns : &b->latency_ns, *to = &b->latency_ns;
    double share = a ? (double)(n - a->batch) / (double)(b->batch - a->batch) : 1;
    return (struct batch_time){
        from->value + share * (to->value - from->value),
        from->low + share * (to->low - from->low),
        from->high + share * (to->high - from->high),
    };
}

int service_must_be_predicted(const struct prediction *prediction, struct err *err) {
    if (prediction->refused_count == 0)
        return 0;
    return err_set(err, ERR_FINDING, "%s cannot be planned: %s '%s' was refused: %s",
                   prediction->model.name, prediction->refused[0].op, prediction->refused[0].name,
                   prediction->refused[0].why);
}

static int give(struct arena *arena, const struct service_request *request,
                struct service *service) {
    struct batch_time *batches = ARENA_ARRAY(arena, request->batch_max, struct batch_time);
    for (uint32_t i = 0; i < request->batch_max; i++) {
        double ns = service_given_ns(request, i + 1);
        batches[i] = (struct batch_time){ns, ns, ns};
    }
    *service = (struct service){
        .batch_max = request->batch_max,
        .batches = batches,
        .tier = TIER_GIVEN,
        .evidence = "given",
        .cold_start_ns = estimate_refused(),
    };
    return 0;
}

/* 1, 2, 4 ... and the largest. */
static uint32_t list_batches(int64_t sizes[static 16], uint32_t most) {
    uint32_t count = 0;
    for (uint32_t size = 1; size < most; size *= 2)
        sizes[count++] = size;
    sizes[count++] = most;
    return count;
}

static int fill_batches(struct arena *arena, const struct scaling *scaling, uint32_t most,
                        struct service *service, struct err *err) {
    struct batch_time *batches = ARENA_ARRAY(arena, most, struct batch_time);
    const struct scale_row *rows = scaling->rows;
    for (uint32_t i = 0; i < scaling->row_count; i++)
        if (rows[i].why) {
            err_set(err, ERR_FINDING, "%s cannot be served in batches of %lld: %s", scaling->model,
                    (long long)rows[i].batch, rows[i].why);
            return err_hint(err, "plan with --batch-max 1, or export it with a free batch size");
        }
    for (uint32_t n = 1, row = 0; n <= most; n++) {
        while (row + 2 < scaling->row_count && n > rows[row + 1].batch)
            row++;
        batches[n - 1] = service_time_between(&rows[row], &rows[row + 1], n);
    }
    const struct scale_row *last = &rows[scaling->row_count - 1];
    service->batch_max = most;
    service->batches = batches;
    service->tier = tier_weaker(service->tier, last->latency_ns.tier);
    return 0;
}

static int predict_batches(struct arena *arena, struct db *db,
                           const struct service_request *request, struct service *service,
                           struct err *err) {
    int64_t sizes[16], threads = request->predict.subject.threads, alone = 1;
    const struct scale_request scale = {
        .subject = request->predict.subject,
        .lowering = request->predict.lowering,
        .refuse_roofline = request->predict.refuse_roofline,
        .memory_confidence = request->predict.memory_confidence,
        .batches = sizes,
        .batch_count = list_batches(sizes, request->batch_max),
        .threads = &threads,
        .thread_count = 1,
        .replicas = &alone,
        .replica_count = 1,
    };
    struct scaling scaling;
    if (job_scale(arena, db, &scale, &scaling, err))
        return -(int)err->code;
    return fill_batches(arena, &scaling, request->batch_max, service, err);
}

static int take_prediction(struct arena *arena, const struct prediction *prediction,
                           struct service *service, struct err *err) {
    if (service_must_be_predicted(prediction, err))
        return -(int)err->code;
    const struct estimate *latency = &prediction->latency_ns;
    struct batch_time *one = ARENA_NEW(arena, struct batch_time);
    *one = (struct batch_time){latency->value, latency->low, latency->high};
    *service = (struct service){
        .model = prediction->model.name,
        .batch_max = 1,
        .batches = one,
        .tier = latency->tier,
        .evidence = latency->evidence,
        .cold_start_ns = prediction->cold_start.phase_count ? prediction->cold_start.total_ns
                                                            : estimate_refused(),
    };
    return 0;
}

int service_find(struct arena *arena, struct db *db, const struct service_request *request,
                 struct service *service, struct predicted *predicted, struct err *err) {
    *predicted = (struct predicted){0};
    if (request->batch_max == 0 || request->batch_max > SERVICE_BATCH_MAX)
        return err_set(err, ERR_USAGE, "batches of %u: expected 1 to %d", request->batch_max,
                       SERVICE_BATCH_MAX);
    if (!request->predict.subject.model_path)
        give(arena, request, service);
    else if (job_predict(arena, db, &request->predict, predicted, err) ||
             take_prediction(arena, &predicted->prediction, service, err) ||
             (request->batch_max > 1 && predict_batches(arena, db, request, service, err)))
        return -(int)err->code;
    if (!isnan(request->cold_start_ns))
        service->cold_start_ns = (struct estimate){request->cold_start_ns, request->cold_start_ns,
                                                   request->cold_start_ns, TIER_GIVEN, "given"};
    return 0;
}
