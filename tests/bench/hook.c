/* What being told of every operator costs in ONNX Runtime, per operator: our hook beside the
 * runtime's own JSON profile, against runs without either. Three sessions are open at the same
 * time and take turns, so that all see the same machine; addresses differ from process to process
 * and move the cost by a fifth, so there are several sets of them.
 *   hook MODEL SETS
 * Prints a line each, tab-separated: name, microseconds of CPU time per operator that a run takes
 * longer, and that the whole process takes longer (the JSON file is written at its end, the hook
 * is registered at its beginning); medians of the sets. */
#include "base/stats.h"
#include "collectors/onnxruntime/onnxruntime.h"
#include "jobs/lowering.h"
#include "jobs/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PLAIN, JSON, HOOK, SIDES };
enum { WARM = 10, ROUNDS = 40, BATCH = 10, RUNS = ROUNDS * BATCH, SETS_MAX = 64 };

struct side {
    struct collect_session *session;
    double cpu_ns[RUNS];
    uint32_t runs;
    double process_ns; /* CPU time of its whole life */
};

struct bench {
    struct arena *arena;
    const struct subject *subject;
    const struct lowering *lowering;
    const char *profile;
    uint32_t sets;
    double plain_ns[SETS_MAX], within_us[SIDES][SETS_MAX], whole_us[SIDES][SETS_MAX];
};

/* Of the processes that have ended. */
static double ended_ns(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return 1e9 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e3 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* CPU time: one thread, and other programs disturb it less. */
static void put(void *context, const struct sample *sample) {
    struct side *side = context;
    if (sample->op == SAMPLE_OF_RUN && sample->phase != PHASE_COLD &&
        sample->metric == METRIC_CPU_NS && side->runs < RUNS)
        side->cpu_ns[side->runs++] = sample->value;
}

static int run(struct side *side, uint32_t runs, struct err *err) {
    struct sink sink = {put, side};
    return collector_onnxruntime.run(side->session, runs, &sink, err);
}

static int open_sides(struct bench *bench, struct side *sides, struct err *err) {
    struct collect_config config = bench->subject->config;
    int code = 0;
    for (int i = 0; !code && i < SIDES; i++) {
        struct sink sink = {put, &sides[i]};
        config.hooked = i == HOOK ? &bench->lowering->flat : NULL;
        config.profile = i == JSON ? bench->profile : NULL;
        code = collector_onnxruntime.open(bench->arena, &config, &sink, &sides[i].session, err);
        if (!code)
            code = run(&sides[i], WARM, err);
        sides[i].runs = 0;
    }
    return code;
}

static int finish(struct side *side, struct err *err) {
    struct sink sink = {put, side};
    double before = ended_ns();
    int code = collector_onnxruntime.finish(side->session, &sink, err);
    side->process_ns = ended_ns() - before;
    return code;
}

static void note(struct bench *bench, struct side *sides) {
    double operators = bench->lowering->flat.count;
    double plain = stats_median(sides[PLAIN].cpu_ns, RUNS);
    bench->plain_ns[bench->sets] = plain;
    for (int i = JSON; i < SIDES; i++) {
        double within = stats_median(sides[i].cpu_ns, RUNS) - plain;
        double whole = (sides[i].process_ns - sides[PLAIN].process_ns) / (RUNS + WARM + 1);
        bench->within_us[i][bench->sets] = within / operators / 1e3;
        bench->whole_us[i][bench->sets] = whole / operators / 1e3;
    }
    bench->sets++;
}

static int measure_set(struct bench *bench, struct err *err) {
    struct side sides[SIDES] = {0};
    int code = open_sides(bench, sides, err);
    for (int round = 0; !code && round < ROUNDS; round++)
        for (int i = 0; !code && i < SIDES; i++)
            code = run(&sides[(round + i) % SIDES], BATCH, err);
    for (int i = 0; !code && i < SIDES; i++)
        code = finish(&sides[i], err);
    if (!code)
        note(bench, sides);
    return code;
}

static void print(struct bench *bench) {
    static const char *const names[] = {"", "json", "hook"};
    printf("plain\t%.4g\t%u\n", stats_median(bench->plain_ns, bench->sets) / 1e6,
           bench->lowering->flat.count);
    for (int i = JSON; i < SIDES; i++)
        printf("%s\t%.2f\t%.2f\n", names[i], stats_median(bench->within_us[i], bench->sets),
               stats_median(bench->whole_us[i], bench->sets));
}

static int measure(struct bench *bench, const char *model, uint32_t sets, struct err *err) {
    struct subject_request request = {
        .model_path = model, .collector = "onnxruntime", .threads = 1, .seed = 1};
    struct subject subject;
    struct lowering lowering;
    if (subject_open(bench->arena, NULL, &request, &subject, err))
        return -(int)err->code;
    int code = lowering_make(bench->arena, NULL, &subject, LOWERING_RUNTIME, &lowering, err);
    bench->subject = &subject;
    bench->lowering = &lowering;
    for (uint32_t i = 0; !code && i < sets; i++)
        code = measure_set(bench, err);
    if (!code)
        print(bench);
    subject_close(&subject);
    return code;
}

int main(int argc, char **argv) {
    char profile[] = "/tmp/assay-hook-XXXXXX";
    int file = argc == 3 ? mkstemp(profile) : -1;
    if (file < 0)
        return 2;
    close(file);
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    static struct bench bench;
    bench.arena = &arena;
    bench.profile = profile;
    uint32_t sets = (uint32_t)atoi(argv[2]);
    int code = measure(&bench, argv[1], sets < SETS_MAX ? sets : SETS_MAX, &err);
    if (code)
        fprintf(stderr, "hook: %s\n", err.message);
    unlink(profile);
    arena_done(&arena);
    return code ? 1 : 0;
}
