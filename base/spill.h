/* Sorts any number of records of one size in bounded memory: what does not fit goes as sorted runs
 * into a temporary file that has no name, and comes back merged.
 *
 * spill_open() .. spill_add() .. spill_sort() .. spill_next() until it says false .. spill_close().
 */
#ifndef ASSAY_BASE_SPILL_H
#define ASSAY_BASE_SPILL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spill;

/* As qsort's; records that are equal come in any order. */
typedef int spill_order(const void *a, const void *b);

/* Holds `memory_bytes` (at least a few records), and as much again while it sorts. The file
 * is made in $TMPDIR or /tmp, and only when memory is full. */
int spill_open(struct spill **spill, size_t record_bytes, size_t memory_bytes, spill_order *order,
               struct err *err);
int spill_add(struct spill *spill, const void *record, struct err *err);
uint64_t spill_count(const struct spill *spill);
/* Ends adding; reading begins at the first record. */
int spill_sort(struct spill *spill, struct err *err);
/* 1: *record is the next one, valid until the next call; 0: there are no more; negative: failed. */
int spill_next(struct spill *spill, const void **record, struct err *err);
void spill_close(struct spill *spill); /* NULL is allowed */

#endif
