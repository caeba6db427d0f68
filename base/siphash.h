/* SipHash-2-4: a hash of bytes that nobody can make collide who does not know the key (J.-P.
 * Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012). For tables whose keys come
 * from strangers.
 */
#ifndef ASSAY_BASE_SIPHASH_H
#define ASSAY_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t low, high;
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

/* A key that nobody knows: from the kernel, or from the time where that is not to be had. */
struct siphash_key siphash_draw(void);

#endif
