#include "cli/serving_options.h"

#include "predictor/capacity/replicas.h"

#include <string.h>

/* "p99=50ms", or "resnet50:p99=50ms" at the last colon: names may hold one. */
static int read_target(struct arena *arena, const char *text, struct service_target *out,
                       struct err *err) {
    const char *colon = strrchr(text, ':');
    const struct slo *targets;
    uint32_t count;
    if (slo_parse(arena, colon ? colon + 1 : text, &targets, &count, err)) {
        err->code = ERR_USAGE;
        return err_prefix(err, "--slo %s", text);
    }
    if (count != 1 || targets[0].percentile != 99 || colon == text) {
        err_set(err, ERR_USAGE, "--slo %s: expected [MODEL:]p99=TIME", text);
        return err_hint(err, "for example --slo p99=50ms --slo resnet50:p99=80ms");
    }
    *out =
        (struct service_target){colon ? arena_strndup(arena, text, (size_t)(colon - text)) : NULL,
                                targets[0].target_ns / 1e6};
    return 0;
}

static int read_targets(struct arena *arena, const struct text_list *list,
                        struct serving_options *out, struct err *err) {
    struct service_target *targets = ARENA_ARRAY(arena, list->count + 1u, struct service_target);
    for (uint32_t i = 0; i < list->count; i++)
        if (read_target(arena, list->items[i], &targets[i], err))
            return -(int)err->code;
    out->targets = targets;
    out->target_count = list->count;
    return 0;
}

int serving_options_make(struct arena *arena, const struct serving_given *given,
                         const char *db_path, struct serving_options *out, struct err *err) {
    *out = service_defaults(db_path);
    out->state_path = given->state ? given->state : service_state_path(arena, db_path);
    out->refresh_s = (double)given->refresh_ns / 1e9;
    out->save_s = (double)given->save_ns / 1e9;
    out->threads = (uint32_t)given->threads;
    out->batch = given->batch;
    out->routing = (enum routing)given->routing;
    out->step_factor = given->max_step;
    out->step_interval_s = (double)given->decision_ns / 1e9;
    out->rate_fresh_s = (double)given->fresh_ns / 1e9;
    out->prometheus_url = given->prometheus;
    out->prometheus_query = given->query;
    out->scrape_s = (double)given->scrape_ns / 1e9;
    out->scrape_timeout_s = (double)given->scrape_timeout_ns / 1e9;
    out->uploads_at_once = (uint32_t)given->uploads;
    if (given->query && !given->prometheus)
        return err_set(err, ERR_USAGE, "--query without --prometheus URL");
    if (out->refresh_s <= 0)
        return err_set(err, ERR_USAGE, "--refresh 0: the database must be read now and then");
    return read_targets(arena, &given->slos, out, err);
}
