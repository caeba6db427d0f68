/* What the HTTP listener counts of itself, and of its process, as Prometheus reads it. */
#ifndef ASSAY_SERVER_HTTP_METRICS_H
#define ASSAY_SERVER_HTTP_METRICS_H

#include "base/strbuf.h"
#include "server/http/refusal.h"
#include "server/route.h"

#include <stdbool.h>
#include <stdint.h>

struct http_metrics;

/* One line of counters per name of a route, and one for requests without a route. The rows must
 * outlive it. Never NULL. */
struct http_metrics *http_metrics_new(const struct route *routes);
void http_metrics_delete(struct http_metrics *metrics); /* NULL: nothing */

/* All may be called from any thread. `route` NULL: none. */
void http_metrics_answered(struct http_metrics *metrics, const struct route *route, int status,
                           uint64_t duration_ns);
void http_metrics_rejected(struct http_metrics *metrics, enum http_rejection rejection);
void http_metrics_connections(struct http_metrics *metrics, int change);

/* Appends assay_http_* and process_*, as text format 0.0.4 or as OpenMetrics 1.0 (without # EOF).
 */
void http_metrics_print(const struct http_metrics *metrics, bool open_metrics, struct strbuf *out);
void process_metrics_print(bool open_metrics, struct strbuf *out);

#endif
