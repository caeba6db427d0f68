/* Entries and returns of probed functions, put together into spans.
 *
 * Stacks grow down: an entry deeper in the stack than an open call happened inside it, and one that
 * is not says that the call is over, though no return was seen: an exception passed through it, or
 * the return found no room in the ring.
 */
#ifndef ASSAY_COLLECTORS_RECORD_CALLS_H
#define ASSAY_COLLECTORS_RECORD_CALLS_H

#include "base/arena.h"
#include "collectors/record/probe_functions.h"
#include "collectors/record/probe_program.h"
#include "collectors/record/tensor_args.h"
#include "core/span.h"

struct open_call {
    uint64_t place; /* of its return address */
    uint64_t start_ns;
    uint32_t function;
    struct tensor_texts texts;
    bool orphan; /* its return address is its own again: no return will be seen */
};

struct calling_thread {
    uint32_t tid, pid; /* pid 0: it has ended */
    uint32_t depth;
    uint64_t unwound_ns; /* of the last unwinding; 0: none since the last event */
    struct open_call open[PROBE_DEPTH_MAX];
};

struct calls {
    struct arena *arena;
    struct probe_functions *functions;
    const struct span_sink *sink;
    struct calling_thread **threads; /* by tid: a table with open addressing */
    uint32_t thread_count, slots;
    struct tensor_args tensors;
    uint64_t spans, unseen_returns; /* closed by what came later */
    uint64_t first_ns, last_ns;     /* of all events */
};

/* Close in every case. */
int calls_open(struct calls *calls, struct arena *arena, struct probe_functions *functions,
               const struct span_sink *sink, struct err *err);
void calls_close(struct calls *calls);
/* Whether an event of this very thread was taken before. */
bool calls_know(const struct calls *calls, const struct probe_event *event);
int calls_take(struct calls *calls, const struct probe_event *event, struct err *err);
/* A thread has ended: whatever is open ends with it. */
int calls_end_thread(struct calls *calls, uint32_t tid, uint64_t at_ns, struct err *err);
int calls_end(struct calls *calls, uint64_t at_ns, struct err *err);
/* "at::linear > at::addmm": what is open now, of the thread with the deepest stack of calls; NULL:
 * nothing. Lives in the arena. */
const char *calls_open_path(const struct calls *calls, struct arena *arena);

#endif
