#include "profiler/vector_work.h"

#include <stddef.h>

/* sum = sum x kept + added goes towards 1/2 and stays there. */
static const float kept = 0.75f, added = 0.125f;

enum { SUMS = 12 };

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("avx512f"))) static float work_avx512(uint32_t steps) {
    __m512 factor = _mm512_set1_ps(kept), term = _mm512_set1_ps(added), sums[SUMS];
    for (int i = 0; i < SUMS; i++)
        sums[i] = _mm512_setzero_ps();
    for (uint32_t step = 0; step < steps; step++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
    for (int i = 1; i < SUMS; i++)
        sums[0] = _mm512_max_ps(sums[0], sums[i]);
    return _mm512_reduce_max_ps(sums[0]);
}

__attribute__((target("avx2,fma"))) static float work_avx2(uint32_t steps) {
    __m256 factor = _mm256_set1_ps(kept), term = _mm256_set1_ps(added), sums[SUMS];
    for (int i = 0; i < SUMS; i++)
        sums[i] = _mm256_setzero_ps();
    for (uint32_t step = 0; step < steps; step++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
    for (int i = 1; i < SUMS; i++)
        sums[0] = _mm256_max_ps(sums[0], sums[i]);
    return _mm256_cvtss_f32(sums[0]);
}
#endif

/* Vectors of 16 bytes, which every 64-bit processor has. */
static float work_anywhere(uint32_t steps) {
    typedef float vector __attribute__((vector_size(16)));
    vector factor = {kept, kept, kept, kept}, term = {added, added, added, added};
    vector sums[SUMS] = {{0}};
    for (uint32_t step = 0; step < steps; step++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sums[i] = sums[i] * factor + term;
    float least = sums[0][0];
    for (int i = 1; i < SUMS; i++)
        least = sums[i][0] < least ? sums[i][0] : least;
    return least;
}

float vector_work(uint32_t steps) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        return work_avx512(steps);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return work_avx2(steps);
#endif
    return work_anywhere(steps);
}
