#include "cli/model_options.h"

#include "base/units.h"
#include "collectors/collector.h"

#include <string.h>

const char *collector_choice(size_t index, const char **help) {
    *help = collectors[index] ? collectors[index]->help : "";
    return collectors[index] ? collectors[index]->name : NULL;
}

/* "NAME=VALUE" at the last "=": tensor names may hold one. */
static int split(struct arena *arena, const char *option, const char *text, const char **name,
                 const char **value, struct err *err) {
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text || equals[1] == '\0')
        return err_set(err, ERR_USAGE, "--%s wants NAME=NUMBER, not '%s'", option, text);
    *name = arena_strndup(arena, text, (size_t)(equals - text));
    *value = equals + 1;
    return 0;
}

static int read_dims(struct arena *arena, const struct text_list *list,
                     struct subject_request *request, struct err *err) {
    struct dim_binding *dims = ARENA_ARRAY(arena, list->count + 1u, struct dim_binding);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *value;
        if (split(arena, "dim", list->items[i], &dims[i].symbol, &value, err) ||
            unit_parse_integer(value, &dims[i].size, err))
            return -(int)err->code;
        if (dims[i].size < 1)
            return err_set(err, ERR_USAGE, "--dim %s: a size is at least 1", list->items[i]);
    }
    request->dims = dims;
    request->dim_count = list->count;
    return 0;
}

static int read_inputs(struct arena *arena, const struct text_list *list,
                       struct subject_request *request, struct err *err) {
    struct input_value *inputs = ARENA_ARRAY(arena, list->count + 1u, struct input_value);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *value;
        if (split(arena, "input", list->items[i], &inputs[i].input, &value, err) ||
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
    if (read_dims(arena, &options->dims, request, err))
        return -(int)err->code;
    return read_inputs(arena, &options->inputs, request, err);
}
