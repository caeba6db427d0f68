#include "core/prediction.h"

static const char *const bound_names[] = {
    [BOUND_COMPUTE] = "compute",
    [BOUND_MEMORY] = "memory",
    [BOUND_OVERHEAD] = "overhead",
};

const char *bound_name(enum bound bound) {
    return bound_names[bound];
}
