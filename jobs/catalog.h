/* Kinds of nodes from a file (docs/catalog.md): YAML, or JSON, which is YAML too. */
#ifndef ASSAY_JOBS_CATALOG_H
#define ASSAY_JOBS_CATALOG_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"

struct catalog {
    struct node_type *types; /* at least one */
    uint32_t count;
};

/* ERR_INPUT with FILE:LINE:COLUMN. All of it lives in the arena. */
int catalog_read(struct arena *arena, const char *path, struct catalog *catalog, struct err *err);
/* The same of text; `name` stands for the file in messages. */
int catalog_parse(struct arena *arena, const char *text, size_t size, const char *name,
                  struct catalog *catalog, struct err *err);

#endif
