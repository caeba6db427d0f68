#include "collectors/emit/nvtx_message.h"

#include <stdlib.h>
#include <string.h>

static size_t put_utf8(char *to, uint32_t point) {
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        to[i] = (char)(0x80 | (point & 0x3f));
    to[0] = (char)(first[length] | point);
    return length;
}

const char *message_from_wide(const wchar_t *text, char to[static MESSAGE_TEXT_MAX]) {
    size_t length = 0;
    for (; *text && length + 5 < MESSAGE_TEXT_MAX; text++) {
        uint32_t point = (uint32_t)*text;
        length += put_utf8(to + length, point > 0x10ffff ? '?' : point);
    }
    to[length] = 0;
    return to;
}

/* "[1, 3, 224, 224]" -> one tensor; returns what is behind it, NULL when it is none. */
static const char *read_tensor(const char *text, struct message *message) {
    uint32_t rank = 0;
    int64_t *dims = message->dims[message->tensor_count];
    if (*text++ != '[')
        return NULL;
    while (*text != ']') {
        char *end;
        long long dim = strtoll(text, &end, 10);
        if (end == text)
            return NULL;
        if (rank < ASSAY_HOOKS_RANK_MAX)
            dims[rank++] = dim;
        text = end + strspn(end, ", ");
    }
    message->tensors[message->tensor_count++] =
        (assay_hooks_tensor){ASSAY_HOOKS_UNTYPED, rank, dims};
    return text + 1;
}

static void read_sizes(const char *text, struct message *message) {
    text += *text == '[';
    while (text && *text == '[' && message->tensor_count < ASSAY_HOOKS_TENSORS_MAX) {
        text = read_tensor(text, message);
        if (text)
            text += strspn(text, ", ");
    }
}

void message_read(const char *text, struct message *message) {
    static const char *const tails[] = {", seq = ", ", op_id = ", ", sizes = "};
    message->tensor_count = 0;
    message->is_operator = false;
    size_t length = strnlen(text, MESSAGE_TEXT_MAX - 1);
    memcpy(message->name, text, length);
    message->name[length] = 0;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char *tail = strstr(message->name, tails[i]);
        if (tail) {
            *tail = 0;
            message->is_operator = true;
        }
    }
    const char *sizes = message->is_operator ? strstr(text, ", sizes = ") : NULL;
    if (sizes)
        read_sizes(sizes + strlen(", sizes = "), message);
}
