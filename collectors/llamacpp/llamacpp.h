/* The collector row `llamacpp`: see docs/llamacpp.md. */
#ifndef ASSAY_COLLECTORS_LLAMACPP_LLAMACPP_H
#define ASSAY_COLLECTORS_LLAMACPP_LLAMACPP_H

#include "collectors/collector.h"

extern const struct collector collector_llamacpp;

#endif
