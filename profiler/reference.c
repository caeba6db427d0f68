#include "profiler/reference.h"

#include "base/stats.h"

#include <math.h>
#include <time.h>

enum {
    WARM_UP_NS = 100000000,
    SETTLE_NS = 6000000, /* runs before a reading: caches hold the data of another process */
    READING_NS = 10000000,
    RUNS_LEAST = 3, /* of either */
    RUNS_MOST = 64,
    LONG_READINGS = 240
};

struct batch {
    enum metric metric;
    uint32_t settling; /* runs that are not counted yet */
    uint32_t count;
    double sum, worst;
};

static void take(void *context, const struct sample *sample) {
    struct batch *batch = context;
    if (sample->op != SAMPLE_OF_RUN || sample->metric != batch->metric)
        return;
    if (batch->settling > 0) {
        batch->settling--;
        return;
    }
    batch->count++;
    batch->sum += sample->value;
    batch->worst = fmax(batch->worst, sample->value);
}

static const uint64_t long_ns = 4000000000;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int run(struct reference *reference, uint32_t repeats, struct batch *batch,
               struct err *err) {
    struct sink sink = {take, batch};
    uint64_t start = now_ns();
    int status = reference->collector->run(reference->session, repeats, &sink, err);
    reference->run_ns = (now_ns() - start) / repeats + 1;
    return status;
}

static void abandon(struct reference *reference) {
    reference->collector->abandon(reference->session);
    reference->session = NULL;
}

int reference_open(struct reference *reference, struct arena *arena,
                   const struct collector *collector, const struct collect_config *config,
                   struct err *err) {
    struct batch batch = {.metric = METRIC_WALL_NS};
    struct sink sink = {take, &batch};
    *reference = (struct reference){.collector = collector, .threads = config->threads};
    if (collector->open(arena, config, &sink, &reference->session, err)) {
        reference->session = NULL;
        return -(int)err->code;
    }
    uint64_t start = now_ns();
    do {
        if (run(reference, RUNS_LEAST, &batch, err)) {
            abandon(reference);
            return -(int)err->code;
        }
    } while (now_ns() - start < WARM_UP_NS);
    return 0;
}

static uint32_t runs_in(const struct reference *reference, uint64_t ns) {
    uint64_t runs = ns / reference->run_ns;
    return (uint32_t)(runs < RUNS_LEAST ? RUNS_LEAST : runs > RUNS_MOST ? RUNS_MOST : runs);
}

double reference_read(struct reference *reference) {
    struct err ended = {0};
    if (!reference->session)
        return NAN;
    struct batch batch = {.metric = reference->threads == 1 ? METRIC_CPU_NS : METRIC_WALL_NS,
                          .settling = runs_in(reference, SETTLE_NS)};
    if (run(reference, batch.settling + runs_in(reference, READING_NS), &batch, &ended)) {
        abandon(reference);
        return NAN;
    }
    return batch.count > 1 ? (batch.sum - batch.worst) / (batch.count - 1) : NAN;
}

double reference_read_long(struct reference *reference, const struct progress_sink *progress) {
    double readings[LONG_READINGS], fraction = 0;
    uint32_t count = 0;
    uint64_t start = now_ns();
    for (int i = 0; i < LONG_READINGS && fraction < 1 && reference->session; i++) {
        readings[count] = reference_read(reference);
        count += readings[count] > 0;
        fraction = fmax((i + 1.0) / LONG_READINGS, (double)(now_ns() - start) / (double)long_ns);
        if (progress)
            progress->update(progress->context, fmin(fraction, 1), "reference network");
    }
    return count ? stats_median(readings, count) : NAN;
}

void reference_close(struct reference *reference) {
    if (reference->session)
        abandon(reference);
}
