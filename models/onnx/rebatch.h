/* The same network at another batch: a copy of the ONNX file with the fixed leading dimension of
 * its inputs replaced, where it is proven (models/onnx/batch.h) that each sample is still computed
 * as before.
 */
#ifndef ASSAY_MODELS_ONNX_REBATCH_H
#define ASSAY_MODELS_ONNX_REBATCH_H

#include "core/model.h"

/* What the leading dimension of the inputs is. *symbol is its name when it is symbolic ("" when it
 * has none): bind it, nothing needs rewriting. Else *fixed is its size. Scalar inputs have none.
 * ERR_INPUT when no input has a leading dimension, or fixed ones differ. */
int model_batch(const struct model *model, int64_t *fixed, const char **symbol, struct err *err);

/* Writes the copy. Inputs and outputs get the new size, value_info that it made stale is dropped,
 * and constants that spell the batch out (targets of Reshape and the like) are replaced where they
 * are used. All else is copied byte for byte, weights included; external data stays where it is, so
 * the copy belongs into the same folder. Reads model->path again; the file appears whole or not at
 * all. ERR_INPUT names the operator that could not be proven. */
int onnx_rebatch(const struct model *model, int64_t batch, const char *out_path, struct err *err);

#endif
