/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef ASSAY_BASE_UTF8_H
#define ASSAY_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character that starts here, 0 when it is none. A NUL ends a character too early, so
 * text that ends in NUL is never read beyond it. */
size_t utf8_length(const unsigned char *bytes);

/* Bytes of the longest beginning of at most `most` bytes that ends with a whole character, or
 * before what is none. */
size_t utf8_prefix(const char *text, size_t most);

#endif
