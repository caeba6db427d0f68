/* A packing as JSON, schema 1:
 *
 *     {"schema":1,"pods","node_count","usd_per_hour","bound","gap","proven",
 *      "nodes":[{"type","count","usd_per_hour","spot","price_date","price_source"}],
 *      "loads":[{"type","count","pods":[{"name","count"}]}],
 *      "interruptions_per_hour","cpu_waste","memory_waste"}
 *
 * "bound" is what no packing can undercut, in USD per hour, or in nodes when no price is known;
 * then "usd_per_hour" is null. "gap" is the share of the cost above it, 0 when "proven".
 */
#ifndef ASSAY_REPORTS_PACK_JSON_H
#define ASSAY_REPORTS_PACK_JSON_H

#include "base/json.h"
#include "core/packing.h"

enum { PACK_SCHEMA = 1 };

/* The caller owns the tree. */
cJSON *pack_json(const struct pod_packing *packing, const struct pod_kind *kinds,
                 uint32_t kind_count);

#endif
