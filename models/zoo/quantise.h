/* Other numbers for a network that is built: eight bits, or half precision, as the tools of ONNX
 * Runtime write them (onnxruntime.quantization, onnxconverter-common).
 *
 * Scales are those of the ranges that the zoo's weights and layers have, so values fill the eight
 * bits and seldom leave them.
 */
#ifndef ASSAY_MODELS_ZOO_QUANTISE_H
#define ASSAY_MODELS_ZOO_QUANTISE_H

#include "models/zoo/build.h"

/* Writes builder->graph anew in the form that builder->options.quantisation asks for. What cannot
 * be written so sets builder->problem. */
void zoo_quantise(struct zoo_builder *b);

#endif
