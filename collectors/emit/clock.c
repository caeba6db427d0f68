#include "collectors/emit/emit.h"

#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The time stamp counter ticks at one rate in all states of the CPU (CPUID 8000_0007h, EDX bit 8).
 */
uint32_t clock_choose(void) {
    unsigned a, b, c, d = 0;
    bool steady = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
    return steady ? HOOKS_CLOCK_TSC : HOOKS_CLOCK_MONOTONIC;
}
#elif defined(__aarch64__)
uint32_t clock_choose(void) {
    return HOOKS_CLOCK_CNTVCT;
}
#else
uint32_t clock_choose(void) {
    return HOOKS_CLOCK_MONOTONIC;
}
#endif

uint64_t clock_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The closest of some tries: between two readings of one clock the other is read. */
struct hooks_sync clock_sync(void) {
    struct hooks_sync best = {0, 0};
    uint64_t best_gap = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t before = clock_ticks(), ns = clock_monotonic_ns(), gap = clock_ticks() - before;
        if (gap < best_gap) {
            best_gap = gap;
            best = (struct hooks_sync){before + gap / 2, ns};
        }
    }
    return best;
}
