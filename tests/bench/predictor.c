/* Timings of the predictor without program, database or runtime around it.
 *   predictor OBSERVATIONS     (text, as `assay observations` prints it)
 * Prints "name<TAB>milliseconds<TAB>what was done" lines; tests/bench/run makes a table of them. */
#include "base/file.h"
#include "base/rng.h"
#include "models/infer.h"
#include "models/lower.h"
#include "models/zoo/zoo.h"
#include "predictor/fit_text.h"
#include "predictor/observations_text.h"
#include "predictor/predict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 9, MANY_OBSERVATIONS = 100000 };

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void stop(const struct err *err) {
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* ---- learning -------------------------------------------------------------------------------- */

static struct training read_observations(struct arena *arena, const char *path) {
    struct file_map map;
    struct training training;
    struct err err = {0};
    if (file_map_open(&map, path, &err))
        stop(&err);
    double start = now_ms();
    if (observations_read(arena, (const char *)map.bytes, map.size, path, &training, &err))
        stop(&err);
    printf("read observations\t%.4g\t%u operators, %.3g MB\n", now_ms() - start,
           training.observation_count, (double)map.size * 1e-6);
    file_map_close(&map);
    return training;
}

/* The runs again and again as models of other names, times and sizes off by some per cent. */
static struct training repeated(struct arena *arena, const struct training *once, uint32_t wanted) {
    uint32_t rounds = (wanted + once->observation_count - 1) / once->observation_count;
    struct observed_run *runs =
        ARENA_ARRAY(arena, (size_t)rounds * once->run_count, struct observed_run);
    struct observation *observations = ARENA_ARRAY(arena, wanted, struct observation);
    struct training all = {observations, runs, 0, 0, once->threads, once->usual};
    struct rng rng;
    rng_init(&rng, 1);
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t r = 0; r < once->run_count; r++) {
            struct observed_run *run = &runs[all.run_count + r];
            *run = once->runs[r];
            run->id = all.run_count + r + 1;
            run->model_name = arena_printf(arena, "%s#%u", run->model_name, round);
            run->model_sha256 = arena_printf(arena, "%s#%u", run->model_sha256, round);
        }
        for (uint32_t i = 0; i < once->observation_count && all.observation_count < wanted; i++) {
            struct observation *o = &observations[all.observation_count++];
            double factor = exp(0.05 * rng_normal(&rng));
            *o = once->observations[i];
            o->run += all.run_count;
            o->wall_ns *= factor * exp(0.03 * rng_normal(&rng));
            for (int t = 1; t < FEATURE_TERMS_MAX; t++)
                o->features.terms[t] *= factor;
        }
        all.run_count += once->run_count;
    }
    return all;
}

static void time_fit(struct arena *arena, const struct training *training, struct fit *fit) {
    struct err err = {0};
    double start = now_ms();
    if (fit_train(arena, training, NULL, fit, &err))
        stop(&err);
    printf("fit\t%.4g\tfrom %u operators of %u runs\n", now_ms() - start,
           training->observation_count, training->run_count);
}

static void time_fit_text(const struct fit *fit) {
    struct strbuf text;
    struct err err = {0};
    double best = INFINITY;
    strbuf_init(&text);
    fit_write(fit, &text);
    for (int i = 0; i < REPEATS; i++) {
        struct arena arena;
        struct fit again;
        arena_init(&arena);
        double start = now_ms();
        if (fit_read(&arena, text.text, &again, &err))
            stop(&err);
        best = fmin(best, now_ms() - start);
        arena_done(&arena);
    }
    printf("read a stored fit\t%.4g\t%.3g MB of text\n", best, (double)text.length * 1e-6);
    strbuf_done(&text);
}

/* ---- predicting ------------------------------------------------------------------------------ */

static void lower_zoo(struct arena *arena, const char *name, struct graph **lowered,
                      struct flat_graph *flat) {
    const struct zoo_options options = {0};
    const struct lower_target target = {.block = 16};
    struct zoo_model model;
    struct err err = {0};
    if (zoo_build(arena, name, &options, &model, &err) || infer_shapes(model.graph, &err))
        stop(&err);
    double start = now_ms();
    if (lower_by_rules(arena, model.graph, &target, lowered, &err) ||
        flat_graph_build(arena, *lowered, flat, &err))
        stop(&err);
    printf("lower by rules\t%.4g\t%s: %u operators of %u\n", now_ms() - start, name, flat->count,
           model.graph->op_count);
}

static void time_predict(const struct fit *fit, const char *name) {
    struct arena arena, scratch;
    struct graph *lowered;
    struct flat_graph flat;
    struct prediction prediction = {0};
    double best = INFINITY;
    const struct predict_options options = {
        {.block = 16, .cache_bytes = 2 << 20},
        .memory_confidence = 0.99, .allow_roofline = true
    };
    arena_init(&arena);
    lower_zoo(&arena, name, &lowered, &flat);
    for (int i = 0; i < REPEATS; i++) {
        arena_init(&scratch);
        prediction = (struct prediction){0};
        double start = now_ms();
        predict_model(&scratch, fit, lowered, &flat, 0, &options, &prediction);
        best = fmin(best, now_ms() - start);
        arena_done(&scratch);
    }
    printf("predict from a fit in memory\t%.4g\t%s, %u operators: %.3g ms per 1,000\n", best, name,
           flat.count, best * 1000 / flat.count);
    arena_done(&arena);
}

int main(int argc, char **argv) {
    static const char *const models[] = {"densenet169", "smollm2_135m", "swin_t"};
    struct arena arena;
    struct fit fit;
    if (argc != 2) {
        fprintf(stderr, "usage: predictor OBSERVATIONS\n");
        return 2;
    }
    arena_init(&arena);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct training recorded = read_observations(&arena, argv[1]);
    time_fit(&arena, &recorded, &fit);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++)
        time_predict(&fit, models[m]);
    time_fit_text(&fit);
    struct training many = repeated(&arena, &recorded, MANY_OBSERVATIONS);
    time_fit(&arena, &many, &fit);
    arena_done(&arena);
    return 0;
}
