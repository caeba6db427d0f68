/* Slow-downs by replicas, predicted against measured:
 *
 *     "colocation":[{"run","model","replicas","slowdown":E,"measured_slowdown","error"}]
 */
#ifndef ASSAY_REPORTS_SLOWDOWN_TEXT_H
#define ASSAY_REPORTS_SLOWDOWN_TEXT_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/scaling.h"

void slowdown_add_json(cJSON *root, const struct judged_slowdown *judged, uint32_t count);
void slowdown_table(struct arena *arena, const struct judged_slowdown *judged, uint32_t count,
                    struct table *table);

#endif
