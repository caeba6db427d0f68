/* What goes through the pipes between the program and a worker: frames of a kind, a length and a
 * payload, all in the byte order of the machine (both ends are one installation).
 *
 *     u32 kind | u32 length | length bytes
 *
 * Payloads are written with frame_put_* into a strbuf and read with a cursor that cannot pass its
 * end: after a read that did not fit `failed` stays true and values are 0, so a reader checks once
 * at the end. A worker runs foreign code, so the program treats its frames as foreign bytes.
 */
#ifndef ASSAY_COLLECTORS_FRAME_H
#define ASSAY_COLLECTORS_FRAME_H

#include "base/arena.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_LENGTH_MAX = 1 << 30 };

struct frame_head {
    uint32_t kind;
    uint32_t length;
};

void frame_put(struct strbuf *out, const void *bytes, size_t length);
void frame_put_u32(struct strbuf *out, uint32_t value);
void frame_put_i64(struct strbuf *out, int64_t value);
void frame_put_u64(struct strbuf *out, uint64_t value);
void frame_put_f64(struct strbuf *out, double value);
void frame_put_text(struct strbuf *out, const char *text); /* NULL is kept apart from "" */

struct frame_cursor {
    const unsigned char *at;
    size_t left;
    bool failed;
};

void frame_get(struct frame_cursor *in, void *bytes, size_t length); /* zeroed on failure */
uint32_t frame_get_u32(struct frame_cursor *in);
int64_t frame_get_i64(struct frame_cursor *in);
uint64_t frame_get_u64(struct frame_cursor *in);
double frame_get_f64(struct frame_cursor *in);
/* A count of things of at least `least` bytes each: fails when the payload cannot hold them. */
uint32_t frame_get_count(struct frame_cursor *in, size_t least);
const char *frame_get_text(struct frame_cursor *in, struct arena *arena);

/* Write and read whole frames on a blocking descriptor; false when the other end is gone. The
 * payload of frame_receive() replaces what `payload` held. */
bool frame_send(int fd, uint32_t kind, const void *payload, size_t length);
bool frame_receive(int fd, uint32_t *kind, struct strbuf *payload);

#endif
