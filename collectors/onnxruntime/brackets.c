#include "collectors/onnxruntime/brackets.h"

#include <math.h>
#include <string.h>
#include <time.h>

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void brackets_init(struct brackets *brackets, struct arena *arena, const struct request_op *ops,
                   uint32_t op_count) {
    *brackets = (struct brackets){0};
    identity_init(&brackets->identity, arena, ops, op_count);
    brackets->sums = ARENA_ARRAY(arena, op_count, struct bracket_sum);
    brackets->usual_ns = ARENA_ARRAY(arena, op_count, double);
}

/* ---- the hot path -----------------------------------------------------------------------------
 */

/* Shorter gaps between a stop and the next start have no room for another program's turn. */
enum { GAP_NS = 20000 };

/* The thread's CPU clock is a system call: after a short gap it is what the last reading and the
 * gap make of it. */
static void start_clocks(const struct brackets *brackets, struct bracket *bracket) {
    bracket->start_ns = clock_ns(CLOCK_MONOTONIC);
    int64_t gap = bracket->start_ns - brackets->read_ns;
    if (!brackets->cpu)
        return;
    bracket->cpu_ns = brackets->read_cpu_ns + gap;
    if (gap < GAP_NS)
        return;
    bracket->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    bracket->start_ns = clock_ns(CLOCK_MONOTONIC);
}

void brackets_start(struct brackets *brackets) {
    uint32_t depth = brackets->depth++;
    if (depth >= BRACKETS_DEPTH)
        return;
    struct bracket *bracket = &brackets->stack[depth];
    bracket->entered_ns = clock_ns(CLOCK_MONOTONIC);
    bracket->nested_ns = 0;
    bracket->nested_cpu_ns = 0;
    if (brackets->counters) {
        memset(bracket->nested_counts, 0, sizeof bracket->nested_counts);
        counters_read(brackets->counters, &bracket->reading);
    }
    start_clocks(brackets, bracket);
}

void brackets_stop(struct brackets *brackets) {
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (brackets->depth == 0 || brackets->depth > BRACKETS_DEPTH)
        return;
    struct bracket *bracket = &brackets->stack[brackets->depth - 1];
    bracket->stop_ns = now;
    if (brackets->cpu) {
        brackets->read_ns = now;
        brackets->read_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        bracket->cpu_ns = brackets->read_cpu_ns - bracket->cpu_ns;
    }
    if (brackets->counters) {
        struct counters_reading after;
        counters_read(brackets->counters, &after);
        counters_difference(brackets->counters, &bracket->reading, &after, bracket->counts);
    }
}

/* The least of many: what interrupts one makes it look dearer. */
void brackets_calibrate(struct brackets *brackets) {
    enum { TIMES = 64 };
    struct bracket *bracket = &brackets->stack[brackets->depth];
    if (!brackets->counters || brackets->depth >= BRACKETS_DEPTH)
        return;
    for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
        brackets->cost[i] = NAN;
    for (int time = 0; time < TIMES; time++) {
        brackets_start(brackets);
        brackets_stop(brackets);
        brackets->depth--;
        for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
            brackets->cost[i] = fmin(brackets->cost[i], bracket->counts[i]);
    }
    for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
        brackets->cost[i] = isnan(brackets->cost[i]) ? 0 : brackets->cost[i];
}

/* ---- whose it was -----------------------------------------------------------------------------
 */

/* The runtime takes its own end time right after the kernel, then writes the event down, which
 * takes 2 to 10 us depending on how cold its memory is, and only then calls us. That end is known
 * to a microsecond, rounded down from a start just before ours. How late we are called within that
 * microsecond is taken from what is usual for the operator, so that short ones are not rounded. */
static double bookkeeping_ns(const struct bracket *bracket, int64_t duration_us, double *usual) {
    double most = (double)(bracket->stop_ns - bracket->entered_ns - duration_us * 1000);
    double least = most - 1000;
    if (most < 0)
        return 0; /* the clocks disagree */
    double middle = (most + least) / 2;
    *usual = *usual > 0 ? *usual + (fmin(middle, 4 * *usual) - *usual) / 16 : fmax(middle, 1);
    return fmax(0, fmin(most, fmax(least, *usual)));
}

static const double clock_step_ns = 1;

static void add(struct brackets *brackets, int32_t op, const struct bracket *bracket,
                int64_t duration_us) {
    struct bracket_sum *sum = &brackets->sums[op];
    double *usual = &brackets->usual_ns[op];
    double late = bookkeeping_ns(bracket, duration_us, usual);
    double wall = (double)(bracket->stop_ns - bracket->start_ns) - late;
    sum->wall_ns += fmax(0, wall - (double)bracket->nested_ns);
    /* When the thread was kept off the CPU meanwhile, the CPU time of it is the usual. When it was
     * right before the bracket, where its CPU clock is not read again, less than nothing is left.
     */
    double cpu = (double)(bracket->cpu_ns - bracket->nested_cpu_ns) - fmin(late, 4 * *usual);
    sum->cpu_ns += fmax(cpu, clock_step_ns);
    for (uint32_t i = 0; brackets->counters && i < METRIC_COUNTER_MAX; i++) {
        double own = bracket->counts[i] - bracket->nested_counts[i] - brackets->cost[i];
        sum->counts[i] += own < 0 ? 0 : own; /* NaN stays: it never counted */
    }
    sum->calls++;
}

void brackets_name(struct brackets *brackets, const struct hook_event *event) {
    if (brackets->depth == 0 || brackets->depth-- > BRACKETS_DEPTH)
        return;
    struct bracket *bracket = &brackets->stack[brackets->depth];
    int32_t op = identity_find(&brackets->identity, event, brackets->depth);
    if (op != GRAPH_NONE)
        add(brackets, op, bracket, event->duration_us);
    if (brackets->depth == 0)
        return;
    struct bracket *outer = bracket - 1;
    outer->nested_cpu_ns += bracket->cpu_ns;
    if (brackets->counters)
        for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
            outer->nested_counts[i] += bracket->counts[i];
    outer->nested_ns += clock_ns(CLOCK_MONOTONIC) - bracket->entered_ns;
}

/* ---- out --------------------------------------------------------------------------------------
 */

static void put(struct sink *sink, int32_t op, uint32_t metric, uint16_t phase, uint32_t repeat,
                double value) {
    struct sample sample = {op, (uint16_t)metric, phase, repeat, value};
    if (sink)
        sink->put(sink->context, &sample);
}

void brackets_flush(struct brackets *brackets, uint16_t phase, uint32_t repeat, struct sink *sink) {
    for (uint32_t i = 0; i < brackets->identity.op_count; i++) {
        struct bracket_sum *sum = &brackets->sums[i];
        if (sum->calls == 0)
            continue;
        put(sink, (int32_t)i, METRIC_WALL_NS, phase, repeat, sum->wall_ns);
        if (brackets->cpu)
            put(sink, (int32_t)i, METRIC_CPU_NS, phase, repeat, sum->cpu_ns);
        if (brackets->counters)
            for (uint32_t c = 0; c < brackets->counters->opened_count; c++) {
                uint32_t asked = brackets->counters->opened[c].asked;
                put(sink, (int32_t)i, METRIC_COUNTER_FIRST + asked, phase, repeat,
                    sum->counts[asked]);
            }
        *sum = (struct bracket_sum){0};
    }
}
