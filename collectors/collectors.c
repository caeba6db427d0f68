#include "collectors/collector.h"
#include "collectors/llamacpp/llamacpp.h"
#include "collectors/onnxruntime/onnxruntime.h"
#include "collectors/replay.h"

#include <string.h>

const struct collector *const collectors[] = {
    &collector_onnxruntime,
    &collector_llamacpp,
    &collector_replay,
    NULL,
};

const struct collector *collector_by_name(const char *name) {
    for (const struct collector *const *row = collectors; *row; row++)
        if (strcmp((*row)->name, name) == 0)
            return *row;
    return NULL;
}

static bool runs(const struct collector *row, const char *format) {
    return row->format && strcmp(row->format, format) == 0;
}

const struct collector *collector_for(const struct collector *asked, const char *format) {
    if (!asked->format || runs(asked, format))
        return asked;
    for (const struct collector *const *row = collectors; *row; row++)
        if (runs(*row, format))
            return *row;
    return asked;
}
