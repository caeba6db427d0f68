/* Numbers of the manifests that follow from the plan; docs/manifests.md gives the reasons. */
#include "reports/manifest_parts.h"

#include <math.h>
#include <stdio.h>

static uint64_t clamped(double value, uint64_t least, uint64_t most) {
    if (!(value > (double)least))
        return least;
    return value > (double)most ? most : (uint64_t)ceil(value);
}

/* The least number a that an HPA cannot answer with fewer than `replicas`: it leaves c alone while
 * a / c <= 1.1, so a must be above 1.1 (replicas - 1). */
static uint64_t above_dead_band(uint64_t replicas) {
    uint64_t above = (replicas - 1) + (replicas - 1) / 10 + 1;
    return above > replicas ? above : replicas;
}

static double longest_target_s(const struct manifest_input *input) {
    double longest = 0;
    for (uint32_t i = 0; i < input->target_count; i++)
        longest = fmax(longest, input->targets[i].target_ns / 1e9);
    return longest;
}

uint32_t kubernetes_minor(const char *version) {
    unsigned minor = 0;
    int end = 0;
    bool good = sscanf(version, "1.%2u%n", &minor, &end) == 1 && version[end] == '\0';
    return good ? minor : 0;
}

/* Where the cold start is not known, five minutes are waited. */
void manifest_numbers_of(const struct manifest_input *input,
                         const struct manifest_settings *settings, struct manifest_numbers *out) {
    enum { TOLERANCE_SINCE = 35, GRACE_S = 30, SETTLE_S = 300 };
    double start_s =
        input->cold_start_ns.tier == TIER_REFUSED ? 100 : input->cold_start_ns.high / 1e9;
    *out = (struct manifest_numbers){0};
    out->memory_mib = (uint64_t)ceil(input->memory_bytes / 1048576);
    out->tolerance = kubernetes_minor(settings->kubernetes) >= TOLERANCE_SINCE;
    out->replicas_min = 1 + input->extra_replicas;
    out->replicas_max = out->tolerance ? input->replicas : above_dead_band(input->replicas);
    out->shortfall = out->replicas_max - input->replicas;
    out->probe_s = clamped(start_s / 10, 1, 10);
    out->probe_failures = clamped(3 * start_s / (double)out->probe_s, 3, 10000);
    out->grace_s = GRACE_S + clamped(longest_target_s(input), 1, 86400);
    out->settle_s = clamped(2 * start_s, SETTLE_S, 3600);
}
