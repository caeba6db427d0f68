#include "base/suggest.h"

#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b, size_t c) {
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

size_t edit_distance(const char *a, const char *b) {
    size_t rows = strlen(a), columns = strlen(b);
    size_t cost[WORD_MAX + 1][WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX)
        return rows > columns ? rows : columns;
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            size_t change = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            cost[i][j] = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1, cost[i][j]);
        }
    }
    return cost[rows][columns];
}

struct suggestion suggestion_for(const char *wanted) {
    return (struct suggestion){wanted, NULL, SUGGEST_DISTANCE_MAX + 1};
}

void suggestion_offer(struct suggestion *suggestion, const char *word) {
    size_t distance = edit_distance(suggestion->wanted, word);
    /* A word that would have to change altogether is no suggestion. */
    if (distance < suggestion->distance && distance < strlen(suggestion->wanted)) {
        suggestion->nearest = word;
        suggestion->distance = distance;
    }
}
