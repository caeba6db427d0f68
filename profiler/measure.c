#include "profiler/measure.h"

#include "base/stats.h"
#include "collectors/counters.h"
#include "profiler/conclude.h"
#include "profiler/neighbours.h"
#include "profiler/readings.h"
#include "profiler/reference.h"
#include "profiler/speed_probe.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { BATCH_MAX = 64, SETTLING_MAX = 16, PAIRS_WANTED = 9 };
enum { PROBES_MAX = 1024, REFERENCE_EVERY_NS = 120000000 };
enum { HOOKED_LEAST = 2 * PAIRS_WANTED, HOOKED_MOST = 600 }; /* runs kept of hooked processes */

/* One process and what is known of it. */
struct side {
    struct collect_session *session; /* NULL: none */
    struct collect_config config;
    struct readings *readings;
    uint64_t run_ns;       /* about how long a run takes */
    uint64_t kept_ns;      /* time of batches that were kept */
    uint32_t events_first; /* of the set that it counts */
};

struct campaign {
    struct arena *arena;
    const struct collector *collector;
    const struct protocol *protocol;
    const struct progress_sink *progress;
    struct measured *out;
    struct evidence evidence;
    struct side plain, hooked;
    struct neighbours neighbours;
    struct counter_set sets[METRIC_EVENTS_MAX];
    uint32_t set_count;
    uint32_t set;      /* that is counted now */
    uint32_t set_seen; /* whose missing events are known: all below */
    uint32_t process;
    uint32_t turns; /* pairs of batches */
    uint64_t spent_ns;
    double fraction; /* last one told */
    double *probes;  /* PROBES_MAX; what it said between the pairs of batches */
    uint32_t probe_count;
    double *references; /* PROBES_MAX; readings of the reference network */
    uint32_t reference_count;
    uint64_t reference_at_ns; /* spent_ns at the last of them */
};

/* ---- runs ----------------------------------------------------------------------------------- */

/* Runs `repeats` times into what the reception says; the time counts against the budget. */
static int run_batch(struct campaign *campaign, struct side *side, struct reception *reception,
                     uint32_t repeats, struct err *err) {
    struct sink sink = reception_sink(reception);
    uint64_t start = protocol_now(campaign->protocol);
    int status = campaign->collector->run(side->session, repeats, &sink, err);
    uint64_t took = protocol_now(campaign->protocol) - start;
    campaign->spent_ns += took;
    side->run_ns = took / repeats;
    if (status != 0)
        return status;
    if (reception->into)
        side->kept_ns += took;
    reception_end(reception, repeats);
    return 0;
}

/* Warms a process up, within a fifth of the budget of a process. */
static int warm_up(struct campaign *campaign, struct side *side, struct err *err) {
    const struct protocol *protocol = campaign->protocol;
    uint64_t most = protocol->budget_ns / protocol->processes / 5;
    uint64_t start = campaign->spent_ns, spent = 0;
    for (uint32_t runs = 0; runs < protocol->warmup_runs || spent < protocol->warmup_ns;) {
        uint32_t repeats = runs ? 1 + runs / 2 : 1; /* few calls for short runs */
        repeats = repeats < BATCH_MAX ? repeats : BATCH_MAX;
        struct reception thrown_away = {.into = NULL};
        int status = run_batch(campaign, side, &thrown_away, repeats, err);
        if (status != 0)
            return status;
        runs += repeats;
        spent = campaign->spent_ns - start;
        if (spent >= most)
            break;
    }
    return 0;
}

/* How many of `repeats` runs of all processes fall to the processes up to the present one. */
static double share_of(const struct campaign *campaign, double repeats) {
    return repeats * (campaign->process + 1) / campaign->protocol->processes;
}

static double room_left(const struct campaign *campaign, const struct side *side) {
    return share_of(campaign, side->readings->capacity) - side->readings->count;
}

/* Short runs need few of them whatever they take; in long ones what is left of the other process is
 * not to be seen. */
static uint32_t settling_runs(const struct campaign *campaign, const struct side *side) {
    uint64_t settle_ns = campaign->protocol->settle_ns, run_ns = side->run_ns ? side->run_ns : 1;
    uint64_t runs = settle_ns / run_ns + 1;
    if (settle_ns == 0 || run_ns > 8 * settle_ns)
        return 0;
    return (uint32_t)(runs < SETTLING_MAX ? runs : SETTLING_MAX);
}

/* Kept runs of a batch: enough to fill batch_ns, few enough that there is room for PAIRS_WANTED of
 * them. */
static uint32_t batch_size(const struct campaign *campaign, const struct side *side) {
    double size = (double)campaign->protocol->batch_ns / (double)(side->run_ns ? side->run_ns : 1);
    size = fmin(fmin(size, BATCH_MAX), ceil(room_left(campaign, side)));
    return (uint32_t)fmax(1, fmin(size, side->readings->capacity / (2 * PAIRS_WANTED)));
}

static int kept_batch(struct campaign *campaign, struct side *side, struct err *err) {
    uint32_t settling = settling_runs(campaign, side);
    struct reception reception = {
        .into = side->readings,
        .process = campaign->process,
        .event_first = side->events_first,
        .discard = settling,
    };
    return run_batch(campaign, side, &reception, settling + batch_size(campaign, side), err);
}

static double brackets_minus_run(const struct evidence *evidence, uint32_t slot,
                                 uint32_t plain_from, uint32_t profiled_from) {
    const struct readings *plain = &evidence->plain, *profiled = &evidence->profiled;
    double sums[BATCH_MAX + 1];
    for (uint32_t run = profiled_from; run < profiled->count; run++)
        sums[run - profiled_from] = readings_sum(profiled, slot, run, NULL);
    return stats_median(sums, profiled->count - profiled_from) -
           stats_median(plain->runs[slot] + plain_from, plain->count - plain_from);
}

static void note_pair(struct evidence *evidence, uint32_t plain_from, uint32_t profiled_from) {
    if (evidence->pairs == evidence->pair_capacity || evidence->plain.count == plain_from ||
        evidence->profiled.count == profiled_from)
        return;
    evidence->pair_wall[evidence->pairs] =
        brackets_minus_run(evidence, SLOT_WALL, plain_from, profiled_from);
    evidence->pair_cpu[evidence->pairs] =
        brackets_minus_run(evidence, SLOT_CPU, plain_from, profiled_from);
    evidence->pairs++;
}

/* A plain batch while the other replicas halt. */
static int run_alone(struct campaign *campaign, struct err *err) {
    struct side alone = campaign->plain;
    alone.readings = &campaign->evidence.alone;
    if (campaign->neighbours.count == 0 || room_left(campaign, &alone) <= 0)
        return 0;
    int status = kept_batch(campaign, &alone, err);
    campaign->plain.kept_ns = alone.kept_ns; /* disturbance is told per time of all runs */
    return status;
}

/* A plain batch and a hooked one. Which comes first alternates, so that a steady
 * drift of the machine favours neither. */
static int run_pair(struct campaign *campaign, struct err *err) {
    struct evidence *evidence = &campaign->evidence;
    struct side *sides[2] = {&campaign->plain, &campaign->hooked};
    uint32_t plain_from = evidence->plain.count, profiled_from = evidence->profiled.count;
    uint32_t first = campaign->turns++ % 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct side *side = sides[(first + i) % 2];
        if (!side->session || room_left(campaign, side) <= 0)
            continue;
        int status = kept_batch(campaign, side, err);
        if (status != 0)
            return status;
    }
    note_pair(evidence, plain_from, profiled_from);
    return 0;
}

/* ---- enough? -------------------------------------------------------------------------------- */

/* Of the median that would be reported from the runs so far, `from` on. */
static double half_width(const struct campaign *campaign, const struct readings *readings,
                         uint32_t from) {
    const struct evidence *evidence = &campaign->evidence;
    uint32_t count = readings->count - from;
    const double *values = readings->runs[SLOT_WALL] + from;
    if (campaign->out->threads == 1) {
        count = readings_undisturbed(readings, from, evidence->calm);
        values = evidence->calm;
    }
    struct summary summary =
        summarise(values, count, campaign->protocol->confidence, evidence->scratch);
    return summary_half_width(&summary);
}

/* The part of the budget that is there for the processes up to the present one. */
static bool is_spent(const struct campaign *campaign) {
    const struct protocol *protocol = campaign->protocol;
    return (double)campaign->spent_ns >= share_of(campaign, (double)protocol->budget_ns);
}

static bool has_repeated(const struct campaign *campaign, uint32_t repeats) {
    return campaign->evidence.plain.count >= share_of(campaign, repeats);
}

/* The cost of measuring is taken from pairs of batches, unless it is given. */
static bool lacks_pairs(const struct campaign *campaign) {
    return campaign->hooked.session && !campaign->protocol->overhead &&
           room_left(campaign, &campaign->hooked) > 0 &&
           campaign->evidence.pairs < share_of(campaign, PAIRS_WANTED);
}

/* The last process is done when all runs together meet the target; one before it when its own runs
 * are as steady as its share of them needs: an interval shrinks with the root of the count. */
static bool is_steady(const struct campaign *campaign, uint32_t from) {
    const struct protocol *protocol = campaign->protocol;
    const struct evidence *evidence = &campaign->evidence;
    bool last = campaign->process + 1 == protocol->processes;
    double target = last ? protocol->target : protocol->target * sqrt(protocol->processes);
    if (!has_repeated(campaign, protocol->min_repeats) || lacks_pairs(campaign) ||
        half_width(campaign, &evidence->plain, last ? 0 : from) > target)
        return false;
    return !campaign->hooked.session || room_left(campaign, &campaign->hooked) <= 0 ||
           half_width(campaign, &evidence->profiled, 0) <= target;
}

static void tell(struct campaign *campaign) {
    const struct protocol *protocol = campaign->protocol;
    if (!campaign->progress)
        return;
    char what[96];
    const struct readings *plain = &campaign->evidence.plain;
    double by_time = (double)campaign->spent_ns / (double)protocol->budget_ns;
    double by_count = (double)plain->count / protocol->max_repeats;
    double fraction = fmin(0.99, fmax(by_time, by_count));
    campaign->fraction = fmax(campaign->fraction, fraction);
    double half = half_width(campaign, plain, 0);
    if (isfinite(half))
        snprintf(what, sizeof what, "process %u of %u, %u runs, +-%.1f %%", campaign->process + 1,
                 protocol->processes, plain->count, 100 * half);
    else
        snprintf(what, sizeof what, "process %u of %u, warming up", campaign->process + 1,
                 protocol->processes);
    campaign->progress->update(campaign->progress->context, campaign->fraction, what);
}

/* With a clock of the caller's there is no real machine to probe. */
static void probe_speed(struct campaign *campaign) {
    if (!campaign->protocol->now_ns && campaign->probe_count < PROBES_MAX)
        campaign->probes[campaign->probe_count++] = speed_probe_ns();
}

static void read_reference(struct campaign *campaign) {
    struct reference *reference = campaign->protocol->reference;
    if (!reference || campaign->reference_count == PROBES_MAX)
        return;
    double reading = reference_read(reference);
    campaign->reference_at_ns = campaign->spent_ns;
    campaign->references[campaign->reference_count] = reading;
    campaign->reference_count += reading > 0;
}

/* Less often where a long measurement would fill the room for readings before its end. */
static void read_reference_at_times(struct campaign *campaign) {
    uint64_t every_ns = campaign->protocol->budget_ns / (PROBES_MAX / 2);
    if (every_ns < REFERENCE_EVERY_NS)
        every_ns = REFERENCE_EVERY_NS;
    if (campaign->spent_ns - campaign->reference_at_ns >= every_ns)
        read_reference(campaign);
}

/* A round of batches, beside the other replicas and alone; the probe is for the machine's speed and
 * not for what they take of it. */
static int run_round(struct campaign *campaign, struct err *err) {
    neighbours_go(&campaign->neighbours);
    int status = run_pair(campaign, err);
    neighbours_halt(&campaign->neighbours);
    if (status == 0)
        status = run_alone(campaign, err);
    if (status == 0)
        status = neighbours_check(&campaign->neighbours, err);
    if (status != 0)
        return status;
    probe_speed(campaign);
    read_reference_at_times(campaign);
    return 0;
}

/* Rounds until the present process is done. */
static int run_pairs(struct campaign *campaign, struct err *err) {
    uint32_t from = campaign->evidence.plain.count;
    for (;;) {
        int status = run_round(campaign, err);
        if (status != 0)
            return status;
        tell(campaign);
        campaign->out->stop = STOP_STEADY;
        if (is_steady(campaign, from))
            return 0;
        campaign->out->stop = STOP_REPEATS;
        if (has_repeated(campaign, campaign->protocol->max_repeats))
            return 0;
        campaign->out->stop = STOP_BUDGET;
        if (is_spent(campaign))
            return 0;
    }
}

/* ---- processes ------------------------------------------------------------------------------ */

static int open_side(struct campaign *campaign, struct side *side, struct cold_readings *cold,
                     struct err *err) {
    struct reception reception = {.cold = cold, .process = campaign->process};
    struct sink sink = reception_sink(&reception);
    int status =
        campaign->collector->open(campaign->arena, &side->config, &sink, &side->session, err);
    if (status != 0) {
        side->session = NULL;
        return status;
    }
    return warm_up(campaign, side, err);
}

static int finish_side(struct campaign *campaign, struct side *side, struct cold_readings *cold,
                       struct err *err) {
    struct reception reception = {.cold = cold, .process = campaign->process};
    struct sink sink = reception_sink(&reception);
    struct collect_session *session = side->session;
    side->session = NULL;
    return session ? campaign->collector->finish(session, &sink, err) : 0;
}

/* What the collector says of a set, once per set. */
static void keep_missing_events(struct campaign *campaign, const struct side *side) {
    const char *const *reasons;
    struct measured *out = campaign->out;
    if (campaign->set < campaign->set_seen)
        return;
    campaign->set_seen = campaign->set + 1;
    uint32_t count = campaign->collector->missing_events(side->session, &reasons);
    const char **all = ARENA_ARRAY(campaign->arena, out->missing_event_count + count, const char *);
    for (uint32_t i = 0; i < out->missing_event_count; i++)
        all[i] = out->missing_events[i];
    for (uint32_t i = 0; i < count; i++)
        all[out->missing_event_count + i] = arena_strdup(campaign->arena, reasons[i]);
    out->missing_events = all;
    out->missing_event_count += count;
}

/* Gives the side's next process the so-many-th set of events, round and round. */
static void choose_events(struct campaign *campaign, struct side *side, uint32_t turn) {
    if (campaign->set_count == 0)
        return;
    campaign->set = turn % campaign->set_count;
    struct counter_set set = campaign->sets[campaign->set];
    side->events_first = set.first;
    side->config.events = campaign->out->events + set.first;
    side->config.event_count = set.count;
}

/* Reads the books of the plain process since the last reading; adds them to what is known when
 * `keep`. What the hooked one suffers is left out: its event log alone makes page faults. */
static int read_disturbance(struct campaign *campaign, bool keep, struct err *err) {
    struct disturbance now, *out = &campaign->out->disturbance;
    int status = campaign->collector->disturbance(campaign->plain.session, &now, err);
    if (status != 0 || !keep)
        return status;
    out->voluntary_switches += now.voluntary_switches;
    out->involuntary_switches += now.involuntary_switches;
    out->minor_faults += now.minor_faults;
    out->major_faults += now.major_faults;
    out->throttled_ns += now.throttled_ns;
    out->steal_fraction = fmax(out->steal_fraction, now.steal_fraction);
    out->load_average = fmax(out->load_average, now.load_average);
    if (now.frequency_ratio > 0 &&
        (out->frequency_ratio == 0 || now.frequency_ratio < out->frequency_ratio))
        out->frequency_ratio = now.frequency_ratio;
    return 0;
}

/* Which hooked process belongs beside a plain one: they are spread evenly. */
static uint32_t hooked_beside(const struct campaign *campaign, uint32_t process) {
    return process * campaign->protocol->hooked_processes / campaign->protocol->processes;
}

static bool hooks_anew(const struct campaign *campaign) {
    uint32_t process = campaign->process;
    return campaign->hooked.config.hooked &&
           (process == 0 ||
            hooked_beside(campaign, process) != hooked_beside(campaign, process - 1));
}

static int open_processes(struct campaign *campaign, struct err *err) {
    int status = 0;
    if (hooks_anew(campaign)) {
        status = finish_side(campaign, &campaign->hooked, NULL, err);
        choose_events(campaign, &campaign->hooked, hooked_beside(campaign, campaign->process));
        if (status == 0)
            status = open_side(campaign, &campaign->hooked, NULL, err);
    }
    if (!campaign->hooked.config.hooked) /* else it stays free of everything of ours */
        choose_events(campaign, &campaign->plain, campaign->process);
    if (status == 0)
        status = open_side(campaign, &campaign->plain, &campaign->evidence.cold, err);
    if (status != 0)
        return status;
    keep_missing_events(campaign, campaign->hooked.session ? &campaign->hooked : &campaign->plain);
    return read_disturbance(campaign, false, err);
}

static int measure_process(struct campaign *campaign, struct err *err) {
    int status = open_processes(campaign, err);
    if (status == 0) {
        read_reference(campaign);
        status = run_pairs(campaign, err);
    }
    if (status == 0 && campaign->spent_ns != campaign->reference_at_ns)
        read_reference(campaign);
    if (status == 0)
        status = read_disturbance(campaign, true, err);
    if (status == 0)
        status = finish_side(campaign, &campaign->plain, &campaign->evidence.cold, err);
    return status;
}

static int measure_processes(struct campaign *campaign, struct err *err) {
    uint32_t replicas = campaign->out->replicas;
    if (replicas > 1 && neighbours_open(&campaign->neighbours, campaign->arena, campaign->collector,
                                        &campaign->plain.config, replicas - 1, err))
        return -(int)err->code;
    for (; campaign->process < campaign->protocol->processes; campaign->process++) {
        int status = measure_process(campaign, err);
        if (status != 0)
            return status;
    }
    return finish_side(campaign, &campaign->hooked, NULL, err);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static uint32_t hooked_capacity(const struct protocol *protocol, uint32_t slots, uint32_t ops) {
    uint64_t fit = protocol->memory_bytes / sizeof(double) / slots / (ops ? ops : 1);
    uint64_t most = protocol->max_repeats < HOOKED_MOST ? protocol->max_repeats : HOOKED_MOST;
    uint64_t capacity = fit < most ? fit : most;
    return (uint32_t)(capacity < HOOKED_LEAST ? HOOKED_LEAST : capacity);
}

static void init_evidence(struct campaign *campaign, const struct collect_config *config) {
    const struct protocol *protocol = campaign->protocol;
    struct evidence *evidence = &campaign->evidence;
    uint32_t slots = SLOT_EVENT_FIRST + config->event_count;
    uint32_t ops = config->hooked ? config->hooked->count : 0;
    uint32_t hooked = config->hooked ? hooked_capacity(protocol, slots, ops) : 0;
    hooked = hooked < HOOKED_LEAST * campaign->set_count && hooked
                 ? HOOKED_LEAST * campaign->set_count
                 : hooked;
    uint32_t most = hooked > protocol->max_repeats ? hooked : protocol->max_repeats;
    readings_init(&evidence->plain, campaign->arena, config->hooked ? SLOT_EVENT_FIRST : slots, 0,
                  protocol->max_repeats);
    readings_init(&evidence->alone, campaign->arena, SLOT_EVENT_FIRST, 0,
                  protocol->replicas > 1 ? protocol->max_repeats : 0);
    readings_init(&evidence->profiled, campaign->arena, slots, ops, hooked);
    cold_readings_init(&evidence->cold);
    evidence->pair_capacity = hooked;
    evidence->pair_wall = ARENA_ARRAY(campaign->arena, hooked, double);
    evidence->pair_cpu = ARENA_ARRAY(campaign->arena, hooked, double);
    evidence->scratch = ARENA_ARRAY(campaign->arena, most, double);
    evidence->calm = ARENA_ARRAY(campaign->arena, most, double);
}

static void init_sides(struct campaign *campaign, const struct collect_config *config) {
    campaign->plain.config = campaign->hooked.config = *config;
    campaign->plain.readings = &campaign->evidence.plain;
    campaign->hooked.readings = &campaign->evidence.profiled;
    campaign->plain.config.hooked = NULL;
    if (config->hooked) /* plain processes then stay free of everything of ours */
        campaign->plain.config.event_count = 0;
}

double measured_slowdown(const struct measured *m) {
    if (m->alone_wall_ns.count == 0)
        return NAN;
    return m->threads == 1 && m->replicas <= m->cpus ? m->cpu_ns.median / m->alone_cpu_ns.median
                                                     : m->wall_ns.median / m->alone_wall_ns.median;
}

static uint32_t cpus_allowed(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (uint32_t)count : 1;
}

/* Cuts the events into sets; a set is never left out, so there are processes enough. The names may
 * be a collector's own (replay): then all are tried in vain and sets are of the greatest size. */
static void plan_events(struct campaign *campaign, const struct collect_config *config,
                        struct protocol *protocol) {
    struct measured *out = campaign->out;
    campaign->set_count = counters_sets(config->events, config->event_count, campaign->sets);
    out->events = config->events;
    out->event_count = config->event_count;
    out->event_sets = campaign->set_count;
    if (config->hooked && protocol->hooked_processes < campaign->set_count)
        protocol->hooked_processes = campaign->set_count;
    uint32_t least = config->hooked ? protocol->hooked_processes : campaign->set_count;
    if (protocol->processes < least)
        protocol->processes = least;
}

int profile_measure(struct arena *arena, const struct collector *collector,
                    const struct collect_config *config, const struct protocol *asked,
                    struct measured *out, const struct progress_sink *progress, struct err *err) {
    struct protocol planned = *asked, *protocol = &planned;
    struct campaign campaign = {
        .arena = arena,
        .collector = collector,
        .protocol = protocol,
        .progress = progress,
        .out = out,
    };
    int status = protocol_check(protocol, err);
    if (status != 0)
        return status;
    if (config->event_count > METRIC_EVENTS_MAX)
        return err_set(err, ERR_USAGE, "%u events asked for; at most %d can be counted",
                       config->event_count, METRIC_EVENTS_MAX);
    memset(out, 0, sizeof *out);
    plan_events(&campaign, config, protocol);
    out->threads = config->threads;
    out->replicas = protocol->replicas > 1 ? protocol->replicas : 1;
    out->cpus = cpus_allowed();
    out->target = protocol->target;
    out->processes = protocol->processes;
    out->op_count = config->hooked ? config->hooked->count : 0;
    out->hooked = config->hooked;
    init_evidence(&campaign, config);
    init_sides(&campaign, config);
    campaign.probes = ARENA_ARRAY(arena, PROBES_MAX, double);
    campaign.references = ARENA_ARRAY(arena, PROBES_MAX, double);
    status = measure_processes(&campaign, err);
    neighbours_close(&campaign.neighbours);
    if (status != 0) {
        if (campaign.plain.session)
            collector->abandon(campaign.plain.session);
        if (campaign.hooked.session)
            collector->abandon(campaign.hooked.session);
        return status;
    }
    out->running_ns = (double)campaign.plain.kept_ns;
    conclude(arena, &campaign.evidence, protocol, out);
    double *scratch = ARENA_ARRAY(arena, PROBES_MAX, double);
    out->speed_probe_ns =
        summarise(campaign.probes, campaign.probe_count, protocol->confidence, scratch);
    out->reference_ns =
        summarise(campaign.references, campaign.reference_count, protocol->confidence, scratch);
    if (progress)
        progress->update(progress->context, 1, "done");
    return 0;
}
