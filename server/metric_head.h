/* The two lines before the samples of a metric, as Prometheus reads them. */
#ifndef ASSAY_SERVER_METRIC_HEAD_H
#define ASSAY_SERVER_METRIC_HEAD_H

#include "base/strbuf.h"

#include <stdbool.h>

/* `name` is that of the samples: OpenMetrics names the family of a counter without their _total. */
void metric_head(struct strbuf *out, bool openmetrics, const char *name, const char *type,
                 const char *help);

#endif
