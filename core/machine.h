/* A machine: what it is, what it can do, and how we know. */
#ifndef ASSAY_CORE_MACHINE_H
#define ASSAY_CORE_MACHINE_H

#include <stdint.h>

enum { MACHINE_CACHE_LEVELS = 4 };

struct machine {
    char fingerprint[65]; /* hex SHA-256 of what identifies it (see collectors/machine.h) */
    char label[128];      /* for people: "Intel Xeon (Sapphire Rapids), 2 CPUs, 24 GiB" */
    char cpu[96];         /* model name */
    char isa[160];        /* the extensions that matter to kernels: "avx2 fma avx512f amx-bf16" */
    char kernel[96];      /* "Linux 6.1.0-13-amd64" */
    char governor[32];    /* cpufreq governor, "" when there is none */
    char virtualisation[32];                    /* "kvm", "" on metal */
    uint32_t cpus;                              /* that this process may use */
    uint32_t cpus_online;                       /* that the machine has */
    double cpu_quota;                           /* cgroup limit in CPUs; 0: none */
    uint64_t memory_bytes;                      /* of the machine */
    uint64_t memory_limit_bytes;                /* cgroup limit; 0: none */
    uint64_t cache_bytes[MACHINE_CACHE_LEVELS]; /* data cache of level i+1 as one CPU sees it */
    uint32_t numa_nodes;
};

#endif
