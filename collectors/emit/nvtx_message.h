/* What the text of an NVTX range says. PyTorch's emit_nvtx writes an operator's name and behind it
 * what differs from call to call:
 *     aten::conv2d, seq = 12, op_id = 40, sizes = [[1, 3, 224, 224], [64, 3, 7, 7], []]
 * The name alone is the kind, and sizes become shapes; any other text is a name as it stands. */
#ifndef ASSAY_COLLECTORS_EMIT_NVTX_MESSAGE_H
#define ASSAY_COLLECTORS_EMIT_NVTX_MESSAGE_H

#include "collectors/assay_hooks.h"

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum { MESSAGE_TEXT_MAX = 512 };

struct message {
    char name[MESSAGE_TEXT_MAX];
    bool is_operator; /* it has a tail as above */
    uint32_t tensor_count;
    assay_hooks_tensor tensors[ASSAY_HOOKS_TENSORS_MAX];
    int64_t dims[ASSAY_HOOKS_TENSORS_MAX][ASSAY_HOOKS_RANK_MAX];
};

void message_read(const char *text, struct message *message);

/* As UTF-8, whatever the locale; returns `to`. */
const char *message_from_wide(const wchar_t *text, char to[static MESSAGE_TEXT_MAX]);

#endif
