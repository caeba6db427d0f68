/* The collector row `onnxruntime`: see docs/onnxruntime.md. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_ONNXRUNTIME_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_ONNXRUNTIME_H

#include "collectors/collector.h"

extern const struct collector collector_onnxruntime;

#endif
