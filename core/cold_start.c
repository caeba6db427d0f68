#include "core/cold_start.h"

static const char *const names[] = {
    [PAGE_CACHE_WARM] = "warm",
    [PAGE_CACHE_COLD] = "cold",
};

_Static_assert(sizeof names / sizeof *names == PAGE_CACHE_COUNT, "a name for each");

const char *page_cache_name(enum page_cache page_cache) {
    return names[page_cache];
}

struct estimate cold_start_sum(const struct estimate *parts, uint32_t count) {
    double value = 0, below = 0, above = 0;
    struct estimate sum = {.tier = TIER_GIVEN, .evidence = ""};
    for (uint32_t i = 0; i < count; i++) {
        const struct estimate *part = &parts[i];
        if (part->tier == TIER_REFUSED)
            return estimate_refused();
        value += part->value;
        below += part->value - part->low;
        above += part->high - part->value;
        sum.tier = tier_weaker(sum.tier, part->tier);
        if (sum.evidence[0] == '\0' && part->evidence)
            sum.evidence = part->evidence;
    }
    sum.value = value;
    sum.low = fmax(value - below, 0);
    sum.high = value + above;
    return sum;
}
