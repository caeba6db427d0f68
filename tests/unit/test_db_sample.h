/* Runs made up for the tests of db/: deterministic, so that what is read can be held against what
 * was written. Each test has a folder of its own, removed at the end. */
#ifndef ASSAY_TEST_DB_SAMPLE_H
#define ASSAY_TEST_DB_SAMPLE_H

#include "db/run.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static inline struct summary sample_summary(double median) {
    return (struct summary){median, median * 0.95, median * 1.07, 0.02, 31};
}

/* `ops` operators, every third with two counters. */
static inline struct stored_run sample_run(struct arena *arena, int number, uint32_t ops) {
    struct stored_op *list = ARENA_ARRAY(arena, ops, struct stored_op);
    for (uint32_t i = 0; i < ops; i++) {
        struct stored_metric *counters = ARENA_ARRAY(arena, 2, struct stored_metric);
        counters[0] =
            (struct stored_metric){"instructions", "1", PHASE_PROFILED, sample_summary(1e6 + i)};
        counters[1] =
            (struct stored_metric){"cycles", "1", PHASE_PROFILED, sample_summary(2e6 + i)};
        list[i] = (struct stored_op){
            .index = i,
            .path = arena_printf(arena, "/layer%u/Conv", i),
            .type = "Conv",
            .domain = "com.microsoft.nchwc",
            .kernel = "nchwc_conv_pointwise",
            .shapes = "1x64x56x56 64x64x1x1 -> 1x64x56x56",
            .dtype = DTYPE_FLOAT32,
            .flops = 1e6 * (i + 1),
            .bytes = 4096.0 * (i + 1),
            .wall_raw_ns = sample_summary(1000.0 + i),
            .wall_ns = sample_summary(900.0 + i),
            .cpu_ns = sample_summary(890.0 + i),
            .metrics = counters,
            .metric_count = i % 3 == 0 ? 2 : 0,
        };
    }
    struct stored_metric *metrics = ARENA_ARRAY(arena, 3, struct stored_metric);
    metrics[0] = (struct stored_metric){"wall_ns", "ns", PHASE_PLAIN, sample_summary(5e6 + number)};
    metrics[1] = (struct stored_metric){"cpu_ns", "ns", PHASE_PLAIN, sample_summary(4e6)};
    metrics[2] = (struct stored_metric){
        "peak_bytes", "bytes", PHASE_COLD, {1e8, NAN, NAN, NAN, 1}
    };
    struct dim_binding *dims = ARENA_ARRAY(arena, 2, struct dim_binding);
    dims[0] = (struct dim_binding){"seq len", 128};
    dims[1] = (struct dim_binding){"batch", 8};
    struct stored_run run = {
        .model = {.sha256 = arena_printf(arena, "%064d", number % 10),
                  .name = arena_printf(arena,                             "model%d", number % 10),
                  .path = "/models/m.onnx",
                  .format = "onnx",
                  .file_bytes = 1000,
                  .nodes = ops,
                  .parameters = 7,
                  .weight_bytes = 28},
        .machine = {.fingerprint = "abcdef0123456789",
                  .label = "a machine",
                  .isa = "avx2 fma",
                  .cpus = 2,
                  .memory_bytes = 1 << 30,
                  .cache_bytes = {1, 2, 3, 4}                                                           },
        .conditions = {"onnxruntime",  "1.30.0",         1,         8, 2, dims,1                                                                                                                         },
        .weights = "files",
        .collector = "replay",
        .purpose = "profile",
        .dtype = DTYPE_FLOAT32,
        .lowered = {.origin = "runtime",
                  .bytes = "an ONNX file",
                  .byte_count = 12,
                  .lowering_ns = 5000000,
                  .op_count = ops                                           },
        .repeats = 31,
        .processes = 3,
        .budget_ns = 1e10,
        .seed = UINT64_MAX - 5,
        .started_at = "2026-01-31T12:00:00.000Z",
        .duration_ns = 2e9,
        .tool_version = "0.1.0",
        .overhead_ns_per_op = 7100,
        .disturbance = {1,                           2,                                 3,         4, 0.25,         5,                                                                 6, 0.75       },
        .warnings_json = "[\"noisy\"]",
        .metrics = metrics,
        .metric_count = 3,
        .ops = list,
        .op_count = ops,
    };
    return run;
}

static inline int sample_remove(const char *path, const struct stat *status, int type,
                                struct FTW *at) {
    (void)status, (void)type, (void)at;
    return remove(path);
}

struct sample_folder {
    char path[64];
    char db[96];
    struct arena arena;
    struct err err;
};

static inline int sample_setup(void **state) {
    struct sample_folder *folder = calloc(1, sizeof *folder);
    strcpy(folder->path, "/tmp/assay-test-db-XXXXXX");
    if (mkdtemp(folder->path) == NULL)
        return -1;
    snprintf(folder->db, sizeof folder->db, "%s/assay.db", folder->path);
    arena_init(&folder->arena);
    *state = folder;
    return 0;
}

static inline int sample_teardown(void **state) {
    struct sample_folder *folder = *state;
    nftw(folder->path, sample_remove, 16, FTW_DEPTH | FTW_PHYS);
    arena_done(&folder->arena);
    free(folder);
    return 0;
}

#define assert_done(folder, call)                                                                  \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, (folder)->err.message);                                      \
    } while (0)

/* The call must fail with this code and a message that contains the text. */
#define assert_refused(folder, call, wanted, text)                                                 \
    do {                                                                                           \
        memset(&(folder)->err, 0, sizeof(folder)->err);                                            \
        assert_int_equal(call, -(wanted));                                                         \
        if (strstr((folder)->err.message, text) == NULL)                                           \
            fail_msg("\"%s\" lacks \"%s\"", (folder)->err.message, text);                          \
        memset(&(folder)->err, 0, sizeof(folder)->err);                                            \
    } while (0)

static inline struct db *sample_open(struct sample_folder *folder, int flags) {
    struct db *db;
    assert_done(folder, db_open(folder->db, flags, &db, &folder->err));
    return db;
}

#endif
