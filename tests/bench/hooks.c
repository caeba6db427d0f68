/* What a pair of hooks costs, beside what else tells the time of an operator: a group read of
 * perf_event and clock_gettime, twice each, for an operator has two ends. All are taken in turns,
 * so that what else the machine does meets all alike. hooks LIBRARY STREAM Prints
 * "name<TAB>nanoseconds<TAB>times a pair without shapes" lines. */
#include "collectors/assay_hooks.h"
#include "collectors/counters.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An operator of 1 us between, as small ones are, leaves the library's helper its time. */
enum { PAIRS = 20000, BURST = 50, ROUNDS = 31, WORK_NS = 1000 };

struct hooks {
    __typeof__(assay_hooks_begin) *begin;
    __typeof__(assay_hooks_end) *end;
    __typeof__(assay_hooks_kind) *kind;
    uint32_t conv;
};

static struct hooks plain, counting, off;
static struct counters counters;

/* CLOCK_THREAD_CPUTIME_ID leaves out what other programs take. */
static double now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void nothing(void) {
}

static void pair(void) {
    plain.begin(plain.conv, NULL, 0);
    plain.end();
}

static void pair_counting(void) {
    counting.begin(counting.conv, NULL, 0);
    counting.end();
}

static void pair_off(void) {
    off.begin(off.conv, NULL, 0);
    off.end();
}

static void pair_with_shapes(void) {
    static const int64_t image[] = {1, 3, 224, 224}, weights[] = {64, 3, 7, 7};
    static const assay_hooks_tensor inputs[] = {
        {ASSAY_HOOKS_FLOAT32, 4, image  },
        {ASSAY_HOOKS_FLOAT32, 4, weights}
    };
    plain.begin(plain.conv, inputs, 2);
    plain.end();
}

static void two_clocks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    clock_gettime(CLOCK_MONOTONIC, &now);
}

static void two_group_reads(void) {
    struct counters_reading reading;
    counters_read(&counters, &reading);
    counters_read(&counters, &reading);
}

static const struct way {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"nothing",                                    nothing         },
    {"a pair of hooks",                            pair            },
    {"a pair of hooks with two shapes",            pair_with_shapes},
    {"a pair of hooks with 3 counters",            pair_counting   },
    {"a pair of hooks when nothing is recorded",   pair_off        },
    {"clock_gettime, twice",                       two_clocks      },
    {"perf_event group read of 3 counters, twice", two_group_reads },
};

enum { WAYS = sizeof ways / sizeof *ways };

/* Nanoseconds of one, the work between them not counted. */
static double time_way(const struct way *way) {
    double spent = 0;
    for (int i = 0; i < PAIRS; i += BURST) {
        double start = now_ns(CLOCK_THREAD_CPUTIME_ID);
        for (int k = 0; k < BURST; k++)
            way->run();
        spent += now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
        for (double until = now_ns(CLOCK_MONOTONIC) + BURST * WORK_NS;
             now_ns(CLOCK_MONOTONIC) < until;)
            ;
    }
    return spent / PAIRS;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void *function(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

/* What the environment asks for, a library sees when it is loaded. */
static void load(struct hooks *hooks, const char *path, const char *stream, const char *events) {
    stream ? setenv("ASSAY_HOOKS_STREAM", stream, 1) : unsetenv("ASSAY_HOOKS_STREAM");
    setenv("ASSAY_HOOKS_COUNTERS", events, 1);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    void *functions[] = {function(library, "assay_hooks_begin"),
                         function(library, "assay_hooks_end"),
                         function(library, "assay_hooks_kind")};
    memcpy(&hooks->begin, &functions[0], sizeof hooks->begin);
    memcpy(&hooks->end, &functions[1], sizeof hooks->end);
    memcpy(&hooks->kind, &functions[2], sizeof hooks->kind);
    hooks->conv = hooks->kind(ASSAY_HOOKS_OPERATOR, "Conv", "bench");
}

int main(int argc, char **argv) {
    static const char *const names[] = {"page-faults", "context-switches", "cpu-migrations"};
    double times[WAYS][ROUNDS];
    struct err err = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: hooks LIBRARY COPY COPY STREAM\n");
        return 2;
    }
    counters_open(&counters, names, 3, &err);
    load(&plain, argv[1], argv[4], "");
    load(&counting, argv[2], argv[4], "page-faults,context-switches,cpu-migrations");
    load(&off, argv[3], NULL, "");
    for (int round = 0; round < ROUNDS; round++)
        for (int w = 0; w < WAYS; w++)
            times[w][round] = time_way(&ways[w]);
    for (int w = 0; w < WAYS; w++)
        qsort(times[w], ROUNDS, sizeof(double), compare);
    double floor_ns = times[0][ROUNDS / 2], pair_ns = times[1][ROUNDS / 2] - floor_ns;
    for (int w = 1; w < WAYS; w++) {
        double ns = times[w][ROUNDS / 2] - floor_ns;
        printf("%s\t%.1f\t%.3g\n", ways[w].name, ns, ns / pair_ns);
    }
    counters_close(&counters);
    return 0;
}
