/* Inside db/ only: bound dimensions as one canonical text, so that equal conditions are equal
 * texts: "batch=8 seq=128", sorted by symbol; '%', '=', blanks and control bytes of a symbol are
 * written as %XX. */
#ifndef ASSAY_DB_CONDITIONS_H
#define ASSAY_DB_CONDITIONS_H

#include "base/arena.h"
#include "core/run.h"
#include "db/query.h"

const char *dims_text(struct arena *arena, const struct conditions *conditions);
/* Fills dims and dim_count; what is not of that form is left out. */
void dims_parse(struct arena *arena, const char *text, struct conditions *conditions);

/* runtime, runtime_version, threads, batch, dims. The text must live until the step. */
void put_conditions(struct query *query, struct arena *arena, const struct conditions *conditions);
void get_conditions(struct query *query, struct arena *arena, struct conditions *conditions);

/* What `replicas` adds to the checksum of a run: nothing for one that ran alone, as all did before
 * the column was there. */
uint64_t replicas_checksum(uint32_t replicas);

#endif
