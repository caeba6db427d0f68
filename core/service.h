/* How one replica serves: what plans and simulations rest on, whether it was predicted from a model
 * or given. */
#ifndef ASSAY_CORE_SERVICE_H
#define ASSAY_CORE_SERVICE_H

#include "core/estimate.h"

#include <stdint.h>

struct batch_time {
    double value_ns, low_ns, high_ns; /* 90 % interval */
};

struct service {
    const char *model;                /* NULL: given */
    uint32_t batch_max;               /* requests served together; 1: no batching */
    const struct batch_time *batches; /* [n - 1]: n requests together */
    enum tier tier;
    const char *evidence;
    struct estimate cold_start_ns; /* of a replica; refused: not known */
};

#endif
