#include "profiler/warnings.h"

#include "core/op_kind.h"

#include "profiler/measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { TEXT_SIZE = 320 };

static bool involuntary_switches(const struct measured *m, char *text, size_t size) {
    double per_second = (double)m->disturbance.involuntary_switches / (m->running_ns * 1e-9);
    snprintf(text, size,
             "other programs took the CPU %" PRIu64 " times (%.0f per second of running)",
             m->disturbance.involuntary_switches, per_second);
    return m->running_ns > 0 && per_second > 20;
}

static bool page_faults(const struct measured *m, char *text, size_t size) {
    double per_run = (double)m->disturbance.minor_faults / m->all_runs;
    snprintf(text, size, "%.0f page faults in every run: memory is given back and taken again",
             per_run);
    /* A fault costs about 0.1 to 0.5 us with the page's clearing. */
    return m->plain_runs > 0 && per_run * 250 > 0.01 * m->wall_ns.median && per_run > 16;
}

static bool major_faults(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "%" PRIu64 " pages were read from disk while the model ran",
             m->disturbance.major_faults);
    return m->disturbance.major_faults > 0;
}

static bool steal(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "the hypervisor gave %.1f %% of the CPU time to other machines",
             100 * m->disturbance.steal_fraction);
    return m->disturbance.steal_fraction > 0.005;
}

static bool throttling(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "the container's CPU quota stopped it for %.1f ms",
             m->disturbance.throttled_ns * 1e-6);
    return m->disturbance.throttled_ns > 0.001 * m->running_ns;
}

static bool load(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "the load average is %.1f on %u CPU%s", m->disturbance.load_average,
             m->cpus, m->cpus == 1 ? "" : "s");
    return m->disturbance.load_average > m->cpus;
}

static bool frequency(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "the CPU's frequency fell to %.0f %% of the highest seen",
             100 * m->disturbance.frequency_ratio);
    return m->disturbance.frequency_ratio > 0 && m->disturbance.frequency_ratio < 0.97;
}

static bool too_many_threads(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "%u thread%s share %u CPU%s", m->threads * m->replicas,
             m->threads * m->replicas == 1 ? "" : "s", m->cpus, m->cpus == 1 ? "" : "s");
    return m->threads * m->replicas > m->cpus;
}

static bool waiting(const struct measured *m, char *text, size_t size) {
    double ratio = m->wall_ns.median / m->cpu_ns.median;
    snprintf(text, size, "one thread took %.2f ms of wall time for %.2f ms of CPU time",
             m->wall_ns.median * 1e-6, m->cpu_ns.median * 1e-6);
    return m->threads == 1 && ratio > 1.05;
}

static bool set_aside(const struct measured *m, char *text, size_t size) {
    uint32_t aside = m->all_runs - m->plain_runs;
    snprintf(text, size, "%u of %u runs were set aside: other programs held the CPU meanwhile",
             aside, m->all_runs);
    return aside > 0.1 * m->all_runs;
}

static bool unsteady(const struct measured *m, char *text, size_t size) {
    double half = summary_half_width(&m->wall_ns);
    snprintf(text, size,
             "the median is known to +-%.1f %% only, not to the +-%.1f %% asked for, after %u runs",
             100 * half, 100 * m->target, m->all_runs);
    return m->plain_runs > 0 && half > m->target && m->stop != STOP_STEADY;
}

static bool outliers(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "%u of %u runs lie far off the others", m->outliers, m->plain_runs);
    return m->outliers > 0.05 * m->plain_runs;
}

static bool two_groups(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "the runs fall into two groups, around %.3g ms and %.3g ms",
             m->groups.low * 1e-6, m->groups.high * 1e-6);
    return m->groups.found;
}

static bool process_difference(const struct measured *m, char *text, size_t size) {
    double low = INFINITY, high = 0;
    for (uint32_t i = 0; i < m->processes; i++) {
        if (!(m->process_medians[i] > 0)) /* all its runs were set aside */
            continue;
        low = fmin(low, m->process_medians[i]);
        high = fmax(high, m->process_medians[i]);
    }
    snprintf(text, size, "the medians of %u processes differ by %.1f %%", m->processes,
             100 * (high / low - 1));
    return m->processes > 1 && high > 1.05 * low;
}

static bool drift(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "runs became %.1f %% %s from the first third to the last",
             100 * fabs(m->drift), m->drift > 0 ? "slower" : "faster");
    return fabs(m->drift) > 0.05;
}

static bool too_short(const struct measured *m, char *text, size_t size) {
    snprintf(text, size, "a run takes %.1f us: the call into the runtime is a large part of it",
             m->wall_ns.median * 1e-3);
    return m->wall_ns.median < 50e3;
}

/* At one thread in CPU time, which load disturbs less. */
static bool sum_differs(const struct measured *m, char *text, size_t size) {
    double ratio = m->threads == 1 ? m->operators_cpu_ns / m->cpu_ns.median
                                   : m->operators_wall_ns / m->wall_ns.median;
    snprintf(text, size, "the operators add up to %.1f %% of the unprofiled run%s", 100 * ratio,
             m->threads == 1 ? ", in CPU time" : "");
    return m->op_count > 0 && fabs(ratio - 1) > 0.05;
}

static bool costly(const struct measured *m, char *text, size_t size) {
    double share = m->calls_per_run * m->overhead.wall_ns / m->profiled_wall_ns.median;
    snprintf(text, size, "measuring took %.0f %% of the profiled run, %.1f us per operator",
             100 * share, m->overhead.wall_ns * 1e-3);
    return m->op_count > 0 && share > 0.2;
}

static bool cost_unknown(const struct measured *m, char *text, size_t size) {
    snprintf(text, size,
             "the cost of measuring an operator could not be told from the noise and "
             "was not subtracted");
    return m->op_count > 0 && m->profiled_runs > 0 && m->overhead.source == OVERHEAD_NONE;
}

static bool slow_first_run(const struct measured *m, char *text, size_t size) {
    double ratio = m->first_run_ns.median / m->wall_ns.median;
    snprintf(text, size, "the first run of a process takes %.1f times as long", ratio);
    return ratio > 3;
}

/* There is nothing to do for these, and llama.cpp passes over them. */
static bool is_view(const struct measured *m, uint32_t i) {
    const struct op *op = m->hooked ? m->hooked->ops[i].op : NULL;
    const struct op_kind *kind = op ? op_kind_find(op->domain, op->type) : NULL;
    return kind && kind->family == FAMILY_METADATA;
}

static bool unused_operators(const struct measured *m, char *text, size_t size) {
    uint32_t unused = 0;
    for (uint32_t i = 0; i < m->op_count && m->profiled_runs > 0; i++)
        unused += m->ops[i].wall_raw_ns.count == 0 && !is_view(m, i);
    snprintf(text, size, "%u of %u operators never ran: branches not taken with these inputs",
             unused, m->op_count);
    return unused > 0;
}

static bool shared_counters(const struct measured *m, char *text, size_t size) {
    double least = 1;
    const char *event = "";
    for (uint32_t e = 0; m->event_running && e < m->event_count; e++)
        if (m->event_running[e] < least) { /* not when NaN */
            least = m->event_running[e];
            event = m->events[e];
        }
    snprintf(text, size, "%s was counted %.1f %% of the time; its values are scaled", event,
             100 * least);
    return least < 0.999;
}

const struct warning_row warning_rows[] = {
    {"involuntary-switches", "more than 20 involuntary context switches per second",
     "stop other programs, or bind to a CPU of its own: `taskset -c 1 assay ...`; at one thread "
     "compare CPU times",                                                                                                                                  false, involuntary_switches},
    {"load",                 "load average above the number of CPUs",                             "stop other programs and measure again",
     false,                                                                                                                                                       load                },
    {"steal",                "more than 0.5 % of CPU time stolen",
     "use a machine with dedicated CPUs, or compare CPU times",                                                                                            false, steal               },
    {"throttling",           "stopped by the control group's quota",
     "raise the container's CPU limit, or take fewer threads than it allows",                                                                              false, throttling          },
    {"frequency",            "CPU frequency below 97 % of the highest seen",
     "set the performance governor: `cpupower frequency-set -g performance`; check the cooling",                                                           false, frequency           },
    {"too-many-threads",     "more threads than CPUs",                                            "give --threads no more than the CPUs allowed",
     false,                                                                                                                                                       too_many_threads    },
    {"waiting",              "at one thread wall time above 105 % of CPU time",
     "the CPU was shared or the run waited: compare CPU times, or measure on a quiet machine",                                                             false, waiting             },
    {"set-aside",            "more than 10 % of runs set aside",
     "the latency is that of an undisturbed run; behind it stand fewer runs: stop other programs",                                                         false, set_aside           },
    {"page-faults",          "page faults that cost more than 1 % of a run",
     "set MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ higher for the service",                                                                       false,
     page_faults                                                                                                                                                                      },
    {"major-faults",         "pages read from disk during steady runs",
     "the machine lacks memory, or the model was evicted: free memory and measure again",                                                                  false,
     major_faults                                                                                                                                                                     },
    {"unsteady",             "interval of the median wider than asked for when the budget ended",
     "raise --budget, or remove what the other warnings name",                                                                                             false, unsteady            },
    {"two-groups",           "runs fall into two groups",
     "two states take turns (frequency, CPU placement, another program): a median lies in one of "
     "them by chance; bind with taskset and measure again",                                                                                                false, two_groups          },
    {"outliers",             "more than 5 % of runs beyond 14.826 median absolute deviations",
     "something disturbs now and then: look at the tail, not at the median alone",                                                                         false, outliers            },
    {"processes-differ",     "medians of processes more than 5 % apart",
     "memory is placed differently each time: more processes (--processes) narrow the answer",                                                             false, process_difference  },
    {"drift",                "first and last third of the runs more than 5 % apart",
     "the machine's speed changes: let it come to rest, measure again, compare interleaved runs",                                                          false, drift               },
    {"too-short",            "a run below 50 us",                                                 "raise the batch to see the model rather than the call",
     false,                                                                                                                                                       too_short           },
    {"sum-differs",          "operators add up to more than 5 % off the unprofiled run",
     "trust the shares less; calibrate the cost of measuring on a quiet machine",                                                                          false,
     sum_differs                                                                                                                                                                      },
    {"costly-measuring",     "measuring takes more than 20 % of the profiled run",
     "operator times near the cost itself are uncertain; the latency is measured without hooks",                                                           false, costly              },
    {"cost-unknown",         "the cost of measuring was not subtracted",
     "operator times are a few microseconds too high; calibrate first",                                                                                    false, cost_unknown        },
    {"slow-first-run",       "the first run more than 3 times as long as later ones",
     "expected: memory is mapped and weights are packed; warm up before taking traffic",                                                                   true,
     slow_first_run                                                                                                                                                                   },
    {"shared-counters",      "an event counted less than 99.9 % of the time",
     "another program counts on this CPU too, or these events exclude one another: scaled values "
     "of "
     "short operators are rough",                                                                                                                          false, shared_counters     },
    {"unused-operators",     "operators that did not run",
     "give other inputs (--input) to reach other branches",                                                                                                true,  unused_operators    },
};

const size_t warning_row_count = sizeof warning_rows / sizeof *warning_rows;

const struct warning *warnings_find(struct arena *arena, const struct measured *measured,
                                    uint32_t *count) {
    struct warning *found = ARENA_ARRAY(arena, warning_row_count, struct warning);
    *count = 0;
    for (size_t i = 0; i < warning_row_count; i++) {
        char text[TEXT_SIZE];
        const struct warning_row *row = &warning_rows[i];
        if (row->applies(measured, text, sizeof text))
            found[(*count)++] =
                (struct warning){row->id, arena_strdup(arena, text), row->hint, row->note};
    }
    return found;
}
