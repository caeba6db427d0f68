#include "reports/plan_json.h"

#include "reports/estimate_json.h"

#include <math.h>

static void add_response(cJSON *parent, const struct service_level *level) {
    cJSON *response = json_add_object(parent, "response_ns");
    json_add_number(response, "mean", level->response_mean_ns);
    json_add_number(response, "p50", level->response_p50_ns);
    json_add_number(response, "p99", level->response_p99_ns);
}

static void add_level(cJSON *parent, const char *key, const struct service_level *level) {
    if (level->replicas == 0) {
        json_add_null(parent, key);
        return;
    }
    cJSON *object = json_add_object(parent, key);
    json_add_uint(object, "replicas", level->replicas);
    json_add_number(object, "utilisation", level->utilisation);
    add_response(object, level);
    json_add_number(object, "percentile", level->percentile);
    json_add_number(object, "response_at_ns", level->response_ns);
    json_add_number(object, "target_ns", level->target_ns);
    json_add_bool(object, "meets", level->meets);
    json_add_text(object, "method", queue_method_name(level->method));
    cJSON *simulated = json_add_object(object, "simulated_ns");
    json_add_number(simulated, "value", level->simulated_ns);
    json_add_number(simulated, "low", level->simulated_low_ns);
    json_add_number(simulated, "high", level->simulated_high_ns);
}

static void add_node_list(cJSON *parent, const struct node_share *shares, uint32_t count) {
    cJSON *nodes = json_add_array(parent, "nodes");
    for (uint32_t i = 0; i < count; i++) {
        cJSON *node = json_add_object(nodes, NULL);
        json_add_text(node, "type", shares[i].type->name);
        json_add_uint(node, "count", shares[i].count);
        json_add_uint(node, "replicas_per_node", shares[i].replicas_per_node);
    }
}

static void add_nodes(cJSON *parent, const struct plan_answer *answer) {
    add_node_list(parent, answer->nodes, answer->node_count);
    json_add_number(parent, "usd_per_hour", answer->usd_per_hour);
    json_add_number(parent, "cpu_waste", answer->cpu_waste);
    json_add_number(parent, "memory_waste", answer->memory_waste);
}

static void add_answer(cJSON *parent, const struct plan_answer *answer) {
    static const char *const unanswered[] = {"replicas",     "utilisation", "nodes",
                                             "usd_per_hour", "cpu_waste",   "memory_waste",
                                             "response_ns",  "proof"};
    json_add_number(parent, "service_ns", answer->service_ns);
    if (answer->reason) {
        for (size_t i = 0; i < sizeof unanswered / sizeof *unanswered; i++)
            json_add_null(parent, unanswered[i]);
        json_add_text(parent, "reason", answer->reason);
        return;
    }
    json_add_uint(parent, "replicas", answer->replicas);
    json_add_number(parent, "utilisation", answer->n.utilisation);
    add_nodes(parent, answer);
    add_response(parent, &answer->n);
    cJSON *proof = json_add_object(parent, "proof");
    add_level(proof, "n", &answer->n);
    add_level(proof, "n_minus_1", &answer->less);
    json_add_null(parent, "reason");
}

static void add_memory(cJSON *parent, const struct plan *plan, double memory_bytes) {
    bool known = memory_bytes > 0;
    json_add_number(parent, "memory_bytes", known ? memory_bytes : NAN);
    json_add_number(parent, "memory_confidence",
                    known && plan->memory_confidence > 0 ? plan->memory_confidence : NAN);
}

static void add_replica(cJSON *root, const struct plan *plan) {
    const struct plan_option *option = plan_choice(plan);
    cJSON *replica = json_add_object(root, "replica");
    json_add_uint(replica, "cpus", option->threads);
    json_add_uint(replica, "threads", option->threads);
    json_add_uint(replica, "batch_max", option->batch_max);
    json_add_number(replica, "max_delay_ns", plan->delay_ns);
    add_memory(replica, plan, option->memory_bytes);
    json_add_number(replica, "slowdown", option->slowdown);
}

static void add_headroom(cJSON *root, const struct plan *plan) {
    const struct plan_headroom *headroom = &plan->headroom;
    cJSON *object = json_add_object(root, "headroom");
    json_add_number(object, "rate_per_second", plan->rate_planned);
    json_add_number(object, "growth_per_minute", headroom->growth_per_minute);
    json_add_number(object, "lead_time_ns", headroom->lead_time_ns);
    json_add_uint(object, "spares", headroom->spares);
    json_add_number(object, "shortfall", headroom->shortfall);
}

static void add_options(cJSON *root, const struct plan *plan) {
    cJSON *options = json_add_array(root, "options");
    for (uint32_t i = 0; i < plan->option_count; i++) {
        const struct plan_option *option = &plan->options[i];
        cJSON *object = json_add_object(options, NULL);
        json_add_uint(object, "threads", option->threads);
        json_add_uint(object, "batch_max", option->batch_max);
        json_add_uint(object, "replicas_per_node", option->replicas_per_node);
        json_add_number(object, "slowdown", option->slowdown);
        add_memory(object, plan, option->memory_bytes);
        json_add_number(object, "replicas", option->reason ? NAN : (double)option->replicas);
        json_add_number(object, "usd_per_hour", option->usd_per_hour);
        json_add_number(object, "cpus", option->reason ? NAN : option->cpus);
        json_add_number(object, "response_ns", option->response_ns);
        json_add_number(object, "utilisation", option->utilisation);
        json_add_bool(object, "chosen", !option->reason && i == plan->chosen);
        json_add_bool(object, "pareto", option->on_front);
        json_add_text(object, "reason", option->reason);
    }
}

cJSON *plan_json(const struct plan *plan) {
    cJSON *root = json_object();
    json_add_int(root, "schema", PLAN_SCHEMA);
    json_add_text(root, "model", plan->model);
    json_add_text(root, "machine", plan->machine);
    json_add_number(root, "rate_per_second", plan->rate_per_second);
    json_add_text(root, "routing", routing_info(plan->routing)->name);
    json_add_text(root, "queue", routing_info(plan->routing)->queue);
    cJSON *targets = json_add_array(root, "targets");
    for (uint32_t i = 0; i < plan->target_count; i++) {
        cJSON *target = json_add_object(targets, NULL);
        json_add_number(target, "percentile", plan->targets[i].percentile);
        json_add_number(target, "target_ns", plan->targets[i].target_ns);
    }
    json_add_number(root, "overhead_ns", plan->overhead_ns);
    json_add_text(root, "latency_used", "high");
    report_add_estimate(root, "latency_ns", &plan->latency_ns);
    add_replica(root, plan);
    add_headroom(root, plan);
    add_answer(root, &plan->high);
    add_answer(json_add_object(root, "at_value"), &plan->value);
    add_options(root, plan);
    return root;
}

static void add_variant(cJSON *points, const struct plan_variant *variant) {
    cJSON *point = json_add_object(points, NULL);
    bool known = variant->reason == NULL;
    json_add_text(point, "value", variant->value);
    json_add_number(point, "replicas", known ? (double)variant->replicas : NAN);
    json_add_number(point, "threads", known ? (double)variant->threads : NAN);
    json_add_number(point, "batch_max", known ? (double)variant->batch_max : NAN);
    add_node_list(point, variant->nodes, known ? variant->node_count : 0);
    json_add_number(point, "usd_per_hour", known ? variant->usd_per_hour : NAN);
    json_add_number(point, "utilisation", known ? variant->utilisation : NAN);
    json_add_number(point, "response_ns", known ? variant->response_ns : NAN);
    json_add_text(point, "reason", variant->reason);
}

void plan_json_add_variations(cJSON *plan, const struct plan_variation *variations,
                              uint32_t count) {
    cJSON *list = json_add_array(plan, "vary");
    for (uint32_t i = 0; i < count; i++) {
        cJSON *variation = json_add_object(list, NULL);
        json_add_text(variation, "name", variations[i].name);
        cJSON *points = json_add_array(variation, "points");
        for (uint32_t j = 0; j < variations[i].variant_count; j++)
            add_variant(points, &variations[i].variants[j]);
    }
}
