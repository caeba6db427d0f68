#include "collectors/onnxruntime/identity.h"

#include <stdlib.h>
#include <string.h>

/* ---- FNV-1a, 64 bits --------------------------------------------------------------------------
 */

static const uint64_t hash_start = 14695981039346656037u;

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return hash;
}

static uint64_t add_number(uint64_t hash, int64_t number) {
    return add_bytes(hash, &number, sizeof number);
}

static const int64_t next_output = -1; /* no dimension is negative */

/* ---- type and shapes --------------------------------------------------------------------------
 */

uint64_t identity_of_op(const struct graph *graph, const struct op *op) {
    uint64_t hash = add_bytes(hash_start, op->type, strlen(op->type));
    for (uint32_t i = 0; i < op->output_count; i++) {
        const struct tensor *tensor = op_output(graph, op, i);
        if (!tensor)
            continue;
        if (!tensor_is_static(tensor))
            return 0;
        hash = add_number(hash, next_output);
        for (int32_t d = 0; d < tensor->rank; d++)
            hash = add_number(hash, tensor->dims[d].size);
    }
    return hash ? hash : 1;
}

/* The same of the runtime's words: [{"float":[1,64,14,14]},{"int64":[]}]. */
static uint64_t identity_of_text(const char *type, const char *shapes) {
    uint64_t hash = add_bytes(hash_start, type, strlen(type));
    bool quoted = false;
    while (*shapes) {
        char c = *shapes;
        quoted ^= c == '"';
        if (!quoted && c == '{')
            hash = add_number(hash, next_output);
        if (quoted || c < '0' || c > '9') {
            shapes++;
            continue;
        }
        char *end;
        hash = add_number(hash, strtoll(shapes, &end, 10));
        shapes = end;
    }
    return hash ? hash : 1;
}

static bool is_like(const struct request_op *op, const char *type, uint64_t identity) {
    return op->identity ? op->identity == identity : strcmp(op->type, type) == 0;
}

/* ---- looking into a name ----------------------------------------------------------------------
 */

static bool is_named(const struct request_op *op, const char *name, size_t length) {
    return length > 0 && strncmp(op->name, name, length) == 0 && op->name[length] == '\0';
}

static int32_t look_into(const struct identity *identity, const struct hook_event *event,
                         size_t length) {
    const char *type = event->argument(event, "op_name");
    const char *shapes = event->argument(event, "output_type_shape");
    uint64_t wanted = type ? identity_of_text(type, shapes ? shapes : "") : 0;
    int32_t alike = GRAPH_NONE, named = GRAPH_NONE;
    for (uint32_t i = 0; i < identity->op_count; i++) {
        const struct request_op *op = &identity->ops[i];
        bool fits = type && !identity->claimed[i] && is_like(op, type, wanted);
        if (is_named(op, event->name, length)) {
            if (fits)
                return (int32_t)i;
            named = named == GRAPH_NONE ? (int32_t)i : named;
        }
        if (fits && alike == GRAPH_NONE)
            alike = (int32_t)i;
    }
    return alike != GRAPH_NONE ? alike : named;
}

static int32_t find_operator(struct identity *identity, const struct hook_event *event) {
    static const char suffix[] = "_kernel_time";
    size_t length = strlen(event->name), tail = sizeof suffix - 1;
    if (event->category != HOOK_OPERATOR || length <= tail ||
        strcmp(event->name + length - tail, suffix) != 0)
        return GRAPH_NONE;
    int32_t found = look_into(identity, event, length - tail);
    if (found == GRAPH_NONE)
        identity->unknown++;
    else
        identity->claimed[found] = true;
    return found;
}

/* ---- names seen -------------------------------------------------------------------------------
 */

void identity_init(struct identity *identity, struct arena *arena, const struct request_op *ops,
                   uint32_t op_count) {
    *identity = (struct identity){.ops = ops, .op_count = op_count, .mask = 255};
    while (identity->mask < 4 * op_count)
        identity->mask = 2 * identity->mask + 1;
    identity->claimed = ARENA_ARRAY(arena, op_count, bool);
    identity->keys = ARENA_ARRAY(arena, identity->mask + 1, uint64_t);
    identity->found = ARENA_ARRAY(arena, identity->mask + 1, int32_t);
}

int32_t identity_find(struct identity *identity, const struct hook_event *event, uint32_t depth) {
    uint64_t key = add_number(add_bytes(hash_start, event->name, strlen(event->name)), depth) | 1;
    uint32_t slot = (uint32_t)(key >> 32) & identity->mask;
    while (identity->keys[slot] && identity->keys[slot] != key)
        slot = (slot + 1) & identity->mask;
    if (identity->keys[slot])
        return identity->found[slot];
    int32_t found = find_operator(identity, event);
    if (identity->seen < identity->mask / 2) {
        identity->seen++;
        identity->keys[slot] = key;
        identity->found[slot] = found;
    }
    return found;
}
