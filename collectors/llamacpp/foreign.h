/* Structures of llama.cpp and ggml, which change from release to release and have no accessors:
 * learnt from what the loaded library itself fills in, never from a header.
 *
 * Functions that return a structure are called with a buffer larger than any of them, twice, each
 * time over another poison: bytes that kept both are none of the structure's. Parameters are then
 * found by the values that they have by default, and a tensor's fields by making tensors whose
 * sizes, types and operands are known. What is not found exactly once is refused.
 *
 * Structures are passed by value in the same large buffer: both x86-64 (on the stack) and arm64
 * (by reference to a copy) let the callee find its own, shorter structure at the beginning.
 */
#ifndef ASSAY_COLLECTORS_LLAMACPP_FOREIGN_H
#define ASSAY_COLLECTORS_LLAMACPP_FOREIGN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FOREIGN_WORDS = 128, FOREIGN_BYTES = 8 * FOREIGN_WORDS };

struct foreign {
    uint64_t words[FOREIGN_WORDS];
};

/* What two calls over different poisons left. */
struct foreign_pair {
    struct foreign first, second;
};

/* Calls function(a, b, c), which returns a structure. ERR_ENVIRONMENT on other processors than
 * x86-64 and arm64. */
int foreign_fetch(void *function, long a, long b, long c, struct foreign_pair *out,
                  struct err *err);
/* Poisons both, as foreign_fetch does before the calls. */
void foreign_poison(struct foreign_pair *pair);
/* Bytes of the structure; 0: nothing was written, or more than it can be. */
size_t foreign_size(const struct foreign_pair *pair);

/* Where the fields of llama_context_params stand. */
struct params_layout {
    size_t size;
    size_t n_ctx, n_batch, n_ubatch, n_seq_max; /* u32 */
    size_t cb_eval, cb_eval_data;               /* pointers */
};

/* From the defaults: 512, 2048, 512 and 1 stand in a row; the callback and its data are NULL,
 * before the types of the cache (1, 1: f16) and two more NULLs. */
int params_layout_find(const struct foreign_pair *defaults, struct params_layout *out,
                       struct err *err);

/* llama_batch: a count and six pointers, of which the second (embeddings) is NULL when tokens are
 * asked for. ERR_ENVIRONMENT when that is not what came back. */
int batch_layout_check(const struct foreign_pair *made, struct err *err);

uint32_t foreign_u32(const void *at, size_t offset);
uint64_t foreign_u64(const void *at, size_t offset);
void foreign_put_u32(struct foreign *out, size_t offset, uint32_t value);
void foreign_put_pointer(struct foreign *out, size_t offset, const void *value);

#endif
