#include "collectors/onnxruntime/capture_parts.h"

#include <string.h>

enum { INTS_KEPT = 4096, FLOATS_KEPT = 16, NAMES_FIRST = 256 };

int capture_check(struct capture *c, struct ort_status *status, const char *what) {
    return api_check(c->api, status, ERR_INPUT, what, c->err);
}

static uint32_t hash_of(const char *text) {
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static uint32_t find_slot(const struct names *names, const char *text) {
    uint32_t slot = hash_of(text) & (names->slot_count - 1);
    while (names->slots[slot] && strcmp(names->texts[names->slots[slot] - 1], text) != 0)
        slot = (slot + 1) & (names->slot_count - 1);
    return slot;
}

static void grow_slots(struct names *names, struct arena *arena) {
    names->slot_count = names->slot_count ? 2 * names->slot_count : NAMES_FIRST;
    names->slots = ARENA_ARRAY(arena, names->slot_count, uint32_t);
    for (uint32_t i = 0; i < names->count; i++)
        names->slots[find_slot(names, names->texts[i])] = i + 1;
}

/* The number of a name; `added` says whether it is new. */
static uint32_t number_of(struct capture *c, const char *text, bool *added) {
    struct names *names = &c->names;
    if (2 * names->count >= names->slot_count)
        grow_slots(names, c->arena);
    uint32_t slot = find_slot(names, text);
    *added = names->slots[slot] == 0;
    if (*added) {
        *ARENA_PUSH(c->arena, names->texts, names->count, names->capacity) =
            arena_strdup(c->arena, text);
        names->slots[slot] = names->count;
    }
    return names->slots[slot] - 1;
}

/* ---- values -----------------------------------------------------------------------------------
 */

static const uint32_t integer_bytes[DTYPE_COUNT] = {
    [DTYPE_UINT8] = 1, [DTYPE_INT8] = 1,   [DTYPE_UINT16] = 2, [DTYPE_INT16] = 2,
    [DTYPE_INT32] = 4, [DTYPE_UINT32] = 4, [DTYPE_INT64] = 8,  [DTYPE_BOOL] = 1,
};

static int64_t integer_at(const unsigned char *data, int dtype, uint64_t i) {
    int64_t value = 0;
    uint32_t size = integer_bytes[dtype];
    memcpy(&value, data + i * size, size);
    if (dtype == DTYPE_INT8)
        return (int8_t)value;
    if (dtype == DTYPE_INT16)
        return (int16_t)value;
    return dtype == DTYPE_INT32 ? (int32_t)value : value;
}

static void put_integers(struct strbuf *out, const void *data, int dtype, uint64_t elements) {
    frame_put_u32(out, 1);
    frame_put_u32(out, (uint32_t)elements);
    for (uint64_t i = 0; i < elements; i++)
        frame_put_i64(out, integer_at(data, dtype, i));
}

static void put_floats(struct strbuf *out, const void *data, int dtype, uint64_t elements) {
    frame_put_u32(out, 2);
    frame_put_u32(out, (uint32_t)elements);
    for (uint64_t i = 0; i < elements; i++)
        frame_put_f64(out, dtype == DTYPE_FLOAT64 ? ((const double *)data)[i]
                                                  : (double)((const float *)data)[i]);
}

static bool is_kept(int dtype, uint64_t elements) {
    if (dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64)
        return elements <= FLOATS_KEPT;
    return dtype > 0 && dtype < DTYPE_COUNT && integer_bytes[dtype] && elements <= INTS_KEPT;
}

/* What is not small is not even asked for: it may be in a file that does not exist. */
static int put_values(struct capture *c, const struct ort_value *value, int dtype,
                      uint64_t elements) {
    const void *data = NULL;
    if (value) {
        int code = capture_check(c, c->api->GetTensorData(value, &data), "reading a constant");
        if (code)
            return code;
    }
    if (!data)
        frame_put_u32(&c->tensors, 0);
    else if (integer_bytes[dtype])
        put_integers(&c->tensors, data, dtype, elements);
    else
        put_floats(&c->tensors, data, dtype, elements);
    return 0;
}

/* ---- tensors ----------------------------------------------------------------------------------
 */

struct tensor_shape {
    int dtype;
    bool has_rank;
    size_t rank;
    int64_t dims[GRAPH_RANK_MAX];
    const char *symbols[GRAPH_RANK_MAX];
    uint64_t elements; /* UINT64_MAX: not known */
};

static void count_elements(struct tensor_shape *shape) {
    shape->elements = shape->has_rank ? 1 : UINT64_MAX;
    for (size_t i = 0; shape->has_rank && i < shape->rank; i++)
        if (shape->dims[i] < 0 ||
            __builtin_mul_overflow(shape->elements, (uint64_t)shape->dims[i], &shape->elements)) {
            shape->elements = UINT64_MAX;
            return;
        }
}

static int read_info(struct capture *c, const struct ort_tensor_info *info,
                     struct tensor_shape *shape) {
    const struct api *api = c->api;
    *shape = (struct tensor_shape){.has_rank = info != NULL};
    if (!info) {
        count_elements(shape);
        return 0;
    }
    int code = capture_check(c, api->GetTensorElementType(info, &shape->dtype), "element type");
    if (!code)
        code = capture_check(c, api->GetDimensionsCount(info, &shape->rank), "rank");
    if (code)
        return code;
    if (shape->rank > GRAPH_RANK_MAX ||
        (api->TensorTypeAndShape_HasShape && !api->TensorTypeAndShape_HasShape(info)))
        shape->has_rank = false;
    else
        code = capture_check(c, api->GetDimensions(info, shape->dims, shape->rank), "dimensions");
    if (!code && shape->has_rank)
        code = capture_check(c, api->GetSymbolicDimensions(info, shape->symbols, shape->rank),
                             "symbols");
    count_elements(shape);
    return code;
}

static int read_value_info(struct capture *c, const struct ort_value_info *info,
                           struct tensor_shape *shape) {
    const struct ort_type_info *type = NULL;
    int kind = 0;
    const struct ort_tensor_info *tensor = NULL;
    int code = capture_check(c, c->api->GetValueInfoTypeInfo(info, &type), "type of a tensor");
    if (!code && type)
        code = capture_check(c, c->api->GetOnnxTypeFromTypeInfo(type, &kind), "type of a tensor");
    if (!code && kind == ORT_TYPE_TENSOR)
        code =
            capture_check(c, c->api->CastTypeInfoToTensorInfo(type, &tensor), "type of a tensor");
    return code ? code : read_info(c, tensor, shape);
}

/* Everything of a tensor but its values. */
static void put_tensor(struct capture *c, const char *name, uint32_t flags,
                       const struct tensor_shape *shape) {
    struct strbuf *out = &c->tensors;
    frame_put_text(out, name);
    frame_put_u32(out, (uint32_t)shape->dtype);
    frame_put_u32(out, flags);
    frame_put_u32(out, shape->has_rank ? (uint32_t)shape->rank : UINT32_MAX);
    for (size_t i = 0; shape->has_rank && i < shape->rank; i++) {
        const char *symbol = shape->symbols[i];
        frame_put_i64(out, shape->dims[i] < 0 ? GRAPH_DIM_UNKNOWN : shape->dims[i]);
        frame_put_text(out, symbol && symbol[0] ? symbol : NULL);
    }
}

int capture_tensor(struct capture *c, const struct ort_value_info *info, uint32_t flags,
                   uint32_t *number) {
    const char *name = NULL;
    *number = UINT32_MAX; /* an omitted optional input */
    if (!info)
        return 0;
    int code = capture_check(c, c->api->GetValueInfoName(info, &name), "name of a tensor");
    if (code || !name || !name[0])
        return code;
    bool added;
    *number = number_of(c, name, &added);
    if (!added)
        return 0;
    bool outer = false;
    struct tensor_shape shape;
    code = capture_check(c, c->api->ValueInfo_IsFromOuterScope(info, &outer), name);
    if (!code)
        code = read_value_info(c, info, &shape);
    if (code)
        return code;
    put_tensor(c, name, flags | (outer ? TENSOR_OUTER : 0), &shape);
    const struct ort_value *value = NULL;
    if ((flags & TENSOR_INITIALIZER) && is_kept(shape.dtype, shape.elements))
        code = capture_check(c, c->api->ValueInfo_GetInitializerValue(info, &value), name);
    return code ? code : put_values(c, value, shape.dtype, shape.elements);
}

int capture_constant(struct capture *c, const struct ort_op_attr *attr, uint32_t *number) {
    struct ort_value *value = NULL;
    struct ort_tensor_info *info = NULL;
    struct tensor_shape shape;
    int code =
        capture_check(c, c->api->OpAttr_GetTensorAttributeAsOrtValue(attr, &value), "attribute");
    if (!code && !value)
        code = err_set(c->err, ERR_INPUT, "a tensor attribute has no value");
    if (!code)
        code = capture_check(c, c->api->GetTensorTypeAndShape(value, &info), "attribute");
    if (!code)
        code = read_info(c, info, &shape);
    if (!code) {
        bool added;
        const char *name = arena_printf(c->arena, "\1attribute%u", c->names.count);
        *number = number_of(c, name, &added);
        put_tensor(c, "", TENSOR_CONSTANT, &shape);
        code = put_values(c, is_kept(shape.dtype, shape.elements) ? value : NULL, shape.dtype,
                          shape.elements);
    }
    if (info)
        c->api->ReleaseTensorTypeAndShapeInfo(info);
    if (value)
        c->api->ReleaseValue(value);
    return code;
}
