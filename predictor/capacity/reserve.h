/* What a node keeps for the system before replicas get the rest, by published formulas.
 *
 * gke: CPU 6 % of the first, 1 % of the second, 0.5 % of the next two, 0.25 % of the others; memory
 *      255 MiB below 1 GiB, else 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8,
 *      6 % of the next 112, 2 % of what is above; 100 MiB more for eviction (Google Kubernetes
 *      Engine, "Plan GKE Standard node sizes").
 * eks: the same for CPU; memory 255 MiB and 11 MiB for each pod the node may hold, 100 MiB more for
 *      eviction (Amazon EKS AMI, bootstrap script).
 * aks: CPU 60 m of the first, 40 m of the second, 20 m of each of the next two, 10 m of each other;
 *      memory 20 MiB for each pod the node may hold and 50 MiB, at most a quarter; 100 MiB more for
 *      eviction (Azure Kubernetes Service, "Node resource reservations", from 1.29).
 * none: nothing is kept.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_RESERVE_H
#define ASSAY_PREDICTOR_CAPACITY_RESERVE_H

#include "core/plan.h"

struct reserve {
    const char *name;
    const char *help;
    double (*cpus)(double cpus);                              /* kept */
    double (*memory)(double memory_bytes, uint32_t pods_max); /* kept, bytes */
};

/* Row i, NULL at the end. The first is the default. */
const struct reserve *reserve_at(uint32_t i);
const struct reserve *reserve_by_name(const char *name); /* NULL: none of that name */

/* What a node has for pods that are not of daemon sets. Nothing is below 0. */
struct node_room {
    double cpus;
    double memory_bytes;
    uint32_t gpus;
    uint32_t pods;
};

struct node_room node_room(const struct node_type *type);

#endif
