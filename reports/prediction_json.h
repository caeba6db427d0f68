/* A prediction, or a measurement in the same shape, as the JSON other programs rely on, schema 1:
 *
 *     {"schema":1,
 *      "model":{"name","path","sha256","nodes","parameters"},
 *      "machine":"...","machine_fingerprint":"...",
 *      "runtime":{"name","version"},
 *      "conditions":{"threads","replicas","batch","dims":{SYMBOL:SIZE}},
 *      "slowness":1.12,  (only of --speed now: 12 % slower than usual, 0.5 to 2)
 *      "latency_ns":E,"cpu_time_ns":E,
 *      "peak_memory_bytes":{... as E, "upper":{"confidence","value"}},
 *      "resident_memory_bytes":E,"load_time_ns":E,"first_run_ns":E,
 *      "operators":[{"name","op","kernel","flops","bytes","latency_ns":E,"share","bound"}],
 *      "refused":[{"name","op","why"}],
 *      "lowering":"runtime","warnings":["..."]}
 *
 * E is {"value","low","high","tier","evidence"}, or null where there is no answer. When `refused`
 * is not empty the totals are null. A batch as the file has it is null.
 */
#ifndef ASSAY_REPORTS_PREDICTION_JSON_H
#define ASSAY_REPORTS_PREDICTION_JSON_H

#include "base/json.h"
#include "core/prediction.h"

enum { PREDICTION_SCHEMA = 1 };

/* The caller owns the tree. */
cJSON *prediction_json(const struct prediction *prediction);

#endif
