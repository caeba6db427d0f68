/* Kubernetes manifests of a plan, as texts: a file each, made from a table. What they say comes
 * from the input alone, so the same input gives the same bytes; comments carry the evidence. The
 * caller writes them (jobs/manifests.h).
 *
 * Formats: Kubernetes apps/v1, v1 and autoscaling/v2; KEDA keda.sh/v1alpha1; Vertical Pod
 * Autoscaler autoscaling.k8s.io/v1; Prometheus Operator monitoring.coreos.com/v1;
 * kustomize.config.k8s.io/v1beta1; the rule files of Prometheus. What each number rests on is told
 * in docs/manifests.md.
 */
#ifndef ASSAY_REPORTS_MANIFEST_H
#define ASSAY_REPORTS_MANIFEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/estimate.h"
#include "core/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* Who changes the number of replicas. Two of them on one Deployment fight, so one is chosen. */
enum manifest_autoscaler { AUTOSCALER_KEDA, AUTOSCALER_HPA, AUTOSCALER_NONE, AUTOSCALER_COUNT };
const char *autoscaler_name(enum manifest_autoscaler autoscaler); /* "keda" */
const char *autoscaler_help(enum manifest_autoscaler autoscaler);

/* What the user chose. */
struct manifest_settings {
    const char *app;        /* name of the objects; NULL: from the model's name */
    const char *namespace;  /* NULL: the one that kubectl uses */
    const char *image;      /* NULL: one that has to be replaced */
    const char *server_url; /* where `assay serve` listens, without a slash at the end */
    const char *kubernetes; /* "1.29": the oldest cluster they are for */
    const char *command;    /* that makes these files again */
    uint32_t port;          /* of the model server */
    enum manifest_autoscaler autoscaler;
};

struct manifest_label {
    const char *key, *value;
};

/* Nodes of the plan. */
struct manifest_node {
    const char *name;
    uint64_t count;
    double cpus, memory_bytes;           /* of one */
    const struct manifest_label *labels; /* none: the pods are not bound to such nodes */
    uint32_t label_count;
};

/* What so many replicas give; the plan's proof. */
struct manifest_proof {
    uint64_t replicas; /* 0: there is nothing to say */
    double utilisation, response_ns, percentile, target_ns;
    bool meets;
};

/* What the plan says. Times in nanoseconds; an estimate that is not known is refused. */
struct manifest_input {
    const char *model, *model_sha256;
    const char *machine, *machine_fingerprint;
    const char *runtime; /* "onnxruntime 1.30.0" */
    uint32_t threads;
    int64_t batch; /* 0: as the file has it */
    const struct slo *targets;
    uint32_t target_count;
    double rate_per_second;
    const char *routing;     /* "random" */
    bool routing_as_service; /* a Service routes like that */
    uint64_t replicas;       /* with the extra ones */
    uint64_t extra_replicas; /* for nodes that fail */
    struct manifest_proof n, less;
    struct estimate latency_ns;
    struct estimate peak_memory_bytes;
    double memory_bytes;           /* what the plan packs: a bound that is not passed ... */
    double memory_confidence;      /* ... with this confidence, 0 to 1 */
    struct estimate cold_start_ns; /* of the process: without image pull and node boot */
    const struct manifest_node *nodes;
    uint32_t node_count;
    double usd_per_hour;                   /* NaN: not known */
    const char *price_date, *price_source; /* NULL: not known */
};

/* A file of the set. */
struct manifest_text {
    const char *path; /* in the folder, "prometheus/rules.yaml" */
    struct strbuf text;
};

struct manifests {
    const char *app; /* as chosen or derived */
    struct manifest_text *files;
    uint32_t count;
    const char *const *notes; /* sentences for people */
    uint32_t note_count;
};

/* ERR_USAGE when a setting is no name or version that Kubernetes takes, ERR_INPUT when the model's
 * name cannot be asked for. Texts are freed by manifests_done; the rest lives in the arena. */
int manifests_make(struct arena *arena, const struct manifest_input *input,
                   const struct manifest_settings *settings, struct manifests *out,
                   struct err *err);
void manifests_done(struct manifests *manifests);

/* Begins every file; what lacks it was not written by us. */
extern const char manifest_mark[];

/* All paths that any choice of settings writes: the index-th, NULL behind the last. */
const char *manifest_path(uint32_t index);

#endif
