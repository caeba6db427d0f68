/* Inside assay-collect: a run of a command, watched by parts. A part is a row of collect_main.c:
 * it attaches to the held child, looks again when it has ended, and prints what it saw. */
#ifndef ASSAY_COLLECTORS_COLLECT_H
#define ASSAY_COLLECTORS_COLLECT_H

#include "base/arena.h"
#include "base/err.h"
#include "collectors/child.h"
#include "collectors/counters.h"
#include "collectors/group.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { COLLECT_GROUPS_MAX = 16 };

struct collect_options {
    const char *groups, *events; /* lists as given; NULL: none */
    const char *output;          /* NULL: standard error */
    bool json, split, list, help, version;
    char **command;
};

/* One event over all runs of the command. */
struct collected_event {
    const char *name;
    double value;       /* NaN: not counted */
    double running;     /* part of the time it was; NaN: not counted */
    const char *reason; /* why it was not; NULL: it was */
};

struct collect {
    struct arena *arena;
    const struct collect_options *options;
    struct child_end end; /* of the last run */
    uint32_t runs;
    struct group_choice groups[COLLECT_GROUPS_MAX];
    uint32_t group_count;
    const char *names[METRIC_EVENTS_MAX];
    struct collected_event events[METRIC_EVENTS_MAX];
    uint32_t event_count;
    bool user_only;
    struct counter_set sets[METRIC_EVENTS_MAX];  /* counted at once, or one per run with --split */
    struct counters counters[METRIC_EVENTS_MAX]; /* by set; opened for this run */
    uint32_t set_count;
    struct collect_hooks *hooks; /* NULL: nobody asked for a stream, or the user reads it */
};

/* ---- counters (collect_counters.c) ---- */

/* Finds groups and events, and makes sets of them. */
int collect_counters_plan(struct collect *collect, struct err *err);
int collect_counters_attach(struct collect *collect, int child, struct err *err);
void collect_counters_finish(struct collect *collect);
void collect_counters_text(const struct collect *collect, FILE *out);
void collect_counters_json(const struct collect *collect, FILE *out);

/* ---- operators that programs tell by hooks (collect_hooks.c) ---- */

int collect_hooks_plan(struct collect *collect, struct err *err);
int collect_hooks_attach(struct collect *collect, int child, struct err *err);
void collect_hooks_finish(struct collect *collect);
void collect_hooks_text(const struct collect *collect, FILE *out);
void collect_hooks_json(const struct collect *collect, FILE *out);

/* ---- printing (collect_print.c) ---- */

void print_json_text(FILE *out, const char *text); /* quoted and escaped; NULL: null */
void print_json_number(FILE *out, double value);   /* null when NaN */

#endif
