#include "core/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- calls ----------------------------------------------------------------------------------- */

struct keyed {
    const struct recording *recording;
    bool by_shapes;
};

static int compare_nodes(const struct recording_node *a, const struct recording_node *b,
                         bool by_shapes) {
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = strcmp(a->category, b->category);
    if (order == 0)
        order = (int)a->kind - (int)b->kind;
    if (order == 0)
        order = strcmp(a->device, b->device);
    if (order == 0 && by_shapes)
        order = strcmp(a->shapes, b->shapes);
    if (order == 0 && by_shapes)
        order = strcmp(a->dtypes, b->dtypes);
    if (order == 0 && by_shapes)
        order = strcmp(a->attributes, b->attributes);
    return order;
}

static int order_of_indices(const void *a, const void *b, void *context) {
    const struct keyed *keyed = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct recording_node *nodes = keyed->recording->nodes;
    int order = compare_nodes(&nodes[left], &nodes[right], keyed->by_shapes);
    return order ? order : (left > right) - (left < right);
}

static int by_self(const void *a, const void *b) {
    const struct recording_call *left = a, *right = b;
    if (left->self_ns != right->self_ns)
        return left->self_ns < right->self_ns ? 1 : -1;
    return compare_nodes(left->node, right->node, true);
}

/* Whether an ancestor is a call of the same row. */
static bool inside_itself(const struct recording *recording, const uint32_t *row_of, uint32_t i) {
    for (int32_t at = recording->nodes[i].parent; at >= 0; at = recording->nodes[at].parent)
        if (row_of[at] == row_of[i])
            return true;
    return false;
}

static void add_node(struct recording_call *call, const struct recording_node *node, bool inside) {
    call->count += node->count;
    call->self_ns += node->self_ns;
    call->total_ns += inside ? 0 : node->total_ns;
    call->low_ns = fmin(call->low_ns, node->low_ns);
    call->high_ns = fmax(call->high_ns, node->high_ns);
}

struct recording_call *recording_calls(struct arena *arena, const struct recording *recording,
                                       bool by_shapes, uint32_t *count) {
    uint32_t n = recording->node_count;
    struct keyed keyed = {recording, by_shapes};
    struct recording_call *calls = ARENA_ARRAY(arena, n + 1u, struct recording_call);
    uint32_t *sorted = ARENA_ARRAY(arena, n + 1u, uint32_t);
    uint32_t *row_of = ARENA_ARRAY(arena, n + 1u, uint32_t);
    const struct recording_node *nodes = recording->nodes;
    *count = 0;
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = i;
    if (n)
        qsort_r(sorted, n, sizeof *sorted, order_of_indices, &keyed);
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || compare_nodes(&nodes[sorted[i]], &nodes[sorted[i - 1]], by_shapes) != 0)
            calls[(*count)++] =
                (struct recording_call){.node = &nodes[sorted[i]], .low_ns = NAN, .high_ns = NAN};
        row_of[sorted[i]] = *count - 1;
    }
    for (uint32_t i = 0; i < n; i++)
        add_node(&calls[row_of[i]], &nodes[i], inside_itself(recording, row_of, i));
    if (*count)
        qsort(calls, *count, sizeof *calls, by_self);
    return calls;
}

/* ---- the tree -------------------------------------------------------------------------------- */

static int by_parent_and_total(const void *a, const void *b, void *context) {
    const struct recording_node *nodes = context;
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    if (nodes[left].parent != nodes[right].parent)
        return nodes[left].parent < nodes[right].parent ? -1 : 1;
    if (nodes[left].total_ns != nodes[right].total_ns)
        return nodes[left].total_ns < nodes[right].total_ns ? 1 : -1;
    return left - right;
}

struct recording_links recording_links(struct arena *arena, const struct recording *recording) {
    uint32_t n = recording->node_count;
    int32_t *sorted = ARENA_ARRAY(arena, n + 1u, int32_t);
    struct recording_links links = {ARENA_ARRAY(arena, n + 1u, int32_t),
                                    ARENA_ARRAY(arena, n + 1u, int32_t)};
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = (int32_t)i;
    for (uint32_t i = 0; i <= n; i++)
        links.first[i] = -1;
    if (n)
        qsort_r(sorted, n, sizeof *sorted, by_parent_and_total, recording->nodes);
    for (uint32_t i = n; i-- > 0;) {
        int32_t node = sorted[i], *first = &links.first[recording->nodes[node].parent + 1];
        links.next[node] = *first;
        *first = node;
    }
    return links;
}

/* ---- readings -------------------------------------------------------------------------------- */

static bool continues(const struct recording_series *series, const struct track_sample *sample) {
    return series->samples[0].track == sample->track &&
           strcmp(series->samples[0].metric, sample->metric) == 0;
}

struct recording_series *recording_series(struct arena *arena, const struct recording *recording,
                                          uint32_t *count) {
    struct recording_series *all = NULL;
    uint32_t capacity = 0;
    *count = 0;
    for (uint32_t i = 0; i < recording->sample_count; i++) {
        const struct track_sample *sample = &recording->samples[i];
        if (*count == 0 || !continues(&all[*count - 1], sample))
            *ARENA_PUSH(arena, all, *count, capacity) =
                (struct recording_series){sample, 0, sample, sample->value};
        struct recording_series *series = &all[*count - 1];
        series->count++;
        series->low = fmin(series->low, sample->value);
        if (sample->value > series->high->value)
            series->high = sample;
    }
    return all;
}

/* ---- sums and facts -------------------------------------------------------------------------- */

double recording_self_ns(const struct recording *recording) {
    double sum = 0;
    for (uint32_t i = 0; i < recording->node_count; i++)
        sum += recording->nodes[i].self_ns;
    return sum;
}

const char *recording_fact(const struct recording *recording, const char *key) {
    for (uint32_t i = 0; i < recording->fact_count; i++)
        if (strcmp(recording->facts[i].key, key) == 0)
            return recording->facts[i].value;
    return NULL;
}
