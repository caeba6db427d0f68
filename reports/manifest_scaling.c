/* The autoscalers: KEDA's ScaledObject, the plain HorizontalPodAutoscaler, the
 * VerticalPodAutoscaler.
 *
 * An HPA with an AverageValue of 1 runs as many pods as the metric says, but for its tolerance: it
 * leaves c pods alone while metric / c is within 10 % of the target. Where that cannot be switched
 * off, a target of 1 / 1.1 moves the band, so that it ends at the number asked for instead of
 * beginning there. */
#include "reports/manifest_parts.h"

#include "base/units.h"
#include "reports/manifest_name.h"

#include <math.h>

/* The releases of KEDA that know these fields of a ScaledObject. */
#define SINCE_BEHAVIOR  "2.17" /* fallback.behavior */
#define SINCE_TOLERANCE "2.18"

enum { POLL_S = 15, COOLDOWN_S = 300, FAILURES = 3 };

static void put_policy(struct yaml_writer *yaml, const char *type, uint64_t value,
                       uint64_t period) {
    yaml_item(yaml);
    yaml_text(yaml, "type", type);
    yaml_uint(yaml, "value", value);
    yaml_uint(yaml, "periodSeconds", period);
    yaml_end(yaml);
}

static void put_scale_up(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "scaleUp");
    yaml_uint(yaml, "stabilizationWindowSeconds", 0);
    if (page->numbers.tolerance) {
        yaml_comment(yaml, "Otherwise 11 asked for while 10 run changes nothing.");
        yaml_text(yaml, "tolerance", "0");
    }
    yaml_text(yaml, "selectPolicy", "Max");
    yaml_list(yaml, "policies");
    put_policy(yaml, "Percent", 100, POLL_S);
    put_policy(yaml, "Pods", 4, POLL_S);
    yaml_end(yaml);
    yaml_end(yaml);
}

static void put_scale_down(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "scaleDown");
    yaml_comment(yaml,
                 "At least twice the cold start: what is given up too early comes back late.");
    yaml_uint(yaml, "stabilizationWindowSeconds", page->numbers.settle_s);
    yaml_text(yaml, "selectPolicy", "Max");
    yaml_list(yaml, "policies");
    put_policy(yaml, "Percent", 50, 60);
    yaml_end(yaml);
    yaml_end(yaml);
}

static void put_behavior(struct manifest_page *page) {
    yaml_map(&page->yaml, "behavior");
    put_scale_up(page);
    put_scale_down(page);
    yaml_end(&page->yaml);
}

static void explain_limits(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    const struct manifest_numbers *numbers = &page->numbers;
    if (numbers->shortfall)
        yaml_comment(yaml,
                     "%llu are planned; %llu more because an HPA before Kubernetes 1.35 ignores "
                     "answers within 10 %% of what runs.",
                     (unsigned long long)page->input->replicas,
                     (unsigned long long)numbers->shortfall);
    else
        yaml_comment(yaml, "As many as planned for the load that was given.");
}

static void explain_target(struct manifest_page *page) {
    if (page->numbers.shortfall)
        yaml_comment(&page->yaml, "1 / 1.1: one replica for each that is asked for, and the 10 %% "
                                  "that would be ignored.");
    else
        yaml_comment(&page->yaml, "One replica for each that is asked for.");
}

static double p99_target_ns(const struct manifest_input *input) {
    for (uint32_t i = 0; i < input->target_count; i++)
        if (input->targets[i].percentile == 99)
            return input->targets[i].target_ns;
    return NAN;
}

/* Where the number of replicas is asked for. */
static const char *replicas_url(struct manifest_page *page) {
    double target_ns = p99_target_ns(page->input);
    const char *url =
        arena_printf(page->arena, "%s/v1/models/%s/replicas", page->settings->server_url,
                     url_segment(page->arena, page->input->model));
    char number[UNIT_TEXT_SIZE];
    return isnan(target_ns) ? url
                            : arena_printf(page->arena, "%s?slo_p99_ms=%s", url,
                                           unit_exact(number, target_ns / 1e6));
}

static void put_trigger(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_list(yaml, "triggers");
    yaml_item(yaml);
    yaml_text(yaml, "type", "metrics-api");
    yaml_text(yaml, "metricType", "AverageValue");
    yaml_map(yaml, "metadata");
    yaml_text(yaml, "url", replicas_url(page));
    yaml_text(yaml, "valueLocation", "replicas");
    explain_target(page);
    yaml_text(yaml, "targetValue", page->numbers.shortfall ? "0.909" : "1");
    yaml_end(yaml);
    yaml_end(yaml);
    yaml_end(yaml);
}

static void put_fallback(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "fallback");
    yaml_comment(yaml, "When nothing answers: what was planned, and never fewer than run.");
    yaml_uint(yaml, "failureThreshold", FAILURES);
    yaml_uint(yaml, "replicas", page->input->replicas);
    yaml_text(yaml, "behavior", "currentReplicasIfHigher");
    yaml_end(yaml);
}

void manifest_scaled_object(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_comment(yaml,
                 "KEDA %s or newer makes a HorizontalPodAutoscaler of it: apply no other one.",
                 page->numbers.tolerance ? SINCE_TOLERANCE : SINCE_BEHAVIOR);
    manifest_begin(page, "keda.sh/v1alpha1", "ScaledObject");
    yaml_map(yaml, "spec");
    manifest_target(page, "scaleTargetRef");
    yaml_uint(yaml, "pollingInterval", POLL_S);
    yaml_comment(yaml, "Only for the way to zero, which the minimum rules out.");
    yaml_uint(yaml, "cooldownPeriod", COOLDOWN_S);
    yaml_uint(yaml, "minReplicaCount", page->numbers.replicas_min);
    explain_limits(page);
    yaml_uint(yaml, "maxReplicaCount", page->numbers.replicas_max);
    put_fallback(page);
    yaml_map(yaml, "advanced");
    yaml_map(yaml, "horizontalPodAutoscalerConfig");
    put_behavior(page);
    yaml_end(yaml);
    yaml_end(yaml);
    put_trigger(page);
    yaml_end(yaml);
}

static void put_external_metric(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_list(yaml, "metrics");
    yaml_item(yaml);
    yaml_text(yaml, "type", "External");
    yaml_map(yaml, "external");
    yaml_map(yaml, "metric");
    yaml_text(yaml, "name", "assay_desired_replicas");
    yaml_map(yaml, "selector");
    yaml_map(yaml, "matchLabels");
    yaml_text(yaml, "model", page->input->model);
    for (int i = 0; i < 3; i++)
        yaml_end(yaml);
    yaml_map(yaml, "target");
    yaml_text(yaml, "type", "AverageValue");
    explain_target(page);
    yaml_text(yaml, "averageValue", page->numbers.shortfall ? "909m" : "1");
    for (int i = 0; i < 4; i++)
        yaml_end(yaml);
}

void manifest_hpa(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_comment(yaml, "Needs external.metrics.k8s.io: `assay serve` behind an APIService, or an "
                       "adapter of Prometheus.");
    manifest_begin(page, "autoscaling/v2", "HorizontalPodAutoscaler");
    yaml_map(yaml, "spec");
    manifest_target(page, "scaleTargetRef");
    yaml_uint(yaml, "minReplicas", page->numbers.replicas_min);
    explain_limits(page);
    yaml_uint(yaml, "maxReplicas", page->numbers.replicas_max);
    put_external_metric(page);
    put_behavior(page);
    yaml_end(yaml);
}

static void put_memory(struct manifest_page *page, const char *key, double bytes) {
    uint64_t mib = (uint64_t)ceil(bytes / 1048576);
    yaml_map(&page->yaml, key);
    yaml_text(&page->yaml, "memory", arena_printf(page->arena, "%lluMi", (unsigned long long)mib));
    yaml_end(&page->yaml);
}

/* Only memory: fewer CPUs than threads would make the predicted latency wrong. */
static void put_container_policy(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    const struct manifest_input *input = page->input;
    yaml_list(yaml, "containerPolicies");
    yaml_item(yaml);
    yaml_text(yaml, "containerName", "model");
    yaml_list(yaml, "controlledResources");
    yaml_item_text(yaml, "memory");
    yaml_end(yaml);
    yaml_text(yaml, "controlledValues", "RequestsAndLimits");
    yaml_comment(yaml, "From the low end of the predicted peak to the bound that is planned with.");
    put_memory(page, "minAllowed", fmin(input->peak_memory_bytes.low, input->memory_bytes));
    put_memory(page, "maxAllowed", input->memory_bytes);
    yaml_end(yaml);
    yaml_end(yaml);
}

void manifest_vpa(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    manifest_begin(page, "autoscaling.k8s.io/v1", "VerticalPodAutoscaler");
    yaml_map(yaml, "spec");
    manifest_target(page, "targetRef");
    yaml_map(yaml, "updatePolicy");
    yaml_comment(yaml, "It recommends and restarts nothing; Initial lets new pods follow it.");
    yaml_text(yaml, "updateMode", "Off");
    yaml_end(yaml);
    yaml_map(yaml, "resourcePolicy");
    put_container_policy(page);
    yaml_end(yaml);
    yaml_end(yaml);
}
