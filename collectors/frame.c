#include "collectors/frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_ABSENT = UINT32_MAX };

void frame_put(struct strbuf *out, const void *bytes, size_t length) {
    strbuf_add(out, bytes, length);
}

void frame_put_u32(struct strbuf *out, uint32_t value) {
    frame_put(out, &value, sizeof value);
}

void frame_put_i64(struct strbuf *out, int64_t value) {
    frame_put(out, &value, sizeof value);
}

void frame_put_u64(struct strbuf *out, uint64_t value) {
    frame_put(out, &value, sizeof value);
}

void frame_put_f64(struct strbuf *out, double value) {
    frame_put(out, &value, sizeof value);
}

void frame_put_text(struct strbuf *out, const char *text) {
    if (!text) {
        frame_put_u32(out, TEXT_ABSENT);
        return;
    }
    size_t length = strlen(text);
    frame_put_u32(out, (uint32_t)length);
    frame_put(out, text, length);
}

void frame_get(struct frame_cursor *in, void *bytes, size_t length) {
    if (in->failed || length > in->left) {
        in->failed = true;
        memset(bytes, 0, length);
        return;
    }
    memcpy(bytes, in->at, length);
    in->at += length;
    in->left -= length;
}

uint32_t frame_get_u32(struct frame_cursor *in) {
    uint32_t value;
    frame_get(in, &value, sizeof value);
    return value;
}

int64_t frame_get_i64(struct frame_cursor *in) {
    int64_t value;
    frame_get(in, &value, sizeof value);
    return value;
}

uint64_t frame_get_u64(struct frame_cursor *in) {
    uint64_t value;
    frame_get(in, &value, sizeof value);
    return value;
}

double frame_get_f64(struct frame_cursor *in) {
    double value;
    frame_get(in, &value, sizeof value);
    return value;
}

uint32_t frame_get_count(struct frame_cursor *in, size_t least) {
    uint32_t count = frame_get_u32(in);
    if (count > in->left / least) {
        in->failed = true;
        return 0;
    }
    return count;
}

const char *frame_get_text(struct frame_cursor *in, struct arena *arena) {
    uint32_t length = frame_get_u32(in);
    if (length == TEXT_ABSENT)
        return NULL;
    if (in->failed || length > in->left) {
        in->failed = true;
        return "";
    }
    const char *text = arena_strndup(arena, (const char *)in->at, length);
    in->at += length;
    in->left -= length;
    return text;
}

static bool write_all(int fd, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t length) {
    char *at = bytes;
    while (length) {
        ssize_t n = read(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

bool frame_send(int fd, uint32_t kind, const void *payload, size_t length) {
    if (length > FRAME_LENGTH_MAX)
        return false;
    struct frame_head head = {kind, (uint32_t)length};
    return write_all(fd, &head, sizeof head) && write_all(fd, payload, length);
}

bool frame_receive(int fd, uint32_t *kind, struct strbuf *payload) {
    struct frame_head head;
    if (!read_all(fd, &head, sizeof head) || head.length > FRAME_LENGTH_MAX)
        return false;
    *kind = head.kind;
    payload->length = 0;
    char block[4096];
    for (uint32_t left = head.length; left;) {
        uint32_t part = left < sizeof block ? left : (uint32_t)sizeof block;
        if (!read_all(fd, block, part))
            return false;
        strbuf_add(payload, block, part);
        left -= part;
    }
    return true;
}
