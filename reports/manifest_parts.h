/* The files of reports/manifest.h, one function each, and what they share. */
#ifndef ASSAY_REPORTS_MANIFEST_PARTS_H
#define ASSAY_REPORTS_MANIFEST_PARTS_H

#include "reports/manifest.h"
#include "reports/yaml_writer.h"

/* Numbers that follow from the input; see docs/manifests.md for the reasons. */
struct manifest_numbers {
    uint64_t memory_mib; /* rounded up */
    uint64_t replicas_min, replicas_max;
    uint64_t shortfall;      /* of replicas_max, because an HPA ignores 10 % */
    bool tolerance;          /* the cluster lets an HPA ignore nothing */
    uint64_t probe_s;        /* between two probes of a starting pod */
    uint64_t probe_failures; /* before it counts as dead */
    uint64_t grace_s;        /* for requests under way when a pod is stopped */
    uint64_t settle_s;       /* for how long fewer replicas must be wanted */
};

/* A file that is being written. */
struct manifest_page {
    struct yaml_writer yaml;
    struct arena *arena;
    const struct manifest_input *input;
    const struct manifest_settings *settings; /* complete: nothing is NULL but the namespace */
    struct manifest_numbers numbers;
};

/* The N of "1.N"; 0 when it is no such version. */
enum { KUBERNETES_MINOR_LEAST = 23 }; /* the first with autoscaling/v2 */
uint32_t kubernetes_minor(const char *version);
void manifest_numbers_of(const struct manifest_input *input,
                         const struct manifest_settings *settings, struct manifest_numbers *out);

/* manifest_mark, the command, and what the numbers rest on. */
void manifest_evidence(struct manifest_page *page);

/* apiVersion, kind and metadata of the one object that a page holds. */
void manifest_begin(struct manifest_page *page, const char *api_version, const char *kind);
/* The same for an object that belongs to the cluster and no namespace. */
void manifest_begin_of_cluster(struct manifest_page *page, const char *api_version,
                               const char *kind, const char *name);
/* "app.kubernetes.io/name" and its value: what selects the pods. */
void manifest_selector(struct manifest_page *page, const char *key);
/* apiVersion, kind and name of the Deployment. */
void manifest_target(struct manifest_page *page, const char *key);
const char *manifest_time(struct arena *arena, double ns);
const char *manifest_bytes(struct arena *arena, double bytes);

/* True when every kind of node of the plan can be told by labels. */
bool manifest_nodes_are_labelled(const struct manifest_page *page);
/* Binds the pods to such nodes. */
void manifest_affinity(struct manifest_page *page);

void manifest_deployment(struct manifest_page *page);
void manifest_service(struct manifest_page *page);
void manifest_scaled_object(struct manifest_page *page);
void manifest_hpa(struct manifest_page *page);
void manifest_vpa(struct manifest_page *page);
void manifest_rule_object(struct manifest_page *page);
void manifest_rule_file(struct manifest_page *page);
void manifest_node_pools(struct manifest_page *page);
void manifest_kustomization(struct manifest_page *page);

#endif
