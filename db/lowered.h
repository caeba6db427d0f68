/* Lowered graphs: what a runtime makes of a model on an instruction set, kept so that the next
 * prediction need not start the runtime. The graph is opaque here: the bytes of an ONNX file
 * without weights, written and read by the caller. */
#ifndef ASSAY_DB_LOWERED_H
#define ASSAY_DB_LOWERED_H

#include "core/run.h"
#include "db/model.h"

#include <stddef.h>
#include <stdint.h>

/* What a lowering depends on. Threads of the conditions are not part of the key. */
struct lowered_key {
    const char *model_sha256;
    const char *isa; /* machine.isa */
    const struct conditions *conditions;
    const char *weights; /* "files", "synthesized", "zero-pages" */
};

struct lowered_graph {
    int64_t id;         /* set on reading; 0: there is none */
    const char *origin; /* "runtime": exact; "rules": our own fusion rules */
    const void *bytes;  /* an ONNX file; checked against its stored SHA-256 on reading */
    size_t byte_count;
    int64_t lowering_ns; /* what it took to make it */
    uint32_t op_count;   /* of the flat list (core/flat.h) */
};

/* lowered->id is 0 when there is none with that key. An exact graph is preferred to one from
 * rules. Lives in the arena. */
int db_get_lowered(struct db *db, struct arena *arena, const struct lowered_key *key,
                   struct lowered_graph *lowered, struct err *err);

/* Stores the model too (db/model.h). A graph with the same key and origin is kept when it has the
 * same bytes, else a new one is added and found first. */
int db_put_lowered(struct db *db, const struct stored_model *model, const struct lowered_key *key,
                   const struct lowered_graph *lowered, int64_t *id, struct err *err);

#endif
