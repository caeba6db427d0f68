#include "collectors/record/calls.h"

#include <assert.h>
#include <string.h>

enum { SLOTS_FIRST = 64 };

int calls_open(struct calls *calls, struct arena *arena, struct probe_functions *functions,
               const struct span_sink *sink, struct err *err) {
    *calls = (struct calls){.arena = arena, .functions = functions, .sink = sink};
    calls->slots = SLOTS_FIRST;
    calls->threads = ARENA_ARRAY(arena, calls->slots, struct calling_thread *);
    return tensor_args_open(&calls->tensors, err);
}

void calls_close(struct calls *calls) {
    tensor_args_close(&calls->tensors);
}

/* ---- threads -------------------------------------------------------------------------------- */

static struct calling_thread **slot_of(struct calling_thread **threads, uint32_t slots,
                                       uint32_t tid) {
    uint32_t at = tid * 2654435761u & (slots - 1);
    while (threads[at] && threads[at]->tid != tid)
        at = (at + 1) & (slots - 1);
    return &threads[at];
}

static void grow(struct calls *calls) {
    uint32_t slots = 2 * calls->slots;
    struct calling_thread **threads = ARENA_ARRAY(calls->arena, slots, struct calling_thread *);
    for (uint32_t i = 0; i < calls->slots; i++)
        if (calls->threads[i])
            *slot_of(threads, slots, calls->threads[i]->tid) = calls->threads[i];
    calls->threads = threads;
    calls->slots = slots;
}

static struct calling_thread *thread_of(struct calls *calls, uint32_t tid) {
    struct calling_thread **slot = slot_of(calls->threads, calls->slots, tid);
    struct calling_thread *thread = *slot;
    if (thread)
        return thread;
    if (2 * ++calls->thread_count > calls->slots) {
        grow(calls);
        slot = slot_of(calls->threads, calls->slots, tid);
    }
    *slot = thread = ARENA_NEW(calls->arena, struct calling_thread);
    thread->tid = tid;
    return thread;
}

/* ---- spans ---------------------------------------------------------------------------------- */

static int close_top(struct calls *calls, struct calling_thread *thread, uint64_t at_ns,
                     struct err *err) {
    const struct open_call *call = &thread->open[--thread->depth];
    struct probe_function *function = &calls->functions->items[call->function];
    const struct span span = {
        .name = function->name,
        .category = function->wish->category,
        .kind = function->wish->kind,
        .track = thread->tid,
        .start_ns = (int64_t)call->start_ns,
        .duration_ns = at_ns > call->start_ns ? (int64_t)(at_ns - call->start_ns) : 0,
        .shapes = tensor_args_text(&calls->tensors, call->texts.shapes),
        .dtypes = tensor_args_text(&calls->tensors, call->texts.dtypes),
    };
    function->calls++;
    calls->spans++;
    return calls->sink->span(calls->sink->context, &span, err);
}

static struct open_call *top(struct calling_thread *thread) {
    return thread->depth ? &thread->open[thread->depth - 1] : NULL;
}

/* Closes what must be over when the stack is at `place`: calls below it, and those at it too when
 * nobody will tell of their return. */
static int close_over(struct calls *calls, struct calling_thread *thread, uint64_t place,
                      uint64_t at_ns, struct err *err) {
    uint64_t end_ns = thread->unwound_ns ? thread->unwound_ns : at_ns;
    int code = 0;
    for (const struct open_call *call; code == 0 && (call = top(thread));) {
        if (call->place > place || (call->place == place && !call->orphan))
            break;
        calls->unseen_returns++;
        code = close_top(calls, thread, end_ns, err);
    }
    thread->unwound_ns = 0;
    return code;
}

static int enter(struct calls *calls, struct calling_thread *thread,
                 const struct probe_event *event, uint32_t function, struct err *err) {
    int code = close_over(calls, thread, event->stack, event->time_ns, err);
    if (code || thread->depth == PROBE_DEPTH_MAX)
        return code;
    thread->open[thread->depth++] = (struct open_call){
        .place = event->stack,
        .start_ns = event->time_ns,
        .function = function,
        .texts = tensor_args_take(&calls->tensors, event->tensors, probe_event_tensors(event)),
    };
    return 0;
}

static int leave(struct calls *calls, struct calling_thread *thread,
                 const struct probe_event *event, uint32_t function, struct err *err) {
    uint64_t place = event->stack - sizeof(uint64_t);
    int code = close_over(calls, thread, place - 1, event->time_ns, err);
    const struct open_call *call = top(thread);
    if (code || !call || call->place != place || call->function != function)
        return code;
    return close_top(calls, thread, event->time_ns, err);
}

static void unwind(struct calling_thread *thread, uint64_t at_ns) {
    for (uint32_t i = 0; i < thread->depth; i++)
        thread->open[i].orphan = true;
    thread->unwound_ns = at_ns;
}

bool calls_know(const struct calls *calls, const struct probe_event *event) {
    const struct calling_thread *thread = *slot_of(calls->threads, calls->slots, event->tid);
    return thread && thread->pid == event->pid;
}

int calls_take(struct calls *calls, const struct probe_event *event, struct err *err) {
    struct calling_thread *thread = thread_of(calls, event->tid);
    thread->pid = event->pid;
    if (!calls->first_ns)
        calls->first_ns = event->time_ns;
    calls->last_ns = event->time_ns;
    if (event->what == PROBE_UNWINDING) {
        unwind(thread, event->time_ns);
        return 0;
    }
    uint32_t function = probe_event_function(event);
    assert(function < calls->functions->count);
    return event->what & 1 ? leave(calls, thread, event, function, err)
                           : enter(calls, thread, event, function, err);
}

int calls_end_thread(struct calls *calls, uint32_t tid, uint64_t at_ns, struct err *err) {
    struct calling_thread *thread = *slot_of(calls->threads, calls->slots, tid);
    if (!thread)
        return 0;
    thread->pid = 0;
    return close_over(calls, thread, UINT64_MAX, at_ns, err);
}

int calls_end(struct calls *calls, uint64_t at_ns, struct err *err) {
    int code = 0;
    for (uint32_t i = 0; i < calls->slots && code == 0; i++)
        if (calls->threads[i])
            code = close_over(calls, calls->threads[i], UINT64_MAX, at_ns, err);
    return code;
}

const char *calls_open_path(const struct calls *calls, struct arena *arena) {
    const struct calling_thread *deepest = NULL;
    for (uint32_t i = 0; i < calls->slots; i++)
        if (calls->threads[i] && calls->threads[i]->depth > (deepest ? deepest->depth : 0))
            deepest = calls->threads[i];
    const char *path = NULL;
    for (uint32_t i = 0; deepest && i < deepest->depth; i++)
        path = arena_printf(arena, "%s%s%s", path ? path : "", path ? " > " : "",
                            calls->functions->items[deepest->open[i].function].name);
    return path;
}
