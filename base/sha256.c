#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
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

static int digest_pieces(int fd, const char *path, EVP_MD_CTX *context, struct err *err) {
    unsigned char piece[PIECE_BYTES];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, ERR_ENVIRONMENT, "%s", path);
        if (got == 0)
            return 0;
        if (!EVP_DigestUpdate(context, piece, (size_t)got))
            return err_set(err, ERR_ENVIRONMENT, "%s: SHA-256 is not available", path);
    }
}

static int digest_file(int fd, const char *path, char hex[static SHA256_HEX_SIZE],
                       struct err *err) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int code = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL)
                   ? digest_pieces(fd, path, context, err)
                   : err_set(err, ERR_ENVIRONMENT, "%s: SHA-256 is not available", path);
    if (code == 0 && EVP_DigestFinal_ex(context, digest, NULL))
        write_hex(digest, hex);
    EVP_MD_CTX_free(context);
    return code;
}

int sha256_file(const char *path, char hex[static SHA256_HEX_SIZE], struct err *err) {
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, ERR_INPUT, "%s", path);
    int code = digest_file(fd, path, hex, err);
    close(fd);
    return code;
}
