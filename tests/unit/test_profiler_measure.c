/* The measuring protocol against a collector that returns scripted values under a clock of its
 * own. */
#include "profiler/measure.h"

#include "base/rng.h"
#include "profiler/reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OPS = 4, ORDER_MAX = 4096 };

/* ---- the scripted runtime ------------------------------------------------------------------- */

struct script {
    double run_ns;                      /* unprofiled */
    double op_ns[OPS];                  /* what the operators really take */
    double cost_ns;                     /* of measuring, inside each bracket */
    double outside_ns;                  /* of measuring, outside the brackets, per operator */
    double noise;                       /* relative, normal */
    double process_offset;              /* each further process is this much slower, relative */
    double drift_per_run;               /* of the machine: relative, per run of any process */
    uint32_t settling_runs;             /* of a batch take half as long again */
    uint32_t busy;                      /* of 10 runs so many wait for the CPU as long again */
    uint32_t every_nth_far;             /* every n-th run takes ten times as long; 0: none */
    int untaken;                        /* an operator that never runs; -1: none */
    uint32_t fail_open_at, fail_run_at; /* which one fails, counted from 1; 0: none */
    struct disturbance disturbance;
    /* what happened */
    uint64_t now_ns;
    uint32_t opened, finished, abandoned, alive, most_alive, runs, run_calls;
    uint32_t book_readings;
    uint32_t order_count;
    char order[ORDER_MAX]; /* 'p' or 'h' for each call of run */
    struct rng rng;
};

struct collect_session {
    struct script *script;
    bool hooked;
    uint32_t in_batch; /* runs of the present one */
    uint32_t number, repeats, event_count;
    const char *const *events;
};

static struct script *the_script; /* collectors carry no context */

static struct script script_of_ms(double run_ms) {
    struct script script = {.run_ns = run_ms * 1e6, .untaken = -1, .cost_ns = 5000};
    static const double shares[OPS] = {0.5, 0.3, 0.15, 0.05};
    for (int i = 0; i < OPS; i++)
        script.op_ns[i] = script.run_ns * shares[i];
    rng_init(&script.rng, 7);
    return script;
}

static uint64_t script_now(void *context) {
    return ((struct script *)context)->now_ns;
}

static void put(struct sink *sink, int32_t op, uint32_t metric, enum run_phase phase,
                uint32_t repeat, double value) {
    struct sample sample = {op, (uint16_t)metric, (uint16_t)phase, repeat, value};
    sink->put(sink->context, &sample);
}

static int script_open(struct arena *arena, const struct collect_config *config, struct sink *sink,
                       struct collect_session **session, struct err *err) {
    struct script *script = the_script;
    if (++script->opened == script->fail_open_at)
        return err_set(err, ERR_ENVIRONMENT, "open failed as scripted");
    *session = ARENA_NEW(arena, struct collect_session);
    **session = (struct collect_session){.script = script,
                                         .hooked = config->hooked != NULL,
                                         .number = script->opened,
                                         .event_count = config->event_count,
                                         .events = config->events};
    script->alive++;
    script->most_alive = script->alive > script->most_alive ? script->alive : script->most_alive;
    put(sink, SAMPLE_OF_RUN, METRIC_LIBRARY_LOAD_NS, PHASE_COLD, 0, 30e6);
    put(sink, SAMPLE_OF_RUN, METRIC_LOAD_NS, PHASE_COLD, 0, 100e6 + script->opened * 1e6);
    put(sink, SAMPLE_OF_RUN, METRIC_FIRST_RUN_NS, PHASE_COLD, 0, 2 * script->run_ns);
    put(sink, SAMPLE_OF_RUN, METRIC_BASELINE_BYTES, PHASE_COLD, 0, 40e6);
    put(sink, SAMPLE_OF_RUN, METRIC_LOADED_BYTES, PHASE_COLD, 0, 80e6);
    return 0;
}

static double speed_now(struct collect_session *session) {
    struct script *script = session->script;
    double speed = 1 + script->noise * rng_normal(&script->rng);
    speed *= 1 + script->process_offset * (session->number - 1);
    speed *= 1 + script->drift_per_run * script->runs;
    if (session->in_batch++ < script->settling_runs)
        speed *= 1.5;
    script->runs++;
    return script->every_nth_far && script->runs % script->every_nth_far == 0 ? 10 * speed : speed;
}

/* "event7": 7. */
static double number_of(const char *event) {
    return strtod(event + strcspn(event, "0123456789"), NULL);
}

static void run_once(struct collect_session *session, struct sink *sink) {
    const struct script *script = session->script;
    double speed = speed_now(session), run = script->run_ns * speed;
    enum run_phase phase = session->hooked ? PHASE_PROFILED : PHASE_PLAIN;
    uint32_t repeat = session->repeats++;
    for (int op = 0; session->hooked && op < OPS; op++) {
        if (op == script->untaken)
            continue;
        double bracket = script->op_ns[op] * speed + script->cost_ns;
        run += script->cost_ns + script->outside_ns;
        put(sink, op, METRIC_WALL_NS, phase, repeat, bracket);
        put(sink, op, METRIC_CPU_NS, phase, repeat, bracket);
        for (uint32_t e = 0; e < session->event_count; e++)
            put(sink, op, METRIC_COUNTER_FIRST + e, phase, repeat,
                1000.0 * (op + 1) + number_of(session->events[e]));
    }
    bool waits = rng_below(&session->script->rng, 10) < script->busy;
    put(sink, SAMPLE_OF_RUN, METRIC_WALL_NS, phase, repeat, waits ? 2 * run : run);
    put(sink, SAMPLE_OF_RUN, METRIC_CPU_NS, phase, repeat, run);
    for (uint32_t e = 0; e < session->event_count; e++) {
        put(sink, SAMPLE_OF_RUN, METRIC_COUNTER_FIRST + e, phase, repeat, 10000);
        put(sink, SAMPLE_OF_RUN, METRIC_RUNNING_FIRST + e, phase, repeat,
            number_of(session->events[e]) == 9 ? 0.5 : 1);
    }
    session->script->now_ns += (uint64_t)run;
}

static int script_run(struct collect_session *session, uint32_t repeats, struct sink *sink,
                      struct err *err) {
    struct script *script = session->script;
    if (++script->run_calls == script->fail_run_at)
        return err_set(err, ERR_INPUT, "run failed as scripted");
    if (script->order_count < ORDER_MAX)
        script->order[script->order_count++] = session->hooked ? 'h' : 'p';
    session->in_batch = 0;
    for (uint32_t i = 0; i < repeats; i++)
        run_once(session, sink);
    return 0;
}

static int script_disturbance(struct collect_session *session, struct disturbance *out,
                              struct err *err) {
    (void)err;
    session->script->book_readings++;
    *out = session->script->disturbance;
    return 0;
}

static uint32_t script_missing(const struct collect_session *session, const char *const **reasons) {
    static const char *const all[] = {"cycles: not supported as scripted"};
    *reasons = all;
    return session->event_count > 1 ? 1 : 0;
}

static int script_finish(struct collect_session *session, struct sink *sink, struct err *err) {
    (void)err;
    put(sink, SAMPLE_OF_RUN, METRIC_PEAK_BYTES, PHASE_COLD, 0, 100e6 + session->number);
    put(sink, SAMPLE_OF_RUN, METRIC_RESIDENT_BYTES, PHASE_COLD, 0, 90e6);
    session->script->finished++;
    session->script->alive--;
    return 0;
}

static void script_abandon(struct collect_session *session) {
    session->script->abandoned++;
    session->script->alive--;
}

static const struct collector scripted = {
    .name = "scripted",
    .open = script_open,
    .run = script_run,
    .disturbance = script_disturbance,
    .missing_events = script_missing,
    .finish = script_finish,
    .abandon = script_abandon,
};

/* ---- the reference network: a runtime beside the scripted one ------------------------------- */

enum { REFERENCE_RUN_NS = 3000000 };

static uint32_t reference_calls, reference_good_calls;

static int reference_run(struct collect_session *session, uint32_t repeats, struct sink *sink,
                         struct err *err) {
    (void)session;
    if (reference_calls++ == reference_good_calls)
        return err_set(err, ERR_ENVIRONMENT, "the process has ended");
    for (uint32_t i = 0; i < repeats; i++)
        put(sink, SAMPLE_OF_RUN, METRIC_CPU_NS, PHASE_PLAIN, i, REFERENCE_RUN_NS);
    return 0;
}

static void reference_abandon(struct collect_session *session) {
    session->number++;
}

static const struct collector reference_runtime = {.run = reference_run,
                                                   .abandon = reference_abandon};

static struct reference reference_of(struct collect_session *session, uint32_t good_calls) {
    reference_calls = 0;
    reference_good_calls = good_calls;
    return (struct reference){.collector = &reference_runtime,
                              .session = session,
                              .threads = 1,
                              .run_ns = REFERENCE_RUN_NS};
}

/* ---- one measurement ------------------------------------------------------------------------ */

static struct flat_op flat_ops[OPS];
static const struct flat_graph flat = {.ops = flat_ops, .count = OPS};

struct bench {
    struct arena arena;
    struct script script;
    struct protocol protocol;
    struct collect_config config;
    struct progress_sink *progress;
    struct measured out;
    struct err err;
};

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    arena_init(&bench->arena);
    bench->script = script_of_ms(10);
    bench->protocol = protocol_default();
    bench->config = (struct collect_config){.threads = 1, .hooked = &flat};
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    arena_done(&bench->arena);
    free(bench);
    return 0;
}

static int measure(struct bench *bench) {
    the_script = &bench->script;
    bench->protocol.now_ns = script_now;
    bench->protocol.clock = &bench->script;
    return profile_measure(&bench->arena, &scripted, &bench->config, &bench->protocol, &bench->out,
                           bench->progress, &bench->err);
}

static bool warned(const struct bench *bench, const char *id) {
    for (uint32_t i = 0; i < bench->out.warning_count; i++)
        if (strcmp(bench->out.warnings[i].id, id) == 0)
            return true;
    return false;
}

static void assert_close(double value, double expected, double relative) {
    if (fabs(value - expected) > relative * fabs(expected)) {
        print_error("%g is not within %g of %g\n", value, relative, expected);
        fail();
    }
}

/* ---- when it stops -------------------------------------------------------------------------- */

static void steady_runs_stop_long_before_the_budget(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.01;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.stop, STOP_STEADY);
    assert_true(bench->out.plain_runs >= bench->protocol.min_repeats);
    assert_true(bench->script.now_ns < bench->protocol.budget_ns / 2);
    assert_close(bench->out.wall_ns.median, 10e6, 0.01);
    assert_true(bench->out.wall_ns.low <= 10e6 && bench->out.wall_ns.high >= 10e6);
    assert_false(warned(bench, "unsteady"));
}

static void noisy_runs_stop_at_the_budget_and_say_so(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.3;
    bench->protocol.target = 0.002;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.stop, STOP_BUDGET);
    assert_close((double)bench->script.now_ns, (double)bench->protocol.budget_ns, 0.15);
    assert_true(warned(bench, "unsteady"));
}

static void repeats_have_an_end(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.3;
    bench->protocol.target = 1e-6;
    bench->protocol.min_repeats = 3;
    bench->protocol.max_repeats = 31;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.stop, STOP_REPEATS);
    assert_int_equal(bench->out.plain_runs, 31);
}

static void long_runs_still_give_every_process_a_run(void **state) {
    struct bench *bench = *state;
    bench->script = script_of_ms(20000);
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.plain_runs, 3);
    assert_int_equal(bench->out.profiled_runs, 3);
    assert_close(bench->out.wall_ns.median, 20e9, 0.001);
}

/* ---- how it runs ---------------------------------------------------------------------------- */

static void plain_and_hooked_batches_take_turns(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.02;
    bench->protocol.target = 1e-6;
    bench->protocol.max_repeats = 100;
    assert_int_equal(measure(bench), 0);
    /* p h, h p, p h: after the warm-up never more than two of one kind in a row. */
    const char *end = bench->script.order + bench->script.order_count;
    assert_true(bench->script.order_count > 30);
    for (const char *at = end - 6; at + 2 < end; at++)
        assert_false(at[0] == at[1] && at[1] == at[2]);
    assert_true(2 * bench->out.profiled_runs > bench->out.plain_runs);
    assert_true(bench->out.profiled_runs < 2 * bench->out.plain_runs);
}

static void plain_processes_follow_one_another(void **state) {
    struct bench *bench = *state;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->script.opened, 4);
    assert_int_equal(bench->script.finished, 4);
    assert_int_equal(bench->script.most_alive, 2);
    assert_int_equal(bench->script.abandoned, 0);
}

/* Those beside it are processes of their own, which the script does not see. */
static void beside_replicas_it_is_measured_alone_too(void **state) {
    struct bench *bench = *state;
    bench->protocol.replicas = 2;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.replicas, 2);
    assert_true(bench->out.alone_wall_ns.count > 0);
    assert_close(bench->out.alone_wall_ns.median, 10e6, 0.01);
    assert_close(measured_slowdown(&bench->out), 1, 0.01);
    assert_int_equal(bench->script.alive, 0);
    bench->protocol.replicas = 1;
    bench->script = script_of_ms(10);
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.alone_wall_ns.count, 0);
    assert_true(isnan(measured_slowdown(&bench->out)));
}

static void the_reference_network_runs_around_each_process_and_in_between(void **state) {
    struct bench *bench = *state;
    struct collect_session session = {0};
    struct reference reference = reference_of(&session, UINT32_MAX);
    bench->script.noise = 0.3;
    bench->protocol.target = 1e-6;
    bench->protocol.reference = &reference;
    assert_int_equal(measure(bench), 0);
    assert_true(bench->out.reference_ns.median == REFERENCE_RUN_NS);
    assert_int_equal(bench->out.reference_ns.count, reference_calls);
    assert_in_range(reference_calls, bench->script.now_ns / 300000000,
                    bench->script.now_ns / 100000000 + 2 * bench->out.processes);
    /* Short runs: before and behind only. */
    reference = reference_of(&session, UINT32_MAX);
    bench->protocol.min_repeats = bench->protocol.max_repeats = 3;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.reference_ns.count, 2 * bench->out.processes);
}

static void without_the_reference_network_the_rest_is_measured(void **state) {
    struct bench *bench = *state;
    struct collect_session session = {0};
    struct reference reference = reference_of(&session, 2);
    bench->protocol.reference = &reference;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.reference_ns.count, 2);
    assert_int_equal(reference_calls, 3);
    assert_int_equal(session.number, 1); /* abandoned once */
    assert_close(bench->out.wall_ns.median, 10e6, 0.01);
    assert_int_equal(bench->script.abandoned, 0);
}

/* Runs that follow another process's take longer: the first three of each batch of the script. */
static void runs_at_the_start_of_a_batch_are_not_kept(void **state) {
    struct bench *bench = *state;
    bench->script.settling_runs = 3;
    bench->protocol.batch_ns = 40000000;
    assert_int_equal(measure(bench), 0);
    assert_close(bench->out.wall_ns.high, 10e6, 1e-9);
    bench->script = script_of_ms(10);
    bench->script.settling_runs = 3;
    bench->protocol.settle_ns = 0;
    assert_int_equal(measure(bench), 0);
    assert_true(bench->out.wall_ns.median > 14e6);
}

/* What is left of another process in a run of a second is nothing, and the second is dear. */
static void long_runs_need_not_settle(void **state) {
    struct bench *bench = *state;
    bench->script = script_of_ms(1000);
    assert_int_equal(measure(bench), 0);
    uint32_t warm = 4; /* a run of each process */
    assert_int_equal(bench->script.runs, bench->out.plain_runs + bench->out.profiled_runs + warm);
}

static void little_memory_for_samples_still_spans_all_processes(void **state) {
    struct bench *bench = *state;
    bench->script = script_of_ms(0.1);
    bench->script.noise = 0.01;
    bench->protocol.memory_bytes = 1; /* the least that is kept: 18 runs */
    bench->protocol.hooked_processes = 3;
    bench->protocol.max_repeats = 1000;
    bench->protocol.target = 1e-6;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.profiled_runs, 18);
    assert_int_equal(bench->out.stop, STOP_REPEATS);
    assert_int_equal(bench->out.plain_runs, 1000);
    assert_close(bench->out.ops[0].wall_raw_ns.median, 55e3, 0.02);
}

static void hooked_processes_can_be_renewed(void **state) {
    struct bench *bench = *state;
    bench->protocol.hooked_processes = 3;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->script.opened, 6);
    assert_int_equal(bench->script.finished, 6);
    assert_int_equal(bench->script.most_alive, 2);
}

static void drift_of_the_machine_does_not_reach_the_cost(void **state) {
    struct bench *bench = *state;
    bench->script.drift_per_run = 1e-4; /* 60 % slower in the end */
    bench->protocol.batch_ns = 50000000;
    bench->protocol.settle_ns = 10000000;
    bench->script.cost_ns = 20000;
    bench->protocol.target = 1e-6;
    bench->protocol.max_repeats = 3000;
    bench->protocol.budget_ns = UINT64_C(60000000000);
    assert_int_equal(measure(bench), 0);
    assert_true(warned(bench, "drift"));
    assert_close(bench->out.overhead.wall_ns, 20000, 0.05);
}

static void without_hooks_only_plain_processes_run(void **state) {
    struct bench *bench = *state;
    bench->config.hooked = NULL;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->script.opened, 3);
    assert_int_equal(bench->out.profiled_runs, 0);
    assert_int_equal(bench->out.op_count, 0);
    assert_close(bench->out.wall_ns.median, 10e6, 0.001);
}

/* ---- what comes out ------------------------------------------------------------------------- */

static void cold_numbers_are_medians_over_plain_processes(void **state) {
    struct bench *bench = *state;
    assert_int_equal(measure(bench), 0);
    /* Session 1 is the hooked one; 2, 3 and 4 are plain. */
    assert_int_equal(bench->out.load_ns.count, 3);
    assert_close(bench->out.load_ns.median, 103e6, 1e-12);
    assert_close(bench->out.load_ns.low, 102e6, 1e-12);
    assert_close(bench->out.load_ns.high, 104e6, 1e-12);
    assert_close(bench->out.peak_bytes.median, 100e6 + 3, 1e-12);
    assert_close(bench->out.resident_bytes.median, 90e6, 1e-12);
    assert_close(bench->out.library_load_ns.median, 30e6, 1e-12);
    assert_close(bench->out.first_run_ns.median, 20e6, 1e-12);
    assert_close(bench->out.baseline_bytes.median, 40e6, 1e-12);
    assert_close(bench->out.loaded_bytes.median, 80e6, 1e-12);
}

static void operators_are_corrected_by_what_the_pairs_say(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.001;
    bench->script.cost_ns = 100000;
    bench->script.outside_ns = 50000; /* between the brackets: none of the operators' business */
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.overhead.source, OVERHEAD_THIS_MODEL);
    assert_close(bench->out.overhead.wall_ns, 100000, 0.05);
    for (int op = 0; op < OPS; op++) {
        assert_close(bench->out.ops[op].wall_raw_ns.median, bench->script.op_ns[op] + 100000, 0.01);
        assert_close(bench->out.ops[op].wall_ns.median, bench->script.op_ns[op], 0.02);
        assert_true(bench->out.ops[op].wall_ns.low <= bench->out.ops[op].wall_ns.median);
        assert_true(bench->out.ops[op].wall_ns.high >= bench->out.ops[op].wall_ns.median);
    }
    assert_close(bench->out.operators_wall_ns, bench->out.wall_ns.median, 0.01);
    assert_close(bench->out.operators_cpu_ns, bench->out.cpu_ns.median, 0.01);
    assert_float_equal(bench->out.calls_per_run, OPS, 1e-9);
}

static void given_cost_is_used_as_it_is(void **state) {
    struct bench *bench = *state;
    struct overhead given = {.wall_ns = 1000, .cpu_ns = 2000, .source = OVERHEAD_CALIBRATED};
    bench->protocol.overhead = &given;
    assert_int_equal(measure(bench), 0);
    const struct measured_op *op = &bench->out.ops[0];
    assert_float_equal(op->wall_ns.median, op->wall_raw_ns.median - 1000, 1e-6);
    assert_float_equal(op->cpu_ns.median, op->cpu_raw_ns.median - 2000, 1e-6);
}

static void a_wrong_cost_shows_in_the_sum(void **state) {
    struct bench *bench = *state;
    struct overhead given = {.wall_ns = 300000, .cpu_ns = 300000, .source = OVERHEAD_CALIBRATED};
    bench->protocol.overhead = &given;
    assert_int_equal(measure(bench), 0);
    assert_true(warned(bench, "sum-differs"));
}

static void corrected_times_stay_positive(void **state) {
    struct bench *bench = *state;
    struct overhead given = {.wall_ns = 1e9, .cpu_ns = 1e9, .source = OVERHEAD_CALIBRATED};
    bench->protocol.overhead = &given;
    assert_int_equal(measure(bench), 0);
    for (int op = 0; op < OPS; op++)
        assert_true(bench->out.ops[op].wall_ns.median > 0 && bench->out.ops[op].wall_ns.low > 0);
}

static void cost_below_the_noise_is_not_subtracted(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.2;
    bench->script.cost_ns = 10;
    bench->protocol.max_repeats = 60;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.overhead.source, OVERHEAD_NONE);
    assert_float_equal(bench->out.ops[0].wall_ns.median, bench->out.ops[0].wall_raw_ns.median,
                       1e-6);
    assert_true(warned(bench, "cost-unknown"));
}

static void untaken_branches_have_no_numbers(void **state) {
    struct bench *bench = *state;
    bench->script.untaken = 2;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.ops[2].wall_raw_ns.count, 0);
    assert_true(isnan(bench->out.ops[2].wall_ns.median));
    assert_true(isfinite(bench->out.operators_wall_ns));
    assert_true(warned(bench, "unused-operators"));
    assert_float_equal(bench->out.calls_per_run, OPS - 1, 1e-9);
}

static void events_come_per_operator_and_per_run(void **state) {
    struct bench *bench = *state;
    static const char *const events[] = {"page-faults", "cycles"};
    bench->config.events = events;
    bench->config.event_count = 2;
    assert_int_equal(measure(bench), 0);
    assert_float_equal(bench->out.ops[3].events[0].median, 4000, 1e-9);
    assert_float_equal(bench->out.run_events[1].median, 10000, 1e-9);
    assert_int_equal(bench->out.missing_event_count, 1);
    assert_string_equal(bench->out.missing_events[0], "cycles: not supported as scripted");
}

static void what_measuring_counts_is_subtracted_but_not_below_0(void **state) {
    struct bench *bench = *state;
    static const char *const events[] = {"event1", "event2", "event3"};
    const double costs[] = {500, 2000, NAN};
    struct overhead given = {
        .wall_ns = 1000, .cpu_ns = 1000, .source = OVERHEAD_CALIBRATED, .events = costs};
    bench->config.events = events;
    bench->config.event_count = 3;
    bench->protocol.overhead = &given;
    assert_int_equal(measure(bench), 0);
    assert_true(bench->out.ops[3].events[0].median == 4001 - 500);
    assert_true(bench->out.ops[0].events[1].median == 0);
    assert_true(bench->out.ops[3].events[2].median == 4003);
    double found[3], scratch[OPS];
    given.events = NULL;
    assert_int_equal(measure(bench), 0);
    overhead_of_chain_events(&bench->out, found, scratch);
    assert_true(found[0] == 2501); /* the median of 1001, 2001, 3001 and 4001 */
}

static void more_events_than_fit_are_counted_set_after_set(void **state) {
    struct bench *bench = *state;
    static const char *const events[] = {"event0",  "event1",  "event2",  "event3",  "event4",
                                         "event5",  "event6",  "event7",  "event8",  "event9",
                                         "event10", "event11", "event12", "event13", "event14",
                                         "event15", "event16", "event17"};
    bench->config.events = events;
    bench->config.event_count = 18;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.event_sets, 3);
    for (uint32_t e = 0; e < 18; e++) {
        const struct summary *summary = &bench->out.ops[1].events[e];
        assert_true(summary->count > 0 && summary->count < bench->out.profiled_runs);
        assert_true(summary->median == 2000.0 + (double)e);
        assert_float_equal(bench->out.run_events[e].median, 10000, 1e-9);
        assert_true(bench->out.event_running[e] == (e == 9 ? 0.5 : 1.0));
    }
    assert_true(warned(bench, "shared-counters"));
}

static void intervals_cover_the_difference_of_processes(void **state) {
    struct bench *bench = *state;
    bench->script.process_offset = 0.02;
    assert_int_equal(measure(bench), 0);
    /* Medians 1.02, 1.04, 1.06 of 10 ms: t(0.95, 2) = 2.92, sd 0.2 ms, so +-0.337 ms. */
    assert_close(bench->out.wall_ns.median, 10.4e6, 0.02);
    assert_true(bench->out.wall_ns.high - bench->out.wall_ns.low >= 2 * 0.33e6);
    assert_int_equal(bench->out.processes, 3);
    assert_close(bench->out.process_medians[0], 10.2e6, 0.001);
    assert_close(bench->out.process_medians[2], 10.6e6, 0.001);
}

static void outliers_do_not_move_the_median(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.01;
    bench->script.every_nth_far = 7;
    bench->protocol.min_repeats = 100;
    assert_int_equal(measure(bench), 0);
    assert_close(bench->out.wall_ns.median, 10e6, 0.02);
    assert_true(bench->out.outliers > 0);
    assert_true(warned(bench, "outliers"));
}

static void runs_that_waited_are_set_aside_at_one_thread(void **state) {
    struct bench *bench = *state;
    bench->script.noise = 0.01;
    bench->script.busy = 7;
    bench->protocol.max_repeats = 200;
    assert_int_equal(measure(bench), 0);
    assert_true(bench->out.plain_runs >= 8);
    assert_true(bench->out.plain_runs < 0.5 * bench->out.all_runs);
    assert_close(bench->out.wall_ns.median, 10e6, 0.01);
    assert_close(bench->out.ops[0].wall_ns.median, 5e6, 0.02);
    assert_true(warned(bench, "set-aside"));
}

static void nothing_is_set_aside_when_all_runs_wait_or_threads_are_many(void **state) {
    struct bench *bench = *state;
    bench->script.busy = 10;
    bench->protocol.max_repeats = 100;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.plain_runs, bench->out.all_runs);
    assert_close(bench->out.wall_ns.median, 20e6, 0.01);
    assert_true(warned(bench, "waiting"));
    bench->script = script_of_ms(10);
    bench->script.busy = 7;
    bench->config.threads = 2;
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.plain_runs, bench->out.all_runs);
    assert_close(bench->out.wall_ns.median, 20e6, 0.01);
}

/* ---- books, progress, failures -------------------------------------------------------------- */

static void disturbance_is_added_up_over_processes(void **state) {
    struct bench *bench = *state;
    bench->script.disturbance = (struct disturbance){
        .involuntary_switches = 1000, .steal_fraction = 0.03, .frequency_ratio = 0.8};
    assert_int_equal(measure(bench), 0);
    assert_int_equal(bench->out.disturbance.involuntary_switches, 3000);
    assert_float_equal(bench->out.disturbance.steal_fraction, 0.03, 1e-9);
    assert_int_equal(bench->script.book_readings, 6); /* before and after, of each process */
    assert_true(warned(bench, "involuntary-switches"));
    assert_true(warned(bench, "steal"));
    assert_true(warned(bench, "frequency"));
}

struct told {
    double last;
    uint32_t count;
    bool backwards, ended;
};

static void told_update(void *context, double fraction, const char *what) {
    struct told *told = context;
    told->backwards |= fraction < told->last || fraction > 1;
    told->last = fraction;
    told->count++;
    told->ended = strcmp(what, "done") == 0;
}

static void progress_grows_to_the_end(void **state) {
    struct bench *bench = *state;
    struct told told = {0};
    struct progress_sink sink = {told_update, &told};
    bench->progress = &sink;
    bench->script.noise = 0.02;
    assert_int_equal(measure(bench), 0);
    assert_true(told.count > 3 && told.ended && !told.backwards);
    assert_float_equal(told.last, 1, 1e-12);
}

static void failures_end_every_process(void **state) {
    struct bench *bench = *state;
    for (uint32_t at = 1; at <= 4; at++) {
        bench->script = script_of_ms(10);
        bench->script.fail_open_at = at;
        bench->err = (struct err){0};
        assert_int_equal(measure(bench), -ERR_ENVIRONMENT);
        assert_string_equal(bench->err.message, "open failed as scripted");
        assert_int_equal(bench->script.alive, 0);
    }
    for (uint32_t at = 1; at <= 30; at++) {
        bench->script = script_of_ms(10);
        bench->script.fail_run_at = at;
        bench->err = (struct err){0};
        int status = measure(bench);
        assert_int_equal(bench->script.alive, 0);
        if (bench->script.run_calls >= at)
            assert_int_equal(status, -ERR_INPUT);
    }
}

static void senseless_protocols_are_refused(void **state) {
    struct bench *bench = *state;
    struct protocol bad[4];
    for (int i = 0; i < 4; i++)
        bad[i] = protocol_default();
    bad[0].confidence = 1;
    bad[1].processes = 0;
    bad[2].hooked_processes = 4;
    bad[3].max_repeats = 1;
    for (int i = 0; i < 4; i++) {
        bench->protocol = bad[i];
        bench->err = (struct err){0};
        assert_int_equal(measure(bench), -ERR_USAGE);
        assert_int_equal(bench->script.opened, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(steady_runs_stop_long_before_the_budget),
        TEST(noisy_runs_stop_at_the_budget_and_say_so),
        TEST(repeats_have_an_end),
        TEST(long_runs_still_give_every_process_a_run),
        TEST(plain_and_hooked_batches_take_turns),
        TEST(plain_processes_follow_one_another),
        TEST(beside_replicas_it_is_measured_alone_too),
        TEST(the_reference_network_runs_around_each_process_and_in_between),
        TEST(without_the_reference_network_the_rest_is_measured),
        TEST(runs_at_the_start_of_a_batch_are_not_kept),
        TEST(long_runs_need_not_settle),
        TEST(little_memory_for_samples_still_spans_all_processes),
        TEST(hooked_processes_can_be_renewed),
        TEST(drift_of_the_machine_does_not_reach_the_cost),
        TEST(without_hooks_only_plain_processes_run),
        TEST(cold_numbers_are_medians_over_plain_processes),
        TEST(operators_are_corrected_by_what_the_pairs_say),
        TEST(given_cost_is_used_as_it_is),
        TEST(a_wrong_cost_shows_in_the_sum),
        TEST(corrected_times_stay_positive),
        TEST(cost_below_the_noise_is_not_subtracted),
        TEST(untaken_branches_have_no_numbers),
        TEST(events_come_per_operator_and_per_run),
        TEST(what_measuring_counts_is_subtracted_but_not_below_0),
        TEST(more_events_than_fit_are_counted_set_after_set),
        TEST(intervals_cover_the_difference_of_processes),
        TEST(outliers_do_not_move_the_median),
        TEST(runs_that_waited_are_set_aside_at_one_thread),
        TEST(nothing_is_set_aside_when_all_runs_wait_or_threads_are_many),
        TEST(disturbance_is_added_up_over_processes),
        TEST(progress_grows_to_the_end),
        TEST(failures_end_every_process),
        TEST(senseless_protocols_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
