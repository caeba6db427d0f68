/* Which registers hold the tensors of a call to at::_ops::NAME::call, by the operator's schema
 * ("add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor") and the System V ABI of
 * x86-64: a result in memory takes the first register, a view of a list takes two, and so on. */
#ifndef ASSAY_COLLECTORS_RECORD_TORCH_SCHEMA_H
#define ASSAY_COLLECTORS_RECORD_TORCH_SCHEMA_H

#include <stdint.h>

/* A bit per register of arguments; those behind a type that is not known here are left out. 0: none
 * of them is told. */
uint32_t torch_schema_tensors(const char *schema);

#endif
