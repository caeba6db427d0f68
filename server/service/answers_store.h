/* The database as a source of answers. */
#ifndef ASSAY_SERVER_SERVICE_ANSWERS_STORE_H
#define ASSAY_SERVER_SERVICE_ANSWERS_STORE_H

#include "db/prediction.h"
#include "server/service/answers.h"

/* A new set: of each model the newest prediction that makes sense. One that `old` holds already is
 * not read again. A model whose newest prediction makes none keeps an older one, and one that the
 * store has forgotten keeps its last, both with the trouble told. On failure (lost, locked,
 * damaged, newer, not ours) *out is NULL. */
int answers_from_store(const struct answers *old, const char *db_path,
                       const struct prediction_filter *filter, double now_s, struct answers **out,
                       struct err *err);

#endif
