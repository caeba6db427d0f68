#include "collectors/emit/nest.h"

#include <string.h>

static int count_of(const struct nest *nest, const void *domain) {
    int count = 0;
    for (uint32_t i = 0; i < nest->depth; i++)
        count += nest->open[i].domain == domain;
    return count;
}

int nest_begin(struct nest *nest, const void *domain, uint32_t kind,
               const assay_hooks_tensor *tensors, uint32_t count) {
    int before = count_of(nest, domain);
    if (nest->depth == NEST_MAX) {
        nest->beyond++;
        return before + (int)nest->beyond - 1;
    }
    nest->open[nest->depth].domain = domain;
    nest->open[nest->depth].kind = kind;
    nest->depth++;
    assay_hooks_begin(kind, tensors, count);
    return before;
}

int nest_end(struct nest *nest, const void *domain) {
    if (nest->beyond > 0) {
        nest->beyond--;
        return count_of(nest, domain) + (int)nest->beyond;
    }
    uint32_t place = nest->depth;
    while (place > 0 && nest->open[place - 1].domain != domain)
        place--;
    if (place == 0)
        return -1;
    for (uint32_t i = nest->depth; i >= place; i--)
        assay_hooks_end();
    for (uint32_t i = place; i < nest->depth; i++)
        assay_hooks_begin(nest->open[i].kind, NULL, 0);
    memmove(&nest->open[place - 1], &nest->open[place],
            (nest->depth - place) * sizeof nest->open[0]);
    nest->depth--;
    return count_of(nest, domain);
}
