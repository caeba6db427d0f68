/* What the external scaler counts of itself, as Prometheus reads it. */
#ifndef ASSAY_SERVER_GRPC_METRICS_H
#define ASSAY_SERVER_GRPC_METRICS_H

#include "base/strbuf.h"
#include "server/grpc/method.h"

#include <stdbool.h>

struct grpc_metrics;

/* Never NULL. */
struct grpc_metrics *grpc_metrics_new(void);
void grpc_metrics_delete(struct grpc_metrics *metrics); /* NULL: nothing */

/* May be called from any thread; metrics NULL: not counted. `method` NULL: there is none such. */
void grpc_metrics_ended(struct grpc_metrics *metrics, const struct grpc_method *method,
                        enum grpc_code code);
void grpc_metrics_streams(struct grpc_metrics *metrics, int change);

/* Appends assay_grpc_*, as text format 0.0.4 or as OpenMetrics 1.0 (without # EOF). */
void grpc_metrics_print(const struct grpc_metrics *metrics, bool openmetrics, struct strbuf *out);

#endif
