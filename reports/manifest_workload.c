/* The Deployment and its Service. */
#include "reports/manifest_parts.h"

static const char *quantity_mib(struct manifest_page *page, uint64_t mib) {
    return arena_printf(page->arena, "%lluMi", (unsigned long long)mib);
}

/* Requests equal limits: the plan packs nodes with these numbers, and the pod is not evicted for
 * what its neighbours take. */
static void put_resources(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    const struct manifest_input *input = page->input;
    static const char *const kinds[] = {"requests", "limits"};
    yaml_map(yaml, "resources");
    yaml_comment(yaml, "cpu: one for each of the %u threads the latency was predicted for.",
                 input->threads);
    yaml_comment(yaml, "memory: %s, not passed with %.3g %% confidence; peak expected %s.",
                 manifest_bytes(page->arena, input->memory_bytes), input->memory_confidence * 100,
                 manifest_bytes(page->arena, input->peak_memory_bytes.value));
    yaml_comment(yaml,
                 "Both are of the runtime and the model: add what the server around them takes.");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        yaml_map(yaml, kinds[i]);
        yaml_text(yaml, "cpu", arena_printf(page->arena, "%u", input->threads));
        yaml_text(yaml, "memory", quantity_mib(page, page->numbers.memory_mib));
        yaml_end(yaml);
    }
    yaml_end(yaml);
}

static void put_probe(struct manifest_page *page, const char *key, uint64_t failures) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, key);
    yaml_map(yaml, "tcpSocket");
    yaml_text(yaml, "port", "http");
    yaml_end(yaml);
    yaml_uint(yaml, "periodSeconds", page->numbers.probe_s);
    yaml_uint(yaml, "failureThreshold", failures);
    yaml_end(yaml);
}

static void put_probes(struct manifest_page *page) {
    const struct estimate *start = &page->input->cold_start_ns;
    if (start->tier == TIER_REFUSED)
        yaml_comment(&page->yaml, "The cold start is not known; `assay calibrate` measures what "
                                  "predicts it.");
    else
        yaml_comment(&page->yaml, "Cold start %s (%s to %s), %s: up to three times that is waited.",
                     manifest_time(page->arena, start->value),
                     manifest_time(page->arena, start->low),
                     manifest_time(page->arena, start->high), tier_name(start->tier));
    yaml_comment(&page->yaml, "An httpGet that runs one inference tells more than an open port.");
    put_probe(page, "startupProbe", page->numbers.probe_failures);
    put_probe(page, "readinessProbe", 3);
}

static void put_container(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_list(yaml, "containers");
    yaml_item(yaml);
    yaml_text(yaml, "name", "model");
    yaml_comment(yaml,
                 "To be replaced where it is an example: a server of this model with %u "
                 "intra-op threads.",
                 page->input->threads);
    yaml_text(yaml, "image", page->settings->image);
    yaml_list(yaml, "ports");
    yaml_item(yaml);
    yaml_text(yaml, "name", "http");
    yaml_uint(yaml, "containerPort", page->settings->port);
    yaml_end(yaml);
    yaml_end(yaml);
    put_resources(page);
    put_probes(page);
    yaml_end(yaml);
    yaml_end(yaml);
}

/* The extra replicas stand in for those of a node that fails: only when not all are on it. */
static void put_spread(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    if (page->input->extra_replicas == 0)
        return;
    yaml_list(yaml, "topologySpreadConstraints");
    yaml_item(yaml);
    yaml_uint(yaml, "maxSkew", 1);
    yaml_text(yaml, "topologyKey", "kubernetes.io/hostname");
    yaml_text(yaml, "whenUnsatisfiable", "ScheduleAnyway");
    yaml_map(yaml, "labelSelector");
    manifest_selector(page, "matchLabels");
    yaml_end(yaml);
    yaml_end(yaml);
    yaml_end(yaml);
}

static void put_pod(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "spec");
    yaml_comment(yaml, "Longer than the response target, so that requests under way are answered.");
    yaml_uint(yaml, "terminationGracePeriodSeconds", page->numbers.grace_s);
    manifest_affinity(page);
    put_spread(page);
    put_container(page);
    yaml_end(yaml);
}

static void put_replicas(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_comment(yaml, "As planned%s.",
                 page->input->extra_replicas
                     ? arena_printf(page->arena, ", %llu of them for nodes that fail",
                                    (unsigned long long)page->input->extra_replicas)
                     : "");
    if (page->settings->autoscaler != AUTOSCALER_NONE)
        yaml_comment(yaml,
                     "The autoscaler changes it; applied again, it begins from the plan anew.");
    yaml_uint(yaml, "replicas", page->input->replicas);
}

static void put_strategy(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "strategy");
    yaml_text(yaml, "type", "RollingUpdate");
    yaml_map(yaml, "rollingUpdate");
    yaml_comment(yaml, "The plan's proof: with one replica fewer the target is missed.");
    yaml_uint(yaml, "maxUnavailable", 0);
    yaml_uint(yaml, "maxSurge", 1);
    yaml_end(yaml);
    yaml_end(yaml);
}

void manifest_deployment(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    manifest_begin(page, "apps/v1", "Deployment");
    yaml_map(yaml, "spec");
    put_replicas(page);
    put_strategy(page);
    yaml_map(yaml, "selector");
    manifest_selector(page, "matchLabels");
    yaml_end(yaml);
    yaml_map(yaml, "template");
    yaml_map(yaml, "metadata");
    manifest_selector(page, "labels");
    yaml_end(yaml);
    put_pod(page);
    yaml_end(yaml);
    yaml_end(yaml);
}

void manifest_service(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    if (!page->input->routing_as_service)
        yaml_comment(yaml,
                     "The plan holds for %s routing. A Service picks a pod at random: put what "
                     "routes so before it, or plan with --routing random.",
                     page->input->routing);
    manifest_begin(page, "v1", "Service");
    yaml_map(yaml, "spec");
    manifest_selector(page, "selector");
    yaml_list(yaml, "ports");
    yaml_item(yaml);
    yaml_text(yaml, "name", "http");
    yaml_uint(yaml, "port", page->settings->port);
    yaml_text(yaml, "targetPort", "http");
    yaml_end(yaml);
    yaml_end(yaml);
    yaml_end(yaml);
}
