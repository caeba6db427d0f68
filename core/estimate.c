#include "core/estimate.h"

#include <string.h>

static const char *const names[] = {
    [TIER_GIVEN] = "given",
    [TIER_MEASURED] = "measured",
    [TIER_FITTED] = "fitted",
    [TIER_INTERPOLATED] = "interpolated",
    [TIER_TRANSFERRED] = "transferred",
    [TIER_ROOFLINE] = "roofline",
    [TIER_REFUSED] = "refused",
};

_Static_assert(sizeof names / sizeof *names == TIER_COUNT, "a name for each tier");

const char *tier_name(enum tier tier) {
    return names[tier];
}

enum tier tier_by_name(const char *name) {
    int i = 0;
    while (i < TIER_COUNT && strcmp(names[i], name) != 0)
        i++;
    return (enum tier)i;
}

enum tier tier_weaker(enum tier a, enum tier b) {
    return a > b ? a : b;
}

struct estimate estimate_refused(void) {
    return (struct estimate){NAN, NAN, NAN, TIER_REFUSED, ""};
}

struct estimate estimate_times(struct estimate estimate, double factor) {
    estimate.value *= factor;
    estimate.low *= factor;
    estimate.high *= factor;
    return estimate;
}
