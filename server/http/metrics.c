#include "server/http/metrics.h"

#include "server/metric_head.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What is answered here; another status would be counted as 500. */
static const int statuses[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 411, 413,
                               414, 415, 417, 422, 429, 431, 500, 501, 502, 503, 504, 505};
/* From a fifth of what an answer from memory takes to the deadline of a request. */
static const double bounds_s[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                  0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

enum {
    STATUSES = sizeof statuses / sizeof *statuses,
    BOUNDS = sizeof bounds_s / sizeof *bounds_s,
    CACHE_LINE = 64,
};

static const char *const reasons[HTTP_REJECTIONS] = {
    [REJECTED_MALFORMED] = "malformed",       [REJECTED_TOO_LARGE] = "too_large",
    [REJECTED_UNAUTHORISED] = "unauthorised", [REJECTED_BUSY] = "busy",
    [REJECTED_CONNECTIONS] = "connections",   [REJECTED_EVICTED] = "evicted",
    [REJECTED_DEADLINE] = "deadline",         [REJECTED_STOPPING] = "stopping",
};

typedef atomic_uint_fast64_t counter;

struct line {
    _Alignas(CACHE_LINE) const char *handler;
    counter by_status[STATUSES];
    counter by_bound[BOUNDS + 1]; /* not cumulative */
    counter duration_ns;
};

struct http_metrics {
    const struct route *routes;
    size_t *line_of_route;
    struct line *lines; /* the first one is for requests without a route */
    size_t line_count;
    counter rejected[HTTP_REJECTIONS];
    atomic_int connections;
};

static void *allocate(size_t count, size_t size) {
    void *memory = aligned_alloc(CACHE_LINE, (count * size / CACHE_LINE + 1) * CACHE_LINE);
    if (!memory)
        abort();
    return memset(memory, 0, count * size);
}

static size_t line_named(struct http_metrics *metrics, const char *name) {
    for (size_t i = 1; i < metrics->line_count; i++)
        if (strcmp(metrics->lines[i].handler, name) == 0)
            return i;
    metrics->lines[metrics->line_count].handler = name;
    return metrics->line_count++;
}

struct http_metrics *http_metrics_new(const struct route *routes) {
    size_t count = 0;
    while (routes[count].method)
        count++;
    struct http_metrics *metrics = allocate(1, sizeof *metrics);
    metrics->routes = routes;
    metrics->line_of_route = allocate(count + 1, sizeof *metrics->line_of_route);
    metrics->lines = allocate(count + 1, sizeof *metrics->lines);
    metrics->lines[0].handler = "none";
    metrics->line_count = 1;
    for (size_t i = 0; i < count; i++)
        metrics->line_of_route[i] = line_named(metrics, routes[i].name);
    return metrics;
}

void http_metrics_delete(struct http_metrics *metrics) {
    if (!metrics)
        return;
    free(metrics->line_of_route);
    free(metrics->lines);
    free(metrics);
}

static void add(counter *to, uint64_t value) {
    atomic_fetch_add_explicit(to, value, memory_order_relaxed);
}

static uint64_t read_counter(const counter *from) {
    return atomic_load_explicit(from, memory_order_relaxed);
}

static size_t status_index(int status) {
    size_t other = 0;
    for (size_t i = 0; i < STATUSES; i++) {
        if (statuses[i] == status)
            return i;
        if (statuses[i] == 500)
            other = i;
    }
    return other;
}

void http_metrics_answered(struct http_metrics *metrics, const struct route *route, int status,
                           uint64_t duration_ns) {
    struct line *line =
        &metrics->lines[route ? metrics->line_of_route[route - metrics->routes] : 0];
    size_t bound = 0;
    while (bound < BOUNDS && (double)duration_ns > bounds_s[bound] * 1e9)
        bound++;
    add(&line->by_status[status_index(status)], 1);
    add(&line->by_bound[bound], 1);
    add(&line->duration_ns, duration_ns);
}

void http_metrics_rejected(struct http_metrics *metrics, enum http_rejection rejection) {
    if (rejection != REJECTED_NOT)
        add(&metrics->rejected[rejection], 1);
}

void http_metrics_connections(struct http_metrics *metrics, int change) {
    atomic_fetch_add_explicit(&metrics->connections, change, memory_order_relaxed);
}

/* ---- printing ------------------------------------------------------------------------------- */

static void print_requests(const struct http_metrics *metrics, bool open_metrics,
                           struct strbuf *out) {
    metric_head(out, open_metrics, "assay_http_requests_total", "counter", "Requests answered.");
    for (size_t i = 0; i < metrics->line_count; i++)
        for (size_t s = 0; s < STATUSES; s++) {
            uint64_t count = read_counter(&metrics->lines[i].by_status[s]);
            if (count)
                strbuf_printf(out,
                              "assay_http_requests_total{handler=\"%s\",code=\"%d\"} %" PRIu64 "\n",
                              metrics->lines[i].handler, statuses[s], count);
        }
}

static void print_histogram(const struct line *line, struct strbuf *out) {
    static const char name[] = "assay_http_request_duration_seconds";
    uint64_t sum = 0;
    for (size_t b = 0; b < BOUNDS; b++) {
        sum += read_counter(&line->by_bound[b]);
        strbuf_printf(out, "%s_bucket{handler=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, line->handler,
                      bounds_s[b], sum);
    }
    sum += read_counter(&line->by_bound[BOUNDS]);
    strbuf_printf(out, "%s_bucket{handler=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, line->handler,
                  sum);
    strbuf_printf(out, "%s_sum{handler=\"%s\"} %.9g\n", name, line->handler,
                  (double)read_counter(&line->duration_ns) * 1e-9);
    strbuf_printf(out, "%s_count{handler=\"%s\"} %" PRIu64 "\n", name, line->handler, sum);
}

void http_metrics_print(const struct http_metrics *metrics, bool open_metrics, struct strbuf *out) {
    print_requests(metrics, open_metrics, out);
    metric_head(out, open_metrics, "assay_http_request_duration_seconds", "histogram",
                "From a request's head to its answer, without sending it.");
    for (size_t i = 0; i < metrics->line_count; i++)
        print_histogram(&metrics->lines[i], out);
    metric_head(out, open_metrics, "assay_http_rejected_total", "counter",
                "Requests and connections that were turned away.");
    for (size_t i = REJECTED_NOT + 1; i < HTTP_REJECTIONS; i++)
        strbuf_printf(out, "assay_http_rejected_total{reason=\"%s\"} %" PRIu64 "\n", reasons[i],
                      read_counter(&metrics->rejected[i]));
    metric_head(out, open_metrics, "assay_http_connections", "gauge", "Connections that are open.");
    strbuf_printf(out, "assay_http_connections %d\n",
                  atomic_load_explicit(&metrics->connections, memory_order_relaxed));
}
