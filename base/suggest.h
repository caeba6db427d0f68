/* "Did you mean": the nearest known word to one that was mistyped. */
#ifndef ASSAY_BASE_SUGGEST_H
#define ASSAY_BASE_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_DISTANCE_MAX = 2 };

/* Edits between two words: insertions, deletions, substitutions, swapped neighbours (optimal
 * string alignment). Words longer than 63 bytes are as far apart as their length. */
size_t edit_distance(const char *a, const char *b);

/* Collects the nearest of the words offered to it. */
struct suggestion {
    const char *wanted;
    const char *nearest; /* NULL: nothing within SUGGEST_DISTANCE_MAX; borrowed */
    size_t distance;
};

struct suggestion suggestion_for(const char *wanted);
void suggestion_offer(struct suggestion *suggestion, const char *word);

#endif
