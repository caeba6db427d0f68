#include "jobs/measured_start.h"

#include "core/quantity.h"

#include <math.h>
#include <stdbool.h>

static const struct row {
    enum quantity quantity;
    enum metric metric;
    int less; /* a metric that is a phase of its own, or -1 */
} process_rows[] =
    {
        {QUANTITY_PROCESS_START_NS, METRIC_PROCESS_START_NS, -1},
        {QUANTITY_LIBRARY_LOAD_NS,  METRIC_LIBRARY_LOAD_NS,  -1},
},
  part_rows[] =
      {
          {QUANTITY_FILE_READ_NS, METRIC_FILE_READ_NS, -1},
          {QUANTITY_PARSE_NS, METRIC_READ_PARSE_NS, METRIC_FILE_READ_NS},
          {QUANTITY_OPTIMISE_NS, METRIC_OPTIMISE_NS, -1},
          {QUANTITY_REORDER_NS, METRIC_REORDER_NS, -1},
          {QUANTITY_PREPACK_NS, METRIC_PREPACK_NS, -1},
},
  whole_row = {QUANTITY_LOAD_NS, METRIC_LOAD_NS, -1},
  first_row = {QUANTITY_FIRST_RUN_NS, METRIC_FIRST_RUN_NS, -1};

enum {
    PROCESS_ROWS = sizeof process_rows / sizeof *process_rows,
    PART_ROWS = sizeof part_rows / sizeof *part_rows,
    PHASES_MAX = PROCESS_ROWS + PART_ROWS + 1,
};

struct composing {
    const struct summary *const *cold;
    const char *evidence;
    struct cold_start *out;
    struct estimate sums[PHASES_MAX];
    uint32_t sum_count;
};

static bool is_there(const struct composing *c, enum metric metric) {
    return c->cold[metric] && c->cold[metric]->count > 0;
}

static struct estimate measured(const struct composing *c, const struct row *row) {
    const struct summary *s = c->cold[row->metric];
    struct estimate ns = {s->median, s->low, s->high, TIER_MEASURED, c->evidence};
    if (row->less >= 0) {
        double less = c->cold[row->less]->median;
        ns.value = fmax(ns.value - less, 0);
        ns.low = fmax(ns.low - less, 0);
        ns.high = fmax(ns.high - less, 0);
    }
    return ns;
}

static void add_phase(struct composing *c, const struct row *row) {
    c->out->phases[c->out->phase_count++] = (struct cold_phase){
        quantity_phase(row->quantity), quantity_title(row->quantity), measured(c, row), "this run"};
}

static void add(struct composing *c, const struct row *row) {
    if (!is_there(c, row->metric))
        return;
    add_phase(c, row);
    c->sums[c->sum_count++] = measured(c, row);
}

static void add_session(struct composing *c) {
    bool told = true;
    for (int i = 0; i < PART_ROWS; i++)
        told = told && is_there(c, part_rows[i].metric);
    if (!told) {
        add(c, &whole_row);
        return;
    }
    for (int i = 0; i < PART_ROWS; i++)
        add_phase(c, &part_rows[i]);
    c->sums[c->sum_count++] = measured(c, &whole_row);
}

void measured_start(struct arena *arena, const struct summary *const cold[METRIC_BUILTIN_COUNT],
                    const char *evidence, struct cold_start *out) {
    struct composing c = {.cold = cold, .evidence = evidence, .out = out};
    *out = (struct cold_start){.total_ns = estimate_refused()};
    if (!is_there(&c, METRIC_LOAD_NS))
        return;
    out->phases = ARENA_ARRAY(arena, PHASES_MAX, struct cold_phase);
    for (int i = 0; i < PROCESS_ROWS; i++)
        add(&c, &process_rows[i]);
    add_session(&c);
    add(&c, &first_row);
    out->total_ns = cold_start_sum(c.sums, c.sum_count);
}
