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
    PROBE_THREADS_MAX = 64,
    BANDWIDTH_BYTES = 64 << 20, /* read per round, however small the buffer */
};

static const double now_ns = 0.25e9;

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
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
static double alone_ns(void) {
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

struct probing {
    pthread_barrier_t begin;
    pthread_t threads[PROBE_THREADS_MAX];
    double took_ns[PROBE_THREADS_MAX];
    atomic_uint next;
};

static void *probe_beside(void *context) {
    struct probing *probing = context;
    volatile float keep = 0;
    uint32_t own = atomic_fetch_add(&probing->next, 1);
    pthread_barrier_wait(&probing->begin);
    double start = wall_ns();
    for (int round = 0; round < ROUNDS; round++)
        keep = keep + vector_work(STEPS);
    probing->took_ns[own] = (wall_ns() - start) / ROUNDS;
    return NULL;
}

static double together_ns(uint32_t threads) {
    struct probing probing;
    double most = 0;
    if (pthread_barrier_init(&probing.begin, NULL, threads) != 0)
        abort();
    atomic_init(&probing.next, 0);
    for (uint32_t i = 1; i < threads; i++)
        if (pthread_create(&probing.threads[i], NULL, probe_beside, &probing) != 0)
            abort();
    probe_beside(&probing);
    for (uint32_t i = 1; i < threads; i++)
        pthread_join(probing.threads[i], NULL);
    pthread_barrier_destroy(&probing.begin);
    for (uint32_t i = 0; i < threads; i++)
        most = fmax(most, probing.took_ns[i]);
    return most;
}

double speed_probe_ns(uint32_t threads) {
    return threads <= 1 ? alone_ns()
                        : together_ns(threads < PROBE_THREADS_MAX ? threads : PROBE_THREADS_MAX);
}

double speed_probe_now_ns(uint32_t threads) {
    double sum = 0, start = wall_ns();
    uint32_t probes = 0;
    while (probes < PROBES_MIN || wall_ns() - start < now_ns) {
        sum += speed_probe_ns(threads);
        probes++;
    }
    return sum / probes;
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
