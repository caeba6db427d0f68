#include "jobs/calibrate.h"

#include "base/progress.h"
#include "base/stats.h"
#include "db/db.h"
#include "db/machine.h"
#include "db/run.h"
#include "jobs/contention.h"
#include "jobs/coverage.h"
#include "jobs/profile.h"
#include "jobs/reference_network.h"
#include "jobs/storage.h"
#include "models/random/random.h"
#include "predictor/estimator.h"
#include "predictor/predict.h"
#include "profiler/speed_probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_FIT = 25, FAILURES_MAX = 20 };
/* A fit costs time that measuring could have: the next is made when so many more are known. */
static const double refit_growth = 1.3;
/* Between a tenth and nine tenths of what the reference network took. On a shared host that is left
 * alone it is 1.13 (docs/accuracy.md). */
static const double disturbed_ratio = 1.25;

struct calibrating {
    struct arena *arena; /* what stays to the end */
    struct db *db;
    const struct calibrate_request *request;
    struct progress *progress;
    struct calibrated *out;
    char folder[64];
    struct reference reference;
    double *references; /* what it took, beside each network */
    uint32_t reference_count, reference_capacity;
    struct arena fit_arena; /* of the present fit */
    struct fit fit;
    bool fitted;
    uint32_t next_fit; /* networks, those of earlier calibrations included */
    double started_ns, measuring_ns;
    uint64_t next_seed;
    struct err *err;
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool time_is_up(const struct calibrating *c) {
    return now_ns() - c->started_ns >= (double)c->request->budget_ns;
}

/* ---- before ---------------------------------------------------------------------------------- */

static int count_earlier(struct calibrating *c) {
    const struct place *place = &c->out->place;
    const struct run_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .purpose = "calibrate",
    };
    uint64_t count;
    if (db_count_runs(c->db, &filter, &count, c->err))
        return -(int)c->err->code;
    c->out->networks_before = (uint32_t)count;
    /* Seeds go on behind those that earlier calibrations may have used. */
    c->next_seed = c->request->seed + 2 * count;
    return 0;
}

/* ---- what replicas take from one another ------------------------------------------------------
 */

enum { TOGETHER_EVERY = 8, SHARED_BYTES_LEAST = 64 << 20, SHARED_BYTES_MOST = 256 << 20 };

/* Replicas are measured in powers of two, as many as have CPUs of their own. */
static uint32_t most_replicas(const struct place *place) {
    uint32_t most = 1;
    while (2 * most * place->threads <= place->machine.cpus && 2 * most <= PROTOCOL_REPLICAS_MAX)
        most *= 2;
    return most;
}

static void put_peak(struct machine_peak *peak, const char *quantity, const char *subject,
                     uint32_t threads, double value) {
    *peak = (struct machine_peak){quantity, subject, threads, value, value, value, NULL};
}

/* Bandwidth and arithmetic of 1, 2, 4... threads at once: the prior of the slow-down by replicas.
 */
static int measure_shared_peaks(struct calibrating *c) {
    const struct machine *machine = &c->out->place.machine;
    for (uint32_t n = 1; n <= machine->cpus && n <= PROTOCOL_REPLICAS_MAX; n *= 2) {
        struct machine_peak peaks[3];
        size_t large =
            SHARED_BYTES_MOST / n > SHARED_BYTES_LEAST ? SHARED_BYTES_MOST / n : SHARED_BYTES_LEAST;
        size_t own = machine->cache_bytes[1] > 0 && machine->cache_bytes[1] < large
                         ? machine->cache_bytes[1] / 2
                         : 1 << 18;
        put_peak(&peaks[0], SHARED_BYTES_QUANTITY, "memory", n,
                 1e9 * shared_read_bandwidth(large, n));
        put_peak(&peaks[1], SHARED_BYTES_QUANTITY, "L2", n, 1e9 * shared_read_bandwidth(own, n));
        put_peak(&peaks[2], SHARED_PRODUCTS_QUANTITY, "L1", n, 1e9 * shared_products(n));
        if (db_put_peaks(c->db, machine, peaks, 3, c->err))
            return -(int)c->err->code;
    }
    return 0;
}

/* Read bandwidth of each level that the machine says it has, and of memory. */
static int measure_peaks(struct calibrating *c) {
    const struct machine *machine = &c->out->place.machine;
    static const char *const names[] = {"L1", "L2", "L3", "L4"};
    struct machine_peak peaks[MACHINE_CACHE_LEVELS + 1];
    size_t count = 0;
    struct arena scratch;
    arena_init(&scratch);
    for (int i = 0; i < MACHINE_CACHE_LEVELS; i++) {
        if (machine->cache_bytes[i] == 0 || machine->cache_bytes[i] > (64u << 20))
            continue;
        double value = 1e9 * read_bandwidth(&scratch, machine->cache_bytes[i] / 2);
        peaks[count++] =
            (struct machine_peak){"bytes_per_s", names[i], 1, value, value, value, NULL};
    }
    double value = 1e9 * read_bandwidth(&scratch, 256u << 20);
    peaks[count++] = (struct machine_peak){"bytes_per_s", "memory", 1, value, value, value, NULL};
    arena_done(&scratch);
    return db_put_peaks(c->db, machine, peaks, count, c->err);
}

static int find_recipe(const char *name, size_t *index, struct err *err) {
    for (*index = 0; *index < random_recipe_count; ++*index)
        if (strcmp(random_recipes[*index].row.name, name) == 0)
            return 0;
    err_set(err, ERR_USAGE, "no recipe '%s'", name);
    return err_hint(err, "`assay help calibrate` names them");
}

/* A weight of 0 leaves a recipe out. */
static int weigh_recipes(struct calibrating *c) {
    const struct calibrate_request *request = c->request;
    for (size_t i = 0; i < random_recipe_count; i++) {
        c->out->design.arms[i].name = random_recipes[i].row.name;
        c->out->design.arms[i].weight = request->recipe_count ? 0 : random_recipes[i].weight;
    }
    for (uint32_t k = 0; k < request->recipe_count; k++) {
        size_t i;
        if (find_recipe(request->recipes[k], &i, c->err))
            return -(int)c->err->code;
        c->out->design.arms[i].weight = random_recipes[i].weight;
    }
    return 0;
}

/* The networks are ONNX models. */
static int check_collector(struct calibrating *c) {
    const struct collector *row = collector_by_name(c->request->collector);
    if (!row || collector_for(row, "onnx") == row)
        return 0;
    err_set(c->err, ERR_USAGE, "%s runs no networks to calibrate with", row->name);
    return err_hint(c->err,
                    "profile several models with it: `assay fit --collector %s` learns from "
                    "them",
                    row->name);
}

static int begin(struct calibrating *c) {
    const struct calibrate_request *request = c->request;
    if (check_collector(c) ||
        place_here(c->arena, c->db, request->collector, request->threads, &c->out->place, c->err) ||
        count_earlier(c) || measure_peaks(c) || measure_shared_peaks(c) ||
        storage_measure(c->db, &c->out->place.machine, c->err))
        return -(int)c->err->code;
    design_init(&c->out->design, c->arena, (uint32_t)random_recipe_count, c->next_seed + 1);
    if (weigh_recipes(c))
        return -(int)c->err->code;
    snprintf(c->folder, sizeof c->folder, "/tmp/assay-calibrate-XXXXXX");
    if (!mkdtemp(c->folder))
        return err_set_errno(c->err, ERR_ENVIRONMENT, "%s: a temporary folder cannot be made",
                             c->folder);
    return 0;
}

/* ---- one network ----------------------------------------------------------------------------- */

static int write_network(struct calibrating *c, struct arena *arena, uint32_t arm, uint64_t seed,
                         const char **path, struct err *err) {
    struct zoo_model model;
    if (random_network(arena, &random_recipes[arm], seed, 0, &model, err))
        return -(int)err->code;
    struct onnx_weights weights = zoo_weights(&model, ONNX_WEIGHTS_INLINE);
    *path = arena_printf(arena, "%s/network.onnx", c->folder);
    return onnx_write_file(model.graph, &weights, *path, err);
}

static struct protocol short_protocol(void) {
    struct protocol protocol = protocol_default();
    protocol.processes = protocol.hooked_processes = 1;
    protocol.warmup_runs = 2;
    protocol.warmup_ns = 20000000;
    protocol.min_repeats = 6;
    protocol.target = 0.015;
    protocol.batch_ns = 60000000;
    protocol.settle_ns = 25000000;
    protocol.budget_ns = 450000000;
    protocol.memory_bytes = 16 << 20;
    return protocol;
}

/* log(measured / predicted) of the network's run, before the fit learns from it. */
static double surprise(struct calibrating *c, struct arena *arena,
                       const struct profiled *profiled) {
    const struct place *place = &c->out->place;
    const struct predict_options options = {.target =
                                                feature_target_of(&place->machine, place->threads),
                                            .memory_confidence = 0.99,
                                            .allow_roofline = true};
    struct prediction prediction = {0};
    if (!c->fitted)
        return NAN;
    predict_model(arena, &c->fit, profiled->lowering.graph, &profiled->lowering.flat, 0, &options,
                  &prediction);
    return log(profiled->details.cpu_ns.median / prediction.cpu_time_ns.value);
}

/* 2, 4, 8 up to `most`, and again. */
static uint32_t replicas_of_turn(uint32_t turn, uint32_t most) {
    uint32_t sizes = 0;
    while (2u << sizes <= most)
        sizes++;
    return 2u << turn % sizes;
}

static void note_reference(struct calibrating *c, const struct profiled *profiled) {
    double ns = profiled->details.reference_ns.median;
    if (profiled->details.reference_ns.count)
        *ARENA_PUSH(c->arena, c->references, c->reference_count, c->reference_capacity) = ns;
}

static void sum_references_up(struct calibrating *c) {
    c->out->reference_low_ns = stats_quantile(c->references, c->reference_count, 0.1);
    c->out->reference_ns = stats_quantile(c->references, c->reference_count, 0.5);
    c->out->reference_high_ns = stats_quantile(c->references, c->reference_count, 0.9);
}

bool calibrated_is_disturbed(const struct calibrated *done) {
    return done->reference_high_ns > disturbed_ratio * done->reference_low_ns;
}

/* Some networks are measured once more, beside copies of themselves; not before there is a fit, so
 * that a short budget goes to the operators. What fails here, for want of memory perhaps, has been
 * measured alone all the same. */
static void measure_together(struct calibrating *c, const struct profile_request *alone) {
    uint32_t most = most_replicas(&c->out->place);
    if (!c->fitted || most < 2 || c->out->networks % TOGETHER_EVERY != 0)
        return;
    struct profile_request request = *alone;
    struct profiled profiled;
    struct arena arena;
    struct err failure = {0};
    request.protocol.replicas = replicas_of_turn(c->out->networks / TOGETHER_EVERY, most);
    arena_init(&arena);
    if (job_profile(&arena, c->db, &request, NULL, &profiled, &failure) == 0) {
        c->measuring_ns += profiled.measuring_ns;
        c->out->together++;
    } else {
        c->out->last_failure = arena_printf(c->arena, "beside replicas: %s", failure.message);
        c->out->failed++;
    }
    arena_done(&arena);
}

/* It is there for all networks; one that ended is replaced. Without it the probe tells the speed.
 */
static void have_reference(struct calibrating *c) {
    const struct collector *collector = collector_by_name(c->request->collector);
    struct err refused = {0};
    if (c->reference.session || c->out->no_reference || !collector ||
        !reference_network_open(c->arena, collector, c->request->threads, &c->reference, &refused))
        return;
    c->out->no_reference = arena_strdup(c->arena, refused.message);
}

static int measure_network(struct calibrating *c, struct arena *arena, uint32_t arm,
                           struct err *err) {
    uint64_t seed = c->next_seed++;
    const char *path = NULL;
    double start = now_ns();
    if (write_network(c, arena, arm, seed, &path, err))
        return -(int)err->code;
    struct protocol protocol = short_protocol();
    protocol.reference = &c->reference;
    const struct profile_request request = {
        .subject = {.model_path = path,
                    .name = arena_printf(arena, "random/%s/%llu", random_recipes[arm].row.name,
                    (unsigned long long)seed),
                    .collector = c->request->collector,
                    .threads = c->request->threads,
                    .seed = seed,
                    .machine = &c->out->place.machine,
                    .runtime = c->out->place.runtime,
                    .runtime_version = c->out->place.runtime_version},
        .protocol = protocol,
        .purpose = "calibrate",
    };
    struct profiled profiled;
    if (job_profile(arena, c->db, &request, NULL, &profiled, err))
        return -(int)err->code;
    const struct place *place = &c->out->place;
    const struct summary *library = &profiled.details.library_bytes;
    if (c->out->networks == 0 && library->count &&
        storage_note_library(arena, c->db, &place->machine, place->runtime, place->runtime_version,
                             library->median, err))
        return -(int)err->code;
    double seconds = (now_ns() - start) * 1e-9;
    c->measuring_ns += profiled.measuring_ns;
    design_learn(&c->out->design, arm, surprise(c, arena, &profiled), seconds);
    note_reference(c, &profiled);
    measure_together(c, &request);
    return 0;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static int refit(struct calibrating *c) {
    const struct place *place = &c->out->place;
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .target = feature_target_of(&place->machine, place->threads),
    };
    struct training training;
    uint32_t known = c->out->networks_before + c->out->networks;
    arena_done(&c->fit_arena);
    c->fitted = false;
    c->next_fit = (uint32_t)ceil(refit_growth * known);
    if (training_load(&c->fit_arena, c->db, &filter, &training, c->err))
        return -(int)c->err->code;
    if (training.observation_count == 0)
        return 0;
    c->fitted = true;
    c->fit = (struct fit){.spread = run_spread_assumed(),
                          .sum_ratio = 1,
                          .wall_ratio = 1,
                          .cpu_ratio = 1,
                          .evidence = ""};
    return cost_model_fit(&c->fit_arena, &training, NULL, estimator_by_name("rates"), &c->fit.cost,
                          c->err);
}

static void tell(struct calibrating *c) {
    char note[96];
    snprintf(note, sizeof note, "%u networks, error of new ones %.1f %%", c->out->networks,
             100 * design_uncertainty(&c->out->design));
    progress_update(c->progress, (now_ns() - c->started_ns) * 1e-9, note);
}

/* A network that fails is given up and told of; many failures are a failure. */
static int note_failure(struct calibrating *c, uint32_t arm, const struct err *failure) {
    c->out->failed++;
    c->out->last_failure =
        arena_printf(c->arena, "%s: %s", random_recipes[arm].row.name, failure->message);
    design_learn(&c->out->design, arm, NAN, 1);
    if (failure->code == ERR_ENVIRONMENT || c->out->failed >= FAILURES_MAX) {
        *c->err = *failure;
        return err_prefix(c->err, "recipe %s", random_recipes[arm].row.name);
    }
    return 0;
}

static int measure_all(struct calibrating *c) {
    progress_start(c->progress, (double)c->request->budget_ns * 1e-9, "calibrating");
    do {
        have_reference(c);
        if (c->out->networks_before + c->out->networks >= c->next_fit && refit(c))
            return -(int)c->err->code;
        struct arena scratch;
        struct err failure = {0};
        uint32_t arm = design_next(&c->out->design);
        arena_init(&scratch);
        int code = measure_network(c, &scratch, arm, &failure);
        arena_done(&scratch);
        if (code && note_failure(c, arm, &failure))
            return -(int)c->err->code;
        c->out->networks += code == 0;
        tell(c);
    } while (!time_is_up(c));
    progress_done(c->progress);
    return 0;
}

static void clean_up(struct calibrating *c) {
    char path[96];
    reference_close(&c->reference);
    snprintf(path, sizeof path, "%s/network.onnx", c->folder);
    unlink(path);
    rmdir(c->folder);
}

int job_calibrate(struct arena *arena, struct db *db, const struct calibrate_request *request,
                  struct progress *progress, struct calibrated *out, struct err *err) {
    *out = (struct calibrated){.last_failure = ""};
    struct calibrating c = {.arena = arena,
                            .db = db,
                            .request = request,
                            .progress = progress,
                            .out = out,
                            .next_fit = FIRST_FIT,
                            .started_ns = now_ns(),
                            .err = err};
    arena_init(&c.fit_arena);
    int code = begin(&c);
    if (!code) {
        code = measure_all(&c);
        clean_up(&c);
    }
    out->seconds = (now_ns() - c.started_ns) * 1e-9;
    sum_references_up(&c);
    out->measuring_share = c.measuring_ns * 1e-9 / fmax(out->seconds, 1e-9);
    arena_done(&c.fit_arena);
    if (code || job_fit(arena, db, &out->place, &out->fitted, err) ||
        coverage_put_peaks(arena, db, &out->place, err) ||
        coverage_unseen(arena, db, &out->place, &out->unseen, &out->unseen_count, err))
        return -(int)err->code;
    return 0;
}
