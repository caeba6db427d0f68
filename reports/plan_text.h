/* A plan for people: a sentence, and tables that any format of base/table.h can print. */
#ifndef ASSAY_REPORTS_PLAN_TEXT_H
#define ASSAY_REPORTS_PLAN_TEXT_H

#include "base/arena.h"
#include "base/table.h"
#include "core/plan.h"

/* "p99 within 50.0 ms, p50 within 20.0 ms" */
const char *plan_targets_text(struct arena *arena, const struct plan *plan);
/* "3 x large, 1 x small"; "-" when no nodes were given. */
const char *plan_nodes_text(struct arena *arena, const struct node_share *nodes, uint32_t count);
/* The answer in one sentence, the routing named, or the reason there is none. */
const char *plan_sentence(struct arena *arena, const struct plan *plan);

/* Latency used, replicas, utilisation, nodes, price: one row per answer. */
void plan_answer_table(struct arena *arena, const struct plan *plan, struct table *table);
/* What N and N - 1 replicas give, for both answers. */
void plan_proof_table(struct arena *arena, const struct plan *plan, struct table *table);
/* The configurations that were solved to the end. */
void plan_options_table(struct arena *arena, const struct plan *plan, struct table *table);

/* The plan over one thing that was varied. */
void plan_variation_table(struct arena *arena, const struct plan_variation *variation,
                          struct table *table);

/* Remarks for people, the index-th; NULL behind the last. */
const char *plan_note(struct arena *arena, const struct plan *plan, uint32_t index);

#endif
