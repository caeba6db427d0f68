#include "collectors/emit/emit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEGMENT_WORDS = HOOKS_SEGMENT_BYTES / 8 };

static uint64_t no_room[1];

void lane_use(struct lane *lane, uint64_t *segment) {
    lane->segment = segment;
    lane->at = segment ? segment + 1 : no_room + 1;
    lane->limit = segment ? segment + SEGMENT_WORDS - HOOKS_RECORD_WORDS_MAX : no_room;
    lane->ask = segment ? segment + SEGMENT_WORDS / 2 : no_room + 1;
}

void lane_ask(struct lane *lane) {
    lane->ask = (uint64_t *)UINTPTR_MAX;
    atomic_store(&lane->wanted, true);
    sem_post(&emit.ask);
}

/* Only where the helper was not in time. */
static uint64_t *segment_now(struct lane *lane) {
    stream_lock();
    uint64_t *segment = atomic_exchange(&lane->next, NULL);
    if (!segment && (segment = stream_segment(lane)))
        emit.header->late++;
    atomic_store(&lane->wanted, false);
    stream_unlock();
    return segment;
}

bool lane_turn(struct lane *lane) {
    if (!lane->segment)
        return false; /* there was no room, and a gap would tear operators apart */
    uint64_t *segment = atomic_exchange(&lane->next, NULL);
    if (!segment)
        segment = segment_now(lane);
    stream_unmap(atomic_exchange(&lane->written, lane->segment));
    lane_use(lane, segment);
    return segment != NULL;
}

/* ---- threads that come and go ---------------------------------------------------------------- */

static struct lane *new_lane(void) {
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->number = ++emit.lane_count;
    lane->counters = -1;
    lane->told = calloc(HOOKS_SHAPES_MAX + 1, sizeof *lane->told);
    lane_use(lane, stream_segment(lane));
    lane->older = emit.lanes;
    emit.lanes = lane;
    return lane;
}

/* The record that says whose the following ones are. */
static void lane_sign(struct lane *lane) {
    if (lane->at > lane->limit && !lane_turn(lane))
        return;
    uint64_t *at = lane->at;
    at[1] = clock_ticks();
    at[2] = (uint64_t)syscall(SYS_gettid);
    lane->at = at + 3;
    publish(at, hooks_record_word(HOOKS_THREAD, 0, 3, lane->thread));
}

static struct lane *take_lane(void) {
    stream_lock();
    struct lane *lane = NULL;
    if (atomic_load(&emit.page->recording) || stream_open()) {
        lane = emit.free_lanes;
        if (lane)
            emit.free_lanes = lane->next_free;
        else
            lane = new_lane();
        if (lane)
            lane->thread = ++emit.threads;
    }
    stream_unlock();
    return lane;
}

struct lane *lane_enter(void) {
    if (!emit.page || atomic_load(&emit.failed))
        return NULL;
    struct lane *lane = take_lane();
    if (!lane)
        return NULL;
    lane->depth = 0;
    pthread_setspecific(emit.leaving, lane);
    lane_sign(lane);
    counters_open_thread(lane);
    return lane;
}

void lane_leave(void *entered) {
    struct lane *lane = entered;
    if (!atomic_load(&emit.page->recording))
        return; /* a child that has not recorded yet: the lane is its parent's */
    if (lane->at <= lane->limit || lane_turn(lane)) {
        uint64_t *at = lane->at;
        at[1] = clock_ticks();
        lane->at = at + 2;
        publish(at, hooks_record_word(HOOKS_LEAVE, 0, 2, 0));
    }
    counters_close_thread(lane);
    hooks_forget_lane();
    stream_lock();
    lane->next_free = emit.free_lanes;
    emit.free_lanes = lane;
    stream_unlock();
}
