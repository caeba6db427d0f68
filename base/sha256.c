#include "base/sha256.h"

#include <openssl/sha.h>

void sha256_hex(const void *bytes, size_t length, char hex[static SHA256_HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(bytes, length, digest);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * SHA256_DIGEST_LENGTH] = '\0';
}
