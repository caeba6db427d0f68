#include "collectors/onnxruntime/feeds.h"

#include "base/rng.h"
#include "collectors/onnxruntime/fill.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct feeding {
    struct feeds *feeds;
    struct arena *arena;
    const struct api *api;
    struct ort_session *session;
    const struct collect_config *config;
    struct ort_allocator *allocator;
    struct err *err;
};

static int check(struct feeding *f, struct ort_status *status, const char *what) {
    return api_check(f->api, status, ERR_INPUT, what, f->err);
}

/* ---- names ------------------------------------------------------------------------------------
 */

typedef struct ort_status *(*name_function)(const struct ort_session *, size_t,
                                            struct ort_allocator *, char **);

static int read_names(struct feeding *f, name_function function, size_t count,
                      const char ***names) {
    *names = ARENA_ARRAY(f->arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        char *name;
        int code = check(f, function(f->session, i, f->allocator, &name), "reading a name");
        if (code)
            return code;
        (*names)[i] = arena_strdup(f->arena, name);
        code = check(f, f->api->AllocatorFree(f->allocator, name), "freeing a name");
        if (code)
            return code;
    }
    return 0;
}

static int read_signature(struct feeding *f) {
    struct feeds *feeds = f->feeds;
    const struct api *api = f->api;
    int code = check(f, api->GetAllocatorWithDefaultOptions(&f->allocator), "default allocator");
    if (!code)
        code = check(f, api->SessionGetInputCount(f->session, &feeds->input_count), "inputs");
    if (!code)
        code = check(f, api->SessionGetOutputCount(f->session, &feeds->output_count), "outputs");
    if (!code)
        code = read_names(f, api->SessionGetInputName, feeds->input_count, &feeds->input_names);
    if (!code)
        code = read_names(f, api->SessionGetOutputName, feeds->output_count, &feeds->output_names);
    return code;
}

static bool has_input(const struct feeds *feeds, const char *name) {
    for (size_t i = 0; i < feeds->input_count; i++)
        if (strcmp(feeds->input_names[i], name) == 0)
            return true;
    return false;
}

static int check_wishes(struct feeding *f) {
    for (uint32_t i = 0; i < f->config->input_count; i++)
        if (!has_input(f->feeds, f->config->inputs[i].input)) {
            err_set(f->err, ERR_INPUT, "%s has no input '%s'", f->config->model_path,
                    f->config->inputs[i].input);
            return err_hint(f->err, "its first input is '%s'",
                            f->feeds->input_count ? f->feeds->input_names[0] : "");
        }
    return 0;
}

/* ---- shapes -----------------------------------------------------------------------------------
 */

struct input_shape {
    int dtype;
    size_t rank;
    int64_t dims[GRAPH_RANK_MAX];
    uint64_t elements;
};

/* "input.1": an axis is also known by its input and number, for those without a symbol. */
static bool is_axis(const char *text, const char *input, size_t axis) {
    size_t length = strlen(input);
    char *end;
    if (strncmp(text, input, length) != 0 || text[length] != '.' || !text[length + 1])
        return false;
    return strtoul(text + length + 1, &end, 10) == axis && *end == '\0';
}

static int64_t bound_size(const struct collect_config *config, const char *symbol,
                          const char *input, size_t axis) {
    for (uint32_t i = 0; i < config->dim_count; i++) {
        const char *given = config->dims[i].symbol;
        if ((symbol && symbol[0] && strcmp(given, symbol) == 0) || is_axis(given, input, axis))
            return config->dims[i].size;
    }
    return 1;
}

static int read_dims(struct feeding *f, const struct ort_tensor_info *info, const char *name,
                     struct input_shape *shape) {
    const char *symbols[GRAPH_RANK_MAX] = {0};
    int code = check(f, f->api->GetTensorElementType(info, &shape->dtype), name);
    if (!code)
        code = check(f, f->api->GetDimensionsCount(info, &shape->rank), name);
    if (!code && shape->rank > GRAPH_RANK_MAX)
        code = err_set(f->err, ERR_INPUT, "input '%s' has %zu dimensions; %d are supported", name,
                       shape->rank, GRAPH_RANK_MAX);
    if (!code)
        code = check(f, f->api->GetDimensions(info, shape->dims, shape->rank), name);
    if (!code)
        code = check(f, f->api->GetSymbolicDimensions(info, symbols, shape->rank), name);
    if (code)
        return code;
    shape->elements = 1;
    for (size_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            shape->dims[i] = bound_size(f->config, symbols[i], name, i);
        if (__builtin_mul_overflow(shape->elements, (uint64_t)shape->dims[i], &shape->elements) ||
            shape->elements > (uint64_t)1 << 40)
            return err_set(f->err, ERR_INPUT, "input '%s' has more than 2^40 elements", name);
    }
    return 0;
}

static int read_shape(struct feeding *f, size_t i, struct input_shape *shape) {
    const char *name = f->feeds->input_names[i];
    struct ort_type_info *type;
    int code = check(f, f->api->SessionGetInputTypeInfo(f->session, i, &type), name);
    if (code)
        return code;
    const struct ort_tensor_info *info = NULL;
    code = check(f, f->api->CastTypeInfoToTensorInfo(type, &info), name);
    if (!code && !info)
        code = err_set(f->err, ERR_INPUT,
                       "input '%s' is not a tensor (a sequence, map or optional): such models "
                       "cannot be fed",
                       name);
    if (!code)
        code = read_dims(f, info, name, shape);
    f->api->ReleaseTypeInfo(type);
    return code;
}

/* ---- values -----------------------------------------------------------------------------------
 */

static bool is_integer(int dtype) {
    return dtype == DTYPE_UINT8 || dtype == DTYPE_INT8 || dtype == DTYPE_UINT16 ||
           dtype == DTYPE_INT16 || dtype == DTYPE_INT32 || dtype == DTYPE_INT64 ||
           dtype == DTYPE_UINT32 || dtype == DTYPE_UINT64;
}

static struct fill choose_fill(const struct collect_config *config, const char *name, int dtype) {
    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct input_value *wish = &config->inputs[i];
        if (strcmp(wish->input, name) != 0)
            continue;
        if (wish->upper > wish->value)
            return (struct fill){FILL_UNIFORM, wish->value, wish->upper};
        return (struct fill){FILL_CONSTANT, wish->value, 0};
    }
    if (dtype == DTYPE_BOOL || (is_integer(dtype) && strcasestr(name, "mask")))
        return (struct fill){FILL_CONSTANT, 1, 0};
    if (is_integer(dtype))
        return (struct fill){FILL_UNIFORM, 0, 1};
    return (struct fill){FILL_NORMAL, 0, 1};
}

static uint64_t seed_of(uint64_t seed, const char *name) {
    for (; *name; name++)
        seed = (seed ^ (unsigned char)*name) * 1099511628211u;
    return seed;
}

static int fill_strings(struct feeding *f, struct ort_value *value, uint64_t elements,
                        const char *name) {
    const char **texts = ARENA_ARRAY(f->arena, elements, const char *);
    for (uint64_t i = 0; i < elements; i++)
        texts[i] = "";
    return check(f, f->api->FillStringTensor(value, texts, elements), name);
}

static int make_input(struct feeding *f, size_t i) {
    const char *name = f->feeds->input_names[i];
    struct input_shape shape = {0};
    int code = read_shape(f, i, &shape);
    if (code)
        return code;
    struct ort_value **value = &f->feeds->inputs[i];
    code = check(
        f, f->api->CreateTensorAsOrtValue(f->allocator, shape.dims, shape.rank, shape.dtype, value),
        name);
    if (code)
        return code;
    if (shape.dtype == DTYPE_STRING)
        return fill_strings(f, *value, shape.elements, name);
    void *data;
    code = check(f, f->api->GetTensorMutableData(*value, &data), name);
    if (code)
        return code;
    struct fill fill = choose_fill(f->config, name, shape.dtype);
    fill_values(data, (enum dtype)shape.dtype, shape.elements, fill,
                seed_of(f->config->seed, name));
    return 0;
}

int feeds_open(struct feeds *feeds, struct arena *arena, const struct api *api,
               struct ort_session *session, const struct collect_config *config, struct err *err) {
    *feeds = (struct feeds){0};
    struct feeding f = {feeds, arena, api, session, config, NULL, err};
    int code = read_signature(&f);
    if (code)
        return code;
    feeds->inputs = ARENA_ARRAY(arena, feeds->input_count, struct ort_value *);
    feeds->outputs = ARENA_ARRAY(arena, feeds->output_count, struct ort_value *);
    code = check_wishes(&f);
    for (size_t i = 0; !code && i < feeds->input_count; i++)
        code = make_input(&f, i);
    return code;
}

void feeds_release_outputs(struct feeds *feeds, const struct api *api) {
    for (size_t i = 0; i < feeds->output_count; i++) {
        if (feeds->outputs[i])
            api->ReleaseValue(feeds->outputs[i]);
        feeds->outputs[i] = NULL;
    }
}

void feeds_close(struct feeds *feeds, const struct api *api) {
    feeds_release_outputs(feeds, api);
    for (size_t i = 0; feeds->inputs && i < feeds->input_count; i++)
        if (feeds->inputs[i])
            api->ReleaseValue(feeds->inputs[i]);
    *feeds = (struct feeds){0};
}
