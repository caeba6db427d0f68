/* YAML that people write, over libyaml: one document becomes a tree that knows its lines.
 *
 * What is read: block and flow mappings and sequences, plain and quoted scalars by the core schema
 * of YAML 1.2 (null, true, false, whole numbers also as 0x and 0o, decimal numbers, .inf, .nan;
 * everything else is text, "yes" too). JSON is read as the YAML it is.
 *
 * What is refused, with FILE:LINE:COLUMN: aliases (so nothing expands), tags, keys that are not
 * scalars or stand twice, a second document, and what passes a limit below.
 */
#ifndef ASSAY_BASE_YAML_H
#define ASSAY_BASE_YAML_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    YAML_BYTES_MAX = 4 << 20,
    YAML_DEPTH_MAX = 32,
    YAML_NODES_MAX = 200000,
    YAML_KEYS_MAX = 4096, /* of one mapping */
};

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_NUMBER, YAML_TEXT, YAML_LIST, YAML_MAP, YAML_KINDS };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column;   /* from 1; of the value */
    const char *key;         /* in a mapping, else NULL */
    const char *text;        /* of a scalar as it was written, without quotes; else NULL */
    double number;           /* of YAML_NUMBER */
    bool boolean;            /* of YAML_BOOL */
    struct yaml_node *items; /* of lists and mappings, in the order of the file */
    uint32_t count;
};

struct yaml {
    const char *name; /* of the file, for messages */
    const struct yaml_node *root;
};

/* All of it lives in the arena. An empty document is one YAML_NULL. ERR_INPUT. */
int yaml_parse(struct arena *arena, const char *bytes, size_t size, const char *name,
               struct yaml *yaml, struct err *err);
int yaml_read(struct arena *arena, const char *path, struct yaml *yaml, struct err *err);

/* "a list": for messages. */
const char *yaml_kind_name(enum yaml_kind kind);
/* The member of a mapping, or NULL when it is absent or null. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

/* ERR_INPUT "FILE:LINE:COLUMN: ..." */
int yaml_error(const struct yaml *yaml, const struct yaml_node *node, struct err *err,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Fails when `node` is no mapping, or has a key that is none of `known` (NULL-terminated): the
 * message suggests the nearest. */
int yaml_only(const struct yaml *yaml, const struct yaml_node *node, const char *const *known,
              struct err *err);

/* Members of a mapping. Where `key` is absent or null *value stays as it is. */
int yaml_get_text(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                  const char **value, struct err *err);
int yaml_get_bool(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                  bool *value, struct err *err);
/* low <= value <= high */
int yaml_get_number(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                    double low, double high, double *value, struct err *err);
int yaml_get_count(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                   uint32_t low, uint32_t high, uint32_t *value, struct err *err);
/* A number of bytes, or "32GiB", or as Kubernetes writes it, "32Gi". */
int yaml_get_bytes(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                   double *bytes, struct err *err);
/* CPUs: a number, or "250m". */
int yaml_get_cpus(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                  double *cpus, struct err *err);

/* The same two on a text that stands elsewhere. ERR_USAGE. */
int yaml_bytes_of(const char *text, double *bytes, struct err *err);
int yaml_cpus_of(const char *text, double *cpus, struct err *err);

#endif
