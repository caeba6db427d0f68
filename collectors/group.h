/* Groups of counters by purpose, as text files: collectors/groups/NAME.group.
 *
 *     title   one line
 *     about   prose, any number of such lines
 *
 *     pmu     NAME...                which hardware the lines below are for, by libpfm4's names;
 *                                    "*": any other
 *     count   ID EVENT               a counter, and what formulas call it
 *     metric  ID UNIT FORMULA        base/formula.h; UNIT as unit_name() has it; "1": none,
 *                                    "count", and "%" for what is 0 to 1
 *
 * "#" begins a comment. Formulas may also use what is known of an operator without counters:
 * wall_ns, cpu_ns, and flops and bytes as its shapes say. An EVENT is one of perf's generic names
 * or one of libpfm4's for that hardware, without the hardware's name before it.
 *
 * A file is foreign bytes: its length, sections, counters and metrics are bounded.
 */
#ifndef ASSAY_COLLECTORS_GROUP_H
#define ASSAY_COLLECTORS_GROUP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/formula.h"
#include "base/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GROUP_BYTES_MAX = 1 << 16,
    GROUP_SECTIONS_MAX = 32,
    GROUP_PMUS_MAX = 16,
    GROUP_COUNTS_MAX = 24,
    GROUP_METRICS_MAX = 24,
};

/* The first variables of every formula; those of the counters follow. */
enum group_known { GROUP_WALL_NS, GROUP_CPU_NS, GROUP_FLOPS, GROUP_BYTES, GROUP_KNOWN_COUNT };
enum { GROUP_VARIABLES_MAX = GROUP_KNOWN_COUNT + GROUP_COUNTS_MAX };

struct group_count {
    const char *id, *event;
};

struct group_metric {
    const char *id;
    enum unit unit;
    struct formula formula;
};

struct group_section {
    const char *pmus[GROUP_PMUS_MAX]; /* "*": any */
    uint32_t pmu_count;
    struct group_count counts[GROUP_COUNTS_MAX];
    uint32_t count_count;
    struct group_metric metrics[GROUP_METRICS_MAX];
    uint32_t metric_count;
};

struct group {
    const char *name, *title, *about;
    struct group_section *sections;
    uint32_t section_count;
};

/* Reads a text of `length` bytes; everything lives in the arena. ERR_INPUT names group and line. */
int group_parse(struct arena *arena, const char *name, const char *text, size_t length,
                struct group **group, struct err *err);

/* A section, ready to be counted: of the first PMU in `pmus` (those present here) that the file
 * names, or the portable one. */
struct group_choice {
    const struct group *group;
    const struct group_section *section;
    const char *pmu;           /* "*": the portable section */
    const char *const *events; /* as counters_open takes them, by place in section->counts */
};

/* ERR_ENVIRONMENT when the file has no section for here. */
int group_choose(struct arena *arena, const struct group *group, const char *const *pmus,
                 uint32_t pmu_count, struct group_choice *choice, struct err *err);

/* `values`: the known variables, then the counters of the section in their order; NaN where one is
 * not known. */
double group_metric_value(const struct group_metric *metric, const double *values);

/* ---- where they are ------------------------------------------------------------------------ */

/* A group that is part of the program itself. */
struct group_builtin {
    const char *name, *text; /* name NULL ends the list */
};

/* ASSAY_GROUPS, else beside the program: groups/ of the build tree or share/assay/groups as
 * installed. NULL: nowhere. */
const char *groups_folder(struct arena *arena);

/* By name; `builtin` (NULL: none) stands in where there is no folder or no such file in it.
 * ERR_USAGE with those that there are when there is none of that name. */
int group_load(struct arena *arena, const char *name, const struct group_builtin *builtin,
               struct group **group, struct err *err);

/* All of them by name, sorted. */
int groups_list(struct arena *arena, const struct group_builtin *builtin, const char ***names,
                uint32_t *count, struct err *err);

/* The files as they were when the program was built; linked into assay-collect alone. */
extern const struct group_builtin group_builtins[];

/* How a group fares here, by trying to open its counters. */
struct group_state {
    const char *title;
    const char *pmu;     /* of the section that is used */
    uint32_t works, all; /* metrics that can be had here, of how many */
    const char *reason;  /* why the first counter does not open; "": all do */
};

int group_examine(struct arena *arena, const char *name, const struct group_builtin *builtin,
                  struct group_state *state, struct err *err);

#endif
