/* Models by content: the SHA-256 of the file is the identity, name and path are its latest ones. */
#ifndef ASSAY_DB_MODEL_H
#define ASSAY_DB_MODEL_H

#include "db/db.h"

#include <stddef.h>
#include <stdint.h>

struct stored_model {
    int64_t id; /* set on reading; ignored on writing */
    const char *sha256;
    const char *name;
    const char *path;
    const char *format; /* "onnx" */
    uint64_t file_bytes;
    uint64_t nodes; /* operators of the file's graph */
    uint64_t parameters;
    uint64_t weight_bytes;
    const char *created_at; /* set on reading: UTC, "2026-01-31T12:00:00.000Z" */
};

/* Adds the model, or updates name and path of the one with that hash. */
int db_put_model(struct db *db, const struct stored_model *model, int64_t *id, struct err *err);

/* By exact name, exact path, or at least 6 leading digits of the hash. ERR_INPUT when there is
 * none, or more than one (the message lists them). */
int db_find_model(struct db *db, struct arena *arena, const char *text, struct stored_model *model,
                  struct err *err);

/* All, oldest first. */
int db_list_models(struct db *db, struct arena *arena, struct stored_model **models, size_t *count,
                   struct err *err);

#endif
