/* Hooks for authors of engines: tell Assay when an operator begins and ends.
 *
 *     static uint32_t conv; // once, when the model is loaded:
 *     conv = assay_hooks_kind(ASSAY_HOOKS_OPERATOR, "Conv", "engine");
 *     ...
 *     assay_hooks_begin(conv, tensors, 2);
 *     run_conv(...);
 *     assay_hooks_end();
 *
 * Link with -lassay-hooks (pkg-config assay-hooks). Nothing is recorded, and a call costs next to
 * nothing, unless the environment variable ASSAY_HOOKS_STREAM names a file; then every process
 * writes one (docs/hooks.md), which `assay import FILE` reads, also when the program crashed.
 *
 * All functions may be called from any thread, but not from signal handlers. None fails: what
 * cannot be recorded is counted in the stream. The header needs C99 or C++98 with <stdint.h>. Of an
 * ABI number functions are only ever added. */
#ifndef ASSAY_HOOKS_H
#define ASSAY_HOOKS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_HOOKS_ABI         1
#define ASSAY_HOOKS_TENSORS_MAX 16 /* of an operator; further ones are left out */
#define ASSAY_HOOKS_RANK_MAX    8  /* of a tensor; further dimensions are left out */

/* What sort of work a kind is. */
enum assay_hooks_sort {
    ASSAY_HOOKS_OPERATOR = 0,  /* of a model, on the host */
    ASSAY_HOOKS_CALL = 1,      /* into a runtime or driver */
    ASSAY_HOOKS_KERNEL = 2,    /* on a device */
    ASSAY_HOOKS_COPY = 3,      /* between memories */
    ASSAY_HOOKS_SET = 4,       /* of memory */
    ASSAY_HOOKS_ANNOTATION = 5 /* anything worth a name: a layer, a request, a phase */
};

/* Element types, numbered as ONNX numbers them. */
enum assay_hooks_dtype {
    ASSAY_HOOKS_UNTYPED = 0,
    ASSAY_HOOKS_FLOAT32 = 1,
    ASSAY_HOOKS_UINT8 = 2,
    ASSAY_HOOKS_INT8 = 3,
    ASSAY_HOOKS_UINT16 = 4,
    ASSAY_HOOKS_INT16 = 5,
    ASSAY_HOOKS_INT32 = 6,
    ASSAY_HOOKS_INT64 = 7,
    ASSAY_HOOKS_BOOL = 9,
    ASSAY_HOOKS_FLOAT16 = 10,
    ASSAY_HOOKS_FLOAT64 = 11,
    ASSAY_HOOKS_UINT32 = 12,
    ASSAY_HOOKS_UINT64 = 13,
    ASSAY_HOOKS_BFLOAT16 = 16,
    ASSAY_HOOKS_FLOAT8E4M3FN = 17,
    ASSAY_HOOKS_FLOAT8E5M2 = 19,
    ASSAY_HOOKS_UINT4 = 21,
    ASSAY_HOOKS_INT4 = 22
};

/* One input; copied by the call that takes it. */
typedef struct assay_hooks_tensor {
    uint32_t dtype; /* enum assay_hooks_dtype */
    uint32_t rank;
    const int64_t *dims; /* `rank` sizes; negative: not known */
} assay_hooks_tensor;

/* ASSAY_HOOKS_ABI of the library that is loaded. */
uint32_t assay_hooks_abi(void);

/* The file that is written, or NULL: nothing is recorded. Lives as long as the program. */
const char *assay_hooks_stream(void);

/* A number for "this sort of work of this name and category", the same for the same three; for all
 * of a process, its threads and children. Takes a lock and memory when it is new, so ask when the
 * model is loaded. `category` says whose it is ("my engine"); NULL: "hooks". Texts are UTF-8 and
 * copied, their first 500 bytes each. 0 when nothing is recorded. */
uint32_t assay_hooks_kind(enum assay_hooks_sort sort, const char *name, const char *category);

/* An operator begins on this thread, inside of those that have begun and not ended on it. */
void assay_hooks_begin(uint32_t kind, const assay_hooks_tensor *tensors, uint32_t count);
/* The innermost one ends. */
void assay_hooks_end(void);

/* Work that ends on another thread, or not inside of what began before it. Returns what
 * assay_hooks_stop takes, 0 when nothing is recorded. */
uint64_t assay_hooks_start(uint32_t kind, const assay_hooks_tensor *tensors, uint32_t count);
void assay_hooks_stop(uint64_t started);

/* What reports call this thread; the last name wins. */
void assay_hooks_thread(const char *name);

#ifdef __cplusplus
}

/* An operator that lasts as long as this object, also when an exception ends it. */
class assay_hooks_scope {
  public:
    explicit assay_hooks_scope(uint32_t kind, const assay_hooks_tensor *tensors = 0,
                               uint32_t count = 0) {
        assay_hooks_begin(kind, tensors, count);
    }
    ~assay_hooks_scope() {
        assay_hooks_end();
    }

  private:
    assay_hooks_scope(const assay_hooks_scope &);
    assay_hooks_scope &operator=(const assay_hooks_scope &);
};
#endif
#endif
