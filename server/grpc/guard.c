#include "server/grpc/guard.h"

enum { PREFACE_BYTES = 24, HEAD_BYTES = 9, END_HEADERS = 0x4 };
enum { PURSE_MAX = 1000, FILL_PER_SECOND = 50, EARNED_PER_CALL = 10 };

enum frame_type {
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_CONTINUATION = 9,
};

/* Every frame costs 1 unless it stands here: settings are answered and change tables. */
static const unsigned char prices[256] = {
    [FRAME_RST_STREAM] = GRPC_PRICE_RESET,
    [FRAME_SETTINGS] = 10,
};

void grpc_guard_init(struct grpc_guard *guard, uint64_t now_ns) {
    *guard = (struct grpc_guard){
        .purse = PURSE_MAX,
        .filled_ns = now_ns,
        .unfinished_ns = now_ns,
        .preface_left = PREFACE_BYTES,
    };
}

static void fill(struct grpc_guard *guard, uint64_t now_ns) {
    guard->purse += (double)(now_ns - guard->filled_ns) / 1e9 * FILL_PER_SECOND;
    if (guard->purse > PURSE_MAX)
        guard->purse = PURSE_MAX;
    guard->filled_ns = now_ns;
}

int grpc_guard_pay(struct grpc_guard *guard, double price, uint64_t now_ns) {
    fill(guard, now_ns);
    guard->purse -= price;
    return guard->purse < 0 ? -1 : 0;
}

void grpc_guard_earn(struct grpc_guard *guard) {
    guard->purse += EARNED_PER_CALL; /* fill() keeps it under the most */
}

static int head_complete(struct grpc_guard *guard, uint64_t now_ns) {
    const unsigned char *head = guard->head;
    unsigned type = head[3], flags = head[4];
    guard->payload_left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    guard->head_bytes = 0;
    if (type == FRAME_HEADERS || type == FRAME_CONTINUATION)
        guard->block_open = (flags & END_HEADERS) == 0;
    return grpc_guard_pay(guard, prices[type] ? prices[type] : 1, now_ns);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

int grpc_guard_watch(struct grpc_guard *guard, const void *bytes, size_t length, uint64_t now_ns) {
    const unsigned char *at = bytes, *end = at + length;
    while (at < end) {
        if (guard->unfinished_ns == UINT64_MAX)
            guard->unfinished_ns = now_ns;
        if (guard->preface_left || guard->payload_left) {
            uint32_t *left = guard->preface_left ? &guard->preface_left : &guard->payload_left;
            size_t step = smaller(*left, (size_t)(end - at));
            *left -= (uint32_t)step;
            at += step;
            if (left == &guard->preface_left)
                continue; /* a preface without SETTINGS is no beginning */
        } else {
            guard->head[guard->head_bytes++] = *at++;
            if (guard->head_bytes < HEAD_BYTES)
                continue;
            if (head_complete(guard, now_ns))
                return -1;
        }
        if (guard->payload_left == 0 && !guard->block_open)
            guard->unfinished_ns = UINT64_MAX;
    }
    return 0;
}
