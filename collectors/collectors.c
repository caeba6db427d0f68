#include "collectors/collector.h"

#include <string.h>

extern const struct collector collector_onnxruntime;

const struct collector *const collectors[] = {
    &collector_onnxruntime,
    NULL,
};

const struct collector *collector_by_name(const char *name) {
    for (const struct collector *const *row = collectors; *row; row++)
        if (strcmp((*row)->name, name) == 0)
            return *row;
    return NULL;
}
