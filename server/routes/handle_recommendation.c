/* GET /v1/models/{model}/recommendation: what one replica should ask for, in the shape of
 * status.recommendation of a VerticalPodAutoscaler (autoscaling.k8s.io/v1). CPU: the target is the
 * threads, for a replica that has fewer is slower than predicted; the lower bound is the CPU time
 * per time of an inference. Memory: the target is the upper end of the predicted peak's interval,
 * the lower bound its value, the upper bound what is not passed with 99 %. */
#include "server/routes/handlers.h"

#include <math.h>

/* Resources as Quantity texts. */
struct ask {
    double cpu_cores, memory_bytes; /* NaN: not known */
};

static const char *cpu_text(struct arena *arena, double cores) {
    double milli = ceil(cores * 1000 - 1e-6);
    return fmod(milli, 1000) == 0 ? arena_printf(arena, "%.0f", milli / 1000)
                                  : arena_printf(arena, "%.0fm", milli);
}

static void add_ask(cJSON *parent, const char *key, struct arena *arena, const struct ask *ask) {
    cJSON *object = json_add_object(parent, key);
    json_add_text(object, "cpu", cpu_text(arena, ask->cpu_cores));
    if (!isnan(ask->memory_bytes))
        json_add_text(object, "memory", arena_printf(arena, "%.0f", ceil(ask->memory_bytes)));
}

static double cores_used(const struct answer *known) {
    double threads = known->threads;
    if (known->cpu_time_ns.tier == TIER_REFUSED)
        return threads;
    return fmin(threads, fmax(0.025, known->cpu_time_ns.value / known->latency_ns.value));
}

static void add_recommendation(cJSON *root, struct arena *arena, const struct answer *known) {
    const struct estimate *peak = &known->peak_memory_bytes;
    bool sized = peak->tier != TIER_REFUSED;
    double bound = known->peak_memory_upper.value;
    const struct ask target = {known->threads, sized ? peak->high : NAN};
    const struct ask lower = {cores_used(known), sized ? peak->value : NAN};
    const struct ask upper = {known->threads, sized ? fmax(peak->high, bound) : NAN};
    cJSON *list = json_add_array(root, "containerRecommendations");
    cJSON *container = json_add_object(list, NULL);
    json_add_text(container, "containerName", known->name);
    add_ask(container, "target", arena, &target);
    add_ask(container, "lowerBound", arena, &lower);
    add_ask(container, "upperBound", arena, &upper);
    add_ask(container, "uncappedTarget", arena, &target);
}

HANDLER(handle_recommendation) {
    struct answers *answers = service_answers(service);
    const struct answer_row *row;
    int code = find_model(answers, request, &row, answer, err);
    if (!code) {
        const struct standing standing = standing_of(service, answers, row);
        cJSON *root = json_object();
        add_recommendation(root, arena, row->answer);
        add_standing(root, &standing);
        answer_json(answer, root);
    }
    answers_release(answers);
    return code;
}
