#include "predictor/capacity/reserve.h"

#include <math.h>
#include <string.h>

#define MIB 1048576.0
#define GIB 1073741824.0

struct band {
    double width; /* of the amount it applies to */
    double share; /* kept of it */
};

static double keep_by_bands(double amount, const struct band *bands) {
    double kept = 0;
    for (; amount > 0; bands++) {
        double part = fmin(amount, bands->width);
        kept += part * bands->share;
        amount -= part;
    }
    return kept;
}

static double kubelet_cpus(double cpus) {
    static const struct band bands[] = {
        {1,        0.06  },
        {1,        0.01  },
        {2,        0.005 },
        {INFINITY, 0.0025}
    };
    return keep_by_bands(cpus, bands);
}

static double gke_memory(double memory_bytes, uint32_t pods_max) {
    (void)pods_max;
    static const struct band bands[] = {
        {4 * GIB,   0.25},
        {4 * GIB,   0.20},
        {8 * GIB,   0.10},
        {112 * GIB, 0.06},
        {INFINITY,  0.02}
    };
    double kept = memory_bytes < GIB ? 255 * MIB : keep_by_bands(memory_bytes, bands);
    return kept + 100 * MIB;
}

static double eks_memory(double memory_bytes, uint32_t pods_max) {
    (void)memory_bytes;
    return (255 + 11.0 * pods_max + 100) * MIB;
}

static double aks_cpus(double cpus) {
    static const struct band bands[] = {
        {1,        0.06},
        {1,        0.04},
        {2,        0.02},
        {INFINITY, 0.01}
    };
    return keep_by_bands(cpus, bands);
}

static double aks_memory(double memory_bytes, uint32_t pods_max) {
    return fmin((20.0 * pods_max + 50) * MIB, 0.25 * memory_bytes) + 100 * MIB;
}

static double no_cpus(double cpus) {
    (void)cpus;
    return 0;
}

static double no_memory(double memory_bytes, uint32_t pods_max) {
    (void)memory_bytes;
    (void)pods_max;
    return 0;
}

static const struct reserve reserves[] = {
    {"gke",  "kubelet reserves as Google Kubernetes Engine publishes them", kubelet_cpus,
     gke_memory                                                                                     },
    {"eks",  "kubelet reserves as the Amazon EKS machine image sets them",  kubelet_cpus, eks_memory},
    {"aks",  "kubelet reserves as Azure Kubernetes Service publishes them", aks_cpus,     aks_memory},
    {"none", "replicas get all of the node",                                no_cpus,      no_memory },
};

const struct reserve *reserve_at(uint32_t i) {
    return i < sizeof reserves / sizeof *reserves ? &reserves[i] : NULL;
}

const struct reserve *reserve_by_name(const char *name) {
    for (uint32_t i = 0; reserve_at(i); i++)
        if (strcmp(reserves[i].name, name) == 0)
            return &reserves[i];
    return NULL;
}

struct node_room node_room(const struct node_type *type) {
    const struct reserve *reserve = reserve_by_name(type->reserve);
    double kept = reserve->memory(type->memory_bytes, type->pods_max);
    return (struct node_room){
        .cpus = fmax(0, type->cpus - reserve->cpus(type->cpus) - type->daemonset_cpus),
        .memory_bytes = fmax(0, type->memory_bytes - kept - type->daemonset_memory_bytes),
        .gpus = type->gpus,
        .pods = type->pods_max > type->daemonset_pods ? type->pods_max - type->daemonset_pods : 0,
    };
}
