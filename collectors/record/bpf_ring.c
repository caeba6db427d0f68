#include "collectors/record/bpf_ring.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t producer_bytes(const struct bpf_ring *ring) {
    return page_bytes() + 2 * (size_t)ring->bytes;
}

int bpf_ring_open(struct bpf_ring *ring, int map, uint32_t bytes, struct err *err) {
    *ring = (struct bpf_ring){.bytes = bytes};
    void *consumer = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    if (consumer != MAP_FAILED)
        ring->consumer = consumer;
    void *producer =
        mmap(NULL, producer_bytes(ring), PROT_READ, MAP_SHARED, map, (off_t)page_bytes());
    if (producer != MAP_FAILED)
        ring->producer = producer;
    if (ring->consumer && ring->producer)
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "bpf: the ring of events");
    bpf_ring_close(ring);
    return -ERR_ENVIRONMENT;
}

void bpf_ring_close(struct bpf_ring *ring) {
    if (ring->consumer)
        munmap(ring->consumer, page_bytes());
    if (ring->producer)
        munmap(ring->producer, producer_bytes(ring));
    *ring = (struct bpf_ring){0};
}

int bpf_ring_read(struct bpf_ring *ring, bpf_ring_fn *take, void *context, struct err *err) {
    const char *data = (const char *)ring->producer + page_bytes();
    uint64_t *taken = ring->consumer;
    uint64_t at = *taken, end = __atomic_load_n((uint64_t *)ring->producer, __ATOMIC_ACQUIRE);
    int code = 0;
    while (code == 0 && at < end) {
        const char *record = data + (at & (ring->bytes - 1));
        uint32_t head = __atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
        if (head & BPF_RINGBUF_BUSY_BIT)
            break; /* still being written */
        uint32_t length = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        if (!(head & BPF_RINGBUF_DISCARD_BIT))
            code = take(context, record + BPF_RINGBUF_HDR_SZ, length, err);
        at += (length + BPF_RINGBUF_HDR_SZ + 7) & ~(uint64_t)7;
        __atomic_store_n(taken, at, __ATOMIC_RELEASE);
    }
    return code;
}
