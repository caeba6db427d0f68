#include "profiler/speed_probe.h"

#include <math.h>
#include <stdint.h>
#include <time.h>

enum {
    SIDE = 48,        /* of the matrices: 3 x 9 KiB */
    STREAM = 4 << 20, /* floats: 16 MiB */
    PRODUCTS = 24,    /* per round */
    ROUNDS = 3,
    BANDWIDTH_BYTES = 64 << 20, /* read per round, however small the buffer */
};

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void speed_probe_init(struct speed_probe *probe, struct arena *arena) {
    probe->matrix = ARENA_ARRAY(arena, 3 * SIDE * SIDE, float);
    probe->stream = ARENA_ARRAY(arena, STREAM, float);
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        probe->matrix[i] = (float)(i % 7) * 0.125f;
    for (int i = 0; i < STREAM; i++)
        probe->stream[i] = (float)(i % 5);
}

/* c += a b / SIDE; the innermost loop runs along rows, which compilers turn into vectors. */
static void multiply(const float *restrict a, const float *restrict b, float *restrict c) {
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            float factor = a[i * SIDE + k] * (1.0f / SIDE);
            for (int j = 0; j < SIDE; j++)
                c[i * SIDE + j] = c[i * SIDE + j] * 0.5f + factor * b[k * SIDE + j];
        }
}

/* Eight sums that do not wait for one another. */
static float read_all(const float *values, size_t count) {
    float sums[8] = {0};
    for (size_t i = 0; i + 8 <= count; i += 8)
        for (int k = 0; k < 8; k++)
            sums[k] += values[i + (size_t)k];
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

double speed_probe_ns(const struct speed_probe *probe) {
    const float *a = probe->matrix, *b = a + SIDE * SIDE;
    float *c = probe->matrix + 2 * SIDE * SIDE;
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns();
        for (int i = 0; i < PRODUCTS; i++)
            multiply(a, b, c);
        c[0] += 1e-30f * read_all(probe->stream, STREAM / 2);
        best = fmin(best, cpu_ns() - start);
    }
    return best;
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
