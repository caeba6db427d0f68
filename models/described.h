/* A graph described in JSON, for who has an architecture but no file: names, types and shapes,
 * without weights. It becomes the same core graph as an ONNX file of it would.
 *
 *     {"assay_graph": 1,
 *      "name": "tiny",
 *      "opsets": {"": 17, "com.microsoft": 1},
 *      "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 3, 224, 224]}],
 *      "initializers": [{"name": "w", "dtype": "float32", "shape": [64, 3, 7, 7]},
 *                       {"name": "to", "dtype": "int64", "shape": [2], "values": [0, -1]}],
 *      "ops": [{"type": "Conv", "name": "conv1", "domain": "", "inputs": ["x", "w"],
 *               "outputs": ["y"], "attributes": {"strides": [2, 2], "pads": [3, 3, 3, 3]}},
 *              {"type": "Reshape", "inputs": ["y", "to"], "outputs": ["z"]}],
 *      "outputs": ["z"]}
 *
 * A size is a whole number, the name of a free dimension, or null. An omitted input is "". A number
 * written with a point or an exponent is a float attribute, else an integer one; lists likewise; an
 * object {"dtype", "shape", "values"} is a constant, as Constant and ConstantOfShape take.
 * "values" give what shapes depend on (at most 4096, numbers). "name" of a model or an operator,
 * "domain", "attributes", "opsets" (default {"": 17}) and "values" may be left out; any other
 * member is an error. The JSON is read strictly (base/json_strict.h): at most 16 MiB and 2 million
 * values. Subgraphs cannot be described. */
#ifndef ASSAY_MODELS_DESCRIBED_H
#define ASSAY_MODELS_DESCRIBED_H

#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>

bool described_sniff(const void *bytes, size_t length);

/* Lives in the arena. ERR_INPUT names what was expected where. */
int described_read_bytes(struct arena *arena, const void *bytes, size_t length, const char *label,
                         struct graph **out, struct err *err);

/* A row of models/reader.h. The model's bytes are counted as those of an ONNX file with the weights
 * in it. */
int described_read_model(struct arena *arena, const void *bytes, size_t length, const char *label,
                         struct model *out, struct err *err);

#endif
