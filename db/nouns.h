/* Inside db/ only: the nouns as rows, for use inside a transaction that the caller has begun. */
#ifndef ASSAY_DB_NOUNS_H
#define ASSAY_DB_NOUNS_H

#include "core/machine.h"
#include "db/lowered.h"
#include "db/model.h"
#include "db/run.h"

int model_put_row(struct db *db, const struct stored_model *model, int64_t *id, struct err *err);
int model_get_row(struct db *db, struct arena *arena, int64_t id, struct stored_model *model,
                  struct err *err);

int machine_put_row(struct db *db, const struct machine *machine, int64_t *id, struct err *err);
int machine_get_row(struct db *db, int64_t id, struct machine *machine, struct err *err);

/* The model must be stored already. Scratch text lives in the arena. */
int lowered_put_row(struct db *db, struct arena *arena, const struct lowered_key *key,
                    const struct lowered_graph *lowered, int64_t *id, struct err *err);
int lowered_get_row(struct db *db, struct arena *arena, int64_t id, bool with_bytes,
                    struct lowered_graph *lowered, struct err *err);

/* ERR_INPUT when it is damaged. Scratch text lives in the arena. */
int digest_check_row(struct db *db, struct arena *arena, int64_t id, struct err *err);

/* A row that another one refers to and that is not there. */
int row_is_missing(const struct db *db, const char *noun, int64_t id, struct err *err);

#endif
