#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 128 << 10 };

static void write_hex(const unsigned char *digest, char hex[static SHA256_HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[SHA256_HEX_SIZE - 1] = '\0';
}

void sha256_hex(const void *bytes, size_t length, char hex[static SHA256_HEX_SIZE]) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(bytes, length, digest);
    write_hex(digest, hex);
}

/* Where the pieces come from. */
struct source {
    const char *path;
    int fd;
    const unsigned char *bytes; /* of a map */
    size_t left;
    /* How much is in the piece now; 0: no more; negative: failed. */
    ssize_t (*next)(struct source *source, unsigned char *piece, struct err *err);
};

static ssize_t next_of_file(struct source *source, unsigned char *piece, struct err *err) {
    ssize_t got;
    do
        got = read(source->fd, piece, PIECE_BYTES);
    while (got < 0 && errno == EINTR);
    return got < 0 ? err_set_errno(err, ERR_ENVIRONMENT, "%s", source->path) : got;
}

static ssize_t next_of_map(struct source *source, unsigned char *piece, struct err *err) {
    (void)err;
    size_t length = source->left < PIECE_BYTES ? source->left : PIECE_BYTES;
    if (length == 0) /* then bytes may be NULL */
        return 0;
    memcpy(piece, source->bytes, length);
    source->bytes += length;
    source->left -= length;
    return (ssize_t)length;
}

static int not_available(const struct source *source, struct err *err) {
    return err_set(err, ERR_ENVIRONMENT, "%s: SHA-256 is not available", source->path);
}

static int digest_pieces(struct source *source, EVP_MD_CTX *context, struct err *err) {
    unsigned char piece[PIECE_BYTES];
    ssize_t got;
    while ((got = source->next(source, piece, err)) > 0)
        if (!EVP_DigestUpdate(context, piece, (size_t)got))
            return not_available(source, err);
    return (int)got;
}

static int digest_source(struct source *source, char hex[static SHA256_HEX_SIZE], struct err *err) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int code = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL)
                   ? digest_pieces(source, context, err)
                   : not_available(source, err);
    if (code == 0 && !EVP_DigestFinal_ex(context, digest, NULL))
        code = not_available(source, err);
    if (code == 0)
        write_hex(digest, hex);
    EVP_MD_CTX_free(context);
    return code;
}

int sha256_map(const struct file_map *map, const char *path, char hex[static SHA256_HEX_SIZE],
               struct err *err) {
    struct source source = {
        .path = path, .bytes = map->bytes, .left = (size_t)map->size, .next = next_of_map};
    return digest_source(&source, hex, err);
}

int sha256_file(const char *path, char hex[static SHA256_HEX_SIZE], struct err *err) {
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, ERR_INPUT, "%s", path);
    struct source source = {.path = path, .fd = fd, .next = next_of_file};
    int code = digest_source(&source, hex, err);
    close(fd);
    return code;
}
