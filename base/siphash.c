#include "base/siphash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct state {
    uint64_t a, b, c, d;
};

static uint64_t rotated(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

static void rounds(struct state *s, int count) {
    for (; count > 0; count--) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotated(s->b, 13) ^ s->a;
        s->d = rotated(s->d, 16) ^ s->c;
        s->a = rotated(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = rotated(s->b, 17) ^ s->c;
        s->d = rotated(s->d, 21) ^ s->a;
        s->c = rotated(s->c, 32);
    }
}

static void take(struct state *s, uint64_t word) {
    s->d ^= word;
    rounds(s, 2);
    s->a ^= word;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length) {
    struct state s = {key->low ^ 0x736f6d6570736575u, key->high ^ 0x646f72616e646f6du,
                      key->low ^ 0x6c7967656e657261u, key->high ^ 0x7465646279746573u};
    const unsigned char *at = length ? bytes : (const unsigned char *)"",
                        *end = at + length / 8 * 8;
    uint64_t word;
    for (; at < end; at += 8) {
        memcpy(&word, at, 8);
        take(&s, le64toh(word));
    }
    word = 0;
    if (length % 8)
        memcpy(&word, at, length % 8);
    take(&s, le64toh(word) | (uint64_t)length << 56);
    s.c ^= 0xff;
    rounds(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}

/* Where the kernel gives nothing, early in its life or behind a filter of system calls, a table may
 * be slow for who knows the time to the nanosecond; it is never wrong. */
struct siphash_key siphash_draw(void) {
    struct siphash_key key;
    struct timespec now;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) == (ssize_t)sizeof key)
        return key;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct siphash_key){(uint64_t)now.tv_nsec, (uint64_t)now.tv_sec};
}
