#include "collectors/memory/high_water.h"

void high_water_init(struct high_water *water, struct holdings *holdings) {
    *water = (struct high_water){.holdings = holdings, .busy = ATOMIC_FLAG_INIT};
}

static void look(struct high_water *water) {
    double held = holdings_resident(water->holdings);
    if (held <= water->most_bytes)
        return;
    water->most_bytes = held;
    water->owner = water->now;
    if (held < 1.005 * water->split_bytes)
        return;
    holdings_split(water->holdings, &water->parts);
    water->split_bytes = held;
}

/* A thread that comes while another looks need not: the other sees what it has. */
void high_water_look(struct high_water *water) {
    if (atomic_flag_test_and_set(&water->busy))
        return;
    look(water);
    atomic_flag_clear(&water->busy);
}
