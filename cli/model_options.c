#include "cli/model_options.h"

#include "base/units.h"
#include "collectors/collector.h"
#include "core/decoder.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "NAME=VALUE" at the last "=": tensor names may hold one. */
static int split(struct arena *arena, const char *option, const char *form, const char *text,
                 const char **name, const char **value, struct err *err) {
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text || equals[1] == '\0')
        return err_set(err, ERR_USAGE, "--%s wants %s, not '%s'", option, form, text);
    *name = arena_strndup(arena, text, (size_t)(equals - text));
    *value = equals + 1;
    return 0;
}

static int read_dims(struct arena *arena, const struct text_list *list,
                     struct subject_request *request, struct err *err) {
    struct dim_binding *dims = ARENA_ARRAY(arena, list->count + 1u, struct dim_binding);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *value;
        if (split(arena, "dim", "NAME=NUMBER", list->items[i], &dims[i].symbol, &value, err) ||
            unit_parse_integer(value, &dims[i].size, err))
            return -(int)err->code;
        if (dims[i].size < (strcmp(dims[i].symbol, DECODER_PAST) == 0 ? 0 : 1))
            return err_set(err, ERR_USAGE, "--dim %s: a size is at least 1", list->items[i]);
    }
    request->dims = dims;
    request->dim_count = list->count;
    return 0;
}

/* "1x512": every size is at least 1. */
static int read_sizes(const char *text, struct wished_shape *shape, struct err *err) {
    const char *c = text;
    for (;;) {
        char *end;
        errno = 0;
        long long size = strtoll(c, &end, 10);
        if (end == c || !isdigit((unsigned char)*c) || errno || size < 1 ||
            size > INT64_C(1) << 40 || shape->rank == GRAPH_RANK_MAX)
            break;
        shape->sizes[shape->rank++] = size;
        if (*end == '\0')
            return 0;
        if (*end != 'x')
            break;
        c = end + 1;
    }
    return err_set(err, ERR_USAGE, "--shape wants NAME=SIZExSIZE, such as input=1x512, not '%s'",
                   text);
}

static int read_shapes(struct arena *arena, const struct text_list *list,
                       struct subject_request *request, struct err *err) {
    struct wished_shape *shapes = ARENA_ARRAY(arena, list->count + 1u, struct wished_shape);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *value;
        if (split(arena, "shape", "NAME=SIZExSIZE", list->items[i], &shapes[i].input, &value,
                  err) ||
            read_sizes(value, &shapes[i], err))
            return -(int)err->code;
    }
    request->shapes = shapes;
    request->shape_count = list->count;
    return 0;
}

static int read_inputs(struct arena *arena, const struct text_list *list,
                       struct subject_request *request, struct err *err) {
    struct input_value *inputs = ARENA_ARRAY(arena, list->count + 1u, struct input_value);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *value;
        if (split(arena, "input", "NAME=NUMBER", list->items[i], &inputs[i].input, &value, err) ||
            unit_parse_number(value, &inputs[i].value, err))
            return -(int)err->code;
        inputs[i].upper = inputs[i].value;
    }
    request->inputs = inputs;
    request->input_count = list->count;
    return 0;
}

int model_options_request(struct arena *arena, const struct model_options *options,
                          struct subject_request *request, struct err *err) {
    *request = (struct subject_request){
        .model_path = options->model,
        .name = options->name,
        .collector = collectors[options->collector]->name,
        .threads = (uint32_t)options->threads,
        .batch = options->batch,
        .seed = (uint64_t)options->seed,
    };
    if (read_dims(arena, &options->dims, request, err) ||
        read_shapes(arena, &options->shapes, request, err))
        return -(int)err->code;
    return read_inputs(arena, &options->inputs, request, err);
}
