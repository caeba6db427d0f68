#include "profiler/speed_probe.h"

#include "base/stats.h"
#include "profiler/vector_work.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum {
    STEPS = 100000, /* of vectors, per round of the probe */
    ROUNDS = 4,
    PROBES_MIN = 3,
    PROBES_MAX = 1000,
    BANDWIDTH_BYTES = 64 << 20, /* read per round, however small the buffer */
};

static const double probing_ns = 0.25e9;

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Eight sums that do not wait for one another. */
static float read_all(const float *values, size_t count) {
    float sums[8] = {0};
    for (size_t i = 0; i + 8 <= count; i += 8)
        for (int k = 0; k < 8; k++)
            sums[k] += values[i + (size_t)k];
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

/* The mean, since a run takes what the speed is on average; without the worst round, in which there
 * may have been an interrupt. */
double speed_probe_ns(void) {
    volatile float keep = 0;
    double sum = 0, worst = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns();
        keep = keep + vector_work(STEPS);
        double took = cpu_ns() - start;
        sum += took;
        worst = fmax(worst, took);
    }
    return (sum - worst) / (ROUNDS - 1);
}

double speed_probe_now_ns(void) {
    double probes[PROBES_MAX], start = cpu_ns();
    uint32_t count = 0;
    while (count < PROBES_MIN || (count < PROBES_MAX && cpu_ns() - start < probing_ns))
        probes[count++] = speed_probe_ns();
    return stats_median(probes, count);
}

double read_bandwidth(struct arena *arena, size_t bytes) {
    size_t count = bytes / sizeof(float), passes = BANDWIDTH_BYTES / bytes + 1;
    float *values = ARENA_ARRAY(arena, count, float);
    volatile float keep = 0;
    double best = 0;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i % 3);
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns();
        for (size_t pass = 0; pass < passes; pass++)
            keep = keep + read_all(values, count);
        best = fmax(best, (double)(bytes * passes) / (cpu_ns() - start));
    }
    return best;
}

/* ---- at the same time ------------------------------------------------------------------------ */

enum { SHARED_ROUNDS = 5, SHARED_THREADS_MAX = 64 };

struct crew {
    pthread_barrier_t begin;
    atomic_uint busy; /* workers that have not measured all rounds; the others keep on working */
    size_t bytes;     /* to be read; 0: vectors are multiplied and added */
};

struct worker_thread {
    struct crew *crew;
    pthread_t thread;
    double speed;
};

static double read_round(const float *values, size_t bytes) {
    volatile float keep = 0;
    size_t passes = BANDWIDTH_BYTES / bytes + 1;
    for (size_t pass = 0; pass < passes; pass++)
        keep = keep + read_all(values, bytes / sizeof(float));
    return (double)(bytes * passes);
}

static double vector_round(void) {
    volatile float keep = vector_work(STEPS);
    (void)keep;
    return STEPS;
}

static void *work(void *context) {
    struct worker_thread *self = context;
    struct crew *crew = self->crew;
    struct arena arena;
    double speeds[SHARED_ROUNDS];
    arena_init(&arena);
    size_t count = crew->bytes / sizeof(float);
    float *values = ARENA_ARRAY(&arena, count + 1, float);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i % 3) * 0.125f;
    pthread_barrier_wait(&crew->begin);
    for (uint32_t round = 0; round < SHARED_ROUNDS || atomic_load(&crew->busy) > 0; round++) {
        double start = cpu_ns();
        double done = crew->bytes ? read_round(values, crew->bytes) : vector_round();
        if (round < SHARED_ROUNDS)
            speeds[round] = done / (cpu_ns() - start);
        if (round + 1 == SHARED_ROUNDS)
            atomic_fetch_sub(&crew->busy, 1);
    }
    self->speed = stats_median(speeds, SHARED_ROUNDS);
    arena_done(&arena);
    return NULL;
}

/* NaN when there are too many threads. */
static double share_work(size_t bytes, uint32_t threads) {
    struct worker_thread workers[SHARED_THREADS_MAX];
    struct crew crew = {.bytes = bytes};
    double sum = 0;
    if (threads < 1 || threads > SHARED_THREADS_MAX ||
        pthread_barrier_init(&crew.begin, NULL, threads) != 0)
        return NAN;
    atomic_init(&crew.busy, threads);
    for (uint32_t i = 1; i < threads; i++) {
        workers[i] = (struct worker_thread){.crew = &crew};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            abort();
    }
    workers[0] = (struct worker_thread){.crew = &crew};
    work(&workers[0]);
    for (uint32_t i = 0; i < threads; i++) {
        if (i > 0)
            pthread_join(workers[i].thread, NULL);
        sum += workers[i].speed;
    }
    pthread_barrier_destroy(&crew.begin);
    return sum;
}

double shared_read_bandwidth(size_t bytes, uint32_t readers) {
    return share_work(bytes, readers);
}

double shared_products(uint32_t workers) {
    return share_work(0, workers);
}
