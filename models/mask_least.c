#include "models/mask_least.h"

#include "base/file.h"
#include "core/mask.h"

#include <endian.h>
#include <math.h>
#include <string.h>

static float float_at(const unsigned char *bytes) {
    uint32_t bits;
    float value;
    memcpy(&bits, bytes, sizeof bits);
    bits = le32toh(bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* NaN: it is not raw data that lies in the file. */
static float least_of(const struct file_map *map, const struct tensor *tensor) {
    uint64_t bytes = tensor_bytes(tensor), offset = tensor->file_offset;
    if (tensor->dtype != DTYPE_FLOAT32 || offset == 0 || bytes == 0 || offset > map->size ||
        bytes > map->size - offset)
        return NAN;
    float least = INFINITY;
    for (uint64_t at = 0; at < bytes; at += sizeof least)
        least = fminf(least, float_at(map->bytes + offset + at));
    return isinf(least) && least > 0 ? NAN : least;
}

static void note(struct graph *lowered, const struct graph *written, const struct file_map *map,
                 const struct op *softmax) {
    const struct mask mask = mask_on(lowered, softmax);
    if (!(mask.windows > 1) || op_attribute(mask.addition, MASK_LEAST))
        return;
    int32_t found = graph_find_tensor(written, mask.tensor->name);
    float least = found == GRAPH_NONE ? NAN : least_of(map, &written->tensors[found]);
    if (!isnan(least))
        graph_set_float(lowered, (int32_t)(mask.addition - lowered->ops), MASK_LEAST, least);
}

void mask_least_note(struct graph *lowered, const struct graph *written, const char *path) {
    struct file_map map;
    struct err ignored = {0};
    if (file_map_open(&map, path, &ignored))
        return;
    for (uint32_t i = 0; i < lowered->op_count; i++)
        if (strcmp(lowered->ops[i].type, "Softmax") == 0)
            note(lowered, written, &map, &lowered->ops[i]);
    file_map_close(&map);
}
