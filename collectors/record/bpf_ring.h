/* The reader's side of a BPF_MAP_TYPE_RINGBUF (Documentation/bpf/ringbuf). */
#ifndef ASSAY_COLLECTORS_RECORD_BPF_RING_H
#define ASSAY_COLLECTORS_RECORD_BPF_RING_H

#include "base/err.h"

#include <stdint.h>

struct bpf_ring {
    void *consumer, *producer; /* their pages; the data follow the producer's, twice in a row */
    uint32_t bytes;
};

/* Not 0 ends the reading with that. */
typedef int bpf_ring_fn(void *context, const void *record, uint32_t length, struct err *err);

int bpf_ring_open(struct bpf_ring *ring, int map, uint32_t bytes, struct err *err);
/* Hands out what is there; a record is borrowed for the call and taken even when that fails. */
int bpf_ring_read(struct bpf_ring *ring, bpf_ring_fn *take, void *context, struct err *err);
void bpf_ring_close(struct bpf_ring *ring);

#endif
