#include "collectors/collector.h"
#include "collectors/onnxruntime/onnxruntime.h"
#include "collectors/replay.h"

#include <string.h>

const struct collector *const collectors[] = {
    &collector_onnxruntime,
    &collector_replay,
    NULL,
};

const struct collector *collector_by_name(const char *name) {
    for (const struct collector *const *row = collectors; *row; row++)
        if (strcmp((*row)->name, name) == 0)
            return *row;
    return NULL;
}
