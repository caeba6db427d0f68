#include "collectors/llamacpp/foreign.h"

#include <string.h>

enum { POISON_FIRST = 0xa5, POISON_SECOND = 0x5a, NONE = -1, TWICE = -2, BATCH_BYTES = 56 };

uint32_t foreign_u32(const void *at, size_t offset) {
    uint32_t value;
    memcpy(&value, (const char *)at + offset, sizeof value);
    return value;
}

uint64_t foreign_u64(const void *at, size_t offset) {
    uint64_t value;
    memcpy(&value, (const char *)at + offset, sizeof value);
    return value;
}

void foreign_put_u32(struct foreign *out, size_t offset, uint32_t value) {
    memcpy((char *)out + offset, &value, sizeof value);
}

void foreign_put_pointer(struct foreign *out, size_t offset, const void *value) {
    memcpy((char *)out + offset, &value, sizeof value);
}

/* ---- calling ---------------------------------------------------------------------------------
 */

#if defined(__x86_64__)

/* The place of a large result is a hidden first argument. */
static bool call(void *function, struct foreign *result, long a, long b, long c) {
    void *(*returning)(void *, long, long, long);
    memcpy(&returning, &function, sizeof returning);
    returning(result, a, b, c);
    return true;
}

#elif defined(__aarch64__)

/* The place of a large result is in x8. */
static bool call(void *function, struct foreign *result, long a, long b, long c) {
    register struct foreign *x8 __asm__("x8") = result;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("blr %[function]"
                     : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2)
                     : [function] "r"(function)
                     : "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "x18", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
                       "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
                       "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
                       "v30", "v31", "cc", "memory");
    return true;
}

#else

static bool call(void *function, struct foreign *result, long a, long b, long c) {
    (void)function, (void)result, (void)a, (void)b, (void)c;
    return false;
}

#endif

void foreign_poison(struct foreign_pair *pair) {
    memset(&pair->first, POISON_FIRST, sizeof pair->first);
    memset(&pair->second, POISON_SECOND, sizeof pair->second);
}

int foreign_fetch(void *function, long a, long b, long c, struct foreign_pair *out,
                  struct err *err) {
    foreign_poison(out);
    if (call(function, &out->first, a, b, c) && call(function, &out->second, a, b, c))
        return 0;
    return err_set(err, ERR_ENVIRONMENT, "llama.cpp is bound on x86-64 and arm64 alone");
}

/* ---- what came back --------------------------------------------------------------------------
 */

static bool is_written(const struct foreign_pair *pair, size_t at) {
    return ((const unsigned char *)&pair->first)[at] != POISON_FIRST ||
           ((const unsigned char *)&pair->second)[at] != POISON_SECOND;
}

static bool are_written(const struct foreign_pair *pair, size_t at, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!is_written(pair, at + i))
            return false;
    return true;
}

size_t foreign_size(const struct foreign_pair *pair) {
    size_t size = FOREIGN_BYTES;
    while (size > 0 && !is_written(pair, size - 1))
        size--;
    return size == FOREIGN_BYTES ? 0 : (size + 7) / 8 * 8;
}

typedef bool is_there_fn(const struct foreign_pair *pair, size_t at);

/* The one offset where something is; NONE or TWICE. */
static long find_once(const struct foreign_pair *pair, size_t step, size_t length,
                      is_there_fn *is_there) {
    long found = NONE;
    for (size_t at = 0; at + length <= FOREIGN_BYTES; at += step)
        if (are_written(pair, at, length) && is_there(pair, at)) {
            if (found != NONE)
                return TWICE;
            found = (long)at;
        }
    return found;
}

static bool are_sizes(const struct foreign_pair *pair, size_t at) {
    const void *p = &pair->first;
    return foreign_u32(p, at) == 512 && foreign_u32(p, at + 4) == 2048 &&
           foreign_u32(p, at + 8) == 512 && foreign_u32(p, at + 12) == 1;
}

static bool is_callback(const struct foreign_pair *pair, size_t at) {
    const void *p = &pair->first;
    return foreign_u64(p, at) == 0 && foreign_u64(p, at + 8) == 0 && foreign_u32(p, at + 16) == 1 &&
           foreign_u32(p, at + 20) == 1 && foreign_u64(p, at + 24) == 0 &&
           foreign_u64(p, at + 32) == 0;
}

static int refuse(struct err *err, const char *what, long found) {
    err_set(err, ERR_ENVIRONMENT, "llama.cpp: %s %s in the default parameters of a context", what,
            found == TWICE ? "is not the only one of its kind" : "was not found");
    return err_hint(err, "this release arranges them in a way that Assay does not know; the one "
                         "that `make deps` installs works");
}

int params_layout_find(const struct foreign_pair *defaults, struct params_layout *out,
                       struct err *err) {
    *out = (struct params_layout){.size = foreign_size(defaults)};
    long sizes = find_once(defaults, 4, 16, are_sizes);
    if (out->size == 0 || sizes < 0)
        return refuse(err, "the size of a context", sizes);
    long callback = find_once(defaults, 8, 40, is_callback);
    if (callback < 0)
        return refuse(err, "the evaluation callback", callback);
    out->n_ctx = (size_t)sizes;
    out->n_batch = (size_t)sizes + 4;
    out->n_ubatch = (size_t)sizes + 8;
    out->n_seq_max = (size_t)sizes + 12;
    out->cb_eval = (size_t)callback;
    out->cb_eval_data = (size_t)callback + 8;
    return 0;
}

int batch_layout_check(const struct foreign_pair *made, struct err *err) {
    const struct foreign *batch = &made->first;
    bool sound = foreign_size(made) == BATCH_BYTES && foreign_u32(batch, 0) == 0;
    for (size_t i = 1; i < BATCH_BYTES / 8; i++)
        sound = sound && (batch->words[i] == 0) == (i == 2);
    return sound ? 0
                 : err_set(err, ERR_ENVIRONMENT,
                           "llama.cpp: llama_batch_init returns a structure that Assay does not "
                           "know");
}
