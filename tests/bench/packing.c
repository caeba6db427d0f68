/* How long 200 pods on 60 types of nodes take to be packed, and how far from proven.
 *   packing [SEEDS]
 * Prints "name<TAB>milliseconds<TAB>what came out" lines, one a case: families of types whose price
 * follows their size, as clouds sell them, and types without order; sizes of pods in quarters of a
 * CPU and of a GiB, and in thousandths of a CPU and MiB; few kinds of pods and all different. */
#include "base/rng.h"
#include "predictor/capacity/pods.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TYPES = 60, PODS = 200, SEEDS = 5, SECONDS = 10 };

#define MIB 1048576.0
#define GIB 1073741824.0

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static double to_tenth_of_a_cent(double usd) {
    return round(usd * 1e3) / 1e3;
}

/* Ten families of six sizes. The prices are made up. */
static void make_families(struct arena *arena, struct node_type *types) {
    static const struct {
        double gib_per_cpu, usd_per_cpu;
    } families[] = {
        {2,  .0425},
        {4,  .048 },
        {8,  .063 },
        {2,  .0385},
        {4,  .0435},
        {8,  .0565},
        {2,  .034 },
        {4,  .0385},
        {8,  .0504},
        {16, .0834},
    };
    for (uint32_t t = 0; t < TYPES; t++) {
        double cpus = 2 << t % 6;
        types[t] = (struct node_type){
            .name = arena_printf(arena, "f%u-%g", t / 6, cpus),
            .cpus = cpus,
            .memory_bytes = cpus * families[t / 6].gib_per_cpu * GIB,
            .usd_per_hour = to_tenth_of_a_cent(cpus * families[t / 6].usd_per_cpu),
            .reserve = "gke",
            .pods_max = 110,
        };
    }
}

static void make_disorder(struct arena *arena, struct rng *rng, struct node_type *types) {
    for (uint32_t t = 0; t < TYPES; t++) {
        double cpus = (double)rng_between(rng, 2, 64), gib = (double)rng_between(rng, 4, 256);
        double usd = (cpus * 0.03 + gib * 0.004) * (0.8 + 0.4 * rng_uniform(rng));
        types[t] = (struct node_type){
            .name = arena_printf(arena, "t%u", t),
            .cpus = cpus,
            .memory_bytes = gib * GIB,
            .usd_per_hour = to_tenth_of_a_cent(usd),
            .reserve = "gke",
            .pods_max = 110,
        };
    }
}

static void make_pods(struct arena *arena, struct rng *rng, bool fine, struct pod_kind *kinds,
                      uint32_t kind_count) {
    for (uint32_t i = 0; i < kind_count; i++) {
        double cpus = (double)(fine ? rng_between(rng, 100, 8000) : 250 * rng_between(rng, 1, 32));
        double mib = (double)(fine ? rng_between(rng, 100, 16384) : 256 * rng_between(rng, 1, 64));
        kinds[i] = (struct pod_kind){.name = arena_printf(arena, "p%u", i),
                                     .count = PODS / kind_count,
                                     .cpus = cpus * 1e-3,
                                     .memory_bytes = mib * MIB};
    }
}

struct outcome {
    double ms, worst_ms, worst_gap;
    uint32_t proven;
};

static void pack_once(uint64_t seed, bool families, bool fine, uint32_t kind_count,
                      struct outcome *outcome) {
    struct arena arena;
    struct rng rng;
    struct node_type types[TYPES];
    struct pod_kind kinds[PODS];
    struct pod_packing packing;
    struct err err = {0};
    arena_init(&arena);
    rng_init(&rng, seed);
    if (families)
        make_families(&arena, types);
    else
        make_disorder(&arena, &rng, types);
    make_pods(&arena, &rng, fine, kinds, kind_count);
    double start = now_ms();
    if (pods_pack(&arena, types, TYPES, kinds, kind_count, SECONDS, &packing, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    double ms = now_ms() - start;
    outcome->ms += ms;
    outcome->worst_ms = fmax(outcome->worst_ms, ms);
    outcome->worst_gap = fmax(outcome->worst_gap, 1 - packing.bound / packing.cost);
    outcome->proven += packing.proven;
    arena_done(&arena);
}

int main(int argc, char **argv) {
    uint32_t seeds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : SEEDS;
    for (int variant = 0; variant < 8; variant++) {
        bool families = !(variant & 4), fine = variant & 2;
        uint32_t kind_count = variant & 1 ? 10 : PODS;
        struct outcome outcome = {0};
        for (uint32_t seed = 1; seed <= seeds; seed++)
            pack_once(seed, families, fine, kind_count, &outcome);
        printf("pack 200 pods of %u kinds (%s) on 60 types (%s)\t%.4g\t%u of %u proven, gap at "
               "most %.2g %%, longest %.2g s\n",
               kind_count, fine ? "any size" : "quarters", families ? "families" : "no order",
               outcome.ms / seeds, outcome.proven, seeds, 100 * outcome.worst_gap,
               outcome.worst_ms * 1e-3);
        fflush(stdout);
    }
    return 0;
}
