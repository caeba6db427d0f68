#include "models/onnx/tensor.h"

#include "base/arena.h"
#include "models/onnx/fields.h"

#include <math.h>
#include <string.h>

/* ---- where a dtype keeps its values when they are not raw -------------------------------------
 */

struct storage {
    uint32_t field;
    enum wire_number kind;
    unsigned per_element; /* numbers for one element; 0: one number for two elements */
};

static const struct storage storages[DTYPE_COUNT] = {
    [DTYPE_FLOAT32] = {ONNX_TENSOR_FLOAT_DATA,  WIRE_NUMBER_32,     1},
    [DTYPE_UINT8] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_INT8] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_UINT16] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_INT16] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_INT32] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_INT64] = {ONNX_TENSOR_INT64_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_BOOL] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_FLOAT16] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_FLOAT64] = {ONNX_TENSOR_DOUBLE_DATA, WIRE_NUMBER_64,     1},
    [DTYPE_UINT32] = {ONNX_TENSOR_UINT64_DATA, WIRE_NUMBER_VARINT, 1},
    [DTYPE_UINT64] = {ONNX_TENSOR_UINT64_DATA, WIRE_NUMBER_VARINT, 1},
    [DTYPE_COMPLEX64] = {ONNX_TENSOR_FLOAT_DATA,  WIRE_NUMBER_32,     2},
    [DTYPE_COMPLEX128] = {ONNX_TENSOR_DOUBLE_DATA, WIRE_NUMBER_64,     2},
    [DTYPE_BFLOAT16] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_FLOAT8E4M3FN] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_FLOAT8E4M3FNUZ] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_FLOAT8E5M2] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_FLOAT8E5M2FNUZ] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 1},
    [DTYPE_UINT4] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 0},
    [DTYPE_INT4] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 0},
    [DTYPE_FLOAT4E2M1] = {ONNX_TENSOR_INT32_DATA,  WIRE_NUMBER_VARINT, 0},
};

static int refuse(const struct onnx_tensor *t, const char *what, unsigned long long got,
                  unsigned long long expected) {
    return err_set(t->body.err, ERR_INPUT,
                   "offset %llu: tensor '%.*s' has %llu %s where its shape and type ask for %llu",
                   (unsigned long long)t->body.at, WIRE_SHOWN(t->name), got, what, expected);
}

/* ---- reading --------------------------------------------------------------------------------- */

int onnx_check_dim(struct wire at, struct wire_text name, int64_t size) {
    if (size >= 0 && size <= ONNX_DIM_MAX)
        return 0;
    return err_set(at.err, ERR_INPUT,
                   "offset %llu: tensor '%.*s' has a dimension of %lld, expected 0 to 2^48",
                   (unsigned long long)at.at, WIRE_SHOWN(name), (long long)size);
}

int onnx_check_elements(struct wire at, struct wire_text name, int32_t rank, const int64_t *sizes,
                        uint64_t *elements) {
    int64_t product = 1;
    bool empty = false;
    for (int32_t i = 0; i < rank; i++) {
        empty |= sizes[i] == 0;
        if (sizes[i] > 0 &&
            (__builtin_mul_overflow(product, sizes[i], &product) || product > ONNX_ELEMENTS_MAX))
            return err_set(at.err, ERR_INPUT,
                           "offset %llu: tensor '%.*s' has more than 2^56 elements",
                           (unsigned long long)at.at, WIRE_SHOWN(name));
    }
    *elements = empty ? 0 : (uint64_t)product;
    return 0;
}

static int read_dims(struct onnx_tensor *t, uint32_t field) {
    uint64_t count, sizes[GRAPH_RANK_MAX];
    int code = wire_count_numbers(t->body, field, WIRE_NUMBER_VARINT, &count);
    if (code)
        return code;
    if (count > GRAPH_RANK_MAX)
        return err_set(t->body.err, ERR_INPUT,
                       "offset %llu: tensor '%.*s' has %llu dimensions, expected at most %d",
                       (unsigned long long)t->body.at, WIRE_SHOWN(t->name),
                       (unsigned long long)count, GRAPH_RANK_MAX);
    code = wire_get_numbers(t->body, field, WIRE_NUMBER_VARINT, sizes, count);
    if (code)
        return code;
    t->rank = (int32_t)count;
    for (int32_t i = 0; i < t->rank; i++) {
        t->dims[i] = (int64_t)sizes[i];
        if (onnx_check_dim(t->body, t->name, t->dims[i]))
            return -ERR_INPUT;
    }
    return onnx_check_elements(t->body, t->name, t->rank, t->dims, &t->elements);
}

static int read_external_entry(void *out, struct wire message) {
    struct entry {
        struct wire_text key, value;
    } entry = {0};
    static const struct wire_row rows[] = {
        {ONNX_ENTRY_KEY,   WIRE_TO_BYTES, "external_data.key",   offsetof(struct entry, key),   NULL},
        {ONNX_ENTRY_VALUE, WIRE_TO_NAME,  "external_data.value", offsetof(struct entry, value),
         NULL                                                                                       },
    };
    int code = wire_read(message, rows, 2, &entry);
    if (code)
        return code;
    struct onnx_tensor *t = out;
    t->external_entries++;
    if (wire_text_is(entry.key, "location"))
        t->external_location = entry.value;
    else if (wire_text_is(entry.key, "offset"))
        t->external_offset = entry.value;
    else if (wire_text_is(entry.key, "length"))
        t->external_length = entry.value;
    return 0;
}

static const struct wire_row tensor_rows[] = {
    {ONNX_TENSOR_DATA_TYPE,     WIRE_TO_INT,                 "TensorProto.data_type",
     offsetof(struct onnx_tensor,                                                                                      data_type),          NULL},
    {ONNX_TENSOR_SEGMENT,       WIRE_TO_COUNT,               "TensorProto.segment",
     offsetof(struct onnx_tensor,                                                                                      segments),           NULL},
    {ONNX_TENSOR_NAME,          WIRE_TO_NAME,                "TensorProto.name",          offsetof(struct onnx_tensor, name),               NULL},
    {ONNX_TENSOR_RAW_DATA,      WIRE_TO_BYTES,               "TensorProto.raw_data",      offsetof(struct onnx_tensor, raw),
     NULL                                                                                                                                       },
    {ONNX_TENSOR_EXTERNAL_DATA, WIRE_TO_EACH,                "TensorProto.external_data", 0,                           read_external_entry},
    {ONNX_TENSOR_DATA_LOCATION,              WIRE_TO_INT, "TensorProto.data_location",
     offsetof(struct onnx_tensor,                                                                           location),                NULL    },
};

static int check_type(struct onnx_tensor *t) {
    if (t->data_type <= 0 || t->data_type >= DTYPE_COUNT || !dtype_info((enum dtype)t->data_type))
        return err_set(t->body.err, ERR_INPUT,
                       "offset %llu: tensor '%.*s' has element type %lld, expected 1 to %d",
                       (unsigned long long)t->body.at, WIRE_SHOWN(t->name), (long long)t->data_type,
                       DTYPE_FLOAT4E2M1);
    t->dtype = (enum dtype)t->data_type;
    if (t->segments)
        return err_set(t->body.err, ERR_INPUT,
                       "offset %llu: tensor '%.*s' is stored in segments, which is not supported",
                       (unsigned long long)t->body.at, WIRE_SHOWN(t->name));
    return 0;
}

static int check_strings(const struct onnx_tensor *t) {
    uint32_t count = 0;
    static const struct wire_row row = {ONNX_TENSOR_STRING_DATA, WIRE_TO_COUNT,
                                        "TensorProto.string_data", 0, NULL};
    int code = wire_read(t->body, &row, 1, &count);
    if (code)
        return code;
    return count == t->elements ? 0 : refuse(t, "strings", count, t->elements);
}

static uint64_t numbers_wanted(const struct onnx_tensor *t) {
    unsigned per_element = storages[t->dtype].per_element;
    return per_element ? per_element * t->elements : (t->elements + 1) / 2;
}

static int check_data(const struct onnx_tensor *t) {
    if (t->location == ONNX_TENSOR_LOCATION_EXTERNAL)
        return 0;
    if (t->dtype == DTYPE_STRING)
        return check_strings(t);
    if (t->raw.bytes) {
        uint64_t wanted = dtype_bytes(t->dtype, t->elements);
        return t->raw.length == wanted ? 0 : refuse(t, "bytes of data", t->raw.length, wanted);
    }
    uint64_t count;
    int code =
        wire_count_numbers(t->body, storages[t->dtype].field, storages[t->dtype].kind, &count);
    if (code)
        return code;
    return count == numbers_wanted(t) ? 0 : refuse(t, "values", count, numbers_wanted(t));
}

int onnx_tensor_read(struct wire body, struct onnx_tensor *tensor) {
    *tensor = (struct onnx_tensor){.body = body};
    int code = wire_read(body, tensor_rows, sizeof tensor_rows / sizeof *tensor_rows, tensor);
    if (!code)
        code = check_type(tensor);
    if (!code)
        code = read_dims(tensor, ONNX_TENSOR_DIMS);
    return code ? code : check_data(tensor);
}

/* The values tensor gives name and type, the message the shape. */
int onnx_sparse_tensor_read(struct wire body, struct onnx_tensor *tensor) {
    struct parts {
        struct wire values, indices;
    } parts = {0};
    static const struct wire_row rows[] = {
        {ONNX_SPARSE_VALUES,  WIRE_TO_BODY, "SparseTensorProto.values",
         offsetof(struct parts, values),  NULL},
        {ONNX_SPARSE_INDICES, WIRE_TO_BODY, "SparseTensorProto.indices",
         offsetof(struct parts, indices), NULL},
    };
    *tensor = (struct onnx_tensor){.body = body};
    int code = wire_read(body, rows, 2, &parts);
    if (code)
        return code;
    if (!parts.values.file)
        return err_set(body.err, ERR_INPUT, "offset %llu: a sparse tensor without values",
                       (unsigned long long)body.at);
    struct onnx_tensor values, indices;
    code = onnx_tensor_read(parts.values, &values);
    if (!code && parts.indices.file)
        code = onnx_tensor_read(parts.indices, &indices);
    if (code)
        return code;
    tensor->name = values.name;
    tensor->dtype = values.dtype;
    tensor->sparse = true;
    return read_dims(tensor, ONNX_SPARSE_DIMS);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* IEEE 754 binary16. */
static double half_value(uint64_t bits) {
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023);
    double magnitude = exponent == 0    ? ldexp(fraction, -24)
                       : exponent == 31 ? (fraction != 0 ? (double)NAN : (double)INFINITY)
                                        : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 & 1 ? -magnitude : magnitude;
}

static double float_value(uint64_t bits) {
    float value;
    memcpy(&value, &(uint32_t){(uint32_t)bits}, sizeof value);
    return (double)value;
}

static double double_value(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double bfloat_value(uint64_t bits) {
    return float_value((bits & 0xffff) << 16);
}

static double (*const float_readers[DTYPE_COUNT])(uint64_t) = {
    [DTYPE_FLOAT32] = float_value,
    [DTYPE_FLOAT64] = double_value,
    [DTYPE_FLOAT16] = half_value,
    [DTYPE_BFLOAT16] = bfloat_value,
};

static bool is_signed(enum dtype dtype) {
    return dtype == DTYPE_INT8 || dtype == DTYPE_INT16 || dtype == DTYPE_INT32 ||
           dtype == DTYPE_INT64 || dtype == DTYPE_INT4;
}

static bool is_integer(enum dtype dtype) {
    return is_signed(dtype) || dtype == DTYPE_UINT8 || dtype == DTYPE_UINT16 ||
           dtype == DTYPE_UINT32 || dtype == DTYPE_UINT64 || dtype == DTYPE_BOOL ||
           dtype == DTYPE_UINT4;
}

static int64_t int_value(enum dtype dtype, uint64_t bits) {
    int shift = 64 - dtype_info(dtype)->bits;
    if (dtype == DTYPE_BOOL)
        return (bits & 0xff) != 0;
    bits <<= shift;
    return is_signed(dtype) ? (int64_t)bits >> shift : (int64_t)(bits >> shift);
}

/* The bits of each element, one per number; four-bit elements still in pairs. */
static int fetch_bits(const struct onnx_tensor *t, uint64_t *bits, uint64_t count) {
    if (!t->raw.bytes)
        return wire_get_numbers(t->body, storages[t->dtype].field, storages[t->dtype].kind, bits,
                                count);
    uint64_t size = t->raw.length / count;
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t b = 0; b < size; b++)
            bits[i] |= (uint64_t)(unsigned char)t->raw.bytes[i * size + b] << (8 * b);
    return 0;
}

static void unpack_pairs(uint64_t *bits, uint64_t elements) {
    for (uint64_t i = elements; i-- > 0;)
        bits[i] = bits[i / 2] >> (i % 2 ? 4 : 0) & 15;
}

static bool is_kept(const struct onnx_tensor *t) {
    if (t->sparse || t->location == ONNX_TENSOR_LOCATION_EXTERNAL)
        return false;
    if (is_integer(t->dtype))
        return t->elements <= ONNX_KEPT_INTS_MAX;
    return float_readers[t->dtype] && t->elements <= ONNX_KEPT_FLOATS_MAX;
}

static int keep_values(const struct onnx_tensor *t, struct arena *arena, struct tensor *out) {
    struct tensor_values *values = ARENA_NEW(arena, struct tensor_values);
    uint64_t bits[ONNX_KEPT_INTS_MAX];
    memset(bits, 0, t->elements * sizeof *bits);
    values->count = t->elements;
    if (t->elements) {
        int code = fetch_bits(t, bits, numbers_wanted(t));
        if (code)
            return code;
    }
    if (storages[t->dtype].per_element == 0)
        unpack_pairs(bits, t->elements);
    if (float_readers[t->dtype]) {
        double *floats = ARENA_ARRAY(arena, t->elements, double);
        for (uint64_t i = 0; i < t->elements; i++)
            floats[i] = float_readers[t->dtype](bits[i]);
        values->floats = floats;
    } else {
        int64_t *ints = ARENA_ARRAY(arena, t->elements, int64_t);
        for (uint64_t i = 0; i < t->elements; i++)
            ints[i] = int_value(t->dtype, bits[i]);
        values->ints = ints;
    }
    out->values = values;
    return 0;
}

/* ---- into the graph -------------------------------------------------------------------------- */

static int parse_number(const struct onnx_tensor *t, const char *key, struct wire_text text,
                        uint64_t *value) {
    uint64_t result = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned char)text.bytes[i] - (unsigned)'0';
        if (digit > 9 || result > (UINT64_MAX - digit) / 10)
            return err_set(t->body.err, ERR_INPUT,
                           "offset %llu: tensor '%.*s' has '%.*s' as %s of its external data, "
                           "expected a number of bytes",
                           (unsigned long long)t->body.at, WIRE_SHOWN(t->name), WIRE_SHOWN(text),
                           key);
        result = 10 * result + digit;
    }
    *value = result;
    return 0;
}

static int describe_external(const struct onnx_tensor *t, struct arena *arena, struct tensor *out) {
    struct external_data *external = ARENA_NEW(arena, struct external_data);
    if (t->external_location.length == 0)
        return err_set(t->body.err, ERR_INPUT,
                       "offset %llu: tensor '%.*s' is external data without a location",
                       (unsigned long long)t->body.at, WIRE_SHOWN(t->name));
    external->location =
        arena_strndup(arena, t->external_location.bytes, t->external_location.length);
    if (parse_number(t, "offset", t->external_offset, &external->offset_bytes) ||
        parse_number(t, "length", t->external_length, &external->length_bytes))
        return -ERR_INPUT;
    uint64_t wanted = dtype_bytes(t->dtype, t->elements);
    if (t->external_length.length == 0)
        external->length_bytes = wanted;
    if (external->length_bytes != wanted)
        return refuse(t, "bytes of external data", external->length_bytes, wanted);
    out->external = external;
    out->flags |= TENSOR_EXTERNAL;
    return 0;
}

int onnx_tensor_describe(const struct onnx_tensor *from, struct graph *graph, int32_t tensor) {
    graph_set_shape(graph, tensor, from->rank, from->dims);
    struct tensor *out = &graph->tensors[tensor];
    out->dtype = from->dtype;
    out->values = NULL; /* a Constant with two values has the last one */
    out->external = NULL;
    out->file_offset = 0;
    out->flags &= ~(uint32_t)(TENSOR_EXTERNAL | TENSOR_SPARSE);
    if (from->sparse)
        out->flags |= TENSOR_SPARSE;
    else if (from->location == ONNX_TENSOR_LOCATION_EXTERNAL)
        return describe_external(from, graph->arena, out);
    else if (from->raw.bytes)
        out->file_offset = (uint64_t)((const unsigned char *)from->raw.bytes - from->body.file);
    return is_kept(from) ? keep_values(from, graph->arena, out) : 0;
}
