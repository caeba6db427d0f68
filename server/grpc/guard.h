/* A watch over the bytes of one connection, before anything else reads them: it follows the frames
 * of HTTP/2 (RFC 9113 section 4.1) by their first nine bytes.
 *
 * Time-outs of a connection do not stop a client that sends a byte now and then; the guard knows
 * since when a frame, or a header block, is unfinished. Frames that ask for work and give nothing
 * back (resets, pings, settings, empty data) are paid from a purse that fills slowly, and faster
 * with each call that was answered: an honest client at any rate stays solvent. */
#ifndef ASSAY_SERVER_GRPC_GUARD_H
#define ASSAY_SERVER_GRPC_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grpc_guard {
    double purse;
    uint64_t filled_ns;
    uint64_t unfinished_ns; /* when what is unfinished began; UINT64_MAX: nothing is */
    uint32_t preface_left;
    uint32_t head_bytes; /* of head[] that have come */
    uint32_t payload_left;
    bool block_open; /* a header block whose END_HEADERS has not come */
    unsigned char head[9];
};

enum grpc_guard_price { GRPC_PRICE_RESET = 5 }; /* of a reset, whoever sent it */

void grpc_guard_init(struct grpc_guard *guard, uint64_t now_ns);

/* 0, or -1 when the purse is empty: the connection is to be closed. */
int grpc_guard_watch(struct grpc_guard *guard, const void *bytes, size_t length, uint64_t now_ns);
int grpc_guard_pay(struct grpc_guard *guard, double price, uint64_t now_ns);

/* A call was answered. */
void grpc_guard_earn(struct grpc_guard *guard);

#endif
