#include "cli/counts.h"

#include "base/units.h"

int counts_read(struct arena *arena, const char *option, const struct text_list *list, int64_t most,
                const int64_t **counts, uint32_t *count, struct err *err) {
    int64_t *numbers = ARENA_ARRAY(arena, list->count + 1u, int64_t);
    for (uint32_t i = 0; i < list->count; i++)
        if (unit_parse_integer(list->items[i], &numbers[i], err) || numbers[i] < 1 ||
            numbers[i] > most)
            return err_set(err, ERR_USAGE,
                           "--%s wants numbers from 1 to %lld, such as 1,2,4, not '%s'", option,
                           (long long)most, list->items[i]);
    *counts = numbers;
    *count = list->count;
    return 0;
}
