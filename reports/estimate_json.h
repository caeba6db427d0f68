/* Core's estimates in the JSON and tables of base/. */
#ifndef ASSAY_REPORTS_ESTIMATE_JSON_H
#define ASSAY_REPORTS_ESTIMATE_JSON_H

#include "base/json.h"
#include "core/estimate.h"

/* The evidence is borrowed. */
struct json_estimate report_estimate(const struct estimate *estimate);

/* {"value","low","high","tier","evidence"}, or null when it was refused. Returns the object or
 * NULL. */
cJSON *report_add_estimate(cJSON *parent, const char *key, const struct estimate *estimate);

#endif
