/* ONNX files to graphs. Weights are described, never copied: the file is mapped, their bytes are
 * skipped, and what is kept of a file is its structure. Files may be larger than memory.
 *
 * Model-local functions are expanded where they are called. Inputs that have an initializer are
 * no inputs. A model whose metadata has the key "assay.lowered" is marked as lowered.
 *
 * Errors are ERR_INPUT (ERR_ENVIRONMENT when the file cannot be mapped) and name the file, the
 * offset and what was expected.
 */
#ifndef ASSAY_MODELS_ONNX_READ_H
#define ASSAY_MODELS_ONNX_READ_H

#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether the first bytes of a file can be those of an ONNX model. */
bool onnx_sniff(const void *bytes, size_t length);

/* Bytes that may be freed afterwards; `label` stands for the path in messages. External weight
 * files are not opened: they need not exist. */
int onnx_read_bytes(struct arena *arena, const void *bytes, size_t length, const char *label,
                    struct graph **out, struct err *err);

/* The same as a row of models/reader.h. */
int onnx_read_model(struct arena *arena, const void *bytes, size_t length, const char *label,
                    struct model *out, struct err *err);

#endif
