#include "base/inflated.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    STORED_BYTES = 64 << 10,
    PLAIN_BYTES = INFLATED_PEEK_BYTES,
    GZIP_WINDOW = 15 + 16, /* zlib: the largest window, a gzip header */
};

struct inflated {
    const char *path;
    int fd;
    bool packed, between; /* between: at the start of a member, where a file may end */
    bool ended;           /* nothing more comes */
    const char *cut;
    z_stream stream;
    struct progress *progress;
    uint64_t stored_offset, stored_bytes, offset;
    size_t length, taken; /* of plain: what is in it, what was handed out of it */
    unsigned char *stored;
    char *plain;
};

/* ---- bytes of the file ----------------------------------------------------------------------- */

static int read_some(struct inflated *in, void *to, size_t most, size_t *length, struct err *err) {
    ssize_t got;
    do
        got = read(in->fd, to, most);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: at offset %llu", in->path,
                             (unsigned long long)in->stored_offset);
    *length = (size_t)got;
    in->stored_offset += *length;
    return 0;
}

static int more_stored(struct inflated *in, struct err *err) {
    size_t length = 0;
    if (in->stream.avail_in)
        return 0;
    if (read_some(in, in->stored, STORED_BYTES, &length, err) < 0)
        return -(int)err->code;
    in->stream.next_in = in->stored;
    in->stream.avail_in = (uInt)length;
    return 0;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

static void end_with(struct inflated *in, const char *cut) {
    in->ended = true;
    in->cut = cut;
}

/* Zeros behind the last member are padding (of tapes and block devices), as gzip has it; other
 * bytes are not part of the file. */
static bool next_member(struct inflated *in) {
    return in->stream.next_in[0] == 0x1f && inflateReset(&in->stream) == Z_OK;
}

static int inflate_some(struct inflated *in, struct err *err) {
    if (more_stored(in, err) < 0)
        return -(int)err->code;
    if (in->stream.avail_in == 0) {
        end_with(in, in->between ? NULL : "the gzip stream ends early");
        return 0;
    }
    if (in->between && !next_member(in)) {
        end_with(in, NULL);
        return 0;
    }
    in->between = false;
    in->stream.next_out = (unsigned char *)in->plain + in->length;
    in->stream.avail_out = (uInt)(PLAIN_BYTES - in->length);
    int status = inflate(&in->stream, Z_NO_FLUSH);
    in->length = PLAIN_BYTES - in->stream.avail_out;
    in->between = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        end_with(in, "the gzip stream is corrupt");
    return 0;
}

/* Adds to what is in the buffer until `least` bytes are there, or no more come. */
static int fill(struct inflated *in, size_t least, struct err *err) {
    while (in->length < least && !in->ended) {
        size_t length = 0;
        int code = in->packed ? inflate_some(in, err)
                              : read_some(in, in->plain + in->length, PLAIN_BYTES - in->length,
                                          &length, err);
        if (code < 0)
            return code;
        in->length += length;
        if (!in->packed && length == 0)
            in->ended = true;
    }
    in->plain[in->length] = '\0';
    return 0;
}

/* ---- the interface --------------------------------------------------------------------------- */

static int open_file(struct inflated *in, const char *path, struct err *err) {
    struct stat status;
    in->path = path;
    in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in->fd < 0 || fstat(in->fd, &status) < 0)
        return err_set_errno(err, ERR_INPUT, "%s", path);
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_INPUT, "%s: not a regular file", path);
    in->stored_bytes = (uint64_t)status.st_size;
    return 0;
}

/* RFC 1952, 2.3.1: two magic bytes, then the only method there is. */
static int begin_unpacking(struct inflated *in, struct err *err) {
    if (more_stored(in, err) < 0)
        return -(int)err->code;
    const unsigned char *head = in->stored;
    in->packed = in->stream.avail_in >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
    if (!in->packed) {
        in->length = in->stream.avail_in;
        if (in->length)
            memcpy(in->plain, in->stored, in->length);
        return 0;
    }
    if (inflateInit2(&in->stream, GZIP_WINDOW) != Z_OK)
        return err_set(err, ERR_ENVIRONMENT, "%s: zlib cannot start", in->path);
    return 0;
}

int inflated_open(struct inflated **out, const char *path, struct err *err) {
    struct inflated *in = calloc(1, sizeof *in);
    *out = NULL;
    if (!in)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    in->fd = -1;
    in->stored = malloc(STORED_BYTES);
    in->plain = malloc(PLAIN_BYTES + 1);
    int code = in->stored && in->plain ? 0 : err_set(err, ERR_ENVIRONMENT, "out of memory");
    if (code == 0)
        code = open_file(in, path, err);
    if (code == 0)
        code = begin_unpacking(in, err);
    if (code == 0)
        *out = in;
    else
        inflated_close(in);
    return code;
}

void inflated_watch(struct inflated *in, struct progress *progress) {
    in->progress = progress;
}

int inflated_peek(struct inflated *in, size_t least, const char **bytes, size_t *length,
                  struct err *err) {
    if (fill(in, least < PLAIN_BYTES ? least : PLAIN_BYTES, err) < 0)
        return -(int)err->code;
    *bytes = in->plain;
    *length = in->length;
    return 0;
}

int inflated_next(struct inflated *in, const char **bytes, size_t *length, struct err *err) {
    in->offset += in->taken;
    if (in->taken)
        in->length = 0;
    if (fill(in, 1, err) < 0)
        return -(int)err->code;
    *bytes = in->plain;
    *length = in->taken = in->length;
    progress_update(in->progress, (double)in->stored_offset, NULL);
    return 0;
}

bool inflated_cut(const struct inflated *in, const char **reason) {
    *reason = in->cut;
    return in->cut != NULL;
}

uint64_t inflated_offset(const struct inflated *in) {
    return in->offset + in->taken;
}

uint64_t inflated_stored_offset(const struct inflated *in) {
    return in->stored_offset;
}

uint64_t inflated_stored_bytes(const struct inflated *in) {
    return in->stored_bytes;
}

void inflated_close(struct inflated *in) {
    if (!in)
        return;
    if (in->packed)
        inflateEnd(&in->stream);
    if (in->fd >= 0)
        close(in->fd);
    free(in->stored);
    free(in->plain);
    free(in);
}
