/* PyTorch's operators by the functions that every call of one goes through.
 *
 * libtorch_cpu exports at::_ops::NAME::call for each operator, where NAME is that of the schema,
 * "conv2d" or "add.Tensor", with underscores in the place of dots (torchgen, api/types). Which
 * underscore was a dot is told by the schemas themselves, that the library registers from texts:
 * "add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor".
 */
#ifndef ASSAY_COLLECTORS_RECORD_TORCH_NAMES_H
#define ASSAY_COLLECTORS_RECORD_TORCH_NAMES_H

#include "base/arena.h"

#include <stdint.h>

struct torch_names; /* lives in the arena */

/* Looks through a library's bytes for the schemas of operators. */
struct torch_names *torch_names_find(struct arena *arena, const unsigned char *bytes,
                                     uint64_t size);
/* "at::_ops::add_Tensor::call" -> "at::add.Tensor"; another name comes back as it is. `schema` is
 * set to its text, NULL when there is none. */
const char *torch_name(struct arena *arena, const struct torch_names *names, const char *readable,
                       const char **schema);

#endif
