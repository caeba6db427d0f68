/* Pods from a file: YAML or, by its name, CSV (docs/catalog.md). */
#ifndef ASSAY_JOBS_PODS_FILE_H
#define ASSAY_JOBS_PODS_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "core/packing.h"

#include <stddef.h>

struct pods_file {
    const struct pod_kind *kinds; /* at least one */
    uint32_t count;
};

/* ERR_INPUT with the file and the line. All of it lives in the arena. */
int pods_file_read(struct arena *arena, const char *path, struct pods_file *pods, struct err *err);
int pods_file_parse_yaml(struct arena *arena, const char *text, size_t size, const char *name,
                         struct pods_file *pods, struct err *err);
int pods_file_parse_csv(struct arena *arena, const char *text, size_t size, const char *name,
                        struct pods_file *pods, struct err *err);

#endif
