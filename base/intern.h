/* Equal keys (texts, or structs without padding) kept once, under numbers that count up from 0.
 * Bounded: when the keys together would pass so many bytes, new ones are refused and the old ones
 * are still known. */
#ifndef ASSAY_BASE_INTERN_H
#define ASSAY_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#define INTERN_FULL UINT32_MAX

struct intern;

/* `most_bytes` below 2 GiB. NULL: out of memory. */
struct intern *intern_open(size_t most_bytes);
/* The key's number; INTERN_FULL when it is new and there is no room. */
uint32_t intern(struct intern *intern, const void *key, size_t length);
/* As intern(), of keys that are there already. */
uint32_t intern_find(const struct intern *intern, const void *key, size_t length);
/* The key with a NUL behind it, aligned for a uint64_t; valid until the next intern(). */
const void *intern_key(const struct intern *intern, uint32_t number);
uint32_t intern_count(const struct intern *intern);
void intern_close(struct intern *intern); /* NULL is allowed */

#endif
