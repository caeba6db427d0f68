#include "collectors/llamacpp/nodes.h"

#include "collectors/own_process.h"

#include <math.h>
#include <string.h>

bool node_is_view(const char *type) {
    static const char *const views[] = {"NONE", "RESHAPE", "VIEW", "PERMUTE", "TRANSPOSE"};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(views[i], type) == 0)
            return true;
    return false;
}

/* The wall clock is read last before the work and first after it. */
static void read_before(struct nodes *nodes) {
    if (nodes->counters)
        counters_read(nodes->counters, &nodes->before.counts);
    nodes->before.cpu_ns = clock_ns(nodes->cpu_clock);
    nodes->before.wall_ns = clock_ns(CLOCK_MONOTONIC);
}

static void add_counts(struct nodes *nodes, struct node_sum *sum) {
    struct counters_reading after;
    double values[METRIC_COUNTER_MAX];
    counters_read(nodes->counters, &after);
    counters_difference(nodes->counters, &nodes->before.counts, &after, values);
    for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
        sum->counts[i] += values[i];
}

static void read_after(struct nodes *nodes) {
    double wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(nodes->cpu_clock);
    struct node_sum *sum = &nodes->sums[nodes->pending];
    sum->wall_ns += wall - nodes->before.wall_ns;
    sum->cpu_ns += cpu - nodes->before.cpu_ns;
    if (nodes->counters)
        add_counts(nodes, sum);
    sum->calls++;
}

static bool begin(struct nodes *nodes, const struct ggml_tensor *node) {
    uint32_t place = nodes->place++;
    const char *type = nodes->api->ggml_op_desc(node);
    if (place >= nodes->count || strcmp(nodes->types[place], type) != 0) {
        nodes->strangers++;
        return false;
    }
    if (node_is_view(type))
        return false;
    nodes->pending = place;
    read_before(nodes);
    return true;
}

bool nodes_callback(struct ggml_tensor *node, bool ask, void *data) {
    struct nodes *nodes = data;
    if (!ask) {
        if (nodes->mode == NODES_MEASURE)
            read_after(nodes);
        return true;
    }
    if (nodes->mode == NODES_MEASURE)
        return begin(nodes, node);
    if (nodes->mode == NODES_SHOW)
        nodes->show(nodes->context, node);
    return false;
}

static void put(struct sink *sink, uint32_t op, uint32_t metric, enum run_phase phase,
                uint32_t repeat, double value) {
    struct sample sample = {(int32_t)op, (uint16_t)metric, (uint16_t)phase, repeat, value};
    sink->put(sink->context, &sample);
}

void nodes_flush(struct nodes *nodes, enum run_phase phase, uint32_t repeat, struct sink *sink) {
    for (uint32_t i = 0; i < nodes->count; i++) {
        struct node_sum *sum = &nodes->sums[i];
        if (sum->calls && sink) {
            put(sink, i, METRIC_WALL_NS, phase, repeat, sum->wall_ns);
            put(sink, i, METRIC_CPU_NS, phase, repeat, sum->cpu_ns);
            for (uint32_t c = 0; nodes->counters && c < nodes->counters->opened_count; c++) {
                uint32_t asked = nodes->counters->opened[c].asked;
                put(sink, i, METRIC_COUNTER_FIRST + asked, phase, repeat, sum->counts[asked]);
            }
        }
        *sum = (struct node_sum){0};
    }
}
