/* What the columns of somebody's table of operators mean: a small YAML file, explained in
 * docs/import-mappings.md. Those that ship lie in collectors/foreign/mappings.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_MAPPING_H
#define ASSAY_COLLECTORS_FOREIGN_MAPPING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/pairs.h"
#include "collectors/foreign/csv.h"

/* A cell must be one of these texts, or none of them. */
struct mapping_condition {
    const char *value; /* a template */
    const char *const *texts;
    uint32_t count;
    bool unless;
};

/* A number with its unit. */
struct mapping_number {
    const char *value; /* a template; NULL: the table does not say */
    double scale;      /* to nanoseconds */
};

struct mapping_attribute {
    const char *key;
    const char *value; /* a template */
};

/* What one line of the table gives: a row, or (metric set) a sample. */
struct mapping_rule {
    const char *each; /* "time_stats.{op}.median": once per column like this; NULL: once */
    struct mapping_condition *conditions;
    uint32_t condition_count;
    const char *name, *device, *shapes, *dtypes, *count; /* templates; NULL but the name */
    struct mapping_number time, low, high;
    struct mapping_attribute *attributes; /* sorted by key */
    uint32_t attribute_count;
    const char *metric, *unit, *value; /* of a sample, at `time` */
};

struct mapping {
    const char *file, *name, *help;
    const char *const *columns; /* that a header must have */
    uint32_t column_count;
    const char *path; /* "{device}/{model}/mlp.csv*", compared with the end of the path; NULL */
    struct mapping_rule *rules;
    uint32_t rule_count;
};

/* All of it lives in the arena. ERR_INPUT "FILE:LINE:COLUMN: ..." */
int mapping_read(struct arena *arena, const char *path, struct mapping *mapping, struct err *err);
int mapping_parse(struct arena *arena, const char *bytes, size_t size, const char *name,
                  struct mapping *mapping, struct err *err);

/* The folder of those that ship: ASSAY_MAPPINGS, or as it lies beside the program, in the build
 * tree or installed. ERR_ENVIRONMENT. */
int mapping_folder(struct arena *arena, const char **folder, struct err *err);

/* The mapping whose columns are all in the header; of several the one with the most. ERR_INPUT when
 * there is none, or two are equally good. */
int mapping_choose(struct arena *arena, const char *folder, const struct csv_record *header,
                   struct mapping *mapping, struct err *err);
/* The first of its columns that the header lacks, NULL: none. */
const char *mapping_missing(const struct mapping *mapping, const struct csv_record *header);

/* Every {name} of the pattern with the part of the path that it stands for; without values where
 * the path is another. */
int mapping_variables(struct arena *arena, const char *pattern, const char *path,
                      struct pairs *variables, struct err *err);

#endif
