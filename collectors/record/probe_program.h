/* What runs in the kernel when a probed function is entered and when it returns.
 *
 * To see a return the kernel puts an address of its own in the place of the function's return
 * address. A C++ exception cannot be unwound through such a frame: the program would end in
 * std::terminate(). So the entry notes where each true return address stood, and a guard, put on
 * the functions that begin an unwinding, stops the process and raises an alarm; whoever reads it
 * writes the thread's true addresses back and lets it go on (mend.h). What was entered before and
 * not yet left then ends without a return event.
 */
#ifndef ASSAY_COLLECTORS_RECORD_PROBE_PROGRAM_H
#define ASSAY_COLLECTORS_RECORD_PROBE_PROGRAM_H

#include "collectors/record/bpf.h"

#include <stdbool.h>

/* A tensor of PyTorch as an entry finds it among its arguments: what c10::TensorImpl holds from its
 * sizes on, in libtorch 1.13. Nothing says that it is so in another one: sizes are
 * to be believed when their product is the number of elements. All 0 when it could not be read. */
struct probe_tensor {
    uint64_t rank;
    int64_t sizes[5], strides[5]; /* when the rank is at most 5 */
    int64_t storage_offset;
    int64_t elements;
    uint16_t dtype; /* c10::ScalarType */
    uint16_t more[3];
};

enum { PROBE_TENSOR_AT = 72, PROBE_TENSORS_MAX = 4 }; /* of TensorImpl; of one call */

/* As it stands in the ring. */
struct probe_event {
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    uint32_t tid, pid;
    /* At the entry, where the return address stands; at the return 8 more. Stacks grow down, so
     * it tells which calls are over. */
    uint64_t stack;
    uint64_t what;                 /* 2 * cookie + 1 at returns; PROBE_UNWINDING */
    struct probe_tensor tensors[]; /* at entries, as the cookie says */
};

/* A cookie is the number of a function and a bit for each of the six registers of arguments that
 * holds a reference to a tensor. */
enum { PROBE_ARGUMENTS = 6 };

/* Of the cookie of a probe that sees returns only; sessions see both and need it not. */
#define PROBE_RETURNS (UINT64_C(1) << 63)

static inline uint64_t probe_cookie(uint32_t function, uint32_t tensors) {
    return (uint64_t)tensors << 32 | function;
}

static inline uint32_t probe_event_function(const struct probe_event *event) {
    return (uint32_t)(event->what >> 1);
}

static inline uint32_t probe_event_tensors(const struct probe_event *event) {
    return event->what & 1 ? 0 : (uint32_t)__builtin_popcountll(event->what >> 33);
}

#define PROBE_UNWINDING UINT64_MAX

/* What the map of processes says of one; nothing: not known yet, its events are passed on. */
enum probe_verdict { PROBE_FOREIGN, PROBE_OURS };

/* The kernel nests no more probed calls than this in one thread, nor do we. */
enum { PROBE_DEPTH_MAX = 64, PROBE_THREADS_MAX = 8192, PROBE_PROCESSES_MAX = 65536 };

struct probe_frame {
    uint64_t place; /* where the return address stands */
    uint64_t back;  /* the true one */
};

struct probe_frames {
    uint64_t depth;
    struct probe_frame items[PROBE_DEPTH_MAX]; /* outermost first */
    unsigned char event[sizeof(struct probe_event) +
                        PROBE_TENSORS_MAX * sizeof(struct probe_tensor)]; /* being made */
};

enum probe_loss { PROBE_LOST_FULL, PROBE_LOST_DEEP, PROBE_LOSSES };

struct probe_maps {
    int processes;                              /* u32 process -> u64 verdict */
    int frames;                                 /* u32 thread -> struct probe_frames */
    int blank;                                  /* u32 0 -> a thread without calls */
    int lost;                                   /* u32 enum probe_loss -> u64 events */
    int ring;                                   /* of struct probe_event; nobody is woken */
    int alarms;                                 /* the same of PROBE_UNWINDING alone; wakes */
    uint64_t namespace_device, namespace_inode; /* where our numbers of processes hold */
};

/* ring_bytes is a power of two. */
int probe_maps_open(struct probe_maps *maps, uint32_t ring_bytes, struct err *err);
void probe_maps_close(struct probe_maps *maps);

/* For entries and returns; with `session` it also tells the kernel which returns to leave alone. */
void probe_program_calls(struct bpf_code *code, const struct probe_maps *maps, bool session);
void probe_program_guard(struct bpf_code *code, const struct probe_maps *maps);

#endif
