#include "server/grpc/metrics.h"

#include "server/metric_head.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef atomic_uint_fast64_t counter;

struct grpc_metrics {
    atomic_int streams;
    size_t method_count;
    counter ended[][GRPC_CODES]; /* of each method; the last row is of calls without one */
};

struct grpc_metrics *grpc_metrics_new(void) {
    size_t count = 0;
    while (grpc_methods[count].path)
        count++;
    struct grpc_metrics *metrics =
        calloc(1, sizeof *metrics + (count + 1) * sizeof *metrics->ended);
    if (!metrics)
        abort();
    metrics->method_count = count;
    return metrics;
}

void grpc_metrics_delete(struct grpc_metrics *metrics) {
    free(metrics);
}

void grpc_metrics_ended(struct grpc_metrics *metrics, const struct grpc_method *method,
                        enum grpc_code code) {
    if (!metrics)
        return;
    size_t row = method ? (size_t)(method - grpc_methods) : metrics->method_count;
    atomic_fetch_add_explicit(&metrics->ended[row][code], 1, memory_order_relaxed);
}

void grpc_metrics_streams(struct grpc_metrics *metrics, int change) {
    if (metrics)
        atomic_fetch_add_explicit(&metrics->streams, change, memory_order_relaxed);
}

/* ---- printing -------------------------------------------------------------------------------- */

static const char *method_label(const struct grpc_metrics *metrics, size_t row) {
    return row < metrics->method_count ? strrchr(grpc_methods[row].path, '/') + 1 : "none";
}

static void print_ended(const struct grpc_metrics *metrics, struct strbuf *out) {
    for (size_t row = 0; row <= metrics->method_count; row++)
        for (size_t code = 0; code < GRPC_CODES; code++) {
            uint64_t count = atomic_load_explicit(&metrics->ended[row][code], memory_order_relaxed);
            if (count)
                strbuf_printf(
                    out, "assay_grpc_requests_total{method=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                    method_label(metrics, row), grpc_code_name((enum grpc_code)code), count);
        }
}

void grpc_metrics_print(const struct grpc_metrics *metrics, bool openmetrics, struct strbuf *out) {
    metric_head(out, openmetrics, "assay_grpc_requests_total", "counter",
                "Calls that ended; a stream counts when it ends.");
    print_ended(metrics, out);
    metric_head(out, openmetrics, "assay_grpc_streams", "gauge", "Streams that are open.");
    strbuf_printf(out, "assay_grpc_streams %d\n",
                  atomic_load_explicit(&metrics->streams, memory_order_relaxed));
}
